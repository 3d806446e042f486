"""What api_audit answers."""

from http import HTTPStatus

from pydantic import Field

from handlers.api import examples
from handlers.api.operations import GROUP_ID, PAGE, REVEAL, TEXT, Grant, Operation, Parameter, Reveals
from handlers.api.views import PageMeta, View, absent_if_none
from handlers.domain.audit.act import Act, Action
from handlers.domain.audit.listing import ACTS_PER_READ, MAX_READS
from handlers.domain.clock import Timestamp

_TIMESTAMP = "Inclusive, by `at`. RFC 3339; a day is the timestamp of its beginning in UTC."


class ActView(View):
    """An act: who did what, to which of the workspace's things, when and why."""

    id: str
    at: Timestamp
    workspace: str
    action: Action
    by: str = Field(
        description="The `sub` of the caller's token; `client:` and its client without one; `console:` and a name if "
        "it was done with a test event in the AWS console."
    )
    request_id: str | None = Field(description="What the service's log names the request by.")
    run_id: str | None = absent_if_none(description="The run that it was done to; of a re-run, the source run.")
    job_id: str | None = absent_if_none(description="The run that it has started.")
    with_run_id: str | None = absent_if_none(description="Of a comparison: the run that it was compared with.")
    trigger_id: str | None = absent_if_none()
    function_id: str | None = absent_if_none()
    experiment_id: str | None = absent_if_none()
    candidate_version: str | None = absent_if_none(
        description="Of an experiment: the version that the input was executed on besides the original's."
    )
    candidate_function_id: str | None = absent_if_none(description="Of an experiment with another function.")
    repeats: int | None = absent_if_none(description="Of an experiment: how often each side was executed.")
    batch_id: str | None = absent_if_none(
        description="Of a batch of re-runs, which have no acts of their own: each names its batch."
    )
    reason: str | None = absent_if_none()
    parts: list[str] | None = absent_if_none(description="Of a reveal or a comparison: what was shown.")
    use_latest_code: bool | None = absent_if_none()
    error_group_id: str | None = absent_if_none()
    error_group_state: str | None = absent_if_none(description="Of a changed error group: what it was set to.")
    overridden: bool | None = absent_if_none(description="Whether a re-run or a batch has overridden parameters.")
    override_paths: list[str] | None = absent_if_none(
        description=f"JSON Pointers of the parameters that it has overridden; the last is `…` if there are more. Shown "
        f"to who has {REVEAL}: keys are content. That leaves an act, too."
    )

    @classmethod
    def of(cls, act: Act, *, overridden: bool) -> "ActView":
        known = vars(act) | {"overridden": overridden or None, "override_paths": act.override_paths or None}
        return cls.model_validate(known)


class ActList(View):
    data: list[ActView]
    meta: PageMeta


LIST_ACTS = Operation(
    id="listActs",
    entry_point="api_audit",
    method="GET",
    path="/audit",
    access=Grant("audit", "read"),
    summary="List who did what, newest first",
    description="Each accepted act of a person or a machine. What the service does by itself (schedules, events, "
    "webhooks, captured failures, automatic retries) is none, nor is a plan or a request that was refused: these are "
    f"in the log. A page takes {MAX_READS} reads of {ACTS_PER_READ} acts at most: where few match it may be short, or "
    "empty, and still have a next one. Go on until `meta.nextCursor` is null.",
    query=(
        Parameter("from", _TIMESTAMP),
        Parameter("to", f"{_TIMESTAMP} Not before `from`."),
        Parameter("by", "Acts of this caller, as `by` shows them.", TEXT),
        Parameter(
            "runId",
            "Acts on this run, comparisons with it, and the act that started it: of a run of an experiment, ask for "
            "the experiment's source run.",
            {"type": "string", "format": "uuid"},
        ),
        Parameter("triggerId", "Acts on this trigger or on a run of it.", {"type": "string", "format": "uuid"}),
        Parameter(
            "experimentId",
            "Who has started this experiment, and who was shown its verdict.",
            {"type": "string", "format": "uuid"},
        ),
        Parameter("errorGroupId", "Acts on this error group.", GROUP_ID),
        Parameter("batchId", "Acts on this batch of re-runs.", {"type": "string", "format": "uuid"}),
        Parameter("action", "Acts of this kind.", {"type": "string", "enum": [*Action]}),
        *PAGE,
    ),
    responses={HTTPStatus.OK: ActList},
    answer=examples.ACTS,
    reveals=Reveals(REVEAL, "reveal-override-paths"),
)
