"""What claims to start a run: triggers of any kind, deliveries of schedules and rules, records of failures."""

import json
from typing import Any
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from handlers import capture_failures, on_event
from handlers.domain.json_document import compact_any
from handlers.domain.registry.entities import CaptureFailures
from handlers.domain.runs.run import ExecutionType, Status
from tests.builders import FUNCTION_ARN, FUNCTION_ID, TRIGGER_ID, a_function
from tests.entry_points.events import (
    CONTEXT,
    OWN,
    ROUTES,
    TRIGGER,
    Json,
    answer_of,
    assert_complete,
    fuzzed,
    http_event,
)
from tests.entry_points.in_memory import everything
from tests.fakes import World
from tests.stack.fuzz.strategies import IDS, METADATA, TEXT, VALUES
from tests.stack.fuzz.test_messages import NOT_UNDERSTOOD, message

PATTERNS = st.fixed_dictionaries(
    {},
    optional={
        "source": st.lists(TEXT | VALUES, max_size=2),
        "detail": st.dictionaries(st.sampled_from(["workspace", "a", "$or"]) | TEXT, VALUES, max_size=2) | VALUES,
        "$or": st.lists(st.dictionaries(TEXT, VALUES, max_size=1), max_size=2) | VALUES,
    },
)
SOUND: dict[ExecutionType, st.SearchStrategy[Json]] = {
    ExecutionType.ON_DEMAND: st.just({}),
    ExecutionType.SCHEDULED: st.sampled_from(
        [
            {"scheduleType": "interval", "interval": 60},
            {"scheduleType": "cron", "cronExpression": "0 9 ? * MON-FRI *", "timezone": "Europe/Berlin"},
            {"scheduleType": "once", "at": "2099-01-01T00:00:00Z"},
        ]
    ),
    ExecutionType.EVENT_DRIVEN: PATTERNS.map(lambda pattern: {"eventPattern": pattern}),
    ExecutionType.HTTP: st.text("abc./~%é", min_size=1).map(lambda path: {"path": path}),
}


@st.composite
def triggers(draw: st.DrawFn) -> Json:
    """Bodies that are sound but for what the trigger says of its kind, and that is sound or nearly so."""
    kind = draw(st.sampled_from(ExecutionType))
    metadata = draw(SOUND[kind]) | (draw(METADATA) if draw(st.booleans()) else {})
    named = {"name": uuid4().hex, "functionId": FUNCTION_ID, "executionType": kind}
    return named | {"triggerMetadata": metadata, "enabled": draw(st.booleans())}


@given(body=triggers())
@fuzzed(300)
def test_a_trigger_s_source_is_shown_as_it_was_asked_for_or_refused_by_its_name(world: World, body: Json) -> None:
    # Paths are unique, and all examples share the world.
    world.registry.triggers = {each: stored for each, stored in world.registry.triggers.items() if each == TRIGGER_ID}
    before, synced = everything(world), dict(world.aws.synced)
    status, document = answer_of(ROUTES[TRIGGER], http_event(TRIGGER, {"workspace": OWN}, body=json.dumps(body)))
    if status == 201:
        # Params may be anything; a moment is shown in UTC.
        request = {name: value for name, value in body["triggerMetadata"].items() if name != "at"}
        assert document["triggerMetadata"] == document["triggerMetadata"] | request
        needs_sync = body["executionType"] in (ExecutionType.SCHEDULED, ExecutionType.EVENT_DRIVEN)
        assert (document["id"] in world.aws.synced) == needs_sync
    else:
        assert_complete(document, status)
        assert status == 400
        assert document["field"] == "body" or document["field"].startswith("triggerMetadata")
        assert (everything(world), world.aws.synced) == (before, synced)


DELIVERIES = VALUES | st.fixed_dictionaries(
    {},
    optional={
        "triggerId": IDS | VALUES,
        "scheduledTime": st.just("2026-12-24T18:00:00Z") | VALUES,
        "event": st.fixed_dictionaries(
            {}, optional={"id": TEXT | VALUES, "detail": st.fixed_dictionaries({"workspace": st.just(OWN) | VALUES})}
        )
        | VALUES,
    },
)


@given(delivery=DELIVERIES)
@fuzzed(200)
def test_a_delivery_that_can_never_start_a_run_is_left_at_once(world: World, delivery: Json) -> None:
    before = everything(world)
    # The trigger of the world is on-demand: nothing that schedules or rules deliver is for it.
    answer = on_event.lambda_handler(delivery, CONTEXT)
    assert answer.keys() == {"dropped"}
    assert everything(world) == before


def is_json(value: Json) -> bool:
    """Whether it can be JSON at all: it holds no NaN."""
    try:
        compact_any(value)
    except ValueError:
        return False
    return True


RECORDS = st.fixed_dictionaries(
    {
        "requestContext": st.fixed_dictionaries(
            {"requestId": st.text("abc-0", min_size=1), "functionArn": st.just(f"{FUNCTION_ARN}:$LATEST") | TEXT},
            optional={"condition": TEXT, "approximateInvokeCount": VALUES, "surprise": VALUES},
        ),
        "requestPayload": VALUES,
    },
    optional={
        "version": VALUES,
        "responseContext": st.none() | st.fixed_dictionaries({}, optional={"executedVersion": TEXT, "a": VALUES}),
        "responsePayload": VALUES,
    },
).filter(is_json)


@given(bad=NOT_UNDERSTOOD, record=RECORDS, by_a_bus=st.booleans())
@fuzzed(150)
def test_a_record_of_any_failure_is_captured_and_what_is_none_fails_alone(
    world: World, bad: str, record: Json, by_a_bus: bool
) -> None:
    world.registry.functions[FUNCTION_ID] = a_function(capture_failures=CaptureFailures(trigger_id=TRIGGER_ID))
    before = set(world.runs.runs)
    sent = {"id": "e", "source": "lambda", "detail": record} if by_a_bus else record
    batch = [message(0, bad), message(1, compact_any(sent))]

    answered: Any = capture_failures.lambda_handler({"Records": batch}, CONTEXT)

    assert [failure["itemIdentifier"] for failure in answered["batchItemFailures"]] == [batch[0]["messageId"]]
    new = [world.run(run_id) for run_id in set(world.runs.runs) - before]
    assert all(run.status in (Status.FAILURE, Status.TIMEOUT) and run.error_code for run in new)
    # Of functions that are not registered nothing is kept.
    assert not new or record["requestContext"]["functionArn"].startswith(FUNCTION_ARN)
    world.has_registered()
