"""Schedules and rules are in step with their triggers, and see nothing that is not their tenant's."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.stack.driver import Workspace, refusal, until
from tests.stack.sources import (
    NEVER,
    create,
    is_half_done,
    lambda_of,
    leave_half_done,
    post_trigger,
    put,
    put_event,
    runs_of,
    the_run,
)

PATTERN = {"source": ["shop"]}
HOSTILE_CRONS = [
    "x" * 10_000,
    "0 9 ? * MON-FRI",
    "0 9 ? * MON-FRI *\n",
    "0 9  ? * MON *",
    "61 9 ? * MON *",
    "\u0660 9 ? * MON *",
    "\x00",
]
HOSTILE_PATTERNS = [
    {"source": ["x" * 10_000]},
    {"source": "shop"},
    {"source": [{"prefixx": "a"}]},
    {"source": []},
    {"detail": ["a"]},
    {"detail": {"workspace": ["globex"]}},
    {"detail": {"$or": [{"workspace": ["globex"]}, {"a": [1]}]}},
    {"$or": [{"detail": {"workspace": [{"exists": True}]}}, {"source": ["x"]}]},
    {"detail.workspace": ["globex"]},
]


@pytest.fixture
def function(workspace: Workspace) -> str:
    trigger, _ = workspace.trigger_of()
    return str(workspace.trigger_document(trigger)["functionId"])


def schedule_of(workspace: Workspace, trigger_id: str) -> dict[str, Any] | None:
    scheduler = workspace.local_stack.client("scheduler")
    group = workspace.local_stack.outputs["ScheduleGroupName"]
    try:
        found: dict[str, Any] = scheduler.get_schedule(GroupName=group, Name=trigger_id)
    except scheduler.exceptions.ResourceNotFoundException:
        return None
    return found


def schedules(workspace: Workspace) -> list[str]:
    """The names of all in the stack's group."""
    pages = workspace.local_stack.client("scheduler").get_paginator("list_schedules")
    found = pages.paginate(GroupName=workspace.local_stack.outputs["ScheduleGroupName"]).build_full_result()
    return [each["Name"] for each in found["Schedules"]]


def rules(workspace: Workspace) -> dict[str, dict[str, Any]]:
    """The rules on the trigger bus, by name, with their targets."""
    events, bus = workspace.local_stack.client("events"), workspace.local_stack.outputs["TriggerBusName"]
    found = events.list_rules(EventBusName=bus)["Rules"]
    return {
        rule["Name"]: rule | {"Targets": events.list_targets_by_rule(Rule=rule["Name"], EventBusName=bus)["Targets"]}
        for rule in found
    }


def rule_of(workspace: Workspace, trigger_id: str) -> dict[str, Any] | None:
    return rules(workspace).get(f"FunctionRerun-{trigger_id}")


class TestSchedules:
    @pytest.mark.parametrize(
        ("metadata", "expression", "zone"),
        [
            ({"scheduleType": "interval", "interval": 60}, "rate(1 minute)", "UTC"),
            ({"scheduleType": "interval", "interval": 7200}, "rate(120 minutes)", "UTC"),
            (
                {"scheduleType": "cron", "cronExpression": "0 9 ? * MON-FRI *", "timezone": "Europe/Berlin"},
                "cron(0 9 ? * MON-FRI *)",
                "Europe/Berlin",
            ),
            ({"scheduleType": "once", "at": "2099-01-01T02:00:00+01:00"}, "at(2099-01-01T01:00:00)", "UTC"),
        ],
    )
    def test_a_trigger_makes_its_schedule_and_takes_it_along(
        self, workspace: Workspace, function: str, metadata: dict[str, Any], expression: str, zone: str
    ) -> None:
        trigger = create(workspace, function, "scheduled", metadata | {"params": {"secret": "hush"}})
        schedule = schedule_of(workspace, trigger["id"])
        assert schedule is not None
        assert (schedule["ScheduleExpression"], schedule["ScheduleExpressionTimezone"]) == (expression, zone)
        assert schedule["State"] == "ENABLED"
        assert "hush" not in str(schedule)
        shown = workspace.trigger_document(trigger["id"])
        assert put(workspace, shown, triggerMetadata=shown["triggerMetadata"]).status_code == 200
        assert workspace.http.delete(f"/function-triggers/{trigger['id']}").status_code == 200
        assert schedule_of(workspace, trigger["id"]) is None

    def test_a_schedule_follows_every_change(self, workspace: Workspace, function: str) -> None:
        trigger = create(workspace, function, "scheduled", {"scheduleType": "interval", "interval": 60}, enabled=False)
        assert (schedule_of(workspace, trigger["id"]) or {})["State"] == "DISABLED"
        hourly = put(workspace, trigger, triggerMetadata={"scheduleType": "interval", "interval": 3600}, enabled=True)
        schedule = schedule_of(workspace, trigger["id"]) or {}
        assert (schedule["State"], schedule["ScheduleExpression"]) == ("ENABLED", "rate(60 minutes)")
        assert put(workspace, hourly.json(), enabled=False).json()["enabled"] is False
        assert (schedule_of(workspace, trigger["id"]) or {})["State"] == "DISABLED"

    def test_a_moment_that_is_delivered_twice_starts_one_run(self, workspace: Workspace, function: str) -> None:
        trigger = create(workspace, function, "scheduled", NEVER)
        delivery = {"triggerId": trigger["id"], "scheduledTime": "2026-12-24T18:00:00Z"}
        first, second = (lambda_of(workspace, "on_event", delivery) for _ in range(2))
        assert first == second == {"jobId": the_run(workspace, trigger["id"])}
        assert workspace.ended(first["jobId"])["executionAttempts"] == 1


