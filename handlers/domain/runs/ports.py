"""What the stories of runs need of the outside: narrow interfaces, each named by what its user does with it.

One adapter may keep several of them: all that is about stored runs is kept by `handlers.aws.run_store`.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from handlers.domain.audit.act import Act
from handlers.domain.runs.outcome import Outcome
from handlers.domain.runs.recording import RecordedRun
from handlers.domain.runs.run import FunctionRun, Part


class RunReader(Protocol):
    """Reads runs and their sealed parts. Every method raises Unavailable when AWS does not answer."""

    def read_run(self, run_id: str) -> FunctionRun | None: ...

    def read_many(self, run_ids: list[str]) -> list[FunctionRun]:
        """In the order asked for; what is gone is left out."""

    def read(self, run_id: str, part: Part) -> RecordedRun | None:
        """A run with one of its parts."""

    def read_parts(self, run: FunctionRun, parts: Iterable[Part]) -> dict[Part, bytes]:
        """Those that were stored. Of its outcomes the one that the run names."""


class RunTransitions(RunReader, Protocol):
    """Reads runs and stores what becomes of them. Every method raises Unavailable when AWS does not answer."""

    def transition(
        self, before: FunctionRun, after: FunctionRun, outcome: bytes | None = None, act: Act | None = None
    ) -> bool:
        """Store the change, if the run has not moved since it was read. False if it has.

        `outcome` is what is sealed of the run's end, under `after.outcome_id`. The outcome of an execution is stored
        if the run still has the execution's claim, whatever else has been written to it. `act` is what somebody did
        to make the change: one is not stored without the other.
        """

    def mark_recovered(self, rerun: FunctionRun) -> None:
        """Say of the original of this completed re-run that it is recovered by it.

        Unless it is recovered already, is gone, or is of another function. An original that fails later is recovered
        all the same. The mark is no move.
        """

    def move_staged(self, run: FunctionRun) -> FunctionRun:
        """The run once its parts are where they stay."""


class OverdueRuns(RunTransitions, Protocol):
    def overdue(self) -> Iterator[FunctionRun]:
        """Runs whose deadline has passed, read consistently, page by page; some of them early, see `reschedule`."""

    def reschedule(self, run: FunctionRun) -> None:
        """It is not overdue before its deadline, or before the deadline that a later move has set."""


class RunQueue(Protocol):
    def push(self, run: FunctionRun, *, delay_seconds: int = 0) -> None:
        """Ask for the run to be executed. Never fails: what the queue does not take, the watchdog pushes again."""

    def waiting(self) -> int:
        """About how many messages wait for an executor. Raises Unavailable."""


class LifecycleBus(Protocol):
    def publish(self, runs: Sequence[FunctionRun]) -> list[FunctionRun]:
        """Publish that these runs have ended, ten at most. Gives those that the bus took: the others come again."""


class ErrorGroups(Protocol):
    """What has failed alike: `handlers.domain.error_groups`."""

    def group_of(self, run: FunctionRun, outcome: Outcome) -> str | None:
        """The id of the group that the run is in with this outcome; None if it is in none. Never fails."""

    def note(self, run: FunctionRun) -> bool:
        """Note in the run's group that it has failed, if that is news, and publish what changes by it.

        Before the run's end is published: once that is done, nobody comes back to it. False if the bus did not take
        what was to be published. Raises Unavailable.
        """
