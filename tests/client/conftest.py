from collections.abc import Iterator

import pytest

from tests.client.server import Api, api_server
from tests.entry_points.in_memory import a_world


@pytest.fixture
def api() -> Iterator[Api]:
    """The API over a world in which a run has completed: its function, its trigger, and an open webhook."""
    with api_server(a_world()) as api:
        yield api
