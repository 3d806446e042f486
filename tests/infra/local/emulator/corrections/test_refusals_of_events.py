"""What AWS refuses the emulator refuses, too, with AWS's code and status: else a test could not notice that it was sent.

Where the model of an operation names the error, botocore has an exception of that name, which is expected then.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from infra.local.emulator.process import Emulator
from tests.infra.refusals import refusal

ROLE = "arn:aws:iam::000000000000:role/any"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:q"
PATTERN = '{"source":["shop"]}'


@pytest.fixture
def name() -> str:
    return f"n-{uuid4().hex[:12]}"


class TestEventBridge:
    @pytest.fixture
    def events(self, emulator: Emulator) -> Any:
        return emulator.client("events")

    @pytest.fixture
    def bus(self, events: Any, name: str) -> str:
        events.create_event_bus(Name=name)
        return name

    def test_a_bus_with_rules_is_not_deleted(self, events: Any, bus: str) -> None:
        events.put_rule(Name="r", EventBusName=bus, EventPattern=PATTERN)
        assert refusal(lambda: events.delete_event_bus(Name=bus)) == (400, "ValidationException")
        assert [rule["Name"] for rule in events.list_rules(EventBusName=bus)["Rules"]] == ["r"]
        events.delete_rule(Name="r", EventBusName=bus)
        events.delete_event_bus(Name=bus)
        events.delete_event_bus(Name=bus)  # one that is not there is no error

    def test_a_rule_with_targets_is_not_deleted(self, events: Any, bus: str) -> None:
        events.put_rule(Name="r", EventBusName=bus, EventPattern=PATTERN)
        events.put_targets(Rule="r", EventBusName=bus, Targets=[{"Id": "t", "Arn": QUEUE}])
        assert refusal(lambda: events.delete_rule(Name="r", EventBusName=bus)) == (400, "ValidationException")
        assert events.list_targets_by_rule(Rule="r", EventBusName=bus)["Targets"]
        events.remove_targets(Rule="r", EventBusName=bus, Ids=["t"])
        events.delete_rule(Name="r", EventBusName=bus)
        events.delete_rule(Name="r", EventBusName=bus)  # one that is not there is no error

    def test_targets_of_a_rule_that_is_not_there_cannot_be_removed(self, events: Any, bus: str) -> None:
        with pytest.raises(events.exceptions.ResourceNotFoundException):
            events.remove_targets(Rule="r", EventBusName=bus, Ids=["t"])

    def test_a_rule_has_five_targets_at_most(self, events: Any, bus: str) -> None:
        events.put_rule(Name="r", EventBusName=bus, EventPattern=PATTERN)
        targets = [{"Id": str(number), "Arn": QUEUE} for number in range(5)]
        events.put_targets(Rule="r", EventBusName=bus, Targets=targets)
        events.put_targets(Rule="r", EventBusName=bus, Targets=targets[:1])  # it is one of the five
        with pytest.raises(events.exceptions.LimitExceededException):
            events.put_targets(Rule="r", EventBusName=bus, Targets=[{"Id": "sixth", "Arn": QUEUE}])

    @pytest.mark.parametrize(
        "rule",
        [
            {"Name": "r" * 65},
            {"Name": "r r"},
            {"Name": "r/r"},
            {"Name": "ö"},
            {"EventPattern": json.dumps({"source": ["x" * 4096]})},
            {"EventPattern": None},
            {"Description": "d" * 513},
            {"EventPattern": None, "ScheduleExpression": "rate(1 minutes)"},
            {"EventPattern": None, "ScheduleExpression": "rate(2 minute)"},
            {"EventPattern": None, "ScheduleExpression": "rate(0 minutes)"},
            {"EventPattern": None, "ScheduleExpression": "rate(30 seconds)"},
        ],
        ids=lambda rule: str(rule)[:40],
    )
    def test_a_rule_that_the_api_does_not_know_is_refused(self, events: Any, rule: dict[str, Any]) -> None:
        request = {"Name": "r", "EventPattern": PATTERN} | rule
        request = {name: value for name, value in request.items() if value is not None}
        assert refusal(lambda: events.put_rule(**request)) == (400, "ValidationException")

    def test_the_longest_name_is_taken(self, events: Any, bus: str) -> None:
        events.put_rule(Name="r._-" * 16, EventBusName=bus, EventPattern=PATTERN)

    def test_a_target_s_id_and_template_have_their_limits(self, events: Any, bus: str) -> None:
        events.put_rule(Name="r", EventBusName=bus, EventPattern=PATTERN)
        for wrong in ({"Id": "t" * 65}, {"Id": "t t"}, {"InputTransformer": {"InputTemplate": "t" * 8193}}):
            targets = [{"Id": "t", "Arn": QUEUE} | wrong]
            refused = refusal(lambda targets=targets: events.put_targets(Rule="r", EventBusName=bus, Targets=targets))  # type: ignore[misc]
            assert refused == (400, "ValidationException")

    @pytest.mark.parametrize(
        ("entry", "code"),
        [
            ({"Detail": "no JSON"}, "MalformedDetail"),
            ({"Detail": '{"a": 1'}, "MalformedDetail"),
            ({"Detail": "[]"}, "MalformedDetail"),
            ({"Detail": "1"}, "MalformedDetail"),
            ({"Detail": "null"}, "MalformedDetail"),
            ({"Detail": '{"a": NaN}'}, "MalformedDetail"),
            ({"Detail": ""}, "InvalidArgument"),
            ({"Detail": None}, "InvalidArgument"),
            ({"Source": None}, "InvalidArgument"),
            ({"DetailType": None}, "InvalidArgument"),
            ({"Source": "aws.lambda"}, "NotAuthorizedForSourceException"),
        ],
        ids=str,
    )
    def test_an_event_that_is_none_fails_by_itself(self, events: Any, entry: dict[str, Any], code: str) -> None:
        good = {"Source": "shop", "DetailType": "order", "Detail": "{}"}
        bad = {name: value for name, value in (good | entry).items() if value is not None}
        answer = events.put_events(Entries=[bad, good])
        assert answer["FailedEntryCount"] == 1
        assert answer["Entries"][0]["ErrorCode"] == code
        assert "EventId" in answer["Entries"][1]

    @pytest.mark.parametrize("detail", ['{"a": 1, "a": 2}', '{"a": "\\ud83d"}', '{"a": 1e400}', ' {"a": []} '])
    def test_an_event_that_is_odd_is_one(self, events: Any, detail: str) -> None:
        entry = {"Source": "shop", "DetailType": "order", "Detail": detail}
        assert events.put_events(Entries=[entry])["FailedEntryCount"] == 0

    def test_an_event_for_a_bus_that_is_not_there_is_taken_and_lost(self, events: Any) -> None:
        """https://github.com/aws/aws-cli/issues/9186."""
        entry = {"Source": "shop", "DetailType": "order", "Detail": "{}", "EventBusName": "nowhere"}
        assert events.put_events(Entries=[entry])["FailedEntryCount"] == 0

    def test_events_of_more_than_a_megabyte_are_refused_together(self, events: Any) -> None:
        entry = {"Source": "s", "DetailType": "t", "Detail": json.dumps({"a": "x" * 524_278})}
        assert events.put_events(Entries=[entry, entry | {"Detail": "{}"}])["FailedEntryCount"] == 0
        assert refusal(lambda: events.put_events(Entries=[entry] * 3)) == (400, "ValidationException")
        assert refusal(lambda: events.put_events(Entries=[entry | {"Detail": "{}"}] * 11)) == (
            400,
            "ValidationException",
        )


