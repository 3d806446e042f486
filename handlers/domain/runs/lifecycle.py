"""What is published of a run that has ended: its ids, never its content."""

from typing import Any

from handlers.domain.runs.run import FunctionRun, Status

EVENT_SOURCE = "function-rerun"
COMPLETED = "Function Run Completed"
FAILED = "Function Run Failed"
CANCELLED = "Function Run Cancelled"
AWAITS_RETRY = "awaitsRetry"
"""Whether somebody has to decide on a retry: what the rule of automatic retries looks for."""

_TYPES = {Status.COMPLETED: COMPLETED, Status.CANCELLED: CANCELLED}
_PUBLISHED = {
    *("workspace", "function_id", "trigger_id", "status", "error_code", "error_source", "error_group_id"),
    *("execution_source", "is_rerun", "original_run_id", "source_run_id", "retry_attempt", "created_at", "ended_at"),
}


def detail_type(run: FunctionRun) -> str:
    return _TYPES.get(run.status, FAILED)


def detail(run: FunctionRun) -> dict[str, Any]:
    published = run.model_dump(mode="json", by_alias=True, include=_PUBLISHED)
    return {
        "functionRunId": run.id,
        **published,
        "functionVersion": run.function_version,
        AWAITS_RETRY: run.awaits_retry,
    }
