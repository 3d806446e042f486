"""What api_error_groups answers: failures of one kind."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema

from handlers.api import examples
from handlers.api.operations import IF_MATCH, PAGE, Grant, Operation, Parameter
from handlers.api.views import PageMeta, View, absent_if_none
from handlers.domain import errors
from handlers.domain.clock import Timestamp
from handlers.domain.error_groups.changing import ChangeErrorGroup
from handlers.domain.error_groups.group import MAX_COUNTED, MAX_VERSIONS, GroupState
from handlers.domain.error_groups.listing import CountedGroup
from handlers.domain.json_document import JsonObject
from handlers.domain.runs.run import ErrorSource

FRAMES: Literal["frames"] = "frames"
# A week.
MAX_HOURS = 168


class FailuresOfHour(View):
    hour: Timestamp = Field(description="Its beginning, in UTC.")
    failures: int


class ErrorGroupView(View):
    """The failures of one function with one error. What is counted is of runs created in the time asked for."""

    headers = ("ETag",)
    error_group_id: str
    workspace: str
    function_id: str
    error_code: str
    error_source: ErrorSource
    state: GroupState
    version: int
    first_seen_at: Timestamp
    last_seen_at: Timestamp | None = Field(
        description="When the newest of the failures was created; `null`: there is none in the time asked for."
    )
    opened_at: Timestamp = Field(description="When a failure has last opened it.")
    reopened_count: int
    resolved_in_version: str | None
    changed_by: str | None
    changed_at: Timestamp | None = Field(description="When somebody has last changed its state.")
    function_versions: list[str] = Field(
        description=f"Those that have failed so, at any time; the newest {MAX_VERSIONS}, newest first."
    )
    failure_count: int = Field(description="Re-runs that failed so again included.")
    unrecovered_count: int = Field(description="Original runs that no re-run has recovered yet.")
    counts_capped: bool = Field(
        description=f"There are more than the {MAX_COUNTED:,} that are counted of either: the newest are."
    )
    hours: list[FailuresOfHour] = Field(
        description=f"Those with failures among what is counted, oldest first; the newest {MAX_HOURS} of them."
    )
    sample_run_id: str = Field(description="Its newest run that is not recovered, else its newest.")
    frames: Annotated[Any, WithJsonSchema({"type": ["array", "null"], "items": {"type": "string"}})] = absent_if_none(
        description="With `include`: the functions in which the error of the sample run was raised, the innermost "
        "first. `null`: its error is not kept."
    )

    @classmethod
    def of(cls, counted: CountedGroup, **more: Any) -> "ErrorGroupView":
        group, counts = counted
        return cls.model_validate(
            vars(group)
            | {
                "error_group_id": group.id,
                "reopened_count": group.reopened,
                "failure_count": counts.failures,
                "unrecovered_count": counts.unrecovered,
                "counts_capped": counts.failures_capped or counts.unrecovered_capped,
                "hours": [_hour(*each) for each in counts.hours[-MAX_HOURS:]],
                "last_seen_at": counts.last_seen_at,
                "sample_run_id": counted.sample_run_id,
            }
            | more
        )

    def document(self) -> JsonObject:
        asked_for = {FRAMES: self.frames} if FRAMES in self.model_fields_set else {}
        return super().document() | asked_for


def _hour(beginning: datetime, failures: int) -> FailuresOfHour:
    return FailuresOfHour(hour=beginning, failures=failures)


class ErrorGroupList(View):
    data: list[ErrorGroupView]
    meta: PageMeta


_READ = Grant("function-runs", "read")
_GROUP = "/error-groups/{errorGroupId}"
_PERIOD = (
    Parameter(
        "from",
        "Counts runs from then on, by their `createdAt`. RFC 3339; a day is the timestamp of its beginning in UTC. "
        "Without it: the 24 hours before `to`.",
    ),
    Parameter("to", "Inclusive. Not before `from`. Without it: until now."),
)

LIST_ERROR_GROUPS = Operation(
    id="listErrorGroups",
    entry_point="api_error_groups",
    method="GET",
    path="/error-groups",
    access=_READ,
    summary="List error groups, newest opened first",
    description="Those with a failure in the time asked for. A page counts the failures of `limit` groups at most, and "
    "for ten seconds at most: it may be short, or empty, and still have a next one. Go on until `meta.nextCursor` is "
    "null.",
    query=(
        Parameter("functionId", "Groups of this function.", {"type": "string", "format": "uuid"}),
        Parameter("state", "Groups in this state.", {"type": "string", "enum": [*GroupState]}),
        *_PERIOD,
        *PAGE,
    ),
    responses={HTTPStatus.OK: ErrorGroupList},
    answer=examples.ERROR_GROUPS,
)
GET_ERROR_GROUP = Operation(
    id="getErrorGroup",
    entry_point="api_error_groups",
    method="GET",
    path=_GROUP,
    access=_READ,
    summary="Read an error group",
    description="Also one without a failure in the time asked for.",
    query=(
        *_PERIOD,
        Parameter(
            "include",
            f"`{FRAMES}`: the functions in which the error of the sample run was raised.",
            {"type": "string", "enum": [FRAMES]},
            grant=Grant("function-runs", "reveal"),
            audited="reveal",
        ),
    ),
    responses={HTTPStatus.OK: ErrorGroupView},
    refusals=(errors.NotFound, errors.PartUnreadable),
)
PUT_ERROR_GROUP = Operation(
    id="changeErrorGroup",
    entry_point="api_error_groups",
    method="PUT",
    path=_GROUP,
    access=Grant("error-groups", "write"),
    summary="Resolve or ignore an error group, or open it again",
    description="It is answered with the counts of the last 24 hours.",
    request=ChangeErrorGroup,
    example={"state": "resolved", "resolvedInVersion": "8", "reason": "The address is optional now", "version": 1},
    headers=(IF_MATCH,),
    responses={HTTPStatus.OK: ErrorGroupView},
    refusals=(errors.NotFound, errors.VersionRequired, errors.Stale),
    audited="change-error-group",
)
