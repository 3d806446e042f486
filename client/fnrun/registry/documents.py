"""What can be changed of a function or a trigger, as one JSON document."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fnrun.errors import UsageFault

if TYPE_CHECKING:
    from function_rerun import Client

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Kind:
    name: str
    fields: Mapping[str, Any]
    """What can be changed, and how the document says that it is not set."""
    read: Callable[["Client", str], Document]
    change: Callable[..., Document]


FUNCTION = Kind(
    "function",
    {"name": None, "functionArn": None, "ignoreDifferences": [], "captureFailures": {}},
    lambda client, function_id: client.get_function(function_id),
    lambda client, function_id, **body: client.change_function(function_id, **body),
)
TRIGGER = Kind(
    "trigger",
    {"name": None, "enabled": None, "triggerMetadata": None, "retryPolicy": {"maxRetries": 0}},
    lambda client, trigger_id: client.get_trigger(trigger_id),
    lambda client, trigger_id, **body: client.change_trigger(trigger_id, **body),
)


def editable(kind: Kind, document: Document) -> dict[str, Any]:
    """What can be changed of it, whole, and its version."""
    return {field: document.get(field, unset) for field, unset in kind.fields.items()} | {
        "version": document["version"]
    }


def changes(kind: Kind, current: Document, wanted: Document) -> dict[str, Any] | None:
    """The body of the change: what is wanted, and of which version. None if nothing differs.

    Raises UsageFault for what no change can bring.
    """
    version = wanted.get("version", current["version"])
    if unknown := [field for field in wanted if field not in kind.fields and field not in current]:
        raise UsageFault(f"{unknown[0]!r} is no field of a {kind.name}", f"there are {', '.join(kind.fields)}")
    body = {field: value for field, value in wanted.items() if field in kind.fields}
    for field, value in body.items():
        _check_type(field, value, kind.fields[field])
    if version == current["version"]:  # of an outdated document, what is fixed may differ, too
        fixed = wanted.keys() - body.keys() - {"version"}
        if differing := sorted(field for field in fixed if wanted[field] != current[field]):
            raise UsageFault(f"{differing[0]!r} cannot be changed", f"remove the {kind.name}, and add another")
        shown = editable(kind, current)
        if all(_canonical(value) == _canonical(shown[field]) for field, value in body.items()):
            return None
    return body | {"version": version}


def _check_type(field: str, value: Any, unset: Any) -> None:
    if value is None:
        raise UsageFault(f"{field!r} must not be null", "leave it out, or " + _how_to_unset(unset))
    if unset is not None and not isinstance(value, type(unset)):
        raise UsageFault(f"{field!r} must be {'a list' if isinstance(unset, list) else 'an object'}", "correct it")


def _how_to_unset(unset: Any) -> str:
    return "give it a value" if unset is None else f"write {json.dumps(unset)} to end it"


def keywords(body: Document) -> dict[str, Any]:
    """As the client names these fields."""
    return {re.sub(r"[A-Z]", lambda letter: f"_{letter[0].lower()}", field): value for field, value in body.items()}


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
