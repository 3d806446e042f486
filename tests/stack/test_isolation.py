"""Tenants cannot reach each other, nor the service through itself."""

import pytest

from tests.stack.driver import WITH_TOKEN, Workspace, path_of, refusal

OWN_FUNCTIONS = ("api-rerun", "api-runs", "api-registry", "api-triggers", "execute-runs", "watchdog")


def test_with_every_grant_in_one_workspace_nothing_of_another_can_be_read_or_rerun(workspace: Workspace) -> None:
    trigger, _ = workspace.trigger_of(params={"secret": "of ours"})
    run = workspace.execute(trigger)
    function = workspace.ended(run)["functionId"]
    intruder = workspace.other().http

    for path in (f"/function-runs/{run}", f"/function-triggers/{trigger}", f"/compute-functions/{function}"):
        assert intruder.get(path).status_code == 404, path
    assert intruder.get(f"/function-runs/{run}?include=parameters").status_code == 404
    assert intruder.delete(f"/function-triggers/{trigger}").status_code == 404
    assert intruder.delete(f"/compute-functions/{function}").status_code == 404
    assert intruder.post(f"/function-triggers/{trigger}/execute").status_code == 404
    assert refusal(intruder.post(f"/function-runs/{run}/rerun"))[1] == "WRONG_WORKSPACE"
    theirs = {"name": "t", "functionId": function, "executionType": "on-demand"}
    assert intruder.post("/function-triggers", json=theirs).json()["field"] == "functionId"
    assert workspace.http.get(f"/function-triggers/{trigger}").status_code == 200
    assert workspace.history(run)["rerunCount"] == 0


def test_a_token_of_one_workspace_opens_no_path_of_another(workspace: Workspace) -> None:
    other = workspace.other()
    trigger, _ = other.trigger_of()
    run = other.execute(trigger)
    intruder = other.as_caller("eve", f"{workspace.name}/*:*", "*/*:*", f"{other.name[:-1]}*/*:*").http
    ids = {"runId": run, "triggerId": trigger}
    for operation in WITH_TOKEN:
        response = intruder.request(operation.method, path_of(operation, ids))
        assert response.status_code == 403, operation.id


@pytest.mark.parametrize("own", OWN_FUNCTIONS)
def test_the_services_own_functions_cannot_be_registered(workspace: Workspace, own: str) -> None:
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:FunctionRerun-{own}"
    for form in (arn, f"{arn}:live"):
        response = workspace.http.post("/compute-functions", json={"name": "own", "functionArn": form})
        assert (response.status_code, response.json()["field"]) == (400, "functionArn")


def test_the_executor_may_not_invoke_the_services_own_functions_whatever_the_registry_says(
    workspace: Workspace,
) -> None:
    trigger, _ = workspace.trigger_of()
    local_stack = workspace.local_stack
    function = f"FUNCTION#{workspace.http.get(f'/function-triggers/{trigger}').json()['functionId']}"
    local_stack.client("dynamodb").update_item(
        TableName=local_stack.outputs["TableName"],
        Key={"pk": {"S": function}, "sk": {"S": function}},
        UpdateExpression="SET functionArn = :own",
        ExpressionAttributeValues={
            ":own": {"S": "arn:aws:lambda:us-east-1:000000000000:function:FunctionRerun-watchdog"}
        },
    )

    run = workspace.ended(workspace.execute(trigger))

    assert (run["status"], run["errorCode"]) == ("failure", "FunctionAccessDenied")


@pytest.mark.parametrize(
    "arn",
    [
        "",
        "orders",
        "arn:aws:lambda:us-east-1:000000000000:function:",
        "arn:aws:lambda:us-east-1:000000000000:function:no-such-function",
        "arn:aws:lambda:us-east-1:000000000000:layer:orders",
        "arn:aws:s3:::bucket",
        "arn:aws:lambda:us-east-1:000000000000:function:orders:7",
        "arn:aws:lambda:us-east-1:000000000000:function:orders:$LATEST",
        "arn:aws:lambda:us-east-1:000000000000:function:orders\n",
        "arn:aws:lambda:us-east-1:000000000000:function:../FunctionRerun-watchdog",
    ],
)
def test_what_is_no_function_to_be_invoked_is_refused(workspace: Workspace, arn: str) -> None:
    response = workspace.http.post("/compute-functions", json={"name": "f", "functionArn": arn})
    assert (response.status_code, response.json()["field"]) == (400, "functionArn")