class TestScheduler:
    @pytest.fixture
    def scheduler(self, emulator: Emulator) -> Any:
        return emulator.client("scheduler")

    @pytest.fixture
    def group(self, scheduler: Any, name: str) -> Iterator[str]:
        scheduler.create_schedule_group(Name=name)
        yield name
        scheduler.delete_schedule_group(Name=name)

    def request(self, group: str, changes: dict[str, Any]) -> dict[str, Any]:
        of = {"Name": "s", "GroupName": group, "FlexibleTimeWindow": {"Mode": "OFF"}, "State": "DISABLED"}
        return of | {"ScheduleExpression": "rate(5 minutes)", "Target": {"Arn": QUEUE, "RoleArn": ROLE}} | changes

    @pytest.mark.parametrize(
        "wrong",
        [
            *(
                {"ScheduleExpression": expression}
                for expression in (
                    "rate(0 minutes)", "rate(30 seconds)", "rate(-1 minutes)", "rate(1.5 hours)", "rate(5)", "rate()",
                    "rate(5  minutes)", "rate(5 Minutes)", "rate(1 week)", "every minute", "rate(5 minutes) ",
                    "cron(0 9 * * * *)", "cron(0 9 ? * MON)", "cron(61 9 ? * MON *)", "cron()", "0 9 ? * MON *",
                    "at(2099-13-01T00:00:00)", "at(2099-01-01)", "at(2099-01-01 00:00:00)", "at(2099-01-01T00:00:00Z)",
                    f"cron({','.join(['1'] * 130)} 9 ? * MON *)",
                )
            ),
            {"ScheduleExpressionTimezone": "Mars/Olympus"},
            {"ScheduleExpressionTimezone": "CEST"},
            {"ScheduleExpressionTimezone": "x" * 51},
            {"Name": "s" * 65},
            {"GroupName": "g" * 65},
            {"Description": "d" * 513},
            {"Target": {"Arn": QUEUE, "RoleArn": "no role"}},
            {"State": "PAUSED"},
            {"FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 1441}},
        ],
        ids=lambda wrong: str(wrong)[:48],
    )  # fmt: skip
    def test_a_schedule_that_cannot_be_is_refused(self, scheduler: Any, group: str, wrong: dict[str, Any]) -> None:
        with pytest.raises(scheduler.exceptions.ValidationException) as refused:
            scheduler.create_schedule(**self.request(group, wrong))
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
        scheduler.create_schedule(**self.request(group, {}))
        if not wrong.keys() & {"Name", "GroupName"}:
            with pytest.raises(scheduler.exceptions.ValidationException):
                scheduler.update_schedule(**self.request(group, wrong))

    @pytest.mark.parametrize(
        ("start", "end", "taken"), [(-6, None, False), (-4, None, True), (60, 30, False), (60, 61, True)]
    )
    def test_a_schedule_begins_five_minutes_ago_at_the_earliest_and_before_it_ends(
        self, scheduler: Any, group: str, start: int, end: int | None, *, taken: bool
    ) -> None:
        now = datetime.now(UTC)
        limits = {"StartDate": now + timedelta(minutes=start)}
        if end is not None:
            limits["EndDate"] = now + timedelta(minutes=end)
        if taken:
            scheduler.create_schedule(**self.request(group, limits))
        else:
            with pytest.raises(scheduler.exceptions.ValidationException):
                scheduler.create_schedule(**self.request(group, limits))

    @pytest.mark.parametrize(
        "right",
        [
            {"ScheduleExpression": "rate(1 hours)"},
            {"ScheduleExpression": "rate(1 minute)"},
            {"ScheduleExpression": "cron(0 9 ? * FRI-MON *)", "ScheduleExpressionTimezone": "America/New_York"},
            {"ScheduleExpression": "at(2099-01-01T00:00:00)", "ScheduleExpressionTimezone": "Etc/GMT+12"},
            {"Name": "s._-" * 16},
        ],
        ids=str,
    )
    def test_a_schedule_that_can_be_is_taken(self, scheduler: Any, group: str, right: dict[str, Any]) -> None:
        scheduler.create_schedule(**self.request(group, right))
