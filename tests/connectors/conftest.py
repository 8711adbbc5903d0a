"""What the tests of connectors share."""

from collections.abc import Iterator

import pytest

from tests.connectors.server import Server, serving


@pytest.fixture
def server() -> Iterator[Server]:
    """A local web server without any answers yet."""
    with serving() as running:
        yield running
