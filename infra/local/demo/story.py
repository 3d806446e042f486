"""The demo: real calls to the real stacks, on an emulator of its own.

Each answer is checked: the first that is not as expected ends the demo. Whatever happens, nothing is left running.
"""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from pathlib import Path

import httpx
from botocore.exceptions import BotoCoreError, ClientError

from infra.local.demo.printer import Printer
from infra.local.demo.proof import plan_and_deploy, prove_the_fix
from infra.local.demo.records import erase_an_order, show_acts, show_lineage
from infra.local.demo.recovery import cancel_a_delayed_rerun, retry_automatically
from infra.local.demo.sources import receive_a_webhook, wait_for_a_schedule
from infra.local.demo.users import COMPLETED, FAILURE, Answer, DemoUser
from infra.local.emulator.process import unproxied
from infra.local.interrupts import Interrupted, Interrupts
from infra.local.local_stack import LocalStack, bring_up, stop_leftover
from infra.local.log_stream import LogStream
from infra.local.progress import timed_steps

PAID_ITEMS = [{"sku": "mug", "price": 12, "quantity": 2}, {"sku": "pen", "price": 3, "quantity": 1}]
FREE_ITEMS = [{"sku": "sticker", "price": 0, "quantity": 3}]
CHARGED_ITEMS = [{"sku": "sticker", "price": 1, "quantity": 3}]

FAULTS = (RuntimeError, ValueError, httpx.HTTPError, BotoCoreError, ClientError)


def run_demo() -> None:
    """Raises RuntimeError, which says what went wrong and where the logs are."""
    started = time.monotonic()
    printer = Printer()
    try:
        with (
            Interrupts() as interrupts,
            temporary_stack(printer, interrupts) as local_stack,
            unproxied() as http,
            interrupts.at_once(),
        ):
            run_chapters(local_stack, http, printer)
    except Interrupted:
        printer.say("Interrupted. Everything is stopped.")
        raise
    printer.heading(f"Done in {time.monotonic() - started:.1f} s, and everything is stopped again")
    printer.answer(
        "next",
        {
            "make up": "the same stack to keep on this machine, with a token for your own calls",
            "docs/": "what the service promises, and how to deploy it to an AWS account",
        },
    )


def run_chapters(local_stack: LocalStack, http: httpx.Client, printer: Printer) -> None:
    alice = DemoUser("alice", ["acme/*:*"], local_stack, http, printer)
    bob = DemoUser(
        "bob", ["acme/function-triggers:*", "acme/function-runs:*", "globex/*:*"], local_stack, http, printer
    )
    carol = DemoUser("carol", ["acme/function-runs:read", "acme/audit:read"], local_stack, http, printer)
    function_arn = local_stack.samples["OrdersFunctionArn"]

    trigger_id = register(function_arn, alice, printer)
    failed = order_twice(trigger_id, alice, printer)
    charged = rerun_with_an_override(failed, alice, printer)
    see_it_recovered(failed, charged, bob, printer)
    outdated, fixed = plan_and_deploy(failed, function_arn, bob, local_stack, printer)
    proofs = prove_the_fix(failed, fixed, bob, carol, printer)
    by_bob = [(run_id, "bob") for run_id in (outdated, fixed, *proofs)]
    show_lineage(failed, [(charged, "alice"), *by_bob], bob, printer)
    show_acts(failed, carol, printer)
    be_refused(failed, bob, carol, printer)
    receive_a_webhook(failed, alice, local_stack, http, printer)
    wait_for_a_schedule(failed, alice, printer)
    retry_automatically(failed, alice, printer)
    cancel_a_delayed_rerun(failed, alice, printer)
    erase_an_order(failed, alice, carol, printer)


def register(function_arn: str, alice: DemoUser, printer: Printer) -> str:
    printer.chapter("Alice registers the function that processes orders")
    printer.abbreviate(function_arn, "arn:aws:lambda:…:FunctionRerunSamples-Orders…")
    printer.say("A function is one of the team's own Lambdas, named by its ARN. It needs no library and no change.")
    function = {"name": "orders", "functionArn": function_arn}
    function_id = alice.creates("function", "/compute-functions", function, "id", "name")

    printer.say("A trigger starts its runs, and holds the parameters that all of them share.")
    trigger = {
        "name": "new-order",
        "functionId": function_id,
        "executionType": "on-demand",
        "triggerMetadata": {"params": {"currency": "EUR"}},
    }
    return alice.creates("trigger", "/function-triggers", trigger, "id", "triggerMetadata")


