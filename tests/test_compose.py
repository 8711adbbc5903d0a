"""docker-compose.yml as data: what holds of every service, and that the tool itself accepts the file."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from pipeline.cli import app

ROOT = Path(__file__).parents[1]
FILE = ROOT / "docker-compose.yml"
EXAMPLE = ROOT / ".env.example"
ONE_SHOT = {"certificates", "users", "setup", "dashboards", "setup-dev", "dashboards-dev"}
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(FILE.read_text("utf-8"))["services"]
OURS = sorted(name for name, service in SERVICES.items() if "build" in service)


def variables() -> dict[str, str]:
    """The variables of .env.example; what is empty there is filled in, as its first line asks."""
    pairs = (line.split("=", 1) for line in EXAMPLE.read_text("utf-8").splitlines() if re.match(r"\w+=", line))
    return {name: value or "x" * 32 for name, value in pairs}


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_image_is_pinned_and_every_service_has_a_memory_limit(name: str) -> None:
    service = SERVICES[name]
    assert re.fullmatch(r"[\w./-]+:\d+\.\d+\.\d+", service["image"])
    assert service["mem_limit"]
    assert set(service.get("profiles", ["tls"])) <= {"tls", "dev"}


@pytest.mark.parametrize("name", sorted(set(SERVICES) - ONE_SHOT))
def test_what_runs_for_long_starts_again_and_keeps_its_logs_small(name: str) -> None:
    assert SERVICES[name]["restart"] == "unless-stopped"
    assert SERVICES[name]["logging"]["options"]["max-size"]


@pytest.mark.parametrize("name", OURS)
def test_our_services_have_no_rights_and_run_a_command_that_there_is(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    commands = get_command(app).commands  # type: ignore[attr-defined]
    command = commands[service["command"][0]]
    options = {opt for parameter in command.params for opt in parameter.opts}
    assert {word for word in service["command"] if word.startswith("--")} <= options


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_ports_are_open_to_this_machine_alone(name: str) -> None:
    for port in SERVICES[name].get("ports", ()):
        assert port.startswith("${BIND:-127.0.0.1}:")


def test_no_password_has_a_default() -> None:
    text = FILE.read_text("utf-8")
    secret = re.findall(r"\$\{(\w*(?:PASSWORD|KEY))([^}]*)\}", text)
    assert secret
    assert all(rest.startswith(":?") for _, rest in secret)
    assert {name for name, _ in secret} <= variables().keys()
    assert all(
        line.endswith("=") for line in EXAMPLE.read_text("utf-8").splitlines() if re.match(r"\w+(PASSWORD|KEY)=", line)
    )


def test_the_example_names_every_variable() -> None:
    used = set(re.findall(r"\$\{(\w+)", FILE.read_text("utf-8")))
    assert used <= variables().keys()


@pytest.mark.parametrize("profile", ["tls", "dev"])
def test_compose_accepts_the_file(profile: str, tmp_path: Path) -> None:
    command = _compose()
    if command is None:
        pytest.skip("neither `docker compose` nor docker-compose is installed")
    filled = tmp_path / "env"
    filled.write_text("".join(f"{name}={value}\n" for name, value in variables().items()))
    arguments = [*command, "--env-file", str(filled), "-f", str(FILE), "--profile", profile, "config"]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    services = yaml.safe_load(done.stdout)["services"]
    assert services.keys() >= {"kafka", "console" if profile == "tls" else "console-dev"}


def test_compose_says_which_password_is_missing(tmp_path: Path) -> None:
    command = _compose()
    if command is None:
        pytest.skip("neither `docker compose` nor docker-compose is installed")
    empty = tmp_path / "env"
    empty.write_text("COMPOSE_PROFILES=tls\n")
    arguments = [*command, "--env-file", str(empty), "-f", str(FILE), "config"]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert "set it in .env" in done.stderr


def _compose() -> list[str] | None:
    if shutil.which("docker"):
        plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, timeout=30)
        if plugin.returncode == 0:
            return ["docker", "compose"]
    return ["docker-compose"] if shutil.which("docker-compose") else None
