"""Runs, functions and triggers over literals: a test says only what matters to it, `a_run(status="failure")`."""

from datetime import UTC, datetime, timedelta
from typing import Any

from handlers.domain import clock
from handlers.domain.audit.act import Act
from handlers.domain.batches.batch import Batch
from handlers.domain.error_groups.group import ErrorGroup
from handlers.domain.registry.entities import ComputeFunction, FunctionTrigger
from handlers.domain.registry.event_driven import EventDriven
from handlers.domain.registry.schedules import IntervalSchedule
from handlers.domain.registry.trigger_kinds import HttpTrigger, OnDemand
from handlers.domain.registry.trigger_metadata import TriggerMetadata
from handlers.domain.runs.due import pending_deadline
from handlers.domain.runs.run import FunctionRun, Pin, Status

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
WORKSPACE = "acme"
RUN_ID = "550e8400-e29b-41d4-a716-446655440000"
FUNCTION_ID = "0f000000-0000-4000-8000-000000000001"
TRIGGER_ID = "07000000-0000-4000-8000-000000000001"
GROUP_ID = "e0" * 16
FUNCTION_ARN = "arn:aws:lambda:eu-west-1:123456789012:function:orders-import"


def an_id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def a_pin(version: int = 7, **changes: Any) -> Pin:
    literals: dict[str, Any] = {
        "function_version_arn": f"{FUNCTION_ARN}:{version}",
        "function_version": str(version),
        "function_code_hash": f"hash-of-{version}",
        "timeout_seconds": 30,
        "config_hash": f"hash-of-the-configuration-of-{version}",
    }
    return Pin.model_validate(literals | changes)


def a_run(**changes: Any) -> FunctionRun:
    """An original run, completed unless it is said to be otherwise; what goes with its status comes along."""
    created_at: datetime = changes.get("created_at", NOW)
    literals: dict[str, Any] = {
        "id": RUN_ID,
        "workspace": WORKSPACE,
        "function_id": FUNCTION_ID,
        "function_arn": FUNCTION_ARN,
        "trigger_id": TRIGGER_ID,
        "trigger_type": "on-demand",
        "execution_source": "trigger",
        "status": "completed",
        "created_at": created_at,
        "expires_at": created_at + timedelta(days=90),
    }
    literals |= _what_goes_with(Status(changes.get("status", "completed")), created_at)
    return FunctionRun.model_validate(literals | changes)


def _what_goes_with(status: Status, created_at: datetime) -> dict[str, Any]:
    if status is Status.PENDING:
        return {"deadline": pending_deadline(created_at)}
    started = {"pin": a_pin(), "started_at": created_at, "execution_attempts": 1}
    if status is Status.RUNNING:
        return started | {"claim_token": "the-claim", "deadline": created_at + timedelta(seconds=90)}
    return started | {"ended_at": created_at + timedelta(seconds=2), "duration_ms": 2000}


def a_rerun(of: FunctionRun, **changes: Any) -> FunctionRun:
    literals: dict[str, Any] = {
        "id": an_id(1),
        "execution_source": "rerun",
        "is_rerun": True,
        "original_run_id": of.lineage_id,
        "source_run_id": of.id,
        "rerun_by": "user-123",
    }
    return a_run(**literals | changes)


def a_group(**changes: Any) -> ErrorGroup:
    """Open, and published already."""
    opened_at: datetime = changes.get("opened_at", NOW)
    literals: dict[str, Any] = {
        "id": GROUP_ID,
        "workspace": WORKSPACE,
        "function_id": FUNCTION_ID,
        "error_code": "KeyError",
        "error_source": "function",
        "first_seen_at": opened_at,
        "opened_at": opened_at,
        "function_versions": ("7",),
        "sample_run_id": RUN_ID,
        "last_failure_at": opened_at,
        "expires_at": opened_at + timedelta(days=91),
    }
    return ErrorGroup.model_validate(literals | changes)


def an_act(**changes: Any) -> Act:
    literals: dict[str, Any] = {
        "id": an_id(6),
        "at": NOW,
        "workspace": WORKSPACE,
        "action": "rerun",
        "by": "alice",
        "run_id": RUN_ID,
        "request_id": "a-request",
        "expires_at": changes.get("at", NOW) + timedelta(days=400),
    }
    return Act.model_validate(literals | changes)


def a_batch(**changes: Any) -> Batch:
    """One of a selection, which has just begun."""
    created_at: datetime = changes.get("created_at", clock.now())
    literals: dict[str, Any] = {
        "id": an_id(8),
        "workspace": WORKSPACE,
        "created_at": created_at,
        "by": "alice",
        "selection": {"function_id": FUNCTION_ID},
        "state": "canary",
        "expires_at": created_at + timedelta(days=90),
    }
    return Batch.model_validate(literals | changes)


def a_function(**changes: Any) -> ComputeFunction:
    literals: dict[str, Any] = {
        "id": FUNCTION_ID,
        "workspace": WORKSPACE,
        "name": "orders import",
        "function_arn": FUNCTION_ARN,
        "created_at": NOW,
        "updated_at": NOW,
    }
    return ComputeFunction.model_validate(literals | changes)


def listening(pattern: dict[str, Any], bus: str | None = None) -> EventDriven:
    return EventDriven.model_validate({"eventPattern": pattern, "eventBusName": bus})


OF_KIND: dict[str, TriggerMetadata] = {
    "on-demand": OnDemand(),
    "scheduled": IntervalSchedule(schedule_type="interval", interval=3600),
    "event-driven": listening({"source": ["shop"]}),
    "http-trigger": HttpTrigger(path="orders"),
}


def a_trigger(**changes: Any) -> FunctionTrigger:
    """On demand, unless `metadata` says of what kind it is, or `execution_type` with the kind's usual metadata."""
    literals: dict[str, Any] = {
        "id": TRIGGER_ID,
        "workspace": WORKSPACE,
        "name": "import now",
        "function_id": FUNCTION_ID,
        "metadata": OF_KIND[changes.pop("execution_type", "on-demand")],
        "enabled": True,
        "created_at": NOW,
        "updated_at": NOW,
    }
    return FunctionTrigger.model_validate(literals | changes)


def nested(levels: int) -> dict[str, Any]:
    """A document of so many levels, objects and arrays in turn."""
    inner: Any = 1
    for level in range(levels - 1):
        inner = [inner] if level % 2 else {"down": inner}
    return {"top": inner}
