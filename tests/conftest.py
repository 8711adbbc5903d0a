"""Settings of every test."""

from hypothesis import settings

# The same examples each time, so that a run says something of the change and not of the day.
settings.register_profile("same", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("same")

pytest_plugins = ["tests.stack.fixtures"]
