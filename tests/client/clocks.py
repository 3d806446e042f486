"""Time of the client's tests: one that passes when it is slept through, and one that passes faster."""

import time

from function_rerun import Clock


class FakeClock(Clock):
    """Passes only while somebody sleeps. Chance gives the most that it may."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.moment = 1_795_339_800.0

    def monotonic(self) -> float:
        return self.moment

    def now(self) -> float:
        return self.moment

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.moment += seconds

    def below(self, limit: float) -> float:
        return limit


class FastClock(Clock):
    """A second of it takes a hundredth of one."""

    SCALE = 100

    def monotonic(self) -> float:
        return time.monotonic() * self.SCALE

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / self.SCALE)
