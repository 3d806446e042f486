"""Sections of the demo: a plan, a fix, and whether it was the fix."""

from infra.local.demo.printer import Printer
from infra.local.demo.users import COMPLETED, FAILURE, NOT_PERMITTED, Answer, DemoUser

TESTING = ("--latest", "--reason", "Testing the fix", "--even-if-recovered")
SIDES = ("pinned", "candidate")


def plan_and_deploy(failed: Answer, bob: DemoUser, printer: Printer) -> str:
    """The id of the run that the fix has completed."""
    printer.section("Testing: Bob plans a re-run on the latest code, and deploys a fix")
    printer.say("A plan says what a re-run would do, and does nothing. The latest code is still what has failed.")
    bob.types("rerun", failed["id"], *TESTING, "--plan")
    printer.say("So Bob deploys a fix: on AWS as usual, without this service.")
    bob.deploys("orders_fixed")
    printer.say("The new plan shows the fix. The re-run does what its plan has shown, or nothing.")
    fixed = bob.starts("rerun", failed["id"], *TESTING, "--yes", "--wait")
    result = {"orderId": "A-1002", "total": 0, "averagePrice": 0, "currency": "EUR"}
    bob.sees(fixed, COMPLETED, "result").has(result=result, functionVersion="2")
    return fixed


def prove_the_fix(failed: Answer, fixed: str, bob: DemoUser, carol: DemoUser, printer: Printer) -> list[str]:
    """The ids of the runs that prove it."""
    printer.section("Proof: it was the fix, and not the world around it")
    printer.say("Bob compares the re-run with the run that it repeats. The input is the same, the code is not.")
    bob.types("compare", fixed)
    compared = bob.asks(f"/function-runs/{fixed}/compare")
    compared.has(
        **{
            "before.status": FAILURE,
            "after.status": COMPLETED,
            "differs.code": True,
            "differs.configuration": False,
            "content.parameters.equal": True,
        }
    )
    printer.say("Would it have succeeded without the fix by now? An experiment executes both versions, twice each.")
    bob.types("experiment", failed["id"], "--reason", "Was it the fix?", "--yes")
    history = bob.asks(f"/function-runs/{failed['id']}/rerun-history").each("reruns")
    proofs = [run for run in history if run["experimentId"]]
    found = bob.asks(f"/function-runs/{failed['id']}/experiments/{proofs[0]['experimentId']}")
    found.has(verdict="code", reasons=[])
    printer.say("A verdict says something of the results. Carol, who may not reveal content, is shown none.")
    carol.types("experiment", "show", failed["id"], code=NOT_PERMITTED)
    return [str(run["id"]) for run in proofs]
