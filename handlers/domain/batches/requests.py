"""What is sent to start a batch, and to change one."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from handlers.domain import clock
from handlers.domain.batches.batch import MAX_RUN_IDS, Pace, Selection, StopWhen
from handlers.domain.errors import InvalidRequest, TooLarge
from handlers.domain.ids import parse_group_id, parse_id
from handlers.domain.json_document import JsonObject, compact
from handlers.domain.query import MAX_TEXT
from handlers.domain.requests import Body, ContentField, Moment, VersionNumber
from handlers.domain.starting.rerun import Effects, when_due

MAX_CANARY = 100
MAX_OVERRIDES_BYTES = 256_000
_FASTEST, _SLOWEST = 100.0, 0.1
_DAY_SECONDS = 24 * 3600


def _an_id(text: str) -> str:
    if (known := parse_id(text)) is None:
        raise PydanticCustomError("id", "must be an id")
    return known


def _a_group_id(text: str) -> str:
    if (known := parse_group_id(text)) is None:
        raise PydanticCustomError("id", "must be the id of an error group")
    return known


Id = Annotated[str, AfterValidator(_an_id), Field(json_schema_extra={"format": "uuid"})]
GroupId = Annotated[str, AfterValidator(_a_group_id), Field(json_schema_extra={"pattern": "^[0-9a-fA-F]{32}$"})]
ShortText = Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
Reason = Annotated[str | None, Field(max_length=512)]
PerSecond = Annotated[float, Field(ge=_SLOWEST, le=_FASTEST)]


class FilterBody(Body):
    """Which runs: originals that match all of it, that have failed, and that no re-run has recovered."""

    error_group_id: GroupId | None = None
    function_id: Id | None = None
    trigger_id: Id | None = None
    error_code: ShortText | None = None
    function_version: ShortText | None = None
    since: Moment | None = Field(default=None, alias="from", description="Created then or later.")
    until: Moment | None = Field(default=None, alias="to", description="Created then or earlier.")


class CanaryBody(Body):
    """How many are started before all others, and have to end before these begin."""

    count: int = Field(default=5, ge=0, le=MAX_CANARY, description="0: none.")


class PaceBody(Body):
    """How many re-runs are started in a second, once the canary is over."""

    start_per_second: PerSecond = 5.0
    max_per_second: PerSecond = 10.0
    double_every_seconds: int = Field(default=30, ge=1, le=_DAY_SECONDS)

    def pace(self) -> Pace:
        """Raises InvalidRequest."""
        return self.over(Pace())

    def over(self, pace: Pace) -> Pace:
        """With what it says in place of that; a first rate that it does not say gives way to a lower highest one.

        A highest rate that it does not say is never raised. Raises InvalidRequest.
        """
        said = self.model_dump(exclude_unset=True)
        changed = pace.evolve(**said)
        if changed.start_per_second <= changed.max_per_second:
            return changed
        if "start_per_second" not in said:
            return changed.evolve(start_per_second=changed.max_per_second)
        raise InvalidRequest("pace.startPerSecond", f"is more than maxPerSecond, {changed.max_per_second:g}.")


class StopWhenBody(Body):
    """Rules, each of which stops the batch."""

    failure_rate: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="More than this share of the re-runs that have ended has failed. Default: 0.5 of the canary, 0.2 "
        "later, once ten have ended.",
    )
    same_error_group: bool = Field(default=True, description="A re-run has failed as its source had.")
    failures: int | None = Field(default=None, ge=1, le=10**9, description="So many have failed.")

    def rules(self) -> StopWhen:
        return self.over(StopWhen())

    def over(self, rules: StopWhen) -> StopWhen:
        """With what it says in place of that."""
        return rules.evolve(**self.model_dump(exclude_unset=True))


class BatchBody(Body):
    """Either `filter` or `runIds`."""

    filter: FilterBody | None = None
    run_ids: list[Id] | None = Field(default=None, min_length=1, max_length=MAX_RUN_IDS)
    use_latest_code: bool = False
    function_version: VersionNumber | None = Field(
        default=None, description="The number of the version that executes them, of each source's own function."
    )
    reason: Reason = None
    override_params: ContentField | None = None
    effects: Effects = "new"
    canary: CanaryBody = CanaryBody()
    pace: PaceBody = PaceBody()
    stop_when: StopWhenBody = StopWhenBody()
    not_before: Moment | None = Field(default=None, description="The batch begins then, at most 30 days ahead.")
    dry_run: bool = Field(default=False, description="Start nothing, and say what would be started.")

    @classmethod
    def read(cls, body: JsonObject, *, within: str | None = None) -> Self:
        """Raises TooLarge, too."""
        _read_parts(body, filter=FilterBody, canary=CanaryBody, pace=PaceBody, stopWhen=StopWhenBody)
        options = super().read(body, within=within)
        options.check()
        return options

    def check(self) -> None:
        """What no field can say alone. Raises InvalidRequest or TooLarge."""
        if (self.filter is None) == (self.run_ids is None):
            raise InvalidRequest("filter", "is required, or else runIds: one of them, and not both.")
        if self.filter is not None:
            if not self.filter.model_fields_set:
                raise InvalidRequest("filter", "must not be empty.")
            since, until = self.filter.since, self.filter.until
            if since is not None and until is not None and until < since:
                raise InvalidRequest("filter.to", "is earlier than from.")
        if len(set(self.run_ids or ())) < len(self.run_ids or ()):
            raise InvalidRequest("runIds", "must not name a run twice.")
        if self.use_latest_code and self.function_version is not None:
            raise InvalidRequest("functionVersion", "cannot be sent with useLatestCode.")
        self.pace.pace()
        if len(compact(self.override_params or {}).encode(errors="surrogatepass")) > MAX_OVERRIDES_BYTES:
            raise TooLarge("overrideParams", f"is larger than {MAX_OVERRIDES_BYTES} bytes.")

    @property
    def selection(self) -> Selection | None:
        return None if self.filter is None else Selection.model_validate(self.filter.model_dump())

    def due(self, at: datetime) -> datetime | None:
        """When the batch begins, if that is not at once. Raises InvalidRequest."""
        return when_due(self.not_before, at)

    def normal_form(self) -> JsonObject:
        """What is asked for, the same however it was written, and across an upgrade that adds a field."""
        form: dict[str, Any] = self.model_dump(exclude={"dry_run"}, exclude_defaults=True)
        moments = {name: clock.iso(at) for name, at in form.get("filter", {}).items() if isinstance(at, datetime)}
        return form | {
            "filter": form.get("filter", {}) | moments or None,
            "reason": self.reason or None,
            "override_params": self.override_params or None,
            "not_before": None if self.not_before is None else clock.iso(self.not_before),
        }


class PauseBody(Body):
    reason: Reason = None


class ResumeBody(Body):
    """What is left out stays as it is."""

    reason: Reason = None
    pace: PaceBody | None = None
    stop_when: StopWhenBody | None = None

    @classmethod
    def read(cls, body: JsonObject, *, within: str | None = None) -> Self:
        _read_parts(body, pace=PaceBody, stopWhen=StopWhenBody)
        return super().read(body, within=within)


class CancelBatchBody(Body):
    reason: Reason = None
    open_reruns: Literal["leave", "cancel"] = Field(
        default="leave", description="`cancel`: those that are not being executed are cancelled, too."
    )


def _read_parts(body: JsonObject, **parts: type[Body]) -> None:
    """Each as a body of its own: only so is a null refused there. Raises InvalidRequest."""
    for name, part in parts.items():
        if isinstance(value := body.get(name), dict):
            part.read(value, within=name)
