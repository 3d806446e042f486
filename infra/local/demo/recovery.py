"""Sections of the demo: automatic retries, and a delayed re-run that is cancelled."""

from datetime import UTC, datetime, timedelta

from infra.local.demo.printer import Printer
from infra.local.demo.users import FAILURE, NOT_WELL, Answer, DemoUser, UnexpectedAnswerError, expect

RETRIES = 2


def retry_automatically(alice: DemoUser, printer: Printer) -> None:
    printer.section("Failures are retried automatically, and the lineage says so")
    printer.say("This trigger retries what fails: twice, on the same code, with a pause that grows.")
    policy = ("--retries", str(RETRIES), "--retry-delay", "1s", "--retry-jitter", "none")
    alice.types("triggers", "add", "patient", "--function", "orders", *policy)
    printer.say("This order has no items at all, so that every attempt must fail.")
    run = alice.starts("execute", "patient", "--payload", '{"orderId": "A-1004"}', "--wait", code=NOT_WELL)
    alice.sees(run, FAILURE).has(errorCode="KeyError")
    path = f"/function-runs/{run}/rerun-history"
    expect(
        lambda: [each for each in alice.asks(path).each("reruns") if each["endedAt"]],
        lambda ended: len(ended) >= RETRIES,
        lambda ended: f"{path} should have {RETRIES} retries that have ended, but has {len(ended)}",
    )
    alice.types("history", run)
    for number, retry in enumerate(alice.asks(path).has(rerunCount=RETRIES).each("reruns"), start=1):
        retry.has(rerunReason=f"Automatic retry {number} of {RETRIES} after KeyError", status=FAILURE)


def cancel_a_delayed_rerun(failed: Answer, alice: DemoUser, printer: Printer) -> None:
    printer.section("A re-run can wait, be sent twice, and be cancelled")
    printer.say("Alice wants the order re-run tonight. Her connection breaks, so she calls it again:")
    tonight = (datetime.now(UTC) + timedelta(hours=8)).isoformat(timespec="seconds")
    when = ("--not-before", tonight, "--reason", "When the warehouse is quiet", "--even-if-recovered")
    key = ("--idempotency-key", "tonight-A-1002", "--yes")
    first, second = (alice.starts("rerun", failed["id"], *when, *key) for _ in range(2))
    if first != second:
        raise UnexpectedAnswerError(f"The same request has started two runs, {first} and {second}")
    printer.say("Both answers name the same run: nothing was started twice. It waits, and can be cancelled.")
    alice.types("cancel", first)
    alice.asks(f"/function-runs/{first}").has(status="cancelled", cancelRequestedBy="alice")
