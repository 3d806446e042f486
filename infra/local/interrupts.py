"""SIGINT, SIGTERM and SIGHUP while processes are started and stopped.

An exception between the start of a process and the note of its id would leave the process running for ever.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Self

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(SystemExit):
    """Ends the program as the signal would have."""


class Interrupts:
    """Notes these signals. They raise `Interrupted` only where the caller allows it: at a `check`, or `at_once`."""

    def __init__(self) -> None:
        self._noted: int | None = None
        self._at_once = False

    def __enter__(self) -> Self:
        self._before = {each: signal.getsignal(each) for each in SIGNALS}
        for each, handler in self._before.items():
            if handler is not signal.SIG_IGN:
                signal.signal(each, self._note)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for each, handler in self._before.items():
            signal.signal(each, handler)

    def check(self) -> None:
        if self._noted is not None:
            raise Interrupted(128 + self._noted)

    @contextmanager
    def at_once(self) -> Iterator[None]:
        self._at_once = True
        try:
            self.check()
            yield
        finally:
            self._at_once = False

    def _note(self, number: int, _: object) -> None:
        first, self._noted = self._noted is None, number
        if self._at_once:
            self._at_once = False
            self.check()
        elif first:
            with suppress(OSError):
                os.write(2, b"\nStopping ...\n")  # a print within a print is an error
