"""What is published of an error group that a failure has opened or reopened: ids and the type, no error text."""

from typing import Any

from handlers.domain.error_groups.group import ErrorGroup
from handlers.domain.runs.run import FunctionRun

OPENED = "Error Group Opened"
REOPENED = "Error Group Reopened"

_PUBLISHED = {
    *("workspace", "function_id", "error_code", "error_source", "first_seen_at", "opened_at", "reopened"),
}


def detail_type(group: ErrorGroup) -> str:
    return REOPENED if group.reopened else OPENED


def detail(group: ErrorGroup, run: FunctionRun) -> dict[str, Any]:
    """`run` is the failure that did it."""
    return {
        "errorGroupId": group.id,
        **group.model_dump(mode="json", by_alias=True, include=_PUBLISHED),
        "functionRunId": run.id,
        "functionVersion": run.function_version,
    }
