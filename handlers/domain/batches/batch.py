"""A batch of re-runs: many sources, one re-run each, a few first and then more and more of them at once.

A batch proceeds by steps (`stepping`), one after the other. What a step is about to start is written before it is
started (`chosen`), and what has come of it afterwards: so a step that dies, or whose answer is lost, leaves nothing
that is not found again, and nothing that is started twice.
"""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from handlers.domain.clock import Timestamp
from handlers.domain.document import Document
from handlers.domain.ids import derived_id
from handlers.domain.seal import SealContext

MAX_RUN_IDS = 500
# What one step starts at most.
MAX_STARTS = 100
# Of each the item has 16 bytes, and a step reads each.
MAX_OPEN = 2_000


class BatchState(StrEnum):
    SCHEDULED = "scheduled"
    """It begins at `not_before`."""
    CANARY = "canary"
    """It has started a few, and waits for what comes of them."""
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    """By one of its own rules: `stop_reason`."""
    COMPLETED = "completed"
    """Everything is selected, and all that was started has ended."""
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self in (BatchState.COMPLETED, BatchState.CANCELLED)

    @property
    def is_starting(self) -> bool:
        """Whether it may start re-runs."""
        return self in (BatchState.CANARY, BatchState.RUNNING)


class Pace(Document):
    """How many re-runs are started in a second."""

    start_per_second: float = 5.0
    max_per_second: float = 10.0
    double_every_seconds: int = 30


class StopWhen(Document):
    """When a batch stops itself. `pacing` and `stopping` say exactly how these are read."""

    failure_rate: float | None = None
    """None for more than half of the canary, and a fifth later."""
    same_error_group: bool = True
    failures: int | None = None


class StopReason(Document):
    rule: Literal["failureRate", "sameErrorGroup", "failures"]
    error_group_id: str | None = None
    run_id: str | None = None
    """Of `sameErrorGroup`: the re-run that failed as its source had."""
    failed: int
    """So many of the re-runs that ended since the batch began, or was resumed after a stop."""
    ended: int


OTHER_GROUPS = "other"
MAX_GROUPS = 20

Skipped = Literal["recovered", "open", "limit"]


class Progress(Document):
    """What has become of the sources that have been selected.

    selected = started + all refused + all skipped; started = open runs + completed + failed + cancelled.
    """

    selected: int = 0
    started: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    failed_by_group: dict[str, int] = Field(default_factory=dict)
    """By error group; beyond `MAX_GROUPS`, and without a group, under `OTHER_GROUPS`."""
    refused: dict[str, int] = Field(default_factory=dict)
    """By the code of the error that a single re-run would be refused with."""
    skipped: dict[Skipped, int] = Field(default_factory=dict)

    @property
    def settled(self) -> int:
        """Of those started, how many have ended as they would."""
        return self.completed + self.failed


class Selection(Document):
    """Which originals are re-run: all of these must be so. They have failed, and are not recovered."""

    error_group_id: str | None = None
    function_id: str | None = None
    trigger_id: str | None = None
    error_code: str | None = None
    function_version: str | None = None
    since: Timestamp | None = None
    until: Timestamp | None = None
    """The moments of the originals' creation."""


class Baseline(Document):
    """The counts of what a batch is not judged by: nothing, or all that was started before it was resumed."""

    at: Timestamp | None = None
    """When it was resumed after a stop."""

    started: int = 0
    settled: int = 0
    failed: int = 0
    cancelled: int = 0


class Batch(Document):
    """A batch as it is stored. The overrides, which are content, and the run ids lie beside it."""

    id: str
    workspace: str
    created_at: Timestamp
    by: str
    reason: str | None = None
    selection: Selection | None = None
    run_ids_count: int | None = None
    """Of a batch that names its sources, instead of a selection."""
    use_latest_code: bool = False
    function_version: str | None = None
    """A number. None, without `use_latest_code`, for each source's own version."""
    effects: Literal["new", "same"] = "new"
    has_overrides: bool = False
    reveals: bool = False
    """Whether who started it may see parameters: if not, no refusal of the overrides tells what these are."""
    canary_count: int = 5
    pace: Pace = Pace()
    stop_when: StopWhen = StopWhen()
    not_before: Timestamp | None = None

    state: BatchState
    paused_from: BatchState | None = None
    """Of a paused or stopped one: where it goes on."""
    stop_reason: StopReason | None = None
    changed_at: Timestamp | None = None
    changed_by: str | None = None
    """Who paused, resumed or cancelled it last."""
    cancels_open: bool = False
    """Its open re-runs are to be cancelled."""
    ended_at: Timestamp | None = None
    expected_sources: int | None = None
    """Counted by its first step, with `expected_capped` at least so many."""
    expected_capped: bool = False

    progress: Progress = Progress()
    baseline: Baseline = Baseline()
    moved_at: Timestamp | None = None
    """When its progress last changed."""
    cursor: str | None = None
    """The position of the source selected last; of a batch of run ids, how many of these have been selected."""
    selection_done: bool = False
    chosen: tuple[str, ...] = ()
    """Sources that a step was about to re-run, and of which it is not known what has come: `MAX_STARTS` at most."""
    open_runs: tuple[str, ...] = ()
    """Its re-runs whose end has not been counted, `MAX_OPEN` at most. One that is retried is replaced by its retry."""
    ramp_began_at: Timestamp | None = None
    ramp_began_with: int = 0
    """So many sources had been selected then."""
    paced_until: Timestamp | None = None
    """How far in time its starts have used up what the pace allows: when the last of them is due."""

    generation: int = 1
    """Of the execution that takes its steps: those of an earlier one do nothing any more."""
    step_token: str | None = None
    """Of the step that re-runs what is chosen; only that one may say what has come of it."""
    step_until: Timestamp | None = None
    """When that step is over, whatever has become of it."""
    revision: str | None = None
    """Another one after each change: a change is stored only on the revision that it was made from."""
    due_at: Timestamp | None = None
    """When the watchdog lets it go on with a next generation, if nothing has moved it; None once nothing is left."""
    expires_at: Timestamp

    @property
    def total(self) -> int | None:
        """How many sources it will have selected in the end, as far as that is known."""
        return self.progress.selected if self.selection_done else self.run_ids_count or self.expected_sources

    @property
    def needs_steps(self) -> bool:
        """Whether there is anything left to start, to count, or to cancel."""
        return self.state.is_starting or bool(self.open_runs) or self.step_token is not None

    @property
    def first_state(self) -> BatchState:
        """Where it is once it begins."""
        return BatchState.CANARY if self.canary_count else BatchState.RUNNING

    @property
    def overrides_context(self) -> SealContext:
        return SealContext(self.workspace, f"BATCH#{self.id}", "overrides")

    def rerun_id(self, source_run_id: str) -> str:
        """The one id that its re-run of this source can have."""
        return derived_id("batch", self.id, source_run_id)
