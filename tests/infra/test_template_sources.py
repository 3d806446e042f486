"""How AWS starts runs in the production template: rules, schedules, captured failures, and who may make them."""

import fnmatch
import json
from typing import Any

import pytest

from infra.lambda_test_events import EVENTS
from tests.infra.template import FUNCTIONS, INVOKABLE, Stack, Synthesise, text

MANAGING = {"api_registry", "watchdog"}
# The name of a trigger's rule, whose id is a UUID.
RULE = "FunctionRerun-????????-????-????-????-????????????"
ARN = "arn:${AWS::Partition}:%s:${AWS::Region}:${AWS::AccountId}:%s"
ON_EVENT = ARN % ("lambda", "function:FunctionRerun-on-event")


def resources_of(stack: Stack, function: str, action: str) -> list[str]:
    found = [each["Resource"] for each in stack.statements(function) if action in each["Action"]]
    return [resource for resources in found for resource in resources]


def test_one_permission_lets_every_rule_of_a_trigger_call_and_no_other(stack: Stack) -> None:
    permissions = [each["Properties"] for each in stack.all("AWS::Lambda::Permission").values()]
    (permission,) = (each for each in permissions if "SourceAccount" in each)
    assert permission["Principal"] == "events.amazonaws.com"
    assert text(permission["SourceArn"]) == ARN % ("events", "rule/*FunctionRerun-*")
    assert stack.template["Resources"][permission["FunctionName"]["Ref"]] is stack.functions["on_event"]


def test_only_the_registry_and_the_watchdog_make_rules_and_schedules(stack: Stack) -> None:
    for action in ("events:PutRule", "events:DeleteRule", "scheduler:CreateSchedule", "iam:PassRole"):
        assert {function for function in FUNCTIONS if action in stack.actions(function)} == MANAGING


@pytest.mark.parametrize("function", sorted(MANAGING))
def test_rules_and_schedules_are_of_the_stack_s_own_name(stack: Stack, function: str) -> None:
    assert resources_of(stack, function, "events:PutRule") == [ARN % ("events", f"rule/FunctionRerun-triggers/{RULE}")]
    for action in ("CreateSchedule", "GetSchedule", "UpdateSchedule", "DeleteSchedule"):
        assert resources_of(stack, function, f"scheduler:{action}") == [
            ARN % ("scheduler", "schedule/FunctionRerun-schedules/*")
        ]


@pytest.mark.parametrize("function", sorted(MANAGING))
@pytest.mark.parametrize("action", ["events:RemoveTargets", "events:DeleteRule"])
def test_a_trigger_s_rule_can_be_removed_from_a_bus_that_the_context_names_no_more(
    stack: Stack, function: str, action: str
) -> None:
    everywhere = {ARN % ("events", f"rule/{RULE}"), ARN % ("events", f"rule/*/{RULE}")}
    assert set(resources_of(stack, function, action)) == everywhere


def test_no_grant_covers_a_rule_that_is_no_trigger_s(stack: Stack) -> None:
    """Rules of the stack itself are named by CloudFormation: its name, theirs and a suffix."""
    granted = [resource.rpartition("/")[2] for resource in resources_of(stack, "api_registry", "events:DeleteRule")]
    names = [f"FunctionRerun-{each}-1A2B3C4D5E6F7" for each in ("FunctionswatchdogscheduleF8D2A1B9", "Functionsonrun")]
    names += ["FunctionRerun-2-17793124-05d4-b198-2fde-7ededc63b103"]
    assert not [name for name in names for pattern in granted if fnmatch.fnmatchcase(name, pattern)]
    assert all(fnmatch.fnmatchcase("FunctionRerun-17793124-05d4-b198-2fde-7ededc63b103", each) for each in granted)


@pytest.mark.parametrize("function", sorted(MANAGING))
def test_a_rule_may_be_pointed_at_one_lambda_only(stack: Stack, function: str) -> None:
    (statement,) = (each for each in stack.statements(function) if "events:PutTargets" in each["Action"])
    assert statement["Action"] == ["events:PutTargets"]
    condition = statement["Condition"]
    assert condition.keys() == {"ForAllValues:ArnEquals", "Null"}
    assert text(condition["ForAllValues:ArnEquals"]["events:TargetArn"]) == ON_EVENT
    assert condition["Null"] == {"events:TargetArn": "false"}


def test_the_lambda_that_rules_may_call_has_the_name_by_which_grants_and_settings_know_it(stack: Stack) -> None:
    assert ON_EVENT.endswith(f":{stack.functions['on_event']['Properties']['FunctionName']}")


