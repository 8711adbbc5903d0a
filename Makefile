# Each target sets up its own virtual environment; the second time that costs nothing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
EVAL_DATA ?=

.PHONY: demo test lint bench eval stack torture requirements schemas clean

demo: $(VENV)/.installed
	@$(BIN)/wirewatch demo $(ARGS)

# Two at a time, a file of tests each: much of the time is spent waiting for servers.
test: lint browser maven
	@$(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(VENV)/.installed-dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: $(VENV)/.installed-dev
	@$(BIN)/python -m tests.bench $(if $(EVAL_DATA),--data $(EVAL_DATA)) $(ARGS)

eval: $(VENV)/.installed-dev
	@$(BIN)/python -m tests.eval --by-language $(if $(EVAL_DATA),--data $(EVAL_DATA)) $(ARGS)

stack: $(VENV)/.installed-dev maven
	@$(BIN)/python -m tests.stack

torture: $(VENV)/.installed-dev maven
	@$(BIN)/python -m tests.torture $(ARGS)

# Maven fetches the real Kafka and Elasticsearch: installed where that is possible, said where it is not.
.PHONY: maven
maven:
	@command -v mvn >/dev/null 2>&1 || [ -n "$$KAFKA_BOOTSTRAP" ] || \
	  { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 && echo "installing maven for the tests on real servers" && \
	    apt-get update -qq >/dev/null 2>&1 && \
	    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends maven >/dev/null 2>&1; } || \
	  echo "no maven here and none could be installed: the tests on real servers will be skipped"

# Chromium for the console's tests: installed where that is possible, said where it is not.
.PHONY: browser
browser:
	@command -v chromium >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1 || \
	  { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 && echo "installing chromium for the browser tests" && \
	    apt-get update -qq >/dev/null 2>&1 && \
	    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium fonts-noto-core >/dev/null 2>&1; } || \
	  echo "no chromium here and none could be installed: the browser tests will be skipped"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "wirewatch needs Python 3.11 or newer; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.txt pyproject.toml | $(BIN)/python
	@echo "installing wirewatch into $(VENV)"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.txt
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	@echo "installing the tools for tests into $(VENV)"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

# Needs uv. Writes both files again with the newest versions that pyproject.toml allows.
requirements:
	uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --no-annotate --extra install pyproject.toml -o requirements.txt
	uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --no-annotate --extra install --extra dev pyproject.toml -o requirements-dev.txt

schemas: $(VENV)/.installed
	@$(BIN)/python -m pipeline.model.schemas docs/schemas

clean:
	rm -rf $(VENV) .wirewatch .mypy_cache .ruff_cache .pytest_cache .hypothesis
