"""How long something on this machine is awaited before it counts as lost: long, because others may be using it too."""

import time
from collections.abc import Callable

PATIENCE_SECONDS = 180.0
"""Only a failure takes that long, so that it may be generous."""


def awaited(condition: Callable[[], object], seconds: float = PATIENCE_SECONDS, *, pause: float = 0.02) -> bool:
    """Whether it has come true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True
