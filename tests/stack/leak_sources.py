"""The part of the story that nobody with a token tells: webhooks, schedules, events and failures bring their content."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple
from uuid import uuid4

from handlers.domain.json_document import MAX_BYTES
from infra.local.local_stack import LocalStack
from tests.stack.driver import TeamFunction, Workspace, accepted, refusal, until
from tests.stack.leak_search import Told, flattened
from tests.stack.sources import create, lambda_of, post_trigger, post_webhook, put_event, runs_of, soon, the_run

Secret = Callable[[str], str]


class Started(NamedTuple):
    """What came of it. The service itself has made the secrets that webhooks are signed with."""

    runs: list[str]
    refusals: list[str]
    webhook_secrets: list[str]


def everything_that_starts_runs(workspace: Workspace, function: TeamFunction, secret: Secret, actual: Told) -> Started:
    """`secret` makes what is said; the runs are left as they are."""
    registered = workspace.register(function)

    def given(what: str) -> dict[str, str]:
        # What the function asks of its event, so that it says it all again.
        return {
            "printed": secret(f"a line printed for {what}"),
            "result": secret(f"the result of {what}"),
            "param": secret(f"a param of {what}"),
        }

    by_webhook, webhook_secrets = _webhook(workspace, registered, secret, given("a webhook"))
    runs = [
        by_webhook,
        _schedule(workspace, registered, given("a schedule")),
        _event(workspace, registered, secret, given("an event")),
        *_failures(workspace, registered, function, secret, actual),
    ]
    refusals = _refused_webhooks(workspace, registered, secret, actual)
    refusals += _refused_triggers(workspace, registered, secret, actual)
    _dropped_deliveries(workspace, secret, actual)
    read_sources(workspace.local_stack, actual)
    return Started(runs, refusals, webhook_secrets)


def _webhook(workspace: Workspace, function: str, secret: Secret, params: dict[str, str]) -> tuple[str, list[str]]:
    """The run, and the secrets that were valid one after the other."""
    hook = create(workspace, function, "http-trigger", {"path": "orders", "params": params})
    actual = secret("the body of a webhook"), secret("a query of a webhook"), secret("a header of a webhook")
    body, query, header = actual
    rotated = workspace.http.post(f"/function-triggers/{hook['id']}/rotate-secret").json()["secret"]
    answer = post_webhook(
        workspace, f"orders?said={query}", json.dumps({"said": body}), secret=rotated, **{"X-Said": header}
    )
    return accepted(answer), [hook["secret"], rotated]


def _schedule(workspace: Workspace, function: str, params: dict[str, str]) -> str:
    once = {"scheduleType": "once", "at": soon(), "params": params}
    return the_run(workspace, create(workspace, function, "scheduled", once)["id"])


def _event(workspace: Workspace, function: str, secret: Secret, params: dict[str, str]) -> str:
    metadata = {"eventPattern": {"source": ["shop"]}, "params": params}
    trigger = create(workspace, function, "event-driven", metadata)
    put_event(workspace, {"said": secret("the detail of an event")})
    return the_run(workspace, trigger["id"])


def _failures(workspace: Workspace, registered: str, function: TeamFunction, secret: Secret, actual: Told) -> list[str]:
    """One told by way of the queue, one by the bus, and one record that nobody understands."""
    trigger = workspace.trigger(registered)
    capture = {"version": 1, "captureFailures": {"triggerId": trigger}}
    assert workspace.http.put(f"/compute-functions/{registered}", json=capture).status_code == 200
    sqs, outputs = workspace.local_stack.client("sqs"), workspace.local_stack.outputs

    def record(what: str) -> dict[str, Any]:
        error = {
            "errorType": "ValueError",
            "errorMessage": secret(f"the error message of {what}"),
            "stackTrace": [secret(f"the stack trace of {what}")],
        }
        context = {"requestId": str(uuid4()), "functionArn": f"{function.arn}:$LATEST", "condition": "RetriesExhausted"}
        payload = {"said": secret(f"the payload of {what}")}
        return {"requestContext": context, "requestPayload": payload, "responsePayload": error}

    sqs.send_message(QueueUrl=outputs["CaptureQueueUrl"], MessageBody=json.dumps(record("a failure")))
    by_bus = {"source": "lambda", "detail": record("another")}
    sqs.send_message(QueueUrl=outputs["CaptureQueueUrl"], MessageBody=json.dumps(by_bus))
    for body in (json.dumps({"requestContext": secret("a record that is none")}), secret("a record that is no JSON")):
        message = {"messageId": "m", "eventSource": "aws:sqs", "body": body}
        answer = lambda_of(workspace, "capture_failures", {"Records": [message]})
        actual.add("the answer to a record that is none", json.dumps(answer))
    found: list[dict[str, Any]] = until(lambda: _two(runs_of(workspace, triggerId=trigger)))
    return [run["id"] for run in found]


def _two(runs: list[Any]) -> list[Any]:
    return runs if len(runs) == 2 else []


def _refused_webhooks(workspace: Workspace, function: str, secret: Secret, actual: Told) -> list[str]:
    hook = create(workspace, function, "http-trigger", {"path": "refused"})
    create(workspace, function, "http-trigger", {"path": "disabled", "signature": "none"}, enabled=False)
    said, own = secret("a refused webhook"), hook["secret"]
    body = json.dumps({"said": said})
    answers = {
        "an unsigned webhook": post_webhook(workspace, "refused", body, secret=None),
        "a webhook signed by another": post_webhook(workspace, "refused", body, secret="whsec_" + "A" * 44),
        "a webhook to nobody": post_webhook(workspace, said, body, secret=own),
        "a webhook to a path that is none": post_webhook(workspace, f"a//{said}", body, secret=own),
        "a webhook of a header that is too long": post_webhook(workspace, "refused", body, secret=own, X=said * 300),
        "a webhook of an id that is none": post_webhook(workspace, "refused", body, secret=own, webhook_id=said * 9),
        "a webhook that is too large": post_webhook(workspace, "refused", said + "x" * MAX_BYTES, secret=own),
        "a webhook to a disabled trigger": post_webhook(workspace, "disabled", body, secret=None),
    }
    for why, response in answers.items():
        assert refusal(response)[0] in (400, 401, 404, 409, 413), (why, response.text)
        actual.add(f"the refusal of {why}", flattened([response.content, dict(response.headers)]))
    return list(answers)


def _refused_triggers(workspace: Workspace, function: str, secret: Secret, actual: Told) -> list[str]:
    """What says when a run is to be started has nothing to hide, but is not quoted either."""
    said = secret("a refused trigger")
    request: dict[str, tuple[str, Any]] = {
        "a cron expression": ("scheduled", {"scheduleType": "cron", "cronExpression": said}),
        "a time zone": (
            "scheduled",
            {"scheduleType": "cron", "cronExpression": "0 9 ? * MON-FRI *", "timezone": said},
        ),
        "a moment": ("scheduled", {"scheduleType": "once", "at": said}),
        "a schedule's params": ("scheduled", {"scheduleType": "interval", "interval": 90, "params": {"a": said}}),
        "an event pattern": ("event-driven", {"eventPattern": {"source": said}}),
        "an event pattern of another's": ("event-driven", {"eventPattern": {"detail": {"workspace": [said]}}}),
        "an event bus": ("event-driven", {"eventPattern": {}, "eventBusName": said}),
        "a webhook's path": ("http-trigger", {"path": f"../{said}"}),
        "a kind of signature": ("http-trigger", {"path": "x", "signature": said}),
    }
    for why, (kind, metadata) in request.items():
        response = post_trigger(workspace, function, kind, metadata)
        assert refusal(response)[0] == 400, (why, response.text)
        actual.add(f"the refusal of {why}", flattened([response.content, dict(response.headers)]))
    return list(request)


def _dropped_deliveries(workspace: Workspace, secret: Secret, actual: Told) -> None:
    nobody = str(uuid4())
    event = {"id": str(uuid4()), "detail": {"workspace": workspace.name, "said": secret("an event for nobody")}}
    deliveries: list[Any] = [
        {"triggerId": nobody, "event": event},
        {"triggerId": nobody, "event": secret("an event that is none")},
        {"triggerId": nobody, "scheduledTime": secret("a scheduled time that is none")},
        {"triggerId": secret("the trigger of a delivery"), "event": event},
        {"surprise": secret("a delivery that is none")},
        secret("a delivery that is a text"),
    ]
    for delivery in deliveries:
        answer = lambda_of(workspace, "on_event", delivery)
        assert answer.keys() == {"dropped"}
        actual.add("what became of deliveries", json.dumps(answer))


def read_sources(local_stack: LocalStack, actual: Told) -> None:
    """What the service has told EventBridge and its Scheduler."""
    events, bus = local_stack.client("events"), local_stack.outputs["TriggerBusName"]
    for rule in events.list_rules(EventBusName=bus)["Rules"]:
        targets = events.list_targets_by_rule(Rule=rule["Name"], EventBusName=bus)["Targets"]
        actual.add("the rules", flattened([rule, targets]))
    scheduler, group = local_stack.client("scheduler"), local_stack.outputs["ScheduleGroupName"]
    for listed in scheduler.get_paginator("list_schedules").paginate(GroupName=group).build_full_result()["Schedules"]:
        actual.add("the schedules", flattened(scheduler.get_schedule(GroupName=group, Name=listed["Name"])))
