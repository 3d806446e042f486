"""What a caller can make as large as it likes is measured before it is walked: calls are counted, not seconds."""

import base64
import contextlib
import gc
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from handlers.domain.errors import InvalidRequest, ServiceError
from handlers.domain.identity import Caller
from handlers.domain.paging import Page
from handlers.domain.registry.functions import RegisterFunction
from handlers.domain.registry.retry_policy import read_retry_policy
from handlers.domain.registry.schedules import check_cron
from handlers.domain.registry.trigger_kinds import KINDS, read_metadata, with_params
from handlers.domain.registry.triggers import CreateTrigger
from handlers.domain.requests import parse_moment
from handlers.domain.runs.history import parse_contents
from handlers.domain.runs.listing import Filters
from handlers.domain.runs.run import ExecutionType
from handlers.domain.starting.execute_trigger import ExecuteBody
from handlers.domain.starting.idempotency import request_key
from handlers.domain.starting.rerun import RerunBody
from tests.builders import WORKSPACE
from tests.domain.starting.receiving import has_webhook, received, webhook
from tests.fakes import World

MANY = 50_000
FEW = 600
LARGE = "x" * 1_000_000
check_cron("0 9 ? * MON *")  # its regular expressions are compiled once, when they are first needed
Refusing = Callable[[], Any]


def calls(refusing: Refusing) -> int:
    """How many functions are called, in Python or in C, until the refusal. A step of a generator is a call."""
    counted = 0

    def count(_: FrameType, event: str, __: Any) -> None:
        nonlocal counted
        counted += event in ("call", "c_call")

    with contextlib.suppress(ServiceError):
        refusing()  # what is built at its first use, such as patterns and models, is not counted
    gc.disable()
    sys.setprofile(count)
    try:
        refusing()
    except ServiceError:
        return counted
    finally:
        sys.setprofile(None)
        gc.enable()
    raise AssertionError("it was not refused")


def metadata(kind: ExecutionType, **body: Any) -> Refusing:
    with_params(KINDS[kind].kind_of(body))  # built once, when it is first needed
    return lambda: read_metadata(kind, WORKSPACE, body)


def deep(width: int) -> Any:
    field: Any = ["x"]
    for _ in range(90):
        field = {"k": field}
    return {str(number): field for number in range(width)}


WIDE = {str(number): ["x"] for number in range(MANY)}
EVENTS, SCHEDULED, HTTP = ExecutionType.EVENT_DRIVEN, ExecutionType.SCHEDULED, ExecutionType.HTTP
REFUSED: dict[str, Refusing] = {
    "a wide pattern": metadata(EVENTS, eventPattern=WIDE),
    "a wide detail": metadata(EVENTS, eventPattern={"detail": WIDE}),
    "a wide pattern of another bus": metadata(EVENTS, eventPattern=WIDE, eventBusName="default"),
    "a deep pattern": metadata(EVENTS, eventPattern=deep(MANY // 100)),
    "a pattern of alternatives": metadata(EVENTS, eventPattern={"$or": [{"source": ["x"]}] * MANY}),
    "a pattern that speaks of the owner": metadata(EVENTS, eventPattern=WIDE | {"detail.workspace": ["x"]}),
    "the name of a bus": metadata(EVENTS, eventPattern={"source": ["x"]}, eventBusName=LARGE),
    "a cron expression": metadata(SCHEDULED, scheduleType="cron", cronExpression="0 " * MANY),
    "the list of a cron expression": metadata(
        SCHEDULED, scheduleType="cron", cronExpression=f"0 0 ? * {'MON,' * MANY}MON *"
    ),
    "a time zone": metadata(SCHEDULED, scheduleType="cron", cronExpression="0 9 ? * MON *", timezone=LARGE),
    "a moment": metadata(SCHEDULED, scheduleType="once", at=f"2099-01-01T00:00:00.{'1' * MANY}Z"),
    "a webhook's path": metadata(HTTP, path="a/" * MANY + "a"),
    "fields of metadata": metadata(HTTP, path="a", **WIDE),
    "fields of a re-run": lambda: RerunBody.read(WIDE),
    "fields of a re-run that are null": lambda: RerunBody.read(dict.fromkeys(WIDE)),
    "fields of an execution": lambda: ExecuteBody.read({"payload": {}} | WIDE),
    "fields of a function": lambda: RegisterFunction.read({"name": "x"} | WIDE),
    "fields of a trigger": lambda: CreateTrigger.read(WIDE),
    "fields of a retry policy": lambda: read_retry_policy({"maxRetries": 1} | WIDE),
    "names of errors": lambda: read_retry_policy({"maxRetries": 1, "nonRetryableErrors": ["é"] * MANY}),
    "a name": lambda: RegisterFunction.read({"name": " " * MANY, "functionArn": "x"}),
    "a reason": lambda: RerunBody.read({"reason": LARGE}),
    "the moment of a re-run": lambda: RerunBody.read({"notBefore": "1" * MANY}),
    "a moment of a delivery": lambda: parse_moment("2" * MANY, field="scheduledTime"),
    "parts to reveal": lambda: parse_contents("parameters," * MANY + "parameters"),
    "a cursor": lambda: Page.from_query(None, base64.urlsafe_b64encode(LARGE.encode()).decode()),
    "the length of a page": lambda: Page.from_query("1" * MANY, None),
    "from": lambda: Filters.from_query({"from": "2" * MANY}),
    "a filter's id": lambda: Filters.from_query({"triggerId": LARGE}),
    "an idempotency key": lambda: request_key("k" * MANY, WORKSPACE, "caller:alice", WIDE),
    "a scope": lambda: Caller("alice", frozenset({"acme/" + "a" * MANY})).require("acme", "function-runs", "read"),
}


@pytest.mark.parametrize("refusing", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_too_large_is_refused_before_it_is_walked(refusing: Refusing) -> None:
    assert calls(refusing) < FEW


@pytest.mark.parametrize(
    "changes",
    [
        {"path": "a/" * MANY},
        {"headers": {"x-any": "\x00" * MANY}},
        {"headers": {"webhook-id": LARGE}},
        {"headers": {"webhook-id": "m", "webhook-timestamp": "1" * MANY}},
        {"headers": {"webhook-id": "m", "webhook-timestamp": "1", "webhook-signature": "v1," * MANY}},
    ],
    ids=["path", "header", "id", "timestamp", "signature"],
)
def test_a_webhook_that_is_too_large_is_refused_before_it_is_walked(world: World, changes: dict[str, Any]) -> None:
    has_webhook(world)
    assert calls(lambda: received(world, webhook(**changes))) < FEW


def test_walking_is_counted() -> None:
    """What the others go by: a refusal that comes of walking is not cheap."""

    def walking() -> None:
        for name in WIDE:
            name.isdigit()
        raise InvalidRequest("x", "y")

    assert calls(walking) > MANY
