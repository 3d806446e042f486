from collections.abc import Iterator

import pytest

from tests.entry_points.in_memory import InMemory, a_world, wire
from tests.fakes import World


@pytest.fixture(scope="class")
def patched() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="class")
def world(patched: pytest.MonkeyPatch) -> World:
    world = a_world()
    wire(patched, InMemory(world))
    return world
