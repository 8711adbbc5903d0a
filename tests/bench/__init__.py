"""Measures speed, latency and memory: `python -m tests.bench --help`."""
