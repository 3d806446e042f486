"""What is shown: views of the domain's entities, whose JSON names are camelCase."""

from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel

from handlers.domain import errors
from handlers.domain.json_document import JsonObject, escaped
from handlers.domain.paging import Page, to_cursor
from handlers.domain.registry.retry_policy import Jitter

# What a caller has sent or a function has answered: shown as it is kept, and never read or checked again.
AnyContent = Annotated[Any, WithJsonSchema({})]
ObjectContent = Annotated[Any, WithJsonSchema({"type": "object"})]


def _is_none(value: object) -> bool:
    return value is None


def absent_if_none(**about: Any) -> Any:
    """A field that is left out where there is nothing to show."""
    return Field(default=None, exclude_if=_is_none, **about)


class View(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        from_attributes=True,
        frozen=True,
        hide_input_in_errors=True,
        json_schema_serialization_defaults_required=True,
    )
    headers: ClassVar[tuple[str, ...]] = ()
    """The headers that come with it, besides those of all answers."""

    def document(self) -> JsonObject:
        # Not in pydantic's JSON mode, which refuses half of a surrogate pair: content may hold it.
        return self.model_dump(by_alias=True)


class Refusal(View):
    """Why a request is refused, or would be."""

    code: str = Field(description="For programs: it does not change.")
    message: str = Field(description="For people. It never quotes a value that was sent.")
    field: str | None = absent_if_none(
        description="Of INVALID_REQUEST and TOO_LARGE: the field, parameter or header at fault."
    )
    orchestration_id: str | None = absent_if_none(
        description="Of ORCHESTRATION_RUN: the workflow that has to re-run it."
    )
    run_id: str | None = absent_if_none(
        description="Of ALREADY_RECOVERED and RERUN_OPEN: the run that stands against the re-run."
    )
    changed: list[str] | None = absent_if_none(
        description="Of PLAN_OUTDATED: `source`, `trigger`, `function`, `code` or `configuration`, or the plan has "
        "`expired`."
    )

    @classmethod
    def of(cls, error: errors.ServiceError, /, **more: str) -> Self:
        return cls(
            code=error.code,
            message=escaped(error.message),
            field=escaped(error.field) if isinstance(error, errors.InvalidRequest) else None,
            orchestration_id=error.orchestration_id if isinstance(error, errors.OrchestrationRun) else None,
            run_id=error.run_id if isinstance(error, errors.AlreadyRecovered | errors.RerunOpen) else None,
            changed=error.changed if isinstance(error, errors.PlanOutdated) else None,
            **more,
        )


class Error(Refusal):
    """A refusal or a fault. A refused request has changed nothing."""

    error: str = Field(description="The reason phrase of the status.")
    request_id: str = Field(description="What the service's log names this request by.")


class JobAccepted(View):
    """The run is recorded and will be executed."""

    headers = ("Location",)
    job_id: str = Field(description="The id of the new run.")
    message: str


class Deleted(View):
    id: str
    message: str


class PageMeta(View):
    page_size: int
    next_cursor: str | None = Field(description="Sent as `cursor` for the next page; null on the last.")

    @classmethod
    def of(cls, page: Page, position: str | None) -> "PageMeta":
        """`position` is that of the last item; None where the list ends."""
        return cls(page_size=page.size, next_cursor=to_cursor(position))


class RetryPolicyView(View):
    max_retries: int
    initial_delay_seconds: int
    backoff_rate: float
    max_delay_seconds: int
    jitter: Jitter
    non_retryable_errors: list[str]
    retry_manual_reruns: bool
