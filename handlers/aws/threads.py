"""Several requests to AWS at once: each is a matter of waiting."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")
# As many as a client of botocore has connections for, less those of the thread that waits.
_AT_ONCE = 8


class Threads:
    def map(self, work: Callable[[T], R], items: Iterable[T], /) -> Iterable[R]:
        """The results in the order of the items; or what the first of them has raised, once all others are done.

        What is logged of one item concerns that item, and what all of them belong to.
        """
        with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
            made = [pool.submit(copy_context().run, work, item) for item in items]
        return [each.result() for each in made]
