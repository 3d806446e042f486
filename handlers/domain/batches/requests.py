"""What is asked of batches: the bodies of requests, and what they say."""

from typing import Annotated, Literal

from pydantic import Field

from handlers.domain import clock
from handlers.domain.batches.batch import MAX_RUN_IDS, Pace, Selection, StopWhen
from handlers.domain.errors import InvalidRequest, TooLarge
from handlers.domain.ids import GROUP_ID_PATTERN, parse_group_id, parse_id, required_id
from handlers.domain.json_document import JsonObject, dump
from handlers.domain.requests import Body, ContentField, Moment, explained
from handlers.domain.starting.rerun import Effects

MAX_OVERRIDES_BYTES = 256 * 1024
MAX_CANARY = 100

_Id = Annotated[str, Field(max_length=64, json_schema_extra={"format": "uuid"})]
_GroupId = Annotated[str, Field(pattern=f"^{GROUP_ID_PATTERN}$"), explained("must be the id of an error group")]
_Text = Annotated[str, Field(min_length=1, max_length=128)]
_Version = Annotated[
    str, Field(pattern=r"^[1-9][0-9]{0,18}$"), explained("must be the number of a published version, like 8")
]
_PerSecond = Annotated[float, Field(ge=0.1, le=100)]
_Reason = Annotated[str | None, Field(max_length=512)]


class FilterBody(Body):
    """Originals that have failed and are not recovered. All that is given must be so, and something must be given."""

    error_group_id: _GroupId | None = None
    function_id: _Id | None = None
    trigger_id: _Id | None = None
    error_code: _Text | None = None
    function_version: _Text | None = None
    since: Moment | None = Field(default=None, alias="from", description="Created at this moment, or later.")
    until: Moment | None = Field(default=None, alias="to", description="Created at this moment, or earlier.")

    def selection(self) -> Selection:
        """Raises InvalidRequest."""
        given = self.model_dump(exclude_none=True)
        if not given:
            raise InvalidRequest("filter", "must name at least one thing that the runs have in common.")
        if self.since and self.until and self.since > self.until:
            raise InvalidRequest("filter.to", "is before filter.from.")
        for name, field in (("function_id", "functionId"), ("trigger_id", "triggerId")):
            if name in given:
                given[name] = required_id(given[name], field=f"filter.{field}")
        if self.error_group_id is not None:
            given["error_group_id"] = parse_group_id(self.error_group_id)
        return Selection.model_validate(given)


class CanaryBody(Body):
    count: int = Field(default=5, ge=0, le=MAX_CANARY, description="0: there is no canary.")


class PaceBody(Body):
    start_per_second: _PerSecond = Field(default=1, description="Re-runs in a second, at first.")
    max_per_second: _PerSecond | None = Field(default=None, description="Default: 10, or `startPerSecond` if larger.")
    double_every_seconds: int = Field(default=30, ge=1, le=3600)

    def pace(self) -> Pace:
        """Raises InvalidRequest."""
        start, most = self.start_per_second, self.max_per_second
        if most is not None and most < start:
            raise InvalidRequest("pace.maxPerSecond", "is less than pace.startPerSecond.")
        most = max(start, Pace().max_per_second) if most is None else most
        return Pace(start_per_second=start, max_per_second=most, double_every_seconds=self.double_every_seconds)


class StopWhenBody(Body):
    failure_rate: float | None = Field(
        default=None, ge=0, le=1, description="Stops at a larger share. Default: 0.5 of the canary, 0.2 later."
    )
    same_error_group: bool = Field(
        default=True, description="Stops once a re-run fails with the error group of its source."
    )
    failures: int | None = Field(default=None, ge=1, description="Stops at so many failed re-runs.")

    def rules(self) -> StopWhen:
        return StopWhen.model_validate(self.model_dump())


class BatchBody(Body):
    filter: FilterBody | None = None
    run_ids: list[str] | None = Field(
        default=None,
        min_length=1,
        max_length=MAX_RUN_IDS,
        description="Instead of `filter`: exactly these runs.",
        json_schema_extra={"items": {"type": "string", "format": "uuid"}, "uniqueItems": True},
    )
    use_latest_code: bool = False
    function_version: _Version | None = Field(
        default=None, description="All re-runs execute this version of their functions, instead of their sources'."
    )
    reason: _Reason = None
    override_params: ContentField | None = Field(default=None, description="Merged into the parameters of each source.")
    effects: Effects = "new"
    canary: CanaryBody = CanaryBody()
    pace: PaceBody = PaceBody()
    stop_when: StopWhenBody = StopWhenBody()
    not_before: Moment | None = None
    dry_run: bool = Field(default=False, description="Nothing is started: the answer says what would be.")

    def sources(self) -> Selection | list[str]:
        """What is re-run. Raises InvalidRequest, also for what else does not go together."""
        if (self.filter is None) == (self.run_ids is None):
            raise InvalidRequest("filter", "or runIds is required, and not both.")
        if self.use_latest_code and self.function_version is not None:
            raise InvalidRequest("functionVersion", "and useLatestCode do not go together.")
        if self.override_params and len(dump(self.override_params, field="overrideParams")) > MAX_OVERRIDES_BYTES:
            raise TooLarge("overrideParams", f"is larger than {MAX_OVERRIDES_BYTES} bytes as JSON.")
        return self.filter.selection() if self.filter else _run_ids(self.run_ids or [])

    def normal_form(self) -> JsonObject:
        """What is asked for, the same however it was written, and across an upgrade that adds a field."""
        moments = {} if self.not_before is None else {"not_before": clock.iso(self.not_before)}
        asked = self.model_dump(exclude_defaults=True, exclude={"filter", "not_before"})
        sources = self.sources()
        named = sources if isinstance(sources, list) else sources.model_dump(mode="json", exclude_none=True)
        return asked | moments | {"run_ids": None, "reason": self.reason or None, "sources": named}


def _run_ids(given: list[str]) -> list[str]:
    """Raises InvalidRequest."""
    known = [parse_id(each) for each in given]
    if None in known:
        raise InvalidRequest(f"runIds.{known.index(None)}", "must be the id of a run.")
    if len(set(known)) < len(known):
        raise InvalidRequest("runIds", "must not name a run twice.")
    return [each for each in known if each is not None]


class PauseBody(Body):
    reason: _Reason = None


class ResumeBody(Body):
    pace: PaceBody | None = Field(default=None, description="Default: as before. It begins at its slowest again.")
    stop_when: StopWhenBody | None = Field(default=None, description="Default: as before.")
    reason: _Reason = None


class CancelBatchBody(Body):
    open_reruns: Literal["leave", "cancel"] = Field(
        default="leave", description="Whether re-runs that were started and have not ended are called off, too."
    )
    reason: _Reason = None
