"""Items of functions and triggers, and the items that make their names and paths unique."""

from datetime import datetime
from typing import Any, NamedTuple

from handlers.aws import keys
from handlers.aws.table import SCHEMA, Item, from_item
from handlers.domain.clock import iso
from handlers.domain.errors import NameTaken, PathTaken, Refused
from handlers.domain.json_document import compact, parse_object
from handlers.domain.paging import position_of
from handlers.domain.registry.entities import ComputeFunction, FunctionTrigger, Registered, StoredTrigger
from handlers.domain.registry.retry_policy import FIELD as RETRY_POLICY
from handlers.domain.registry.retry_policy import RetryPolicy
from handlers.domain.registry.trigger_kinds import HttpTrigger, stored_metadata
from handlers.domain.registry.trigger_metadata import METADATA

UNFINISHED = "UNFINISHED"


def of_function(function: ComputeFunction) -> dict[str, Any]:
    return _listed(function)


def of_trigger(stored: StoredTrigger) -> dict[str, Any]:
    trigger = stored.trigger
    tagged = {"executionType": trigger.execution_type, METADATA: trigger.metadata.item()}
    item = _listed(trigger) | tagged | {"sealedParams": stored.sealed_params}
    if trigger.retry_policy is not None:
        # As a text: DynamoDB knows no fractions as Python has them.
        item |= {RETRY_POLICY: compact(trigger.retry_policy.model_dump(by_alias=True))}
    return item if stored.sealed_secrets is None else item | {"sealedSecrets": stored.sealed_secrets}


def _listed(registered: Registered) -> dict[str, Any]:
    position = position_of(registered.created_at, registered.id)
    listed = {
        "byWorkspace": f"{registered.kind.upper()}S#{registered.workspace}",
        "position": position,
        "schema": SCHEMA,
    }
    changing = registered.locked_until if isinstance(registered, FunctionTrigger) else None
    unfinished = {} if changing is None else due(changing)
    document = registered.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"metadata"})
    return keys.registered(registered.kind, registered.id) | document | listed | unfinished


def due(at: datetime) -> dict[str, str]:
    """Puts a trigger before the watchdog, should its change not be finished by then."""
    return {"due": UNFINISHED, "dueAt": iso(at)}


def to_function(item: Item) -> ComputeFunction:
    return ComputeFunction.model_validate(from_item(item))


def to_trigger(item: Item) -> StoredTrigger:
    plain = from_item(item)
    plain["metadata"] = stored_metadata(plain["executionType"], plain[METADATA])
    if RETRY_POLICY in plain:
        plain[RETRY_POLICY] = RetryPolicy.from_item(parse_object(plain[RETRY_POLICY]))
    return StoredTrigger(FunctionTrigger.model_validate(plain), plain["sealedParams"], plain.get("sealedSecrets"))


class Claim(NamedTuple):
    """Something that only one function or trigger of a workspace can have."""

    key: keys.Key
    taken: Refused
    """What to answer when another has it."""


def claims(registered: Registered | None) -> dict[str, Claim]:
    """By what they are on."""
    if registered is None:
        return {}
    name = keys.name(registered.workspace, registered.kind, registered.name)
    found = {name["pk"]: Claim(name, NameTaken(registered.kind))}
    if isinstance(registered, FunctionTrigger) and isinstance(registered.metadata, HttpTrigger):
        path = keys.path(registered.workspace, registered.metadata.path)
        found[path["pk"]] = Claim(path, PathTaken())
    return found


def of_claim(claim: Claim, owner: Registered) -> dict[str, Any]:
    """The function's id stands in a path's item too, so that a webhook finds trigger and function in one read."""
    functions = {"functionId": owner.function_id} if isinstance(owner, FunctionTrigger) else {}
    return {**claim.key, "ownerId": owner.id, **functions, "schema": SCHEMA}
