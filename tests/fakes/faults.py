"""What goes wrong with calls: the nth to come, or all of them from the nth on."""

from collections.abc import Iterator
from contextlib import contextmanager

from handlers.domain.errors import Unavailable


class Died(BaseException):
    """The Lambda has died here: nothing that follows is done, not even what an `except Exception` would do."""


class Faults:
    def __init__(self) -> None:
        self.calls = 0
        self._planned: dict[int, tuple[BaseException, bool]] = {}
        self._down_from: int | None = None

    def plan(self, nth: int, error: BaseException | None = None, *, done: bool = False) -> None:
        """The nth call from now on fails; `done`: once it has done its work, so that only its answer is lost."""
        self._planned[self.calls + nth] = (error or Unavailable(), done)

    def all_from(self, nth: int) -> None:
        """AWS is down from the nth call on, until `over`."""
        self._down_from = self.calls + nth

    def over(self) -> None:
        self._planned.clear()
        self._down_from = None

    @contextmanager
    def call(self) -> Iterator[None]:
        self.calls += 1
        error, done = self._planned.pop(self.calls, (None, False))
        if self._down_from is not None and self.calls >= self._down_from:
            error = Unavailable()
        if error is not None and not done:
            raise error
        yield
        if error is not None:
            raise error
