"""Sections of the demo: who has done what, and that a customer's data can be erased."""

from collections.abc import Sequence

from infra.local.demo.printer import Printer
from infra.local.demo.users import REFUSED, Answer, DemoUser, UnexpectedAnswerError

# Some of what was done to the order that failed.
ACTS = {
    ("alice", "execute", None),
    ("alice", "reveal", None),
    ("alice", "rerun", "The stickers are 1 EUR each"),
    ("bob", "rerun", "Testing the fix"),
    ("bob", "compare", None),
    ("bob", "experiment", "Was it the fix?"),
    ("bob", "experiment-verdict", None),
}


def show_lineage(failed: Answer, reruns: Sequence[tuple[str, str]], bob: DemoUser, printer: Printer) -> None:
    printer.section("Audit: who re-ran what, and why")
    printer.say(
        "Every re-run points back to the original, never to another re-run. What each has changed stands there."
    )
    bob.types("history", failed["id"])
    history = bob.asks(f"/function-runs/{failed['id']}/rerun-history")
    history.has(originalRunId=failed["id"], rerunCount=len(reruns))
    listed = {(rerun["id"], rerun["rerunBy"], rerun["originalRunId"]) for rerun in history.each("reruns")}
    if listed != {(run_id, who, failed["id"]) for run_id, who in reruns}:
        raise UnexpectedAnswerError(f"{history.request} should have given {reruns}, but gave {listed}")


def show_acts(failed: Answer, carol: DemoUser, printer: Printer) -> None:
    printer.say("Carol audits. She sees who did what to the order, and who looked into it, but none of its content.")
    carol.types("audit", "--run", failed["id"])
    answer = carol.asks(f"/audit?runId={failed['id']}")
    acts = {(act["by"], act["action"], act.document.get("reason")) for act in answer.each("data")}
    if not acts >= ACTS:
        raise UnexpectedAnswerError(f"{answer.request} should have given {ACTS}, but gave {acts}")


def erase_an_order(failed: Answer, alice: DemoUser, carol: DemoUser, printer: Printer) -> None:
    printer.section("The customer wants her data erased, and it is")
    printer.say("Alice erases what the run holds. Its re-runs have copies of it, so she erases those, too.")
    run = f"/function-runs/{failed['id']}"
    reruns = [rerun["id"] for rerun in alice.asks(f"{run}/rerun-history").each("reruns")]
    alice.types("erase", failed["id"], *reruns, "--yes")
    printer.say("The run and its lineage stay. Its content does not, and it can never be re-run again.")
    alice.types("rerun", failed["id"], "--even-if-recovered", "--yes", code=REFUSED)
    alice.asks(f"{run}?include=parameters,error").has(parameters=None, error=None, rerunCount=len(reruns))
    printer.say("Who has erased it is known.")
    carol.types("audit", "--run", failed["id"], "--action", "erase")
