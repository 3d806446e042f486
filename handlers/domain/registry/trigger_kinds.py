"""The kinds of triggers, by their tag `executionType`: what each says of itself in `triggerMetadata`.

A new kind is a class, a line in `KINDS`, and an adapter in `handlers.wiring` if an AWS service has to follow it.
"""

import re
from functools import cache
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, create_model
from pydantic_core import PydanticCustomError

from handlers.domain.json_document import JsonObject
from handlers.domain.registry.event_driven import EventDriven
from handlers.domain.registry.schedules import Schedule
from handlers.domain.registry.trigger_metadata import METADATA, TriggerMetadata
from handlers.domain.requests import ContentField
from handlers.domain.runs.run import ExecutionSource, ExecutionType

_PATH = r"[A-Za-z0-9_~-][A-Za-z0-9._~-]*(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*"


class OnDemand(TriggerMetadata):
    """Started by people and programs only."""

    execution_type = ExecutionType.ON_DEMAND
    execution_source = ExecutionSource.TRIGGER


def _check_path(path: str) -> str:
    """Plain segments: nothing to decode, nothing to climb."""
    if not re.fullmatch(_PATH, path):
        problem = "must be segments of letters, digits and . _ ~ - with one / between them, none beginning with a dot"
        raise PydanticCustomError("path", problem)
    return path


class HttpTrigger(TriggerMetadata):
    """Started by webhooks: their `path`, how they are signed, and whether their body is always handed on raw."""

    execution_type = ExecutionType.HTTP
    execution_source = ExecutionSource.WEBHOOK

    path: Annotated[
        str, Field(max_length=200, json_schema_extra={"pattern": f"^{_PATH}$"}), AfterValidator(_check_path)
    ]
    signature: Literal["standard-webhooks", "none"] = "standard-webhooks"
    raw_body: bool = Field(
        default=False,
        exclude_if=lambda raw: not raw,
        description="Whether the function gets the body as the text that was sent, also where it is JSON.",
    )

    @property
    def needs_secret(self) -> bool:
        return self.signature != "none"


KINDS: dict[ExecutionType, type[TriggerMetadata]] = {
    kind.execution_type: kind for kind in (OnDemand, Schedule, EventDriven, HttpTrigger)
}


@cache
def with_params(kind: type[TriggerMetadata]) -> type[TriggerMetadata]:
    """The kind with the trigger's params beside its own fields, as requests and the answer of one trigger have it."""
    name = f"{kind.__name__}WithParams"
    return create_model(name, __base__=kind, params=(ContentField, Field(default_factory=dict)))


def read_metadata(
    execution_type: ExecutionType, workspace: str, body: JsonObject
) -> tuple[TriggerMetadata, JsonObject]:
    """What `triggerMetadata` says in a request, and the params apart. Raises InvalidRequest."""
    kind = KINDS[execution_type].kind_of(body)
    fields = dict(with_params(kind).read(body, within=METADATA))
    params: JsonObject = fields.pop("params")
    metadata = kind.model_construct(**fields)
    metadata.check(workspace)
    return metadata, params


def stored_metadata(execution_type: str, stored: JsonObject) -> TriggerMetadata:
    """Raises ValueError or InvalidRequest for what no release known here has written."""
    return KINDS[ExecutionType(execution_type)].kind_of(stored).from_item(stored)
