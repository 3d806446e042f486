"""Moments against the running emulator; what takes minutes, against its tick alone, with a clock that is put on."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError
from ministack.core.responses import get_account_id, get_region
from ministack.services import eventbridge, scheduler

from infra.local.emulator.process import Emulator
from infra.local.emulator.scheduler import Ticker

INPUT = "<aws.scheduler.scheduled-time> <aws.scheduler.attempt-number>"
ROLE = "arn:aws:iam::000000000000:role/any"
LIMITS = {"StartDate", "EndDate"}
PAST, LATER_PAST = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), datetime(2026, 1, 2, 3, 4, 6, tzinfo=UTC)


def at(moment: datetime) -> str:
    return f"at({moment:%Y-%m-%dT%H:%M:%S})"


def soon(seconds: float = 2) -> datetime:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).replace(microsecond=0)


class Schedule:
    """A schedule that writes to a queue of its own."""

    def __init__(self, emulator: Emulator, name: str) -> None:
        self.client, self.name, self._queues = emulator.client("scheduler"), name, emulator.client("sqs")
        self._queue = self._queues.create_queue(QueueName=name)["QueueUrl"]
        attributes = self._queues.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])
        self._target = {"Arn": attributes["Attributes"]["QueueArn"], "RoleArn": ROLE}

    def definition(self, expression: str, target_input: str = INPUT, **more: Any) -> dict[str, Any]:
        target = {**self._target, "Input": target_input}
        of = {"Name": self.name, "ScheduleExpression": expression, "FlexibleTimeWindow": {"Mode": "OFF"}}
        return {**of, "Target": target, **more}

    def create(self, expression: str, target_input: str = INPUT, **more: Any) -> Any:
        return self.client.create_schedule(**self.definition(expression, target_input, **more))

    def update(self, expression: str, target_input: str = INPUT, **more: Any) -> Any:
        return self.client.update_schedule(**self.definition(expression, target_input, **more))

    def received(self) -> str:
        (message,) = self._queues.receive_message(QueueUrl=self._queue, WaitTimeSeconds=20)["Messages"]
        self._queues.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
        return str(message["Body"])

    def is_silent(self) -> bool:
        """For as long as two ticks take."""
        return "Messages" not in self._queues.receive_message(QueueUrl=self._queue, WaitTimeSeconds=3)


@pytest.fixture
def schedule(emulator: Emulator) -> Schedule:
    return Schedule(emulator, f"s-{uuid4().hex}")


def test_the_context_attributes_in_an_input_are_replaced(schedule: Schedule) -> None:
    moment = soon()
    names = ["schedule-arn", "scheduled-time", "execution-id", "attempt-number"]
    target_input = json.dumps({name: f"<aws.scheduler.{name}>" for name in names} | {"kept": "<aws.scheduler.other> ø"})
    arn = schedule.create(at(moment), target_input)["ScheduleArn"]
    received = json.loads(schedule.received())
    assert re.fullmatch(r"[0-9a-f-]{36}", received.pop("execution-id"))
    assert received == {
        "schedule-arn": arn,
        "scheduled-time": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        "attempt-number": "1",
        "kept": "<aws.scheduler.other> ø",
    }


def test_a_schedule_fires_again_at_its_new_moment(schedule: Schedule) -> None:
    schedule.create(at(PAST))
    assert schedule.received() == "2026-01-02T03:04:05Z 1"
    schedule.update(at(LATER_PAST))
    assert schedule.received() == "2026-01-02T03:04:06Z 1"


def test_a_schedule_that_was_put_off_comes_at_its_new_moment_only(schedule: Schedule) -> None:
    schedule.create(at(soon(60)))
    moment = soon()
    schedule.update(at(moment))
    assert schedule.received() == f"{moment:%Y-%m-%dT%H:%M:%SZ} 1"
    assert schedule.is_silent()


def test_a_moment_that_has_come_does_not_come_again(schedule: Schedule) -> None:
    schedule.create(at(PAST))
    assert schedule.received() == "2026-01-02T03:04:05Z 1"
    schedule.update(at(PAST), "another input")
    with pytest.raises(ClientError, match="ConflictException"):
        schedule.create(at(LATER_PAST))
    assert schedule.is_silent()


def test_a_schedule_that_was_deleted_and_made_anew_fires_again(schedule: Schedule) -> None:
    for _ in range(2):
        schedule.create(at(PAST))
        assert schedule.received() == "2026-01-02T03:04:05Z 1"
        schedule.client.delete_schedule(Name=schedule.name)


def test_a_schedule_whose_group_was_deleted_and_made_anew_fires_again(schedule: Schedule) -> None:
    for _ in range(2):
        schedule.client.create_schedule_group(Name=schedule.name)
        schedule.create(at(PAST), GroupName=schedule.name)
        assert schedule.received() == "2026-01-02T03:04:05Z 1"
        schedule.client.delete_schedule_group(Name=schedule.name)


@dataclass
class Ticking:
    """The emulator's scheduler in this process, at a moment of one's choice."""

    now: datetime = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
    fired: list[str] = field(default_factory=list)
    ticker: Ticker = field(default_factory=Ticker)

    def epoch(self) -> float:
        return self.now.timestamp()

    def create(self, expression: str, **more: Any) -> None:
        self._accepted(scheduler._create_schedule("s", self._body(expression, more)))

    def update(self, expression: str, **more: Any) -> None:
        self._accepted(scheduler._update_schedule("s", self._body(expression, more)))

    def _body(self, expression: str, more: dict[str, Any]) -> dict[str, Any]:
        target = {"Arn": "arn:aws:sqs:us-east-1:000000000000:q", "RoleArn": ROLE}
        target["Input"] = "<aws.scheduler.scheduled-time>"
        moments = {
            name: datetime.fromisoformat(f"2026-11-24T{more.pop(name)}+00:00").timestamp()
            for name in LIMITS & set(more)
        }
        return (
            {"ScheduleExpression": expression, "FlexibleTimeWindow": {"Mode": "OFF"}, "Target": target} | more | moments
        )

    def _accepted(self, answer: tuple[int, Any, Any]) -> None:
        assert answer[0] == 200

    def ticks_at(self, *times: str) -> list[str]:
        """What the ticks at these times of the day make fire: the times handed over."""
        return [
            moment.removeprefix("2026-11-24T").removesuffix("Z")
            for moment in self.ticks(f"2026-11-24T{each}" for each in times)
        ]

    def ticks(self, moments: Iterable[str]) -> list[str]:
        self.fired.clear()
        for each in moments:
            self.now = datetime.fromisoformat(f"{each}+00:00")
            self.ticker.tick()
        return list(self.fired)

    def ticks_every(self, minutes: int, begin: str, end: str) -> list[str]:
        """The same for ticks from moment to moment, both of them included."""
        first, last = datetime.fromisoformat(begin), datetime.fromisoformat(end)
        steps = range((last - first) // timedelta(minutes=minutes) + 1)
        return self.ticks((first + step * timedelta(minutes=minutes)).isoformat() for step in steps)


@pytest.fixture
def ticking(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ticking]:
    ticking = Ticking()
    monkeypatch.setattr(scheduler, "time", SimpleNamespace(time=ticking.epoch))
    monkeypatch.setattr(eventbridge, "_invoke_target", lambda target, *_: ticking.fired.append(target["Input"]))
    scope = get_account_id(), get_region()
    yield ticking
    assert (get_account_id(), get_region()) == scope
    scheduler.reset()


def test_a_rate_without_a_start_fires_at_once_and_again_after_each_change(ticking: Ticking) -> None:
    ticking.create("rate(2 minutes)")
    assert ticking.ticks_at("09:00:01", "09:01:59", "09:02:01") == ["09:00:00", "09:02:00"]
    ticking.now = ticking.now.replace(second=30)
    ticking.update("rate(2 minutes)")
    assert ticking.ticks_at("09:02:31", "09:04:29", "09:04:30") == ["09:02:30", "09:04:30"]


def test_a_rate_with_a_start_fires_then_for_the_first_time(ticking: Ticking) -> None:
    ticking.create("rate(2 minutes)", StartDate="09:10:00")
    assert ticking.ticks_at("09:00:01", "09:09:59", "09:10:00", "09:11:59", "09:12:00") == ["09:10:00", "09:12:00"]


@pytest.mark.parametrize("expression", ["rate(2 minutes)", "cron(0/2 * * * ? *)"])
def test_a_recurring_schedule_is_due_from_its_start_to_its_end_both_included(ticking: Ticking, expression: str) -> None:
    ticking.create(expression, StartDate="09:04:00", EndDate="09:08:00")
    assert ticking.ticks_every(1, "2026-11-24T09:01:00", "2026-11-24T09:20:00") == [
        "2026-11-24T09:04:00Z",
        "2026-11-24T09:06:00Z",
        "2026-11-24T09:08:00Z",
    ]
    assert len(scheduler._schedules) == 1


@pytest.mark.parametrize("expression", ["at(2026-11-24T09:02:00)", "rate(2 minutes)", "cron(0/2 * * * ? *)"])
def test_a_schedule_that_is_over_goes_if_it_was_asked_to(ticking: Ticking, expression: str) -> None:
    ticking.create(expression, StartDate="09:02:00", EndDate="09:03:00", ActionAfterCompletion="DELETE")
    assert ticking.ticks_at("09:01:59") == []
    assert len(scheduler._schedules) == 1
    assert ticking.ticks_at("09:02:00", "09:04:00") == ["09:02:00"]
    assert len(scheduler._schedules) == 0


def test_a_disabled_schedule_rests_and_makes_nothing_up_when_it_is_enabled(ticking: Ticking) -> None:
    ticking.create("cron(0/2 * * * ? *)", State="DISABLED")
    assert ticking.ticks_at("09:02:00", "09:04:00") == []
    ticking.update("cron(0/2 * * * ? *)")
    assert ticking.ticks_at("09:04:01", "09:06:00") == ["09:06:00"]


def test_an_interval_counts_from_moment_to_moment_and_not_from_tick_to_tick(ticking: Ticking) -> None:
    ticking.create("rate(2 minutes)", StartDate="09:02:00")
    assert ticking.ticks_at("09:01:59", "09:02:00.9", "09:02:01.9", "09:03:59.9") == ["09:02:00"]
    assert ticking.ticks_at("09:04:00") == ["09:04:00"]
    assert ticking.ticks_at("09:04:01", "09:05:59") == []


def test_of_the_intervals_the_machine_slept_through_the_last_one_comes(ticking: Ticking) -> None:
    ticking.create("rate(2 minutes)", StartDate="09:02:00")
    assert ticking.ticks_at("09:59:30", "09:59:31", "10:00:00.1") == ["09:58:00", "10:00:00"]


def test_a_changed_interval_counts_from_its_new_start(ticking: Ticking) -> None:
    ticking.create("rate(2 minutes)", StartDate="09:02:00")
    assert ticking.ticks_at("09:02:00", "09:03:00") == ["09:02:00"]
    ticking.update("rate(5 minutes)", StartDate="09:08:00")
    assert ticking.ticks_at("09:03:01", "09:04:01", "09:07:59", "09:08:01") == ["09:08:00"]
    ticking.update("rate(5 minutes)", StartDate="09:13:01")  # it may be the target that was changed
    assert ticking.ticks_at("09:08:02", "09:13:00", "09:13:02") == ["09:13:01"]


def test_a_cron_expression_hands_over_its_own_moment(ticking: Ticking) -> None:
    ticking.create("cron(5/10 * * * ? *)")
    assert ticking.ticks_at("09:00:01", "09:04:59", "09:05:00.8", "09:05:01.8", "09:15:09") == ["09:05:00", "09:15:00"]


def test_a_changed_cron_expression_counts_from_its_change(ticking: Ticking) -> None:
    ticking.create("cron(5 * * * ? *)")
    assert ticking.ticks_at("09:00:01", "09:04:00") == []
    ticking.update("cron(2,6 * * * ? *)")
    assert ticking.ticks_at("09:04:01", "09:05:01", "09:06:01") == ["09:06:00"]


@pytest.mark.parametrize(
    ("zone", "local", "summer", "winter"),
    [
        ("Europe/Berlin", "0 9 * * ? *", "2026-07-01T07:00:00Z", "2026-12-01T08:00:00Z"),
        ("America/New_York", "0 9 * * ? *", "2026-07-01T13:00:00Z", "2026-12-01T14:00:00Z"),
        ("UTC", "0 9 * * ? *", "2026-07-01T09:00:00Z", "2026-12-01T09:00:00Z"),
        ("Asia/Kolkata", "30 14 * * ? *", "2026-07-01T09:00:00Z", "2026-12-01T09:00:00Z"),
        # On the next day there, which is what its fields name.
        ("Pacific/Auckland", "0 1 2 * ? *", "2026-07-01T13:00:00Z", "2026-12-01T12:00:00Z"),
    ],
)
def test_a_cron_expression_is_read_in_its_time_zone(
    ticking: Ticking, zone: str, local: str, summer: str, winter: str
) -> None:
    for moment in (summer, winter):
        day = moment.partition("T")[0]
        ticking.now = datetime.fromisoformat(f"{day}T00:00:00+00:00")
        ticking.create(f"cron({local})", ScheduleExpressionTimezone=zone)
        assert ticking.ticks_every(10, f"{day}T00:10:00", f"{day}T23:50:00") == [moment]
        scheduler.reset()


def test_a_single_moment_is_read_in_its_time_zone(ticking: Ticking) -> None:
    ticking.create("at(2026-11-24T10:02:00)", ScheduleExpressionTimezone="Europe/Berlin")
    assert ticking.ticks_at("09:01:59", "09:02:00", "10:02:00") == ["09:02:00"]
