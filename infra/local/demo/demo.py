"""The demo: real calls to the real stacks, on an emulator of its own."""

import json

import httpx

from infra.local.demo.demo_stack import run_on_temporary_stack
from infra.local.demo.printer import Printer
from infra.local.demo.proof import plan_and_deploy, prove_the_fix
from infra.local.demo.records import erase_an_order, show_acts, show_lineage
from infra.local.demo.recovery import cancel_a_delayed_rerun, retry_automatically
from infra.local.demo.sources import receive_a_webhook, wait_for_a_schedule
from infra.local.demo.users import COMPLETED, FAILURE, NOT_PERMITTED, NOT_WELL, REFUSED, Answer, DemoUser
from infra.local.local_stack import LocalStack

PAID_ITEMS = [{"price": 12, "quantity": 2}]
FREE_ITEMS = [{"price": 0, "quantity": 3}]
CHARGED_ITEMS = [{"price": 1, "quantity": 3}]


def run_demo() -> None:
    """Raises RuntimeError, which says what went wrong and where the logs are."""
    run_on_temporary_stack(
        run_sections,
        {
            "make demo-outage": "200 failed orders, found and recovered by a batch of re-runs",
            "make up": "the same stack to keep on this machine, for functions and calls of your own",
            "docs/": "what the service promises, and how to deploy it to an AWS account",
        },
    )


def run_sections(local_stack: LocalStack, http: httpx.Client, printer: Printer) -> None:
    alice = DemoUser("alice", ["acme/*:*"], local_stack, http, printer)
    bob = DemoUser("bob", ["acme/*:*", "globex/*:*"], local_stack, http, printer)
    carol = DemoUser("carol", ["acme/function-runs:read", "acme/audit:read"], local_stack, http, printer)

    printer.abbreviate(local_stack.api_url, f"{local_stack.emulator.url}/…")
    deploy_the_function(alice, printer)
    failed = order_twice(alice, printer)
    charged = rerun_with_an_override(failed, alice, printer)
    see_it_recovered(failed, charged, bob, printer)
    fixed = plan_and_deploy(failed, bob, printer)
    proofs = prove_the_fix(failed, fixed, bob, carol, printer)
    reruns = [(charged, "alice"), *((run_id, "bob") for run_id in (fixed, *proofs))]
    show_lineage(failed, reruns, bob, printer)
    show_acts(failed, carol, printer)
    be_refused(failed, len(reruns), bob, carol, printer)
    receive_a_webhook(alice, local_stack, http, printer)
    wait_for_a_schedule(alice, printer)
    retry_automatically(alice, printer)
    cancel_a_delayed_rerun(failed, alice, printer)
    erase_an_order(failed, alice, carol, printer)


def deploy_the_function(alice: DemoUser, printer: Printer) -> None:
    printer.section("Alice has a function that processes orders")
    printer.say("A function is one of the team's own Lambdas. It needs no library and no change. A trigger starts it.")
    alice.deploys("orders")


def order(order_id: str, items: list[dict[str, int]]) -> str:
    return json.dumps({"orderId": order_id, "items": items})


def order_twice(alice: DemoUser, printer: Printer) -> Answer:
    printer.section("Two orders: one is processed, one fails")
    printer.say("An ordinary order. The run is recorded, queued, and then executed.")
    ordinary = alice.starts("execute", "orders", "--payload", order("A-1001", PAID_ITEMS), "--wait")
    result = {"orderId": "A-1001", "total": 24, "averagePrice": 12, "currency": "EUR"}
    alice.sees(ordinary, COMPLETED, "result").has(result=result)

    printer.say("Every item of this order is free, so the function divides by zero.")
    free = alice.starts("execute", "orders", "--payload", order("A-1002", FREE_ITEMS), "--wait", code=NOT_WELL)
    printer.say("The run keeps, encrypted, all that is needed to understand it; who may reveal it sees it.")
    alice.types("runs", "show", free, "--include", "parameters,error")
    failed = alice.sees(free, FAILURE, "parameters")
    return failed.has(
        errorCode="ZeroDivisionError", functionVersion="1", parameters={"orderId": "A-1002", "items": FREE_ITEMS}
    )


def rerun_with_an_override(failed: Answer, alice: DemoUser, printer: Printer) -> str:
    printer.section("Recovery: Alice re-runs the failed run with one parameter changed")
    printer.say(
        "She sets only what shall differ. The plan shows what the re-run would do; --yes does it without asking."
    )
    change = f"items={json.dumps(CHARGED_ITEMS)}"
    reason = "The stickers are 1 EUR each"
    charged = alice.starts("rerun", failed["id"], "--set", change, "--reason", reason, "--yes", "--wait")
    printer.say("orderId is still the original's. The override itself is kept too, for the audit.")
    alice.types("runs", "show", charged, "--include", "overrides,parameters,result")
    parameters = {**failed["parameters"], "items": CHARGED_ITEMS}
    alice.sees(charged, COMPLETED, "parameters,overrides").has(
        overrides={"items": CHARGED_ITEMS}, parameters=parameters
    )
    return charged


def see_it_recovered(failed: Answer, charged: str, bob: DemoUser, printer: Printer) -> None:
    printer.say("The original stays as it was, and says what has recovered it. Bob does not see that, and is refused:")
    bob.asks(f"/function-runs/{failed['id']}").has(status=FAILURE, recovered=True, recoveredBy=charged)
    bob.types("rerun", failed["id"], "--yes", code=REFUSED)


def be_refused(failed: Answer, reruns: int, bob: DemoUser, carol: DemoUser, printer: Printer) -> None:
    printer.section("Two requests are refused, and change nothing")
    printer.say("Carol may read runs, but not execute triggers.")
    carol.types("rerun", failed["id"], "--even-if-recovered", "--yes", code=NOT_PERMITTED)
    printer.say("Bob works for globex as well, but this is a run of acme.")
    bob.types("rerun", failed["id"], "--workspace", "globex", "--yes", code=REFUSED)
    bob.asks(f"/function-runs/{failed['id']}").has(rerunCount=reruns)