class TestRules:
    def test_a_trigger_makes_its_rule_and_takes_it_along(self, workspace: Workspace, function: str) -> None:
        trigger = create(workspace, function, "event-driven", {"eventPattern": PATTERN})
        rule = rule_of(workspace, trigger["id"])
        assert rule is not None
        assert json.loads(rule["EventPattern"]) == PATTERN | {"detail": {"workspace": [workspace.name]}}
        assert [target["Arn"].rpartition(":")[2] for target in rule["Targets"]] == ["FunctionRerun-on-event"]
        disabled = put(workspace, trigger, enabled=False).json()
        assert (rule_of(workspace, trigger["id"]) or {})["State"] == "DISABLED"
        put(workspace, disabled, enabled=True, triggerMetadata={"eventPattern": {"source": ["till"]}})
        changed = rule_of(workspace, trigger["id"]) or {}
        assert (changed["State"], json.loads(changed["EventPattern"])["source"]) == ("ENABLED", ["till"])
        assert workspace.http.delete(f"/function-triggers/{trigger['id']}").status_code == 200
        assert rule_of(workspace, trigger["id"]) is None

    def test_the_last_trigger_leaves_nothing_behind(self, workspace: Workspace, function: str) -> None:
        def left() -> tuple[Any, ...]:
            functions = workspace.local_stack.client("lambda")
            mine = [name for name in rules(workspace) if name in known]
            policy = functions.get_policy(FunctionName="FunctionRerun-on-event")["Policy"]
            return mine, [name for name in schedules(workspace) if name in known], policy

        known: set[str] = set()
        before = left()
        triggers = [
            create(workspace, function, "event-driven", {"eventPattern": PATTERN})["id"],
            create(workspace, function, "scheduled", NEVER)["id"],
        ]
        known |= {*triggers, *(f"FunctionRerun-{trigger}" for trigger in triggers)}
        assert left() != before
        for trigger in triggers:
            workspace.http.delete(f"/function-triggers/{trigger}")
        assert left() == before

    @pytest.mark.parametrize("pattern", [{}, {"source": [{"prefix": ""}]}, {"account": [{"exists": True}]}], ids=str)
    def test_the_widest_pattern_sees_the_tenant_s_own_events_only(
        self, workspace: Workspace, function: str, pattern: dict[str, Any]
    ) -> None:
        trigger = create(workspace, function, "event-driven", {"eventPattern": pattern})
        stranger = workspace.other()
        put_event(stranger, {"of": "a stranger"})
        put_event(workspace, {"workspace": [workspace.name, stranger.name]})
        put_event(workspace, {"of": "the service"}, bus=workspace.local_stack.outputs["LifecycleBusName"])
        put_event(workspace, {"of": "mine"})
        run = workspace.ended(the_run(workspace, trigger["id"]), include="parameters")
        assert run["parameters"]["detail"] == {"workspace": workspace.name, "of": "mine"}
        # The run's own end has been told on the lifecycle bus meanwhile.
        assert [each["id"] for each in runs_of(workspace)] == [run["id"]]

    def test_an_event_of_a_stranger_is_dropped_even_if_a_rule_lets_it_through(
        self, workspace: Workspace, function: str
    ) -> None:
        trigger = create(workspace, function, "event-driven", {"eventPattern": PATTERN})
        event = {"id": str(uuid4()), "source": "shop", "detail": {"workspace": "globex"}}
        answer = lambda_of(workspace, "on_event", {"triggerId": trigger["id"], "event": event})
        assert answer == {"dropped": "not of the trigger's workspace"}

    def test_an_event_that_is_delivered_twice_starts_one_run(self, workspace: Workspace, function: str) -> None:
        trigger = create(workspace, function, "event-driven", {"eventPattern": PATTERN})
        event = {"id": str(uuid4()), "source": "shop", "detail": {"workspace": workspace.name}}
        delivery = {"triggerId": trigger["id"], "event": event}
        first, second = (lambda_of(workspace, "on_event", delivery) for _ in range(2))
        assert first == second == {"jobId": the_run(workspace, trigger["id"])}

    def test_a_replay_of_an_archive_starts_a_run_of_its_own(self, workspace: Workspace, function: str) -> None:
        events, bus = workspace.local_stack.client("events"), workspace.local_stack.outputs["TriggerBusArn"]
        archive = events.create_archive(ArchiveName=f"archive-{uuid4().hex[:8]}", EventSourceArn=bus)["ArchiveArn"]
        trigger = create(workspace, function, "event-driven", {"eventPattern": PATTERN})
        put_event(workspace, {"of": "mine"})
        first = the_run(workspace, trigger["id"])
        name, now = f"replay-{uuid4().hex[:8]}", datetime.now(UTC)
        events.start_replay(
            ReplayName=name,
            EventSourceArn=archive,
            EventStartTime=now - timedelta(hours=1),
            EventEndTime=now + timedelta(hours=1),
            Destination={"Arn": bus},
        )
        again, _ = until(lambda: found if len(found := runs_of(workspace, triggerId=trigger["id"])) == 2 else None)
        replayed, original = (workspace.run(run, include="parameters")["parameters"] for run in (again["id"], first))
        assert replayed == original | {"replay-name": name}

    @pytest.mark.parametrize("pattern", HOSTILE_PATTERNS, ids=lambda pattern: str(pattern)[:32])
    def test_a_hostile_pattern_is_refused_by_its_name_and_leaves_nothing(
        self, workspace: Workspace, function: str, pattern: dict[str, Any]
    ) -> None:
        before = rules(workspace).keys()
        answer = post_trigger(workspace, function, "event-driven", {"eventPattern": pattern})
        assert (answer.status_code, answer.json()["field"]) == (400, "triggerMetadata.eventPattern")
        # Other tests make rules at the same time, but none of this workspace.
        new = [rule for name, rule in rules(workspace).items() if name not in before]
        assert not [rule for rule in new if workspace.name in rule["EventPattern"]]
        assert workspace.http.get("/function-triggers").json()["data"][1:] == []

    def test_a_bus_that_is_not_the_workspace_s_is_refused(self, workspace: Workspace, function: str) -> None:
        for bus in ("default", workspace.local_stack.outputs["LifecycleBusName"]):
            metadata = {"eventPattern": PATTERN, "eventBusName": bus}
            answer = post_trigger(workspace, function, "event-driven", metadata)
            assert (answer.status_code, answer.json()["field"]) == (400, "triggerMetadata.eventBusName")


