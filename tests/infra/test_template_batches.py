"""What drives batches of re-runs, and what it may do."""

import json
from typing import Any

import pytest

from handlers.domain.batches.stepping import MAX_STEPS
from tests.infra.template import FUNCTIONS, Stack, text

PASSING = {
    "Lambda.TooManyRequestsException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
}
# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
HISTORY = 25_000


@pytest.fixture
def machine(stack: Stack) -> dict[str, Any]:
    return dict(stack.one("AWS::StepFunctions::StateMachine")["Properties"])


@pytest.fixture
def states(machine: dict[str, Any]) -> dict[str, Any]:
    return dict(json.loads(machine["DefinitionString"])["States"])


def test_what_a_step_answers_is_the_next_one_s_input_and_says_how_long_to_wait(states: dict[str, Any]) -> None:
    assert not {"Parameters", "ResultPath", "ResultSelector", "OutputPath"} & states["Step"].keys()
    assert states["Wait"] == {"Type": "Wait", "SecondsPath": "$.waitSeconds", "Next": "Step"}


def test_a_loop_is_three_transitions_so_that_a_generation_fits_into_a_history(states: dict[str, Any]) -> None:
    assert (states["Step"]["Next"], states["IsOver"]["Default"], states["Wait"]["Next"]) == ("IsOver", "Wait", "Step")
    # A task has five events, entered, scheduled, started, succeeded and exited; all others are entered and exited.
    loop = [states[name]["Type"] for name in states if states[name]["Type"] != "Succeed"]
    assert MAX_STEPS * sum(5 if kind == "Task" else 2 for kind in loop) < HISTORY


def test_a_step_that_is_throttled_or_fails_is_tried_again_later_and_later(states: dict[str, Any]) -> None:
    (retry,) = states["Step"]["Retry"]
    assert set(retry["ErrorEquals"]) > PASSING | {"States.TaskFailed", "States.Timeout"}
    assert retry["BackoffRate"] == 2
    assert retry["JitterStrategy"] == "FULL"


def test_it_waits_longer_for_a_step_than_that_may_take(stack: Stack, states: dict[str, Any]) -> None:
    assert states["Step"]["TimeoutSeconds"] > stack.functions["run_batches"]["Properties"]["Timeout"]


def test_an_execution_leaves_no_data_in_the_log(stack: Stack, machine: dict[str, Any]) -> None:
    assert machine["LoggingConfiguration"]["IncludeExecutionData"] is False
    assert machine["LoggingConfiguration"]["Level"] == "ERROR"
    assert machine["StateMachineType"] == "STANDARD"
    assert machine["TracingConfiguration"] == {"Enabled": True}


def test_it_may_call_the_step_and_nothing_else(stack: Stack, machine: dict[str, Any]) -> None:
    step = stack.name_of("run_batches")
    role = machine["RoleArn"]["Fn::GetAtt"][0]
    policies = [each["Properties"] for each in stack.all("AWS::IAM::Policy").values()]
    (document,) = (each["PolicyDocument"] for each in policies if {"Ref": role} in each["Roles"])
    others = [each for each in document["Statement"] if each["Resource"] != "*"]
    assert others == [{"Action": "lambda:InvokeFunction", "Effect": "Allow", "Resource": {"Fn::GetAtt": [step, "Arn"]}}]
    # Tracing, and the delivery of logs, for which AWS has no resources.
    of_all = [action for each in document["Statement"] if each["Resource"] == "*" for action in each["Action"]]
    assert {action.partition(":")[0] for action in of_all} == {"logs", "xray"}
    assert text(machine["DefinitionSubstitutions"]["StepArn"]) == step


def test_who_starts_executions_may_start_those_of_this_machine_only(stack: Stack) -> None:
    arn = "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:stateMachine:FunctionRerun-batches"
    starters = {
        (function, *statement["Resource"])
        for function in FUNCTIONS
        for statement in stack.statements(function)
        if "states:StartExecution" in statement["Action"]
    }
    assert starters == {("api_batches", arn), ("run_batches", arn), ("watchdog", arn)}
    assert not any(
        action.startswith("states:") and action != "states:StartExecution"
        for function in FUNCTIONS
        for action in stack.actions(function)
    )
