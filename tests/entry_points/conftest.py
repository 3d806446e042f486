import pytest

from tests.entry_points.in_memory import InMemory, a_world, wire
from tests.fakes import World


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """What every entry point works on: a run that has ended, its trigger and function, an open webhook."""
    world = a_world()
    wire(monkeypatch, InMemory(world))
    return world
