"""Shows the steps of a long start."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.text import Text

from infra.local.interrupts import Interrupts


@contextmanager
def timed_steps(console: Console, interrupts: Interrupts) -> Iterator[Callable[[str], None]]:
    """Gives a function that prints a step as it begins, with the seconds since the first one.

    A start can be interrupted between two steps.
    """
    started = time.monotonic()
    with console.status("Starting") as status:

        def begin(step: str) -> None:
            interrupts.check()
            status.update(step)
            console.print(Text.assemble((f"{time.monotonic() - started:5.1f} s", "dim"), f"  {step}"))

        yield begin
