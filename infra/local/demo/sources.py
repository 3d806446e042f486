"""Sections of the demo: a webhook and a schedule start runs, which are re-run."""

import json
from datetime import UTC, datetime
from http import HTTPStatus
from uuid import uuid4

import httpx
from standardwebhooks import Webhook

from infra.local.demo.printer import SHOWN, Printer
from infra.local.demo.users import COMPLETED, DemoUser, UnexpectedAnswerError, expect
from infra.local.local_stack import LocalStack

ORDER = {"orderId": "A-1003", "currency": "EUR", "items": [{"price": 12, "quantity": 1}]}
TOTAL = {"orderId": "A-1003", "total": 12, "averagePrice": 12, "currency": "EUR"}


def receive_a_webhook(alice: DemoUser, local_stack: LocalStack, http: httpx.Client, printer: Printer) -> None:
    printer.section("A webhook starts a run, once, however often the shop sends it")
    printer.say("An HTTP trigger has an address and a secret, which is shown only now. Callers need no token.")
    shown = alice.types(
        "triggers", "add", "shop", "--function", "orders", "--path", "shop/orders", "--params", json.dumps(ORDER)
    )
    secret = next(word for word in shown.split() if word.startswith("whsec_"))
    printer.say("The shop signs each request as Standard Webhooks says. Hearing no answer, it sends it again.")
    headers = signature(secret, "{}")
    path = "/workspace/acme/api/v1/http-trigger/shop/orders"
    started = set()
    for _ in range(2):
        printer.request("shop", "POST", path, headers)
        response = http.post(local_stack.api_url + path, content=b"{}", headers=headers)
        if response.status_code != HTTPStatus.ACCEPTED:
            raise UnexpectedAnswerError(f"POST {path} gave {response.status_code}: {response.text[:2000]}")
        document = response.json()
        printer.abbreviate(document["jobId"], document["jobId"][:SHOWN])
        printer.answer(response.status_code, document)
        started.add(document["jobId"])
    if len(started) != 1:
        raise UnexpectedAnswerError(f"Two deliveries of one webhook should have started one run, but gave {started}")
    [run] = started
    alice.sees(run, COMPLETED, "result").has(executionSource="webhook", result=TOTAL)
    again = alice.starts(
        "rerun", run, "--reason", "What does the shop get to see?", "--even-if-recovered", "--yes", "--wait"
    )
    alice.sees(again, COMPLETED, "result").has(result=TOTAL)


def wait_for_a_schedule(alice: DemoUser, printer: Printer) -> None:
    printer.section("A schedule starts a run, and its re-run is as if the schedule had come again")
    params = ("--params", json.dumps(ORDER))
    alice.types("triggers", "add", "tonight", "--function", "orders", "--at", "+3s", *params)
    runs = expect(
        lambda: alice.asks("/function-runs?executionSource=scheduled").each("data"),
        bool,
        lambda _: "The schedule has started no run",
    )
    run = alice.sees(str(runs[0]["id"]), COMPLETED, "parameters,result").has(result=TOTAL)
    alice.types("runs", "list", "--trigger", "tonight")
    again = alice.starts("rerun", run["id"], "--reason", "Once more", "--even-if-recovered", "--yes", "--wait")
    alice.types("runs", "show", again, "--include", "parameters")
    alice.sees(again, COMPLETED, "parameters").has(parameters=run["parameters"])


def signature(secret: str, body: str) -> dict[str, str]:
    webhook_id, moment = f"msg_{uuid4().hex}", datetime.now(UTC)
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(secret).sign(webhook_id, moment, body),
        "content-type": "application/json",
    }
