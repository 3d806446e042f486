"""What api_batches answers: many re-runs by one request."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Literal, Self

from pydantic import Field

from handlers.api import examples
from handlers.api.operations import IDEMPOTENCY_KEY, PAGE, Grant, Operation, Parameter
from handlers.api.runs import RunList
from handlers.api.views import PageMeta, View, absent_if_none
from handlers.domain import errors
from handlers.domain.batches.batch import OTHER_GROUPS, Batch, BatchState, Selection
from handlers.domain.batches.estimate import estimated_end
from handlers.domain.batches.planning import BatchPlan
from handlers.domain.batches.requests import BatchBody, CancelBatchBody, PauseBody, ResumeBody
from handlers.domain.clock import Timestamp
from handlers.domain.runs.run import Status

STATES = {
    BatchState.SCHEDULED: "it begins at `notBefore`",
    BatchState.CANARY: "the first few are started, and the rest waits for what comes of them",
    BatchState.RUNNING: "it starts one after the other, at a rate that grows",
    BatchState.PAUSED: "somebody has paused it: nothing more is started until somebody resumes it",
    BatchState.STOPPED: "it has stopped itself, `stopReason` says why: nothing more is started until somebody "
    "resumes it",
    BatchState.COMPLETED: "all sources are selected, and all re-runs have ended",
    BatchState.CANCELLED: "somebody has cancelled it",
}


class FilterView(View):
    """Which runs are its sources: originals that have failed and that no re-run has recovered, and that match all."""

    error_group_id: str | None = absent_if_none()
    function_id: str | None = absent_if_none()
    trigger_id: str | None = absent_if_none()
    error_code: str | None = absent_if_none()
    function_version: str | None = absent_if_none()
    since: Timestamp | None = Field(default=None, alias="from", exclude_if=lambda value: value is None)
    until: Timestamp | None = Field(default=None, alias="to", exclude_if=lambda value: value is None)

    @classmethod
    def of(cls, selection: Selection) -> Self:
        return cls.model_validate(vars(selection))


class CanaryView(View):
    count: int = Field(description="How many are started before all others. 0: there is no canary.")


class PaceView(View):
    start_per_second: float
    max_per_second: float
    double_every_seconds: int


class StopWhenView(View):
    failure_rate: float | None = Field(
        description="null: more than 0.5 of the canary, or more than 0.2 later, once ten have ended."
    )
    same_error_group: bool
    failures: int | None = Field(description="null: any number of failures, as far as this rule goes.")


class StopReasonView(View):
    """Why it has stopped itself: the rule, and what it counted since it was last resumed."""

    rule: Literal["failureRate", "sameErrorGroup", "failures"]
    error_group_id: str | None = Field(description="Of `sameErrorGroup`: the group of the re-run; null if it has none.")
    run_id: str | None = Field(description="Of `sameErrorGroup`: the re-run that failed as its source had.")
    failed: int
    ended: int = Field(description="How many re-runs had ended, completed or failed.")


class GroupCount(View):
    error_group_id: str | None = Field(description="null: all that are in no group, or in one beyond the first twenty.")
    count: int

    @classmethod
    def of_all(cls, counts: Mapping[str, int]) -> list[Self]:
        """Largest first."""
        return [
            cls(error_group_id=None if group == OTHER_GROUPS else group, count=count)
            for group, count in sorted(counts.items(), key=lambda each: (-each[1], each[0]))
        ]


class FunctionCount(View):
    function_id: str
    count: int


class SkippedView(View):
    """Sources that are not re-run, without anything being wrong."""

    recovered: int = Field(description="A run of the lineage has completed.")
    open: int = Field(description="A run of the lineage has not come to its end.")
    limit: int = Field(description="The lineage has as many re-runs as it may have (`maxRerunsPerLineage`).")

    @classmethod
    def of(cls, counts: Mapping[Literal["recovered", "open", "limit"], int]) -> Self:
        return cls(recovered=counts.get("recovered", 0), open=counts.get("open", 0), limit=counts.get("limit", 0))


class ProgressView(View):
    """Counts of sources."""

    selected: int = Field(description="`started`, and all that are `refused` or `skipped`.")
    started: int = Field(description="`running`, `completed`, `failed` and `cancelled` together.")
    running: int = Field(description="Re-runs that have not ended, or whose end is not counted yet.")
    completed: int
    failed: int = Field(description="Re-runs that have failed, once their automatic retries are over.")
    cancelled: int
    failed_by_group: list[GroupCount] = Field(description="By the error group of the re-run, largest first.")
    refused: dict[str, int] = Field(description="By the code of the error that a re-run of the source alone answers.")
    skipped: SkippedView
    selection_complete: bool = Field(description="Whether all sources have been selected.")
    expected_sources: int | None = Field(
        description="How many sources there will be, as counted when it began; null: not counted yet."
    )
    expected_capped: bool = Field(description="Whether there may be more than `expectedSources`.")

    @classmethod
    def of(cls, batch: Batch) -> Self:
        counts = batch.progress
        return cls(
            selected=counts.selected,
            started=counts.started,
            running=len(batch.open_runs),
            completed=counts.completed,
            failed=counts.failed,
            cancelled=counts.cancelled,
            failed_by_group=GroupCount.of_all(counts.failed_by_group),
            refused=counts.refused,
            skipped=SkippedView.of(counts.skipped),
            selection_complete=batch.selection_done,
            expected_sources=batch.total,
            expected_capped=batch.expected_capped and not batch.selection_done,
        )


class BatchView(View):
    """A batch, with what has become of its sources so far. Its overrides are content, and not shown."""

    batch_id: str
    state: BatchState = Field(
        description=" ".join(["What it does.", *(f"`{state}`: {meaning}." for state, meaning in STATES.items())])
    )
    stop_reason: StopReasonView | None = Field(
        description="Why it has stopped itself; null: it never has, or was resumed since."
    )
    started_by: str = Field(description="Who has started it, as in `rerunBy`.")
    reason: str | None
    created_at: Timestamp
    not_before: Timestamp | None
    ended_at: Timestamp | None
    changed_by: str | None = Field(description="Who has paused, resumed or cancelled it last.")
    changed_at: Timestamp | None
    filter: FilterView | None = Field(description="null: it names its sources by their ids.")
    run_id_count: int | None = Field(description="How many `runIds` it was started with; null: it has a `filter`.")
    use_latest_code: bool
    function_version: str | None = Field(description="null: another code, see `useLatestCode`.")
    effects: Literal["new", "same"]
    has_overrides: bool
    canary: CanaryView
    pace: PaceView
    stop_when: StopWhenView
    progress: ProgressView
    estimated_end_at: Timestamp | None = Field(
        description="When it will have ended if it goes on as it does; null: it has ended, does not go on, only "
        "waits for what is open, or has no count of its sources yet."
    )

    @classmethod
    def of(cls, batch: Batch) -> Self:
        return cls.model_validate(
            vars(batch)
            | {
                "batch_id": batch.id,
                "started_by": batch.by,
                "filter": batch.selection and FilterView.of(batch.selection),
                "run_id_count": batch.run_ids_count,
                "canary": CanaryView(count=batch.canary_count),
                "progress": ProgressView.of(batch),
                "estimated_end_at": estimated_end(batch),
            }
        )


class BatchAccepted(View):
    """The batch is recorded, and will go on by itself."""

    headers = ("Location",)
    batch_id: str
    state: BatchState
    message: str


class BatchPlanned(View):
    """What a batch of the same request would do, as things are now: its newest 1,000 sources."""

    sources: int = Field(description="How many were looked at.")
    is_sample: bool = Field(description="Whether there are more: then all counts are of those looked at.")
    expected_sources: int = Field(description="How many there are in all, as far as they were counted.")
    expected_capped: bool = Field(description="Whether there may be more than `expectedSources`.")
    would_start: int
    skipped: SkippedView
    refused: dict[str, int] = Field(description="By the code of the error that a re-run of the source alone answers.")
    by_function: list[FunctionCount] = Field(description="Of those that would be started, largest first.")
    by_error_group: list[GroupCount] = Field(description="Of those that would be started, largest first.")
    executions_per_rerun: int = Field(
        description="How often the function is executed for one re-run, at most: once, and once for each automatic "
        "retry."
    )
    estimated_seconds: int | None = Field(
        description="How long it would take if each re-run took no time; null: nothing would be started."
    )
    canary: CanaryView
    pace: PaceView
    stop_when: StopWhenView

    @classmethod
    def of(cls, plan: BatchPlan, options: BatchBody) -> Self:
        by_function = sorted(plan.by_function.items(), key=lambda each: (-each[1], each[0]))
        return cls.model_validate(
            plan._asdict()
            | {
                "skipped": SkippedView.of(plan.skipped),
                "by_function": [FunctionCount(function_id=id_, count=count) for id_, count in by_function],
                "by_error_group": GroupCount.of_all(plan.by_error_group),
                "canary": CanaryView(count=options.canary.count),
                "pace": PaceView.model_validate(options.pace.pace()),
                "stop_when": StopWhenView.model_validate(options.stop_when.rules()),
            }
        )


class BatchList(View):
    data: list[BatchView]
    meta: PageMeta


_EXECUTE = Grant("function-triggers", "execute")
_READ = Grant("function-runs", "read")
_CHANGE_REFUSALS = (errors.NotFound, errors.BatchEnded)

START_BATCH = Operation(
    id="startRerunBatch",
    entry_point="api_batches",
    method="POST",
    path="/rerun-batches",
    access=_EXECUTE,
    summary="Re-run many runs",
    description="Re-runs the originals that match `filter`, have failed before now, and that no re-run has recovered, "
    "or the runs that `runIds` names: each at most once, a few first (`canary`), then more and more a second (`pace`), "
    "until all are started or a rule of `stopWhen` stops it. Each source is judged when its turn comes; one that a "
    "single re-run would be refused for is counted in `progress.refused`, and the batch goes on. With `dryRun` nothing "
    "is started: 200 says what would be.",
    request=BatchBody,
    example={
        "filter": {"errorGroupId": examples.ERROR_GROUP_ID},
        "useLatestCode": True,
        "reason": "Fixed in version 8",
        "canary": {"count": 5},
        "pace": {"startPerSecond": 5, "maxPerSecond": 10, "doubleEverySeconds": 30},
        "stopWhen": {"sameErrorGroup": True, "failureRate": 0.2},
    },
    headers=(IDEMPOTENCY_KEY,),
    responses={HTTPStatus.OK: BatchPlanned, HTTPStatus.ACCEPTED: BatchAccepted},
    refusals=(errors.IdempotencyKeyReused,),
    audited="start-batch",
)
LIST_BATCHES = Operation(
    id="listRerunBatches",
    entry_point="api_batches",
    method="GET",
    path="/rerun-batches",
    access=_READ,
    summary="List batches, newest first",
    query=PAGE,
    responses={HTTPStatus.OK: BatchList},
)
GET_BATCH = Operation(
    id="getRerunBatch",
    entry_point="api_batches",
    method="GET",
    path="/rerun-batches/{batchId}",
    access=_READ,
    summary="Read a batch",
    responses={HTTPStatus.OK: BatchView},
    answer=examples.BATCH,
    refusals=(errors.NotFound,),
)
PAUSE_BATCH = Operation(
    id="pauseRerunBatch",
    entry_point="api_batches",
    method="POST",
    path="/rerun-batches/{batchId}/pause",
    access=_EXECUTE,
    summary="Pause a batch",
    description="Nothing more is started, but for at most one step's re-runs that are being started at this moment. "
    "Those that are open go on, and are counted. A paused batch is answered so, too; one that has stopped itself stays "
    "stopped.",
    request=PauseBody,
    responses={HTTPStatus.OK: BatchView},
    refusals=_CHANGE_REFUSALS,
    audited="pause-batch",
)
RESUME_BATCH = Operation(
    id="resumeRerunBatch",
    entry_point="api_batches",
    method="POST",
    path="/rerun-batches/{batchId}/resume",
    access=_EXECUTE,
    summary="Resume a batch",
    description="A paused or stopped batch goes on where it was, at its first rate; `pace` and `stopWhen` can be "
    "changed with it, also of one that is going on. After a stop, failures are counted from zero again. What has been "
    "started is not started again.",
    request=ResumeBody,
    example={"pace": {"startPerSecond": 0.5, "maxPerSecond": 5, "doubleEverySeconds": 60}},
    responses={HTTPStatus.OK: BatchView},
    refusals=_CHANGE_REFUSALS,
    audited="resume-batch",
)
CANCEL_BATCH = Operation(
    id="cancelRerunBatch",
    entry_point="api_batches",
    method="POST",
    path="/rerun-batches/{batchId}/cancel",
    access=_EXECUTE,
    summary="Cancel a batch",
    description="Nothing more is started, for good. Its open re-runs are executed all the same, or with `openReruns: "
    "cancel` cancelled as far as they are not being executed. A cancelled batch is answered so, too.",
    request=CancelBatchBody,
    example={"openReruns": "cancel"},
    responses={HTTPStatus.OK: BatchView},
    refusals=_CHANGE_REFUSALS,
    audited="cancel-batch",
)
LIST_RERUNS = Operation(
    id="listBatchReruns",
    entry_point="api_batches",
    method="GET",
    path="/rerun-batches/{batchId}/reruns",
    access=_READ,
    summary="List the re-runs of a batch, newest first",
    description="Their automatic retries are among them. A page may be short, or empty, and still have a next one: go "
    "on until `meta.nextCursor` is null.",
    query=(Parameter("status", "Re-runs of this status.", {"type": "string", "enum": [*Status]}), *PAGE),
    responses={HTTPStatus.OK: RunList},
    refusals=(errors.NotFound,),
)
