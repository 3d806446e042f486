import pytest

from handlers.domain import clock
from tests.builders import a_run
from tests.domain.runs import executing
from tests.domain.starting import rerunning
from tests.fakes import FakeClock, World


@pytest.fixture(name="time")
def stopped_time(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """Time stands still until a test advances it."""
    stopped = FakeClock()
    monkeypatch.setattr(clock, "now", stopped)
    monkeypatch.setattr(clock, "pause", lambda seconds: stopped.advance(seconds=seconds))
    return stopped


@pytest.fixture
def world(time: FakeClock) -> World:
    """An installation where nothing has happened yet."""
    return World()


@pytest.fixture
def waiting(world: World) -> World:
    """One pending run, its message in flight."""
    world.has_run(a_run(status="pending"), executing.PARAMETERS)
    return world


@pytest.fixture
def installed(world: World) -> World:
    """One completed run that can be re-run."""
    world.has_registered()
    world.has_run(a_run(), rerunning.PARAMETERS)
    return world
