"""Time and chance, of which a test brings its own."""

import random
import time


class Clock:
    def monotonic(self) -> float:
        """Seconds."""
        return time.monotonic()

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def below(self, limit: float) -> float:
        """Any number from 0 to the limit."""
        return random.uniform(0, limit)
