"""The demo of an outage: 200 orders fail for three reasons, and each is charged once in the end.

Found by their error groups, planned, tried on a few, re-run faster and faster, stopped when an error comes back,
resumed after a fix. What the service says of it is compared with what the function itself has recorded.
"""

import re
from typing import Any

import httpx

from infra.local.demo.demo_stack import run_on_temporary_stack
from infra.local.demo.printer import ID, SHOWN, Printer
from infra.local.demo.shop import ALL, FREE, ORDERS, PAYMENTS, Shop
from infra.local.demo.users import NOT_WELL, STOPPED, DemoUser, UnexpectedAnswerError, expect
from infra.local.local_stack import LocalStack

CANARY = 5
PACE = ("--start-per-second", "5", "--max-per-second", "50", "--double-every", "2s")
WAIT = ("--wait", "--timeout", "2m")
STATES = ("canary", "running", "stopped")


def run_outage() -> None:
    """Raises RuntimeError, which says what went wrong and where the logs are."""
    run_on_temporary_stack(
        run_sections,
        {
            "docs/how-to/recover-from-an-outage.md": "the runbook",
            "make up": "the same stack to keep on this machine",
        },
        # A batch leaves half of them to other runs.
        context={"maxConcurrentExecutions": 40},
    )


def run_sections(local_stack: LocalStack, http: httpx.Client, printer: Printer) -> None:
    alice = DemoUser("alice", ["acme/*:*"], local_stack, http, printer)
    printer.abbreviate(local_stack.api_url, f"{local_stack.emulator.url}/…")
    shop = Shop(local_stack.emulator.directory.parent / "shop")
    fail(shop, alice, printer)
    groups = find(alice, printer)
    batch_id = start_until_stopped(groups, shop, alice, printer)
    left = fix_and_resume(batch_id, alice, printer)
    last = recover_the_rest(groups[FREE], left, alice, printer)
    check_records(shop, [batch_id, last], alice, printer)


def fail(shop: Shop, alice: DemoUser, printer: Printer) -> None:
    printer.section(f"{ALL} orders fail, for three reasons")
    alice.deploys("shop")
    printer.say(
        "The payment service is down tonight. And some orders meet a bug: free ones, and those with odd prices."
    )
    [trigger] = alice.asks("/function-triggers").each("data")
    shop.sends_orders(alice, trigger["id"])
    expect(
        shop.record,
        lambda record: record.executed.total() == ALL,
        lambda record: f"{ALL} orders should have been executed, but {record.executed.total()} executions are recorded",
    )


def find(alice: DemoUser, printer: Printer) -> dict[str, str]:
    """The ids of the error groups by their errors."""
    printer.section("What is failing? The failures are three groups")
    groups = expect(
        lambda: alice.asks("/error-groups").each("data"),
        lambda groups: sum(group["unrecoveredCount"] for group in groups) == ALL,
        lambda groups: f"{ALL} runs should not be recovered, but they are {[each.document for each in groups]}",
    )
    alice.types("errors", "--from", "2h")
    counts = {group["errorCode"]: group["unrecoveredCount"] for group in groups}
    _check("The error groups", counts, ORDERS)
    ids = {str(group["errorCode"]): str(group["errorGroupId"]) for group in groups}
    alice.types("errors", "show", ids[PAYMENTS][:SHOWN], "--frames")
    return ids


def start_until_stopped(groups: dict[str, str], shop: Shop, alice: DemoUser, printer: Printer) -> str:
    """The id of the batch."""
    printer.section("The payment service is back: all of them as one batch, a few first")
    shop.payments_are_up()
    what = (
        "batch",
        "start",
        "--function",
        "orders",
        "--latest",
        "--canary",
        str(CANARY),
        *PACE,
        "--stop-on",
        "same-error",
    )
    why = ("--reason", "The payment service was down")
    printer.say("The plan says what the batch would do, and does nothing.")
    alice.types(*what, *why, "--plan")
    printer.say("Five are tried, and are well. Then faster and faster, until an error comes back: it stops itself.")
    printed = alice.types(*what, *why, "--yes", *WAIT, code=STOPPED)
    batch_id = _batch_named_in(printed)
    batch = alice.asks(f"/rerun-batches/{batch_id}").has(state="stopped", **{"progress.refused": {}})
    batch.has(**{"stopReason.rule": "sameErrorGroup", "stopReason.errorGroupId": groups[FREE]})
    _check("The states of the batch", [state for state in STATES if re.search(rf"  {state} ", printed)], [*STATES])
    if not CANARY < batch["progress.completed"] <= ORDERS[PAYMENTS]:
        raise UnexpectedAnswerError(f"The batch should have recovered more than its canary, but has {batch.document}")
    return batch_id


def fix_and_resume(batch_id: str, alice: DemoUser, printer: Printer) -> int:
    """How many the batch has tried in vain."""
    printer.section("Alice fixes both bugs, and lets the batch go on")
    alice.deploys("shop_fixed")
    printer.say(
        "It executes today's code, as it was started with --latest. What it tried in vain, it does not try again."
    )
    alice.types("batch", "resume", batch_id, *WAIT, code=NOT_WELL)
    batch = alice.asks(f"/rerun-batches/{batch_id}").has(state="completed")
    progress = batch["progress"]
    _check("What the batch has selected and started", [progress["selected"], progress["started"]], [ALL, ALL])
    _check("What the batch has recovered", progress["completed"], ALL - progress["failed"])
    return int(progress["failed"])


def recover_the_rest(group_id: str, left: int, alice: DemoUser, printer: Printer) -> str:
    """The id of the batch."""
    printer.say("Those that were tried before the fix are what is left of their group: another batch takes them.")
    what = ("batch", "start", "--group", group_id[:SHOWN], "--latest", "--reason", "Tried before the fix")
    printed = alice.types(*what, "--yes", *WAIT)
    batch_id = _batch_named_in(printed)
    alice.asks(f"/rerun-batches/{batch_id}").has(
        state="completed", **{"progress.started": left, "progress.completed": left}
    )
    return batch_id


def check_records(shop: Shop, batch_ids: list[str], alice: DemoUser, printer: Printer) -> None:
    printer.section("Nothing is left, and nothing was charged twice")
    alice.types("runs", "list", "--not-recovered")
    alice.types("errors", "--from", "2h")
    alice.types("batch", "list")
    alice.types("audit", "--action", "start-batch")
    groups = alice.asks("/error-groups").each("data")
    _check("What is not recovered", [group["unrecoveredCount"] for group in groups], [0, 0, 0])
    started = sum(alice.asks(f"/rerun-batches/{each}")["progress.started"] for each in batch_ids)
    record = shop.record()
    orders = {f"{error}-{number}" for error, count in ORDERS.items() for number in range(count)}
    _check("Charged orders", dict(record.charged), dict.fromkeys(orders, 1))
    _check("Runs executed more than once", [run for run, times in record.executed.items() if times > 1], [])
    _check("Executions", record.executed.total(), ALL + started)
    printer.say(
        f"The function's own record: {ALL} orders, each charged once; {ALL} executions that failed that night, and "
        f"{started} re-runs by the two batches, each executed once."
    )


def _batch_named_in(printed: str) -> str:
    found = re.search(rf"^({ID}) is the batch", printed, re.MULTILINE)
    if found is None:
        raise UnexpectedAnswerError(f"A batch should have been started, but fnrun printed {printed}")
    return found[1]


def _check(what: str, seen: Any, expected: Any) -> None:
    if seen != expected:
        raise UnexpectedAnswerError(f"{what} should be {expected}, but are {seen}")
