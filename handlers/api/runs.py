"""What api_runs answers: runs, what they hold, lists of them, and their re-run history."""

from http import HTTPStatus
from typing import Annotated, Any, Self

from pydantic import Field, WithJsonSchema

from handlers.api.operations import GROUP_ID, PAGE, TEXT, Grant, Operation, Parameter
from handlers.api.views import AnyContent, PageMeta, View, absent_if_none
from handlers.domain import errors
from handlers.domain.clock import Timestamp
from handlers.domain.json_document import JsonObject, JsonValue
from handlers.domain.runs.history import Lineage
from handlers.domain.runs.run import (
    Content,
    ErrorSource,
    ExecutionSource,
    ExecutionType,
    FunctionRun,
    ParametersFormat,
    Status,
)


class _OfRun(View):
    @classmethod
    def of(cls, run: FunctionRun, **more: Any) -> Self:
        return cls.model_validate(_known(run) | more)


def _known(run: FunctionRun) -> dict[str, Any]:
    """All fields, those of its pin among them."""
    pin = vars(run.pin) if run.pin else {}
    recovered_by = run.recovered_by if run.recovered else None
    derived = {"recovered": run.recovered, "recovered_by": recovered_by, "function_version": run.function_version}
    return vars(run) | pin | derived | {"effect_key": run.effects_under}


class RunView(_OfRun):
    """A run, without its content."""

    id: str
    workspace: str
    function_id: str
    trigger_id: str
    trigger_type: ExecutionType
    execution_source: ExecutionSource
    status: Status
    created_at: Timestamp
    started_at: Timestamp | None
    ended_at: Timestamp | None
    duration_ms: int | None
    started_by: str | None = Field(
        description="Who executed the trigger that started it, as in `rerunBy`; null if it started otherwise."
    )
    orchestration_id: str | None = Field(description="The workflow that started it. With one, it cannot be re-run.")
    not_before: Timestamp | None = Field(description="It is not executed before then.")
    is_rerun: bool
    original_run_id: str | None = Field(description="Of a re-run: the run that its lineage began with.")
    source_run_id: str | None = Field(description="Of a re-run: the run that it repeats.")
    rerun_by: str | None = Field(description="The `sub` of the caller's token, or `client:` and its client.")
    rerun_reason: str | None
    experiment_id: str | None = Field(description="The experiment that it is a run of.")
    batch_id: str | None = Field(description="The batch of re-runs that has started it, or the run that it retries.")
    rerun_count: int = Field(description="Of an original run: how many re-runs its lineage has.")
    recovered: bool | None = Field(
        description="Of an original run that has failed: whether a re-run of it has completed. null for all other runs."
    )
    recovered_by: str | None = Field(description="Of a recovered run: the first of its re-runs that has completed.")
    use_latest_code: bool
    retry_attempt: int | None = Field(description="Which automatic retry it is, from 1; null if it is none.")
    effect_key: str = Field(description="What its function is given as `functionRunEffectKey`.")
    execution_attempts: int = Field(description="How often its execution was begun.")
    error_code: str | None = Field(description="The type of its error; of an open run, why it had to wait.")
    error_source: ErrorSource | None
    error_group_id: str | None = Field(
        description="Of a failure: the error group of those that failed alike. `null` of an experiment's runs."
    )
    result_omitted: bool = Field(description="Whether it has answered more than could be kept.")
    parameters_format: ParametersFormat
    parameters_omitted: str | None = Field(description="Why it has no parameters, and so cannot be re-run.")
    cancel_requested_at: Timestamp | None
    cancel_requested_by: str | None
    erased_at: Timestamp | None = Field(description="Since when all that it held is gone for good.")
    function_version_arn: str | None = None
    function_version: str | None = None
    function_code_hash: str | None = Field(default=None, description="Lambda's `CodeSha256` of that version.")
    config_hash: str | None = Field(
        default=None, description="Equal for versions that are configured alike, and for no others."
    )


class SingleRun(RunView):
    """A run, with what only a run that is read alone shows."""

    last_rerun_status: Status | None = Field(
        description="Of an original run: the status of its newest re-run that is no experiment's, "
        "looked for among its newest hundred re-runs."
    )


