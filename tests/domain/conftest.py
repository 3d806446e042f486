import pytest

from handlers.domain import clock
from tests.fakes import FakeClock, World


@pytest.fixture(name="time")
def stopped_time(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """Time stands still until a test advances it."""
    stopped = FakeClock()
    monkeypatch.setattr(clock, "now", stopped)
    return stopped


@pytest.fixture
def world(time: FakeClock) -> World:
    """An installation where nothing has happened yet."""
    return World()
