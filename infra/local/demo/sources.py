"""Chapters of the demo: a webhook and a schedule start runs, which are re-run."""

from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import httpx
from standardwebhooks import Webhook

from infra.local.demo.printer import Printer
from infra.local.demo.users import COMPLETED, Answer, DemoUser, UnexpectedAnswerError, expect
from infra.local.local_stack import LocalStack

ORDER = {"orderId": "A-1003", "currency": "EUR", "items": [{"sku": "mug", "price": 12, "quantity": 1}]}
TOTAL = {"orderId": "A-1003", "total": 12, "averagePrice": 12, "currency": "EUR"}


def receive_a_webhook(
    failed: Answer, alice: DemoUser, local_stack: LocalStack, http: httpx.Client, printer: Printer
) -> None:
    printer.chapter("A webhook starts a run, once, however often the shop sends it")
    printer.say("An HTTP trigger has an address and a secret, which is shown only now. Callers need no token.")
    created = create(alice, failed, "shop-orders", "http-trigger", {"path": "shop/orders", "params": ORDER})
    secret = str(created["secret"])
    printer.abbreviate(secret, f"{secret[:9]}…")
    created.shows("executionType", "triggerMetadata.path", "secret")
    printer.say("The shop signs each request as Standard Webhooks says. Hearing no answer, it sends it again.")
    headers = signature(secret, "{}")
    path = "/workspace/acme/api/v1/http-trigger/shop/orders"
    started = set()
    for _ in range(2):
        printer.request("shop", "POST", path, {}, headers)
        response = http.post(local_stack.api_url + path, content=b"{}", headers=headers)
        if response.status_code != HTTPStatus.ACCEPTED:
            raise UnexpectedAnswerError(f"POST {path} gave {response.status_code}: {response.text[:2000]}")
        document = response.json()
        printer.abbreviate(document["jobId"], f"run-{document['jobId'][:8]}")
        printer.answer(response.status_code, document)
        started.add(document["jobId"])
    if len(started) != 1:
        raise UnexpectedAnswerError(f"Two deliveries of one webhook should have started one run, but gave {started}")
    run = alice.looks_at(started.pop(), COMPLETED, "result").shows("executionSource", "status", "result")
    run.has(executionSource="webhook", result=TOTAL)
    again = alice.reruns(run, {"reason": "What does the shop get to see?"})
    alice.looks_at(again, COMPLETED, "result").shows("status", "result").has(result=TOTAL)


def wait_for_a_schedule(failed: Answer, alice: DemoUser, printer: Printer) -> None:
    printer.chapter("A schedule starts a run, and its re-run is as if the schedule had come again")
    moment = (datetime.now(UTC) + timedelta(seconds=2)).replace(microsecond=0).isoformat().replace("+00:00", "Z")
    once = {"scheduleType": "once", "at": moment, "params": ORDER}
    trigger = create(alice, failed, "tonight", "scheduled", once)
    trigger.shows("executionType", "triggerMetadata.scheduleType", "triggerMetadata.at")
    run_id = first_run(alice, str(trigger["id"]), printer)
    run = alice.looks_at(run_id, COMPLETED, "parameters,result")
    run.shows("executionSource", "status", "parameters.scheduledTime").has(executionSource="scheduled", result=TOTAL)
    again = alice.looks_at(alice.reruns(run, {"reason": "Once more"}), COMPLETED, "parameters,result")
    again.shows("triggerType", "status", "parameters.scheduledTime").has(parameters=run["parameters"])


def create(alice: DemoUser, failed: Answer, name: str, kind: str, metadata: dict[str, Any]) -> Answer:
    body = {"name": name, "functionId": failed["functionId"], "executionType": kind, "triggerMetadata": metadata}
    return alice.posts("/function-triggers", body, HTTPStatus.CREATED)


def signature(secret: str, body: str) -> dict[str, str]:
    webhook_id, moment = f"msg_{uuid4().hex}", datetime.now(UTC)
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(secret).sign(webhook_id, moment, body),
        "content-type": "application/json",
    }


def first_run(alice: DemoUser, trigger_id: str, printer: Printer) -> str:
    """The id of the run that the trigger starts, once it does."""
    path = f"/function-runs?triggerId={trigger_id}"
    found = expect(
        lambda: alice.asks(path).each("data"), bool, lambda _: f"The trigger {trigger_id} has started no run"
    )
    printer.abbreviate(found[0]["id"], f"run-{found[0]['id'][:8]}")
    alice.gets(path).each("data")[0].shows("id", "executionSource")
    return str(found[0]["id"])