class TestHalfDone:
    """What a change that died half way has left is brought back to what is written."""

    def alter_rule(self, workspace: Workspace, trigger_id: str) -> None:
        workspace.local_stack.client("events").put_rule(
            Name=f"FunctionRerun-{trigger_id}",
            EventBusName=workspace.local_stack.outputs["TriggerBusName"],
            EventPattern='{"source":["never written"]}',
            State="DISABLED",
        )

    def test_the_watchdog_restores_it(self, workspace: Workspace, function: str) -> None:
        trigger = create(workspace, function, "event-driven", {"eventPattern": PATTERN})
        before = rule_of(workspace, trigger["id"])
        self.alter_rule(workspace, trigger["id"])
        leave_half_done(workspace, trigger["id"])
        lambda_of(workspace, "watchdog", {})
        # The minute's own watchdog may have been faster.
        assert until(lambda: not is_half_done(workspace, trigger["id"]))
        assert rule_of(workspace, trigger["id"]) == before
        assert put(workspace, trigger, name="free again").status_code == 200

    def test_the_next_change_takes_it_over(self, workspace: Workspace, function: str) -> None:
        trigger = create(workspace, function, "event-driven", {"eventPattern": PATTERN})
        self.alter_rule(workspace, trigger["id"])
        leave_half_done(workspace, trigger["id"])
        assert put(workspace, trigger, name="renamed").status_code == 200
        assert json.loads((rule_of(workspace, trigger["id"]) or {})["EventPattern"])["source"] == ["shop"]

    def test_a_trigger_that_was_never_created_is_no_trigger_and_is_swept_away(
        self, workspace: Workspace, function: str
    ) -> None:
        trigger = create(workspace, function, "event-driven", {"eventPattern": PATTERN})
        leave_half_done(workspace, trigger["id"], confirmed={"BOOL": False})
        assert refusal(workspace.http.get(f"/function-triggers/{trigger['id']}"))[0] == 404
        lambda_of(workspace, "watchdog", {})
        assert until(lambda: rule_of(workspace, trigger["id"]) is None)
        create(workspace, function, "on-demand", {}, name=trigger["name"])
