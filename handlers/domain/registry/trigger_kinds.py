"""The kinds of triggers, by their tag `executionType`: what each says of itself in `triggerMetadata`.

A new kind is a class, a line in `KINDS`, and an adapter in `handlers.wiring` if an AWS service has to follow it.
"""

from functools import cache

from pydantic import Field, create_model

from handlers.domain.json_document import JsonObject
from handlers.domain.registry.event_driven import EventDriven
from handlers.domain.registry.http_trigger import HttpTrigger
from handlers.domain.registry.schedules import Schedule
from handlers.domain.registry.trigger_metadata import METADATA, TriggerMetadata
from handlers.domain.requests import ContentField
from handlers.domain.runs.run import ExecutionSource, ExecutionType


class OnDemand(TriggerMetadata):
    """Started by people and programs only."""

    execution_type = ExecutionType.ON_DEMAND
    execution_source = ExecutionSource.TRIGGER


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