class RevealedRun(SingleRun):
    """A run with those of its parts that were asked for; `null`: it has none, or they are erased."""

    parameters: AnyContent = absent_if_none(description="A text if `parametersFormat` is `raw`.")
    overrides: Annotated[Any, WithJsonSchema({"type": ["object", "null"]})] = absent_if_none()
    result: AnyContent = absent_if_none(description="What the function has answered; a text if that was no JSON.")
    logs: Annotated[Any, WithJsonSchema({"type": ["string", "null"]})] = absent_if_none(
        description="The last 4 KB of what the function has logged."
    )
    error: AnyContent = absent_if_none(description="What Lambda has answered for a function that failed.")

    @classmethod
    def holding(cls, run: SingleRun, parts: dict[Content, JsonValue]) -> "RevealedRun":
        return cls.model_construct(**vars(run), **parts)

    def document(self) -> JsonObject:
        # Content goes on as it was opened: it may be large, and hold what no model takes.
        run = self.model_dump(by_alias=True, exclude={*Content})
        return run | {part: getattr(self, part) for part in Content if part in self.model_fields_set}


class RunList(View):
    data: list[RunView]
    meta: PageMeta


class RerunEntry(_OfRun):
    """A re-run as it stands in its lineage's history."""

    id: str
    original_run_id: str
    source_run_id: str
    is_rerun: bool
    rerun_by: str | None
    rerun_reason: str | None
    execution_source: ExecutionSource
    experiment_id: str | None
    batch_id: str | None
    status: Status
    created_at: Timestamp
    not_before: Timestamp | None
    ended_at: Timestamp | None
    use_latest_code: bool
    function_version: str | None
    error_code: str | None
    error_source: ErrorSource | None
    retry_attempt: int | None


class RerunHistory(View):
    """A page of a lineage, oldest re-run first."""

    original_run_id: str
    rerun_count: int = Field(description="Of the whole lineage, automatic retries included.")
    reruns: list[RerunEntry]
    next_cursor: str | None

    @classmethod
    def of(cls, lineage: Lineage) -> Self:
        return cls(
            original_run_id=lineage.original.id,
            rerun_count=lineage.original.rerun_count,
            reruns=[RerunEntry.of(run) for run in lineage.reruns],
            next_cursor=lineage.next_cursor,
        )


READ = Grant("function-runs", "read")
_TIMESTAMP = "Inclusive, by `createdAt`. RFC 3339; a day is the timestamp of its beginning in UTC."

GET_RUN = Operation(
    id="getRun",
    entry_point="api_runs",
    method="GET",
    path="/function-runs/{runId}",
    access=READ,
    summary="Read a run",
    description="With `include`, what it holds is opened: that also needs the grant function-runs:reveal, and leaves "
    "an audit line.",
    query=(
        Parameter(
            "include",
            f"Parts to reveal, separated by commas: {', '.join(Content)}. Together 4.5 MB at most.",
            grant=Grant("function-runs", "reveal"),
            audited="reveal",
        ),
    ),
    responses={HTTPStatus.OK: RevealedRun},
    refusals=(errors.InvalidRunId, errors.NotFound, errors.PartUnreadable, errors.TooLarge),
)
LIST_RUNS = Operation(
    id="listRuns",
    entry_point="api_runs",
    method="GET",
    path="/function-runs",
    access=READ,
    summary="List runs, newest first",
    description="Runs match all filters that are sent. A page may be short, or empty, and still have a next one: go on "
    "until `meta.nextCursor` is null.",
    query=(
        Parameter("status", "Runs of this status.", {"type": "string", "enum": [*Status]}),
        Parameter("functionId", "Runs of this function.", {"type": "string", "format": "uuid"}),
        Parameter("triggerId", "Runs of this trigger.", {"type": "string", "format": "uuid"}),
        Parameter(
            "recovered",
            "Original runs that have failed: those that a re-run has recovered, or those that none has.",
            {"type": "boolean"},
        ),
        Parameter("isRerun", "Re-runs, or original runs.", {"type": "boolean"}),
        Parameter("rerunBy", "Re-runs by this caller, as their `rerunBy` names it.", TEXT),
        Parameter("executionSource", "Runs started so.", {"type": "string", "enum": [*ExecutionSource]}),
        Parameter("errorCode", "Runs with this error.", TEXT),
        Parameter("functionVersion", "Runs that this version executes.", TEXT),
        Parameter("batchId", "Re-runs that this batch has started.", {"type": "string", "format": "uuid"}),
        Parameter("errorGroupId", "Runs that have failed so, re-runs among them.", GROUP_ID),
        Parameter("from", _TIMESTAMP),
        Parameter("to", f"{_TIMESTAMP} Not before `from`."),
        *PAGE,
    ),
    responses={HTTPStatus.OK: RunList},
)
GET_HISTORY = Operation(
    id="getRerunHistory",
    entry_point="api_runs",
    method="GET",
    path="/function-runs/{runId}/rerun-history",
    access=READ,
    summary="Read the re-run history of a run",
    description="The lineage that it belongs to, asked of any run of it.",
    query=PAGE,
    responses={HTTPStatus.OK: RerunHistory},
    refusals=(errors.InvalidRunId, errors.RunNotFound, errors.WrongWorkspace),
)
