"""Chapters of the demo: automatic retries, and a delayed re-run that is cancelled."""

from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from infra.local.demo.printer import Printer
from infra.local.demo.users import FAILURE, Answer, DemoUser, UnexpectedAnswerError, expect

RETRIES = 2


def retry_automatically(failed: Answer, alice: DemoUser, printer: Printer) -> None:
    printer.chapter("Failures are retried automatically, and the lineage says so")
    printer.say("This trigger retries what fails: twice, on the same code, with a pause that grows.")
    body = {
        "name": "patient-order",
        "functionId": failed["functionId"],
        "executionType": "on-demand",
        "retryPolicy": {"maxRetries": RETRIES, "initialDelaySeconds": 1, "jitter": "none"},
    }
    trigger = alice.creates("trigger", "/function-triggers", body, "id", "retryPolicy.maxRetries")
    printer.say("This order has no items at all, so that every attempt must fail.")
    run = alice.starts(f"/function-triggers/{trigger}/execute", {"payload": {"orderId": "A-1004"}})
    alice.looks_at(run, FAILURE).shows("status", "errorCode").has(errorCode="KeyError")
    path = f"/function-runs/{run}/rerun-history"
    _await_retries(path, alice)
    history = alice.gets(path).shows("rerunCount").has(rerunCount=RETRIES)
    for number, retry in enumerate(history.each("reruns"), start=1):
        printer.abbreviate(retry["id"], f"run-{retry['id'][:8]}")
        shown = {name: retry[name] for name in ("rerunBy", "rerunReason", "retryAttempt", "status")}
        printer.tree(f"Retry {number} ({retry['id']})", shown)
        retry.has(rerunReason=f"Automatic retry {number} of {RETRIES} after KeyError", status=FAILURE)


def cancel_a_delayed_rerun(failed: Answer, alice: DemoUser, printer: Printer) -> None:
    printer.chapter("A re-run can wait, be sent twice, and be cancelled")
    tonight = (datetime.now(UTC) + timedelta(hours=8)).isoformat(timespec="seconds")
    printer.say("Alice wants the order re-run tonight. Her connection breaks, so she sends the request again:")
    key = {"Idempotency-Key": "tonight-A-1002"}
    body = {"reason": "When the warehouse is quiet", "notBefore": tonight}
    first, second = (alice.reruns(failed, body, **key) for _ in range(2))
    if first != second:
        raise UnexpectedAnswerError(f"The same request has started two runs, {first} and {second}")
    printer.say("Both answers name the same run: nothing was started twice. It waits, and can be cancelled.")
    alice.posts(f"/function-runs/{first}/cancel", None, HTTPStatus.OK).shows("status", "message")
    alice.gets(f"/function-runs/{first}").shows("status", "cancelRequestedBy", "notBefore").has(status="cancelled")


def _await_retries(path: str, alice: DemoUser) -> None:
    expect(
        lambda: [each for each in alice.asks(path).each("reruns") if each["endedAt"]],
        lambda ended: len(ended) >= RETRIES,
        lambda ended: f"{path} should have {RETRIES} retries that have ended, but has {len(ended)}",
    )
