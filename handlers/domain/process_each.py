"""Work through what has piled up: one that fails does not keep the others waiting."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import TypeVar

from handlers.domain.log_context import log_context

T = TypeVar("T")
Result = TypeVar("Result")


def process_each(
    items: Iterable[T],
    process: Callable[[T], Result],
    *,
    failed: Result,
    has_time: Callable[[], bool],
    report: Callable[[Exception, T], None],
    done: Counter[Result] | None = None,
) -> Counter[Result]:
    """Counts the results of `process`, and `failed` for each item on which it has raised: that is reported.

    What there is no time for is left for the next pass. `done` goes on counting what was counted before.
    """
    done = Counter() if done is None else done
    for item in items:
        if not has_time():
            break
        with log_context():
            try:
                done[process(item)] += 1
            except Exception as fault:  # noqa: BLE001 - it must not keep the others waiting
                report(fault, item)
                done[failed] += 1
    return done
