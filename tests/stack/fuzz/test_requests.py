"""Many examples of requests and events for every entry point, in memory."""

import json
from typing import Any

import pytest
from hypothesis import given

from handlers import api_rerun, watchdog
from handlers.domain.runs.run import FunctionRun
from handlers.domain.upkeep.recovery import RecoveryResult
from tests.entry_points.events import (
    ABSENT,
    CONTEXT,
    ROUTES,
    Event,
    Json,
    answer_of,
    assert_complete,
    fuzzed,
)
from tests.entry_points.in_memory import everything, pending
from tests.fakes import World
from tests.stack.fuzz.strategies import CONSOLE_EVENTS, VALUES, requests


class TestInMemory:
    @given(sent=requests(list(ROUTES)))
    @fuzzed(400)
    def test_a_request_is_answered_and_a_refused_one_changes_nothing(
        self, world: World, sent: tuple[Any, Event]
    ) -> None:
        entry_point, event = sent
        before = everything(world)
        status, document = answer_of(entry_point, event)
        if status >= 300:
            assert_complete(document, status)
            assert everything(world) == before
        else:
            assert status in (200, 201, 202, 204)
        # A deletion that was allowed must not leave the other examples nothing to meet.
        if not world.registry.functions or not world.registry.triggers:
            world.has_registered()

    @given(event=CONSOLE_EVENTS)
    @fuzzed(150)
    def test_a_console_event_is_answered(self, world: World, event: Json) -> None:
        before = everything(world)
        answered = json.loads(json.dumps(api_rerun.lambda_handler(event, CONTEXT), ensure_ascii=False).encode())
        if "jobId" not in answered:
            assert_complete(answered)
            assert everything(world) == before

    def test_a_console_event_that_only_looks_like_http_is_refused(self, world: World) -> None:
        contexts: list[Json] = [{}, {"http": None}, None, 5, "text", []]
        for context in contexts:
            answered = api_rerun.lambda_handler({"requestContext": context}, CONTEXT)
            assert answered.get("statusCode", 400) == 400, context

    @given(event=VALUES)
    @fuzzed(30)
    def test_the_watchdog_does_not_care_what_wakes_it(self, world: World, event: Json) -> None:
        scheduled = {
            "version": "0",
            "id": ABSENT,
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": "123456789012",
            "time": "2026-11-22T09:30:00Z",
            "region": "eu-west-1",
            "resources": ["arn:aws:events:eu-west-1:123456789012:rule/EveryMinute"],
            "detail": event,
        }
        assert isinstance(watchdog.lambda_handler(scheduled, CONTEXT), dict)
        assert isinstance(watchdog.lambda_handler(event, CONTEXT), dict)

    def test_a_run_that_cannot_be_helped_does_not_keep_the_others_waiting(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Of the examples before it: behind a backlog nothing is pushed.
        world.queue.pushed.clear()
        stuck, helped = (pending(world, minutes_ago=60 - number) for number in range(2))
        helping = world.queue.push

        def push(run: FunctionRun, *, delay_seconds: int = 0) -> None:
            if run.id == stuck.id:
                raise ValueError("cannot be helped")
            helping(run, delay_seconds=delay_seconds)

        monkeypatch.setattr(world.queue, "push", push)
        done = watchdog.lambda_handler({}, CONTEXT)
        assert done[RecoveryResult.FAILED] == 1
        assert helped.id in [pushed.run_id for pushed in world.queue.pushed]
        for run in (stuck, helped):
            del world.runs.runs[run.id]
