"""What api_registry answers about function triggers."""

from http import HTTPStatus
from typing import Any, ClassVar, Self

from pydantic import Field

from handlers.api.operations import IF_MATCH, PAGE, registry_operation
from handlers.api.views import Deleted, ObjectContent, PageMeta, RetryPolicyView, View, absent_if_none
from handlers.domain import errors
from handlers.domain.clock import Timestamp
from handlers.domain.registry.entities import FunctionTrigger
from handlers.domain.registry.trigger_schemas import TaggedByExecutionType
from handlers.domain.registry.triggers import ChangeTrigger, CreateTrigger, RotateSecret, ShownTrigger
from handlers.domain.runs.run import ExecutionType


class TriggerSummary(View, TaggedByExecutionType):
    """A trigger as it stands in a list: without its params, which may be large."""

    metadata_with_params: ClassVar[bool] = False

    id: str
    workspace: str
    name: str
    version: int
    created_at: Timestamp
    updated_at: Timestamp
    function_id: str
    execution_type: ExecutionType
    enabled: bool
    retry_policy: RetryPolicyView | None = absent_if_none()
    trigger_metadata: ObjectContent

    @classmethod
    def of(cls, trigger: FunctionTrigger) -> Self:
        return cls.model_validate(_known(trigger) | {"trigger_metadata": trigger.metadata.document()})


def _known(trigger: FunctionTrigger) -> dict[str, Any]:
    return vars(trigger) | {"execution_type": trigger.execution_type}


class TriggerView(TriggerSummary):
    """A trigger with its params and, where one has just been made, the secret of its webhooks."""

    headers = ("ETag",)
    metadata_with_params = True
    secret: str | None = absent_if_none(description="Shown this once.")

    @classmethod
    def showing(cls, shown: ShownTrigger) -> Self:
        metadata = {"params": shown.params, **shown.trigger.metadata.document()}
        return cls.model_validate(_known(shown.trigger) | {"trigger_metadata": metadata, "secret": shown.secret})


class TriggerList(View):
    data: list[TriggerSummary] = Field(description="Without params.")
    meta: PageMeta


_TRIGGERS = "/function-triggers"
_TRIGGER = f"{_TRIGGERS}/{{triggerId}}"
_SOURCES = (errors.BusMissing, errors.SourceLimitReached)

POST_TRIGGER = registry_operation(
    "createTrigger",
    f"POST {_TRIGGERS}",
    "Create a trigger",
    request=CreateTrigger,
    example={
        "name": "every night",
        "functionId": "0f000000-0000-4000-8000-000000000001",
        "executionType": "scheduled",
        "triggerMetadata": {
            "scheduleType": "cron",
            "cronExpression": "0 3 ? * * *",
            "timezone": "Europe/Berlin",
            "params": {"region": "eu"},
        },
        "retryPolicy": {"maxRetries": 3},
    },
    responses={HTTPStatus.CREATED: TriggerView},
    refusals=(errors.FunctionNotPermitted, errors.NameTaken, errors.PathTaken, *_SOURCES),
)
LIST_TRIGGERS = registry_operation(
    "listTriggers",
    f"GET {_TRIGGERS}",
    "List triggers, newest first",
    query=PAGE,
    responses={HTTPStatus.OK: TriggerList},
)
GET_TRIGGER = registry_operation(
    "getTrigger",
    f"GET {_TRIGGER}",
    "Read a trigger",
    responses={HTTPStatus.OK: TriggerView},
    refusals=(errors.NotFound, errors.TriggerUnreadable),
)
PUT_TRIGGER = registry_operation(
    "changeTrigger",
    f"PUT {_TRIGGER}",
    "Change a trigger",
    description="What is left out stays as it is; metadata and retry policy are replaced whole. What GET answered can "
    "be edited and put back whole.",
    request=ChangeTrigger,
    example={"enabled": False, "version": 3},
    headers=(IF_MATCH,),
    responses={HTTPStatus.OK: TriggerView},
    refusals=(
        errors.NotFound,
        errors.VersionRequired,
        errors.Stale,
        errors.FunctionNotPermitted,
        errors.NameTaken,
        errors.PathTaken,
        errors.TriggerUnreadable,
        errors.BeingChanged,
        *_SOURCES,
    ),
)
DELETE_TRIGGER = registry_operation(
    "deleteTrigger",
    f"DELETE {_TRIGGER}",
    "Delete a trigger",
    description="Its runs stay, but can no longer be re-run: to stop a trigger and still re-run its runs, disable it.",
    responses={HTTPStatus.OK: Deleted},
    refusals=(errors.NotFound, errors.BeingChanged),
)
ROTATE_SECRET = registry_operation(
    "rotateSecret",
    f"POST {_TRIGGER}/rotate-secret",
    "Give a webhook a new secret",
    description="The secret before it stays valid beside it, unless `keepPrevious` is false.",
    request=RotateSecret,
    example={"keepPrevious": False},
    responses={HTTPStatus.CREATED: TriggerView},
    refusals=(errors.NotFound, errors.TriggerUnreadable, errors.Stale),
)
