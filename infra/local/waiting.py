"""Waiting for something on this machine, which other programs may be using too."""

import time
from collections.abc import Callable
from typing import TypeVar

Seen = TypeVar("Seen")

PATIENCE_SECONDS = 180.0
"""Generous, because only a failure takes that long."""


def wait_for(
    look: Callable[[], Seen], until: Callable[[Seen], object] = bool, *, seconds: float = PATIENCE_SECONDS
) -> Seen:
    """What `look` gives once it is `until`; when the time is over, whatever it gives then."""
    deadline, pause = time.monotonic() + seconds, 0.02
    while not until(seen := look()) and time.monotonic() < deadline:
        time.sleep(pause)
        pause = min(pause * 1.3, 0.1)
    return seen
