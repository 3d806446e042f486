"""Wait for the end of a run, whatever becomes of the service meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from function_rerun.clock import Clock
from function_rerun.errors import ApiError, FunctionRerunError, WaitTimeout, may_pass

if TYPE_CHECKING:
    from function_rerun.models import RevealedRun

OPEN = frozenset({"pending", "running"})
_FIRST_DELAY = 0.2
_LONGEST_DELAY = 5.0
_GROWTH = 1.4
# However long the service asks for: who waits for a run is not to miss its end by a day.
_LONGEST_RETRY_AFTER = 60.0


def wait_for_end(
    read: Callable[[float], RevealedRun],
    clock: Clock,
    *,
    timeout: float | None,
    answer_seconds: float,
    on_poll: Callable[[RevealedRun], object] | None,
    on_trouble: Callable[[FunctionRerunError], object] | None,
) -> RevealedRun:
    """`read` reads the run once, and takes how many seconds that may last.

    Raises WaitTimeout, or the error that ends the waiting: one that does not pass.
    """
    until = float("inf") if timeout is None else clock.monotonic() + timeout
    run: RevealedRun | None = None
    delay = _FIRST_DELAY
    while True:
        at_least = 0.0
        try:
            run = read(max(_FIRST_DELAY, min(answer_seconds, until - clock.monotonic())))
        except FunctionRerunError as trouble:
            if not may_pass(trouble):
                raise
            retry_after = (trouble.retry_after if isinstance(trouble, ApiError) else None) or 0.0
            at_least = min(retry_after, _LONGEST_RETRY_AFTER)
            if on_trouble is not None:
                on_trouble(trouble)
        else:
            if on_poll is not None:
                on_poll(run)
            if run["status"] not in OPEN:
                return run
        left = until - clock.monotonic()
        if left <= 0:
            break
        # Jitter, so that those who lost the service together do not return together.
        clock.sleep(min(left, max(at_least, delay / 2 + clock.below(delay / 2))))
        delay = min(delay * _GROWTH, _LONGEST_DELAY)
    seen = f"it was {run['status']} when it was last seen" if run else "the service has not answered"
    raise WaitTimeout(f"The run has not ended within {timeout:g} seconds; {seen}.", run)
