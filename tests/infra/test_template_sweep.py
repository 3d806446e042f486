"""The sweep of versions: a function, a month's rule and grants, if the context asks for them; otherwise no trace of it."""

import json

from handlers.settings import variable
from infra.settings import Settings
from tests.infra.template import INVOKABLE, OWN, Stack, Synthesise, reads, text

FUNCTION = "sweep_versions"
VERSIONS = f"{INVOKABLE}:*"
MARKS = "delete_unused_versions"
TRACES = {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}


def test_without_being_asked_for_there_is_no_trace_of_it(stack: Stack) -> None:
    actual = json.dumps(stack.template)
    assert not [
        each for each in (FUNCTION, "sweepversions", "lambda:DeleteFunction", "dynamodb:Scan") if each in actual
    ]
    assert not Settings().delete_unused_versions


def test_nothing_else_changes_by_it(sweeping: Stack, stack: Stack) -> None:
    assert sweeping.functions.keys() == stack.functions.keys() | {FUNCTION}
    for function in stack.functions:
        assert sweeping.statements(function) == stack.statements(function)
    assert sweeping.template["Outputs"] == stack.template["Outputs"]
    for function in stack.functions:
        marks = {variable(MARKS): "true"} if MARKS in reads(function) else {}
        assert sweeping.variables(function) == stack.variables(function) | marks


def test_it_has_as_long_as_lambda_gives(sweeping: Stack) -> None:
    function = sweeping.functions[FUNCTION]["Properties"]
    assert (function["Timeout"], function["FunctionName"]) == (900, "FunctionRerun-sweep-versions")


def test_it_is_called_in_the_first_night_of_a_month(sweeping: Stack) -> None:
    rules = [each["Properties"] for each in sweeping.all("AWS::Events::Rule").values()]
    (rule,) = (each for each in rules if each.get("ScheduleExpression") == "cron(0 3 1 * ? *)")
    assert rule["State"] == "ENABLED"
    assert [text(target["Arn"]) for target in rule["Targets"]] == [sweeping.name_of(FUNCTION)]


def test_an_operator_is_woken_if_it_fails(sweeping: Stack) -> None:
    alarms = [each["Properties"] for each in sweeping.all("AWS::CloudWatch::Alarm").values()]
    watched = [each["Dimensions"] for each in alarms if each["MetricName"] == "Errors"]
    assert [{"Name": "FunctionName", "Value": {"Ref": sweeping.name_of(FUNCTION)}}] in watched


def test_it_may_delete_versions_and_no_function(sweeping: Stack) -> None:
    (granted,) = (each for each in sweeping.statements(FUNCTION) if "lambda:DeleteFunction" in each["Action"])
    assert granted == {"Effect": "Allow", "Action": ["lambda:DeleteFunction"], "Resource": [VERSIONS]}
    # A star matches colons too: only the number of literal ones keeps the ARN of a whole function out.
    assert VERSIONS.count(":") > "arn:aws:lambda:eu-west-1:123456789012:function:orders-import".count(":")


def test_it_may_look_at_versions_and_aliases_of_what_may_be_invoked(sweeping: Stack) -> None:
    looking = {"lambda:ListVersionsByFunction", "lambda:ListAliases"}
    (granted,) = (each for each in sweeping.statements(FUNCTION) if looking & set(each["Action"]))
    assert (set(granted["Action"]), granted["Resource"]) == (looking, [INVOKABLE, VERSIONS])


def test_the_stack_s_own_functions_are_denied_to_it(sweeping: Stack) -> None:
    denied = [each for each in sweeping.statements(FUNCTION) if each["Effect"] == "Deny"]
    assert denied == [{"Effect": "Deny", "Action": ["lambda:*"], "Resource": [OWN, f"{OWN}:*"]}]


def test_it_reads_runs_and_can_open_and_write_none(sweeping: Stack) -> None:
    (table,) = sweeping.all("AWS::DynamoDB::Table")
    data = [each for each in sweeping.statements(FUNCTION) if each["Action"][0].startswith("dynamodb:")]
    assert [(each["Action"], each["Resource"]) for each in data] == [
        (["dynamodb:Scan"], [f"{table}/index/byWorkspace"]),
        (["dynamodb:BatchGetItem"], [table]),
    ]
    assert not [each for each in sweeping.actions(FUNCTION) if each.startswith(("kms:", "sqs:", "events:"))]
    assert sweeping.actions(FUNCTION, on="*") == TRACES


def test_without_patterns_it_can_touch_no_function(synthesise: Synthesise) -> None:
    bare = synthesise(deleteUnusedVersions=True)
    assert not [each for each in bare.actions(FUNCTION) if each.startswith("lambda:")]
