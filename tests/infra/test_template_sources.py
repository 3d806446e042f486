"""How AWS starts runs in the production template: rules, schedules, captured failures, and who may make them."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.infra.template import DOORS, INVOKABLE, Stack, Synthesise, text

EVENTS = Path(__file__).parents[1] / "events"
MANAGING = {"api_registry", "watchdog"}
ARN = "arn:${AWS::Partition}:%s:${AWS::Region}:${AWS::AccountId}:%s"


def resources_of(stack: Stack, door: str, action: str) -> list[str]:
    found = [each["Resource"] for each in stack.statements(door) if action in each["Action"]]
    return [resource for resources in found for resource in resources]


def test_one_permission_lets_every_rule_of_a_trigger_call_and_no_other(stack: Stack) -> None:
    permissions = [each["Properties"] for each in stack.all("AWS::Lambda::Permission").values()]
    (permission,) = (each for each in permissions if "SourceAccount" in each)
    assert permission["Principal"] == "events.amazonaws.com"
    assert text(permission["SourceArn"]) == ARN % ("events", "rule/*FunctionRerun-*")
    assert stack.template["Resources"][permission["FunctionName"]["Ref"]] is stack.doors["on_event"]


def test_only_the_registry_and_the_watchdog_make_rules_and_schedules(stack: Stack) -> None:
    for action in ("events:PutRule", "events:DeleteRule", "scheduler:CreateSchedule", "iam:PassRole"):
        assert {door for door in DOORS if action in stack.actions(door)} == MANAGING


@pytest.mark.parametrize("door", sorted(MANAGING))
def test_rules_and_schedules_are_of_the_stack_s_own_name(stack: Stack, door: str) -> None:
    assert resources_of(stack, door, "events:PutRule") == [
        ARN % ("events", "rule/FunctionRerun-triggers/FunctionRerun-*")
    ]
    assert resources_of(stack, door, "scheduler:UpdateSchedule") == [
        ARN % ("scheduler", "schedule/FunctionRerun-schedules/*")
    ]


def test_other_buses_are_a_matter_of_context(synthesise: Synthesise) -> None:
    listening = synthesise(otherBuses={"acme": ["default", "orders"]})
    assert set(resources_of(listening, "api_registry", "events:PutRule")) == {
        ARN % ("events", "rule/FunctionRerun-triggers/FunctionRerun-*"),
        ARN % ("events", "rule/FunctionRerun-*"),
        ARN % ("events", "rule/orders/FunctionRerun-*"),
    }
    told = listening.doors["api_registry"]["Properties"]["Environment"]["Variables"]["RERUN_OTHER_BUSES"]
    assert json.loads(told) == {"acme": ["default", "orders"]}


def test_no_trigger_may_listen_to_the_lifecycle_bus(synthesise: Synthesise) -> None:
    with pytest.raises(ValueError, match="start themselves"):
        synthesise(otherBuses={"acme": ["FunctionRerun-lifecycle"]})


def test_the_scheduler_s_role_is_for_the_scheduler_and_calls_one_lambda(stack: Stack) -> None:
    ((name, role),) = ((name, each) for name, each in stack.all("AWS::IAM::Role").items() if "SchedulerRole" in name)
    (trust,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    policies = [each["Properties"] for each in stack.all("AWS::IAM::Policy").values()]
    (policy,) = (each for each in policies if each["Roles"] == [{"Ref": name}])
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement["Action"] == "lambda:InvokeFunction"
    assert stack.template["Resources"][text(statement["Resource"])] is stack.doors["on_event"]


@pytest.mark.parametrize("door", sorted(MANAGING))
def test_the_scheduler_s_role_is_passed_to_the_scheduler_only(stack: Stack, door: str) -> None:
    (statement,) = (each for each in stack.statements(door) if "iam:PassRole" in each["Action"])
    assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}}
    assert [name for name in statement["Resource"] if "SchedulerRole" not in name] == []


def test_what_lambda_could_not_deliver_it_tries_again(stack: Stack) -> None:
    configured = stack.one("AWS::Lambda::EventInvokeConfig")["Properties"]
    assert stack.template["Resources"][configured["FunctionName"]["Ref"]] is stack.doors["on_event"]
    assert (configured["MaximumRetryAttempts"], configured["MaximumEventAgeInSeconds"]) == (2, 6 * 3600)


def test_failures_reach_the_capture_queue_by_way_of_the_trigger_bus_too(stack: Stack) -> None:
    rules = [each["Properties"] for each in stack.all("AWS::Events::Rule").values()]
    (rule,) = (each for each in rules if "EventPattern" in each)
    assert rule["EventPattern"] == {
        "source": ["lambda"],
        "detail-type": [{"prefix": "Lambda Function Invocation Result - Failure"}],
    }
    (target,) = rule["Targets"]
    assert "CaptureQueue" in text(target["Arn"])


def test_who_receives_webhooks_may_do_no_more_than_start_runs(stack: Stack) -> None:
    assert stack.actions("api_webhooks") == stack.actions("api_triggers") == stack.actions("on_event")


class TestShareableTestEvents:
    def test_they_are_asked_for(self, stack: Stack, synthesise: Synthesise) -> None:
        assert not stack.all("AWS::EventSchemas::Registry")
        laptop = synthesise(laptop=True, shareableTestEvents=True)
        assert not laptop.all("AWS::EventSchemas::Registry")

    def test_each_door_has_its_ready_made_events(self, synthesise: Synthesise) -> None:
        sharing = synthesise(shareableTestEvents=True, invokableFunctions={"acme": [INVOKABLE]})
        registry = sharing.one("AWS::EventSchemas::Registry")["Properties"]
        assert registry["RegistryName"] == "lambda-testevent-schemas"
        found: dict[str, Any] = {}
        for schema in sharing.all("AWS::EventSchemas::Schema").values():
            properties = schema["Properties"]
            found[text(properties["SchemaName"])] = json.loads(properties["Content"])["components"]["examples"]
        assert len(found) == len(DOORS)
        assert all(found.values())
        assert sum(map(len, found.values())) == len(list(EVENTS.glob("*.json")))