def test_other_buses_are_a_matter_of_context(synthesise: Synthesise) -> None:
    listening = synthesise(otherBuses={"acme": ["default", "orders"]})
    assert set(resources_of(listening, "api_registry", "events:PutRule")) == {
        ARN % ("events", f"rule/FunctionRerun-triggers/{RULE}"),
        ARN % ("events", f"rule/{RULE}"),
        ARN % ("events", f"rule/orders/{RULE}"),
    }
    settings = listening.functions["api_registry"]["Properties"]["Environment"]["Variables"]["RERUN_OTHER_BUSES"]
    assert json.loads(settings) == {"acme": ["default", "orders"]}


def test_no_trigger_may_listen_to_the_lifecycle_bus(synthesise: Synthesise) -> None:
    with pytest.raises(ValueError, match="start themselves"):
        synthesise(otherBuses={"acme": ["FunctionRerun-lifecycle"]})


def test_no_workspace_may_listen_to_the_trigger_bus_as_a_whole(synthesise: Synthesise) -> None:
    with pytest.raises(ValueError, match="every workspace's already"):
        synthesise(otherBuses={"acme": ["FunctionRerun-triggers"]})


def test_the_scheduler_s_role_is_for_the_scheduler_and_calls_one_lambda(stack: Stack) -> None:
    ((name, role),) = ((name, each) for name, each in stack.all("AWS::IAM::Role").items() if "SchedulerRole" in name)
    (trust,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    policies = [each["Properties"] for each in stack.all("AWS::IAM::Policy").values()]
    (policy,) = (each for each in policies if each["Roles"] == [{"Ref": name}])
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement["Action"] == "lambda:InvokeFunction"
    assert stack.template["Resources"][text(statement["Resource"])] is stack.functions["on_event"]


@pytest.mark.parametrize("function", sorted(MANAGING))
def test_the_scheduler_s_role_is_passed_to_the_scheduler_only(stack: Stack, function: str) -> None:
    (statement,) = (each for each in stack.statements(function) if "iam:PassRole" in each["Action"])
    assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}}
    assert [name for name in statement["Resource"] if "SchedulerRole" not in name] == []


def test_what_lambda_could_not_deliver_it_tries_again(stack: Stack) -> None:
    configured = [each["Properties"] for each in stack.all("AWS::Lambda::EventInvokeConfig").values()]
    patience = {
        each["FunctionName"]["Ref"]: (each["MaximumRetryAttempts"], each["MaximumEventAgeInSeconds"])
        for each in configured
    }
    assert patience == {stack.name_of("on_event"): (2, 6 * 3600), stack.name_of("on_run_failed"): (2, 3600)}


def rules_for_lambda(stack: Stack) -> list[dict[str, Any]]:
    rules = [each["Properties"] for each in stack.all("AWS::Events::Rule").values()]
    return [each for each in rules if each.get("EventPattern", {}).get("source") == ["lambda"]]


def test_what_says_on_the_trigger_bus_that_it_is_lambda_s_is_not_believed(stack: Stack) -> None:
    assert rules_for_lambda(stack) == []
    policies = [each["Properties"] for each in stack.all("AWS::SQS::QueuePolicy").values()]
    statements = [each for policy in policies for each in policy["PolicyDocument"]["Statement"]]
    assert {each["Effect"] for each in statements} == {"Deny"}, "nobody is let in by the queue's own policy"


def test_failures_reach_the_capture_queue_by_a_trigger_bus_whose_senders_are_trusted(decided: Stack) -> None:
    stack = decided
    (rule,) = rules_for_lambda(stack)
    assert list(stack.all("AWS::Events::EventBus")[text(rule["EventBusName"])[2:-1]]["Properties"].values()) == [
        "FunctionRerun-triggers"
    ]
    assert rule["EventPattern"]["detail-type"] == [{"prefix": "Lambda Function Invocation Result - Failure"}]
    queues = {name: each["Properties"] for name, each in stack.all("AWS::SQS::Queue").items()}
    (target,) = rule["Targets"]
    queue, dead_letters = text(target["Arn"]), text(target["DeadLetterConfig"]["Arn"])
    assert queue in capture_queues(stack)
    assert text(queues[queue]["RedrivePolicy"]["deadLetterTargetArn"]) == dead_letters


def capture_queues(stack: Stack) -> set[str]:
    """The queues that feed capture_failures."""
    mappings = [each["Properties"] for each in stack.all("AWS::Lambda::EventSourceMapping").values()]
    fed = {"Ref": stack.name_of("capture_failures")}
    return {text(each["EventSourceArn"]) for each in mappings if each["FunctionName"] == fed}


def test_captured_failures_have_a_queue_and_dead_letters_of_their_own(stack: Stack) -> None:
    queues = {name: each["Properties"] for name, each in stack.all("AWS::SQS::Queue").items()}
    (name,) = capture_queues(stack)
    assert queues[name]["RedrivePolicy"]["maxReceiveCount"] == 5
    assert queues[name]["VisibilityTimeout"] >= 6 * stack.functions["capture_failures"]["Properties"]["Timeout"]
    redriven = [
        text(each["RedrivePolicy"]["deadLetterTargetArn"]) for each in queues.values() if "RedrivePolicy" in each
    ]
    assert len(redriven) == len(set(redriven)) == len(queues) / 2


