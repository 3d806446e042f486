"""What batches need of the outside. Every method raises Unavailable when AWS does not answer."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol, TypeVar

from handlers.domain.audit.act import Act, SealedAct
from handlers.domain.batches.batch import Batch
from handlers.domain.function_arns import InvokablePatterns
from handlers.domain.paging import Page
from handlers.domain.registry.entities import ComputeFunction, FunctionTrigger
from handlers.domain.runs.cancel import CancelDeps
from handlers.domain.runs.history import LineageReader
from handlers.domain.runs.listing import Entry, RunIndex
from handlers.domain.runs.ports import RunQueue
from handlers.domain.runs.recording import RecordedRun, Retention
from handlers.domain.runs.run import FunctionRun, Part
from handlers.domain.seal import Cipher
from handlers.domain.starting.idempotency import SealedKey
from handlers.domain.starting.start import RunRecorder

T = TypeVar("T")
R = TypeVar("R")
TriggerAndFunction = tuple[FunctionTrigger | None, ComputeFunction | None]


class BatchReader(Protocol):
    def read(self, batch_id: str) -> Batch | None:
        """As it is stored at this moment."""

    def list_batches(self, workspace: str, page: Page) -> tuple[list[Batch], str | None]:
        """Newest first, and the position to go on from."""

    def members(self, batch_id: str, page: Page) -> Iterator[Entry]:
        """Its re-runs and their automatic retries, newest first. Entries are read as they are asked for."""


class BatchStore(BatchReader, Protocol):
    def create(
        self,
        batch: Batch,
        run_ids: Sequence[str],
        sealed_overrides: bytes | None = None,
        key: SealedKey | None = None,
        act: SealedAct | None = None,
    ) -> None:
        """All or nothing. Raises AlreadyStarted, too: then `kept.started_id` is the id of the batch started before."""

    def replace(self, before: Batch, after: Batch, act: Act | None = None) -> bool:
        """False if what is stored is not of `before`'s revision: nothing is changed, and the act is not kept.

        True also if this very change was stored before, and only the answer to that was lost: `after.revision` says so.
        Once nothing of the batch is left to do its overrides are deleted.
        """

    def run_ids(self, batch_id: str) -> list[str]:
        """The sources of a batch that names them, as they were given."""

    def sealed_overrides(self, batch_id: str) -> bytes | None: ...

    def overdue(self) -> Iterator[Batch]:
        """Those whose `due_at` has passed, read consistently."""

    def at_work(self) -> set[str]:
        """Of all workspaces those that take steps, by their ids: as they were a moment ago."""


class BatchExecutions(Protocol):
    def start(self, batch_id: str, generation: int) -> None:
        """Let the steps of this generation be taken. Started twice it is one execution."""


class SourceReader(LineageReader, Protocol):
    def read_recorded(self, run_ids: Sequence[str], part: Part) -> list[RecordedRun]:
        """Runs, each with one of its parts, in the order asked for. What is gone is left out."""


class BatchRuns(RunRecorder, SourceReader, Protocol):
    """The run store of a step."""


class PairReader(Protocol):
    def read_pairs(self, ids: Sequence[tuple[str, str]]) -> list[TriggerAndFunction]:
        """For each pair of a trigger's id and a function's what `read_trigger_and_function` gives."""


class BatchQueue(RunQueue, Protocol):
    def push_all(self, delayed: Sequence[tuple[FunctionRun, int]]) -> None:
        """Ask for each of these to be executed in so many seconds. Never fails, as `push`."""


class Workers(Protocol):
    def map(self, work: Callable[[T], R], items: Iterable[T], /) -> Iterable[R]:
        """The results in the order of the items, several of which may be in work at once."""


class BatchDeps(NamedTuple):
    """What starting and changing a batch needs."""

    batches: BatchStore
    executions: BatchExecutions
    cipher: Cipher
    retention: Retention


class RestartDeps(NamedTuple):
    """What letting an overdue batch go on needs."""

    batches: BatchStore
    executions: BatchExecutions
    retention: Retention


class StepDeps(NamedTuple):
    """What a step of a batch needs."""

    batches: BatchStore
    executions: BatchExecutions
    runs: BatchRuns
    run_index: RunIndex
    registry: PairReader
    cipher: Cipher
    queue: BatchQueue
    cancel_deps: CancelDeps
    workers: Workers
    retention: Retention
    invokable: InvokablePatterns
    max_open: int
    """So many of a batch's re-runs are open at once, at most: see `most_open`."""
    report: Callable[[Exception, str], None]
    """Receives a fault that a step goes on without, with the id of the batch, or of the run that it concerns."""


class BatchPlanDeps(NamedTuple):
    """What planning a batch needs. Nothing of it writes."""

    runs: SourceReader
    run_index: RunIndex
    registry: PairReader
    invokable: InvokablePatterns
    max_reruns: int
    retention: Retention
    workers: Workers


def most_open(max_concurrent: int, max_per_workspace: int | None) -> int:
    """Half of the places at which the workspace's runs are executed, for all batches together."""
    return max(1, min(max_concurrent, max_per_workspace or max_concurrent) // 2)
