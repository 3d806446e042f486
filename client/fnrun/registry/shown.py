"""How functions and triggers look."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fnrun.output.console import note, stdout
from fnrun.output.fields import print_fields
from fnrun.output.tables import print_table
from fnrun.output.text import as_json
from fnrun.output.times import moment

Document = Mapping[str, Any]
Names = Mapping[str, str]
_PATTERN = 60
"""Characters of an event pattern in a list."""


def print_functions(functions: Iterable[Document]) -> int:
    columns = ("ID", "NAME", "CAPTURES FAILURES", "CHANGED", "ARN")
    return print_table(
        columns,
        (
            [
                each["id"],
                each["name"],
                "yes" if each.get("captureFailures") else "no",
                moment(each["updatedAt"]),
                each["functionArn"],
            ]
            for each in functions
        ),
    )


def print_triggers(triggers: Iterable[Document], function_names: Names) -> int:
    columns = ("ID", "NAME", "TYPE", "ENABLED", "FUNCTION", "CHANGED", "STARTS")
    return print_table(
        columns,
        (
            [
                each["id"],
                each["name"],
                each["executionType"],
                "yes" if each["enabled"] else "no",
                function_names.get(each["functionId"], each["functionId"]),
                moment(each["updatedAt"]),
                _starts(each),
            ]
            for each in triggers
        ),
    )


def print_function(function: Document, trigger_names: Names) -> None:
    print_fields(stdout(), _function_fields(function, trigger_names))


def print_trigger(trigger: Document, function_names: Names, *, base_url: str) -> None:
    """With its params; and its secret, if there is a new one. `base_url`: below it are the webhooks."""
    print_fields(stdout(), _trigger_fields(trigger, function_names, base_url))
    if params := trigger["triggerMetadata"].get("params"):
        stdout().print("params", style="bold")
        stdout().print(as_json(params), soft_wrap=True, overflow="ignore", crop=False)
    if trigger.get("secret"):
        note("The secret is shown this once: give it to the sender now. A new one: fnrun triggers rotate")


def _function_fields(function: Document, trigger_names: Names) -> Iterator[tuple[str, object]]:
    yield "id", function["id"]
    yield "name", function["name"]
    yield "ARN", function["functionArn"]
    captures = function.get("captureFailures")
    yield "failures", captures and f"captured as runs of {_named(captures['triggerId'], trigger_names)}"
    yield "ignored", " ".join(function.get("ignoreDifferences") or [])
    yield from _versions(function)


def _trigger_fields(trigger: Document, function_names: Names, base_url: str) -> Iterator[tuple[str, object]]:
    metadata = trigger["triggerMetadata"]
    yield "id", trigger["id"]
    yield "name", trigger["name"]
    yield "type", trigger["executionType"]
    yield "starts", _starts(trigger, whole=True)
    if trigger["executionType"] == "http-trigger":
        yield "URL", f"{base_url}/http-trigger/{metadata['path']}"
        yield "body", "as raw text" if metadata.get("rawBody") else None
    yield "secret", trigger.get("secret")
    yield "function", _named(trigger["functionId"], function_names)
    yield "enabled", "yes" if trigger["enabled"] else "no"
    yield "retries", _retries(trigger.get("retryPolicy"))
    yield from _versions(trigger)


def _versions(document: Document) -> Iterator[tuple[str, object]]:
    yield "created", moment(document["createdAt"])
    yield "changed", moment(document["updatedAt"])
    yield "version", document["version"]


def _named(thing_id: str, names: Names) -> str:
    return f"{names[thing_id]} ({thing_id})" if thing_id in names else thing_id


def _starts(trigger: Document, *, whole: bool = False) -> str:
    """When it starts a run."""
    metadata = trigger["triggerMetadata"]
    match metadata.get("scheduleType"):
        case "interval":
            return f"every {_interval(metadata['interval'])}"
        case "cron":
            return f"{metadata['cronExpression']} {metadata['timezone']}"
        case "once":
            return f"once, {moment(metadata['at'])}"
    if "eventPattern" in metadata:
        pattern = json.dumps(metadata["eventPattern"], ensure_ascii=False)
        bus = f" on {metadata['eventBusName']}" if metadata.get("eventBusName") else ""
        return f"{pattern if whole or len(pattern) <= _PATTERN else f'{pattern[:_PATTERN]}…'}{bus}"
    if "path" in metadata:
        return f"webhooks at {metadata['path']}, {'not ' if metadata['signature'] == 'none' else ''}signed"
    return "on demand" if whole else ""


def _interval(seconds: int) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _retries(policy: Document | None) -> str | None:
    if policy is None:
        return None
    said = f"{policy['maxRetries']}, the first after {policy['initialDelaySeconds']} s, each {policy['backoffRate']:g} "
    said += f"times as late, {policy['maxDelaySeconds']} s at most; jitter: {policy['jitter']}"
    if policy["nonRetryableErrors"]:
        said += f"; not of {' '.join(policy['nonRetryableErrors'])}"
    return said + ("; re-runs by hand, too" if policy["retryManualReruns"] else "")
