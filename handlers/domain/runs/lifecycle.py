"""What the lifecycle bus is told of a run that has ended: its ids, never its content."""

from typing import Any

from handlers.domain.runs.run import FunctionRun, Status

EVENT_SOURCE = "function-rerun"
COMPLETED = "Function Run Completed"
FAILED = "Function Run Failed"
CANCELLED = "Function Run Cancelled"
AWAITS_RETRY = "awaitsRetry"
"""Whether somebody has to decide on a retry: what the rule of automatic retries looks for."""

_TYPES = {Status.COMPLETED: COMPLETED, Status.CANCELLED: CANCELLED}
_PUBLISHED = (
    *("id", "workspace", "functionId", "triggerId", "status", "errorCode", "errorSource"),
    *("executionSource", "isRerun"),
    *("originalRunId", "sourceRunId", "retryAttempt", "functionVersion", "createdAt", "endedAt"),
)


def detail_type(run: FunctionRun) -> str:
    return _TYPES.get(run.status, FAILED)


def detail(run: FunctionRun) -> dict[str, Any]:
    document = run.document()
    detail = {"functionRunId" if name == "id" else name: document[name] for name in _PUBLISHED}
    return detail | {AWAITS_RETRY: run.awaits_retry}
