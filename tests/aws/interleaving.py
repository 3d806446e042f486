"""Stories that run at the same time, one AWS call at a time, in an order that a test chooses."""

from collections.abc import Callable
from threading import Semaphore, Thread, local
from typing import Any, Literal

Death = Literal["before", "after"]
_here = local()


class Died(BaseException):
    """The process is gone. Nothing of it runs any more."""


class Actor:
    """Runs a story in a thread of its own, which waits before each call until `step`."""

    def __init__(self, story: Callable[[], Any]) -> None:
        self.is_done = False
        self._story = story
        self._go, self._waits = Semaphore(0), Semaphore(0)
        self._death: Death | None = None
        self._fault: BaseException | None = None
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()
        self._waits.acquire()
        if self._fault is not None:
            raise self._fault

    def step(self, death: Death | None = None) -> None:
        """Make the next call and go on to the one after it, or to the story's end. Raises what the story has raised."""
        self._death = death
        self._go.release()
        self._waits.acquire()
        if self._fault is not None:
            raise self._fault

    def end(self) -> None:
        """Let it die: else the threads of a test that has failed wait for ever."""
        while not self.is_done:
            self.step("before")

    def call(self, made: Callable[[], Any]) -> Any:
        self._wait()
        if self._death == "before":
            raise Died
        answer = made()
        if self._death == "after":
            raise Died
        return answer

    def _wait(self) -> None:
        self._waits.release()
        self._go.acquire()

    def _run(self) -> None:
        _here.actor = self
        try:
            self._story()
        except Died:
            pass
        except BaseException as fault:  # noqa: BLE001 - it is the test's
            self._fault = fault
        self.is_done = True
        self._waits.release()


def current_actor() -> Actor | None:
    """The one whose story is running here."""
    return getattr(_here, "actor", None)


class Stepped:
    """A client whose calls are steps of the actor that makes them; made by nobody, they are made at once."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        actor = current_actor()
        if actor is None or name.startswith("_") or not callable(found):
            return found
        return lambda **options: actor.call(lambda: found(**options))


def step() -> None:
    """A moment at which others may act, though nothing is called."""
    actor = current_actor()
    if actor is not None:
        actor.call(lambda: None)
