"""What an execution makes of a run: its outcome, its code, its events, and what repeats and losses do to it."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.stack.driver import ECHO, TeamFunction, Workspace, settled, until
from tests.stack.sources import lambda_of

COUNTS = "import sys\ndef handler(event, context):\n    open(event['file'], 'a').write('x')\n    return event\n"


def counted(path: str) -> int:
    return len(Path(path).read_text())


def test_a_completed_run_tells_version_duration_and_result(workspace: Workspace) -> None:
    trigger, function = workspace.trigger_of("def handler(event, context):\n    print('working')\n    return 42\n")
    run = workspace.ended(workspace.execute(trigger), include="result,logs,error")
    assert run["status"] == "completed"
    assert run["result"] == 42
    assert "working" in run["logs"]
    assert run["error"] is None
    assert run["functionVersionArn"] == f"{function.arn}:{run['functionVersion']}"
    assert run["functionCodeHash"]
    assert run["createdAt"] <= run["startedAt"] <= run["endedAt"]
    assert run["durationMs"] >= 0
    assert (run["triggerType"], run["executionSource"], run["executionAttempts"]) == ("on-demand", "trigger", 1)


def test_a_function_that_raises_gives_a_failure_with_its_own_error_type(workspace: Workspace) -> None:
    trigger, _ = workspace.trigger_of(
        "class CardDeclined(Exception): pass\ndef handler(event, context):\n    raise CardDeclined('no funds')\n"
    )
    run = workspace.ended(workspace.execute(trigger), include="error,result")
    assert (run["status"], run["errorCode"]) == ("failure", "CardDeclined")
    assert run["error"]["errorMessage"] == "no funds"
    assert any("in handler" in line for line in run["error"]["stackTrace"])
    assert run["result"] is None


def test_an_error_says_whether_it_is_the_function_s_or_the_service_s_of_the_same_name(workspace: Workspace) -> None:
    trigger, function = workspace.trigger_of(
        "FunctionVersionNotFound = type('FunctionVersionNotFound', (Exception,), {})\n"
        "def handler(event, context):\n    raise FunctionVersionNotFound('mine')\n"
    )
    of_the_function = workspace.ended(workspace.execute(trigger))
    function.client.delete_function(FunctionName=function.name)
    workspace.ended(workspace.rerun(of_the_function["id"]))
    (of_the_service,) = workspace.history(of_the_function["id"])["reruns"]
    ended = [(run["errorCode"], run["errorSource"]) for run in (of_the_function, of_the_service)]
    assert ended == [("FunctionVersionNotFound", "function"), ("FunctionVersionNotFound", "service")]


def test_a_class_with_the_name_of_a_timeout_is_a_failure(workspace: Workspace) -> None:
    trigger, _ = workspace.trigger_of(
        "Timedout = type('Sandbox.Timedout', (Exception,), {})\n"
        "def handler(event, context):\n    raise Timedout('Task timed out after 10.00 seconds')\n"
    )
    run = workspace.ended(workspace.execute(trigger))
    assert (run["status"], run["errorCode"], run["errorSource"]) == ("failure", "Sandbox.Timedout", "function")


def test_a_function_that_times_out_gives_a_timeout(workspace: Workspace) -> None:
    trigger, _ = workspace.trigger_of("import time\ndef handler(event, context):\n    time.sleep(30)\n", timeout=1)
    run = workspace.ended(workspace.execute(trigger), include="error")
    assert (run["status"], run["errorCode"], run["errorSource"]) == ("timeout", "Sandbox.Timedout", "function")
    assert "Task timed out after 1.00 seconds" in run["error"]["errorMessage"]


def test_a_throttled_function_leaves_the_run_waiting_and_says_so_until_it_can_run(workspace: Workspace) -> None:
    trigger, function = workspace.trigger_of(ECHO)
    function.client.put_function_concurrency(FunctionName=function.name, ReservedConcurrentExecutions=0)
    run = workspace.execute(trigger)
    until(lambda: workspace.run(run)["errorCode"] == "TooManyRequestsException")
    waiting = workspace.run(run)
    assert (waiting["status"], waiting["executionAttempts"], waiting["errorSource"]) == ("pending", 0, "service")

    function.client.delete_function_concurrency(FunctionName=function.name)

    ended = workspace.ended(run)
    assert (ended["status"], ended["errorCode"], ended["executionAttempts"]) == ("completed", None, 1)
    assert ended["errorSource"] is None


def test_a_function_deleted_from_lambda_gives_a_failed_run_that_says_so(workspace: Workspace) -> None:
    trigger, function = workspace.trigger_of(ECHO)
    function.client.delete_function(FunctionName=function.name)
    run = workspace.ended(workspace.execute(trigger), include="error")
    assert (run["status"], run["errorCode"]) == ("failure", "FunctionVersionNotFound")
    assert function.arn in run["error"]["errorMessage"]


def test_an_environment_change_alone_is_new_code(workspace: Workspace) -> None:
    trigger, function = workspace.trigger_of(
        "import os\ndef handler(event, context):\n    return os.environ.get('MODE')\n"
    )
    original = workspace.ended(workspace.execute(trigger))
    function.client.update_function_configuration(
        FunctionName=function.name, Environment={"Variables": {"MODE": "new"}}
    )
    latest = workspace.ended(workspace.rerun(original["id"], useLatestCode=True), include="result")
    pinned = workspace.ended(workspace.rerun(original["id"]), include="result")
    assert (latest["result"], pinned["result"]) == ("new", None)
    assert latest["functionCodeHash"] == original["functionCodeHash"]
    assert latest["functionVersion"] != original["functionVersion"]


def test_unchanged_code_is_published_once(workspace: Workspace) -> None:
    trigger, function = workspace.trigger_of(ECHO)
    versions = {workspace.ended(workspace.execute(trigger))["functionVersion"] for _ in range(3)}
    published = function.client.list_versions_by_function(FunctionName=function.name)["Versions"]
    assert len(versions) == 1
    assert [each["Version"] for each in published] == ["$LATEST", *versions]


def test_the_function_learns_which_run_it_is_for(workspace: Workspace) -> None:
    trigger, _ = workspace.trigger_of("def handler(event, context):\n    return context.client_context.custom\n")
    original = workspace.ended(workspace.execute(trigger), include="result")
    first = workspace.rerun(original["id"])
    second = workspace.ended(workspace.rerun(first), include="result")
    assert original["result"] == {
        "functionRunId": original["id"],
        "functionRunEffectKey": original["id"],
        "functionRunOriginalId": original["id"],
        "functionRunSourceId": original["id"],
        "functionRunAttempt": "1",
    }
    assert second["result"]["functionRunOriginalId"] == original["id"]
    assert second["result"]["functionRunSourceId"] == first


def test_the_same_message_delivered_three_times_executes_the_function_once(workspace: Workspace) -> None:
    trigger, _ = workspace.trigger_of(COUNTS)
    file = f"/tmp/{uuid4().hex}"
    run = workspace.execute(trigger, payload={"file": file})
    sqs, queue = workspace.local_stack.client("sqs"), workspace.local_stack.outputs["RunQueueUrl"]
    for _ in range(2):
        sqs.send_message(QueueUrl=queue, MessageBody=json.dumps({"runId": run}), MessageGroupId=workspace.name)
    workspace.ended(run)
    sqs.send_message(QueueUrl=queue, MessageBody=json.dumps({"runId": run}), MessageGroupId=workspace.name)
    # A later run, sent behind the repeats, has ended: so have they.
    workspace.ended(workspace.execute(trigger, payload={"file": f"{file}-later"}))

    assert counted(file) == 1
    assert workspace.run(run)["executionAttempts"] == 1


def test_a_run_whose_push_was_lost_is_pushed_again_by_the_watchdog(workspace: Workspace) -> None:
    trigger, _ = workspace.trigger_of()
    source = workspace.ended(workspace.execute(trigger))["id"]
    lost = pending_copy(workspace, source)
    lambda_of(workspace, "watchdog", {})  # the stack's own, every minute, may be faster
    assert workspace.ended(lost)["status"] == "completed"


def pending_copy(workspace: Workspace, run_id: str) -> str:
    """A run as it stands in the table when everything after its record was lost: a re-run whose push failed."""
    local_stack, fresh = workspace.local_stack, workspace.rerun(run_id)
    settled(workspace, fresh)
    local_stack.client("dynamodb").update_item(
        TableName=local_stack.outputs["TableName"],
        Key={"pk": {"S": f"RUN#{fresh}"}, "sk": {"S": "RUN"}},
        UpdateExpression=(
            "SET #status = :pending, deadline = :past, due = :open, dueAt = :due, n = :none"
            " REMOVE begun, ended, ms, #out"
        ),
        ExpressionAttributeNames={"#status": "status", "#out": "out"},
        ExpressionAttributeValues={
            ":pending": {"S": "pending"},
            ":past": {"N": "1767225600000"},
            ":due": {"S": "2026-01-01T00:00:00.000Z"},
            ":open": {"S": "OPEN#0"},
            ":none": {"N": "0"},
        },
    )
    return fresh


def test_each_end_is_told_on_the_lifecycle_bus_without_content(workspace: Workspace) -> None:
    local_stack = workspace.local_stack
    sqs, events = local_stack.client("sqs"), local_stack.client("events")
    queue = sqs.create_queue(QueueName=f"told-{workspace.name}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    bus = local_stack.outputs["LifecycleBusName"]
    pattern = {"source": ["function-rerun"], "detail": {"workspace": [workspace.name]}}
    events.put_rule(Name=workspace.name, EventBusName=bus, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=workspace.name, EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])
    trigger, _ = workspace.trigger_of("def handler(event, context):\n    return 1 / event['secret-key']\n")

    failed = workspace.ended(workspace.execute(trigger, payload={"secret-key": 0}))
    completed = workspace.ended(workspace.rerun(failed["id"], overrideParams={"secret-key": 1}))

    published: dict[str, Any] = {}
    opened: list[str] = []

    def both() -> bool:
        for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
            event = json.loads(message["Body"])
            if event["detail-type"] == "Error Group Opened":
                opened.append(event["detail"]["functionRunId"])
            else:
                published[event["detail"]["functionRunId"]] = event
            assert "secret-key" not in message["Body"]
        return len(published) == 2

    until(both)
    assert opened == [failed["id"]]
    assert published[failed["id"]]["detail-type"] == "Function Run Failed"
    assert published[failed["id"]]["detail"]["errorCode"] == "ZeroDivisionError"
    assert published[failed["id"]]["detail"]["errorSource"] == "function"
    assert published[completed["id"]]["detail-type"] == "Function Run Completed"
    assert published[completed["id"]]["detail"]["originalRunId"] == failed["id"]


def test_a_slow_version_is_refused_at_registration(workspace: Workspace) -> None:
    function = TeamFunction(workspace.local_stack).deploy("def handler(event, context): pass\n", timeout=841)
    response = workspace.http.post("/compute-functions", json={"name": "slow", "functionArn": function.arn})
    assert (response.status_code, response.json()["field"]) == (400, "functionArn")
    assert "841 s" in response.json()["message"]


def test_current_code_whose_version_was_deleted_is_published_anew(workspace: Workspace) -> None:
    trigger, function = workspace.trigger_of("def handler(event, context):\n    return 'here'\n")
    first = workspace.ended(workspace.execute(trigger))
    function.client.delete_function(FunctionName=function.name, Qualifier=first["functionVersion"])

    latest = workspace.ended(workspace.rerun(first["id"], useLatestCode=True), include="result")
    started = workspace.ended(workspace.execute(trigger), include="result")

    assert (latest["status"], latest["result"], started["result"]) == ("completed", "here", "here")
    assert latest["functionVersion"] != first["functionVersion"]
    assert workspace.ended(workspace.rerun(first["id"]))["errorCode"] == "FunctionVersionNotFound"


def test_a_run_tells_configurations_apart_without_telling_them(workspace: Workspace) -> None:
    trigger, function = workspace.trigger_of(ECHO)

    def with_mode(mode: str) -> dict[str, Any]:
        function.client.update_function_configuration(
            FunctionName=function.name, Environment={"Variables": {"MODE": mode}}
        )
        return workspace.ended(workspace.rerun(first["id"], useLatestCode=True))

    first = workspace.ended(workspace.execute(trigger))
    slow, fast, slow_again = with_mode("slow"), with_mode("fast"), with_mode("slow")
    assert len({first["functionVersion"], *(run["functionVersion"] for run in (slow, fast, slow_again))}) == 4
    assert first["functionCodeHash"] == fast["functionCodeHash"]
    assert len({first["configHash"], slow["configHash"], fast["configHash"]}) == 3
    assert slow["configHash"] == slow_again["configHash"]
    # It outlives the version, and goes with the pin.
    function.client.delete_function(FunctionName=function.name)
    assert workspace.ended(workspace.rerun(slow["id"]))["configHash"] == slow["configHash"]
