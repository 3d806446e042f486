"""The ports of handlers/domain, in memory. Each keeps what it was given, and can be made to fail as AWS does."""

from tests.fakes.services import FakeCatalogue, FakeClock
from tests.fakes.world import World

__all__ = ["FakeCatalogue", "FakeClock", "World"]
