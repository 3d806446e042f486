"""What is shown of a long start: each step as it begins."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.text import Text

from infra.local.interrupts import Interrupts


@contextmanager
def timed_steps(console: Console, interrupts: Interrupts) -> Iterator[Callable[[str], None]]:
    """Gives what prints a step as it begins, with the seconds since the first; a terminal also shows that it waits.

    A step is also where a start can be interrupted.
    """
    started = time.monotonic()
    with console.status("Starting") as status:

        def begin(step: str) -> None:
            interrupts.check()
            status.update(step)
            console.print(Text.assemble((f"{time.monotonic() - started:5.1f} s", "dim"), f"  {step}"))

        yield begin
