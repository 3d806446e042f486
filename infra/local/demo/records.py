"""Chapters of the demo: who has done what, and that a customer's data can be erased."""

from collections.abc import Sequence
from http import HTTPStatus

from infra.local.demo.printer import Printer
from infra.local.demo.users import Answer, DemoUser, UnexpectedAnswerError

# What was done to the order that failed, the last thing first.
ACTS = (
    ("bob", "experiment-verdict", None),
    ("bob", "experiment", "Was it the fix?"),
    ("bob", "compare", None),
    ("bob", "rerun", "Testing the fix"),
    ("bob", "rerun", "Testing the fix"),
    ("alice", "rerun", "The stickers are 1 EUR each"),
    ("alice", "reveal", None),
    ("alice", "execute", None),
)


def show_lineage(failed: Answer, reruns: Sequence[tuple[str, str]], bob: DemoUser, printer: Printer) -> None:
    printer.chapter("Audit: who re-ran what, and why")
    printer.say("Every re-run points back to the original, never to another re-run: one request lists them all.")
    run = f"/function-runs/{failed['id']}"
    original = bob.gets(run).shows("isRerun", "rerunCount").has(isRerun=False, rerunCount=len(reruns))
    history = bob.gets(f"{run}/rerun-history").shows("originalRunId", "rerunCount")
    history.has(originalRunId=original["id"], rerunCount=len(reruns))
    printer.say("Both answers as one tree, the oldest re-run first, without the four that the experiment has started:")
    of_both = ("status", "functionVersion")
    of_original = ("rerunCount", "isRerun", *of_both)
    printer.tree(f"Original Run ({original['id']})", {name: original[name] for name in of_original})
    of_rerun = ("isRerun", "originalRunId", "rerunBy", "rerunReason", *of_both)
    shown = [rerun for rerun in history.each("reruns") if rerun["experimentId"] is None]
    for number, rerun in enumerate(shown, start=1):
        printer.tree(f"Re-run {number} ({rerun['id']})", {name: rerun[name] for name in of_rerun})
    listed = {(rerun["id"], rerun["rerunBy"], rerun["originalRunId"]) for rerun in history.each("reruns")}
    if listed != {(run_id, who, failed["id"]) for run_id, who in reruns}:
        raise UnexpectedAnswerError(f"{history.request} should have given {reruns}, but gave {listed}")


def show_acts(failed: Answer, carol: DemoUser, printer: Printer) -> None:
    printer.say("Carol audits. She sees who did what to the order, and who looked into it, but none of its content.")
    answer = carol.gets(f"/audit?runId={failed['id']}")
    acts = [(act["by"], act["action"], act.document.get("reason")) for act in answer.each("data")]
    printer.rows([[by, action, reason or ""] for by, action, reason in acts], answer.status)
    if acts != list(ACTS):
        raise UnexpectedAnswerError(f"{answer.request} should have given {ACTS}, but gave {acts}")


def erase_an_order(failed: Answer, alice: DemoUser, carol: DemoUser, printer: Printer) -> None:
    printer.chapter("The customer wants her data erased, and it is")
    printer.say("Alice erases what the run holds. Its re-runs have copies of it, so she erases those, too.")
    run = f"/function-runs/{failed['id']}"
    reruns = [rerun["id"] for rerun in alice.asks(f"{run}/rerun-history").each("reruns")]
    alice.deletes(*(f"/function-runs/{run_id}/content" for run_id in (failed["id"], *reruns)))
    printer.say("The run and its lineage stay. Its content does not, and it can never be re-run again.")
    erased = alice.gets(f"{run}?include=parameters,error").has(parameters=None, error=None, rerunCount=len(reruns))
    erased.shows("status", "rerunCount", "parameters", "error")
    refusal = alice.posts(f"{run}/rerun", {}, HTTPStatus.BAD_REQUEST).has(code="NO_PARAMETERS")
    refusal.shows("code", "message")
    printer.say("Who has erased it is known.")
    answer = carol.gets(f"/audit?runId={failed['id']}&action=erase")
    [act] = answer.each("data")
    act.has(by="alice", runId=failed["id"]).shows("by", "action", "runId")
