"""Faults injected into the fakes of ports: at the nth call to come, or at all of them from the nth on."""

from collections.abc import Iterator
from contextlib import contextmanager

from handlers.domain.errors import Unavailable


class PortFaults:
    """One count of calls for all fakes that share it."""

    def __init__(self) -> None:
        self.calls = 0
        self._planned: dict[int, tuple[BaseException, bool]] = {}
        self._down_from: int | None = None

    def inject(self, nth: int, error: BaseException | None = None, *, answer_lost: bool = False) -> None:
        """The nth call from now on fails; `answer_lost`: once it has done its work."""
        self._planned[self.calls + nth] = (error or Unavailable(), answer_lost)

    def inject_from(self, nth: int) -> None:
        """Every call fails from the nth on, until `stop`."""
        self._down_from = self.calls + nth

    def stop(self) -> None:
        self._planned.clear()
        self._down_from = None

    @contextmanager
    def call(self) -> Iterator[None]:
        self.calls += 1
        error, answer_lost = self._planned.pop(self.calls, (None, False))
        if self._down_from is not None and self.calls >= self._down_from:
            error = Unavailable()
        if error is not None and not answer_lost:
            raise error
        yield
        if error is not None:
            raise error