def order_twice(trigger_id: str, alice: DemoUser, printer: Printer) -> Answer:
    printer.chapter("Two orders: one is processed, one fails")
    execute = f"/function-triggers/{trigger_id}/execute"
    printer.say("An ordinary order. The caller is answered at once; the run is recorded, queued, and then executed.")
    ordinary = alice.starts(execute, {"payload": {"orderId": "A-1001", "items": PAID_ITEMS}})
    result = {"orderId": "A-1001", "total": 27, "averagePrice": 9, "currency": "EUR"}
    alice.looks_at(ordinary, COMPLETED, "result").shows("status", "result", "functionVersion").has(result=result)

    printer.say("Every item of this order is free, so the function divides by zero.")
    free = alice.starts(execute, {"payload": {"orderId": "A-1002", "items": FREE_ITEMS}})
    printer.say("The run keeps, encrypted, all that is needed to understand it; who may reveal it sees it.")
    failed = alice.looks_at(free, FAILURE, "error,parameters")
    failed.shows("status", "errorCode", "error.errorMessage", "parameters", "functionVersion")
    parameters = {"currency": "EUR", "orderId": "A-1002", "items": FREE_ITEMS}
    return failed.has(errorCode="ZeroDivisionError", parameters=parameters)


def rerun_with_an_override(failed: Answer, alice: DemoUser, printer: Printer) -> str:
    printer.chapter("Recovery: Alice re-runs the failed run with one parameter changed")
    overrides = {"items": CHARGED_ITEMS}
    printer.say("She sends only what shall differ; the rest of the order need not be known or typed again.")
    charged = alice.reruns(failed, {"reason": "The stickers are 1 EUR each", "overrideParams": overrides})

    printer.say("orderId and currency are still the original's. The override itself is kept too, for the audit.")
    rerun = alice.looks_at(charged, COMPLETED, "parameters,overrides,result")
    rerun.shows("status", "overrides", "parameters", "result")
    rerun.has(overrides=overrides, parameters={**failed["parameters"], **overrides})
    return charged


def see_it_recovered(failed: Answer, charged: str, bob: DemoUser, printer: Printer) -> None:
    run = f"/function-runs/{failed['id']}"
    printer.say("The original stays as it was, and says what has recovered it.")
    original = bob.gets(run).has(status=FAILURE, recovered=True, recoveredBy=charged)
    original.shows("status", "recovered", "recoveredBy")
    printer.say("Bob has seen the same failure, and does not want the order processed twice:")
    refusal = bob.posts(f"{run}/rerun", {"ifNotRecovered": True}, HTTPStatus.CONFLICT)
    refusal.has(code="ALREADY_RECOVERED", runId=charged).shows("code", "message", "runId")


def be_refused(failed: Answer, bob: DemoUser, carol: DemoUser, printer: Printer) -> None:
    printer.chapter("Two requests are refused, and change nothing")
    rerun = f"/function-runs/{failed['id']}/rerun"
    printer.say("Carol may read runs, but not execute triggers.")
    refusal = carol.posts(rerun, {}, HTTPStatus.FORBIDDEN).shows("code", "message")
    refusal.has(message="The grant acme/function-triggers:execute is required.")
    printer.say("Bob works for globex as well, but this is a run of acme.")
    refusal = bob.posts(rerun, {}, HTTPStatus.BAD_REQUEST, workspace="globex").shows("code", "message")
    refusal.has(message="Run does not belong to this workspace.")
    printer.say("The original still counts the seven re-runs it had.")
    bob.gets(f"/function-runs/{failed['id']}").shows("rerunCount").has(rerunCount=7)


@contextmanager
def temporary_stack(printer: Printer, interrupts: Interrupts) -> Iterator[LocalStack]:
    """In a directory of its own, so that `make up` is not disturbed. A fault becomes a RuntimeError with its logs."""
    with tempfile.TemporaryDirectory(prefix="function-rerun-demo-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        try:
            with timed_steps(printer.console, interrupts) as begin:
                local_stack = bring_up(directory, report=begin)
            where = f"An AWS of its own listens at {local_stack.emulator.url} (process {local_stack.emulator.pid})."
            printer.say(f"{where} Below, ids are cut to their first eight digits, and no token is shown.")
            yield local_stack
        except FAULTS as fault:
            interrupts.check()  # ctrl-C reaches what the demo has started, too: that is no fault
            raise RuntimeError(f"The demo failed. {fault}\nLogs: {kept_logs(directory)}/*.log") from fault
        finally:
            stop_leftover(directory)


def kept_logs(directory: Path) -> Path:
    """A directory that stays, with the emulator's log and with what the Lambdas have logged so far."""
    kept = Path(tempfile.mkdtemp(prefix="function-rerun-demo-logs-"))
    with suppress(OSError):
        shutil.copy(directory / "emulator.log", kept)
    with suppress(OSError, *FAULTS):
        local_stack = LocalStack.load(directory)
        stream = LogStream(local_stack.client("logs"), local_stack.client("lambda"))
        (kept / "lambdas.log").write_text("".join(f"{function}  {line}\n" for function, line in stream.unread()))
    return kept