OF_ANY_FUNCTION = {"logs:CreateLogStream", "logs:PutLogEvents", "xray:PutTraceSegments", "xray:PutTelemetryRecords"}
STARTING = {
    *("dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"),
    *("kms:Decrypt", "kms:GenerateDataKey", "sqs:SendMessage"),
}
# Large parts are staged, moved to where they stay, and read by who merges into them.
OBJECTS = {"s3:PutObject", "s3:GetObject", "s3:DeleteObject", "s3:ListBucket"}


@pytest.mark.parametrize("function", ["api_webhooks", "api_triggers", "on_event"])
def test_who_receives_webhooks_and_events_may_do_no_more_than_start_runs(stack: Stack, function: str) -> None:
    assert stack.actions(function) == STARTING | OBJECTS | OF_ANY_FUNCTION


def test_who_captures_failures_can_open_nothing_of_any_workspace(stack: Stack) -> None:
    table = {"dynamodb:GetItem", "dynamodb:Query", "dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"}
    receiving = {
        *("sqs:ReceiveMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueUrl"),
        *("sqs:DeleteMessage", "sqs:GetQueueAttributes"),
    }
    own = {"kms:GenerateDataKey", "kms:Decrypt", "events:PutEvents"}
    assert stack.actions("capture_failures") == table | receiving | own | OBJECTS | OF_ANY_FUNCTION
    (opens,) = [each for each in stack.statements("capture_failures") if "kms:Decrypt" in each["Action"]]
    assert opens["Condition"] == {"StringEquals": {"kms:EncryptionContext:workspace": "-"}}
    queries = resources_of(stack, "capture_failures", "dynamodb:Query")
    assert queries
    assert not [each for each in queries if "/index/" in each]
    (lifecycle,) = resources_of(stack, "capture_failures", "events:PutEvents")
    assert stack.template["Resources"][lifecycle]["Properties"]["Name"] == "FunctionRerun-lifecycle"


def test_only_who_manages_rules_and_schedules_is_given_their_names(stack: Stack) -> None:
    settings = {
        *("RERUN_TRIGGER_BUS_NAME", "RERUN_OTHER_BUSES", "RERUN_SCHEDULE_GROUP"),
        *("RERUN_ON_EVENT_ARN", "RERUN_SCHEDULER_ROLE_ARN", "RERUN_RULE_PREFIX"),
    }
    for function in FUNCTIONS:
        needed = {"RERUN_OTHER_BUSES"} if function == "on_event" else set()
        assert settings & stack.variables(function).keys() == (settings if function in MANAGING else needed)
    variables = stack.variables("watchdog")
    assert variables["RERUN_RULE_PREFIX"] == "FunctionRerun"
    assert json.loads(variables["RERUN_OTHER_BUSES"]) == {}
    assert text(variables["RERUN_ON_EVENT_ARN"]) == ON_EVENT


def test_every_function_counts_under_the_stack_s_name(stack: Stack) -> None:
    counting = {function: stack.variables(function).get("POWERTOOLS_METRICS_NAMESPACE") for function in FUNCTIONS}
    assert counting == dict.fromkeys(FUNCTIONS, "FunctionRerun")


class TestShareableTestEvents:
    def test_they_are_asked_for(self, stack: Stack, synthesise: Synthesise) -> None:
        assert not stack.all("AWS::EventSchemas::Registry")
        local_stack = synthesise(local=True, shareableTestEvents=True)
        assert not local_stack.all("AWS::EventSchemas::Registry")

    def test_each_function_has_its_ready_made_events(self, synthesise: Synthesise) -> None:
        asked_for = {"shareableTestEvents": True, "deleteUnusedVersions": True}
        sharing = synthesise(invokableFunctions={"acme": [INVOKABLE]}, **asked_for)
        registry = sharing.one("AWS::EventSchemas::Registry")["Properties"]
        assert registry["RegistryName"] == "lambda-testevent-schemas"
        (name,) = sharing.all("AWS::EventSchemas::Registry")
        found: dict[str, Any] = {}
        for schema in sharing.all("AWS::EventSchemas::Schema").values():
            properties = schema["Properties"]
            assert (properties["Type"], properties["RegistryName"]) == ("OpenApi3", registry["RegistryName"])
            assert schema["DependsOn"] == [name]
            found[text(properties["SchemaName"])] = json.loads(properties["Content"])["components"]["examples"]
        assert len(found) == len(FUNCTIONS) + 1
        assert all(found.values())
        shared = {name for name, examples in found.items() if examples.keys() == {"scheduled"}}
        assert len(shared) == 3
        assert sum(map(len, found.values())) - len(shared) == len(list(EVENTS.glob("*-*.json")))
