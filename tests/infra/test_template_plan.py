"""A plan does nothing: its role could not, whatever its code did."""

import json

from tests.infra.template import INVOKABLE, Synthesise

READS = ("BatchGet", "Get", "Query", "List")
# Keys that are used, and a data key that is made, change nothing. Of logs and traces every function has its own.
ELSE = {"kms:Decrypt", "kms:GenerateDataKey"}
OF_EVERY_FUNCTION = {"logs:CreateLogStream", "logs:PutLogEvents", "xray:PutTelemetryRecords", "xray:PutTraceSegments"}


def test_the_role_of_a_plan_writes_publishes_and_invokes_nothing(synthesise: Synthesise) -> None:
    stack = synthesise(invokableFunctions={"*": [INVOKABLE]}, deleteUnusedVersions=True, shareableTestEvents=True)
    allowed = stack.actions("api_rerun_plan")
    assert allowed >= {"dynamodb:BatchGetItem", "lambda:GetFunction", "s3:GetObject"}
    for action in allowed - ELSE - OF_EVERY_FUNCTION:
        _, _, verb = action.partition(":")
        assert verb.startswith(READS), action
    services = {action.partition(":")[0] for action in allowed}
    assert services == {"dynamodb", "kms", "lambda", "s3", "logs", "xray"}
    assert "*" not in "".join(allowed)
    denied = [each for each in stack.statements("api_rerun_plan") if each["Effect"] == "Deny"]
    assert [each["Action"] for each in denied] == [["lambda:*"]], "the service's own functions"


def test_it_has_no_other_role_s_rights_and_no_policy_of_somebody_else_s(synthesise: Synthesise) -> None:
    stack = synthesise(invokableFunctions={"*": [INVOKABLE]})
    role = stack.all("AWS::IAM::Role")[stack.functions["api_rerun_plan"]["Properties"]["Role"]["Fn::GetAtt"][0]]
    assert not role["Properties"].get("ManagedPolicyArns")
    assert not role["Properties"].get("Policies")
    assert "sts:" not in json.dumps(stack.statements("api_rerun_plan"))
