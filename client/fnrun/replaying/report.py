"""What a replay has found: a table of its runs and a sentence, or one document."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fnrun.errors import error_document
from fnrun.output.console import note, print_json, stdout
from fnrun.output.tables import print_table
from fnrun.output.text import printable
from fnrun.replaying.cases import Case, tally
from fnrun.replaying.picking import Picker
from fnrun.replaying.replay import Options, Replay
from fnrun.shared import invocation

COLUMNS = ("RUN", "RESULT", "VERDICT", "RECORDED", "PINNED", "CANDIDATE")


def print_report(replay: Replay, picker: Picker, options: Options, *, function_id: str) -> None:
    if invocation().as_json:
        print_json(_document(replay, picker, options, function_id))
        return
    print_table(COLUMNS, map(_row, replay.cases))
    if replay.cases:
        console = stdout()
        counts = tally(replay.cases)
        said = ", ".join(f"{name} {count}" for name, count in counts.items() if count or name == "same")
        console.print()
        console.print(f"{said} of {len(replay.cases)}; candidate: {options.candidate}", style="bold", soft_wrap=True)
        for step in _next_steps(replay.cases):
            console.print(f"Next: {step}", style="dim", soft_wrap=True)
    if skipped := picker.skipped_in_words():
        note(skipped)


def executions(options: Options, cases: int) -> int:
    return 2 * int(options.experiment["repeats"]) * cases


def _document(replay: Replay, picker: Picker, options: Options, function_id: str) -> dict[str, Any]:
    asked = options.experiment
    document = {
        "replayId": options.replay_id,
        "functionId": function_id,
        "candidate": {
            "functionId": asked.get("candidate_function_id"),
            "version": asked.get("candidate_version", "latest"),
        },
        "repeats": asked["repeats"],
        "executions": executions(options, len(replay.cases)),
        "summary": tally(replay.cases),
        "runs": [case.document() for case in replay.cases],
        "skipped": dict(picker.skipped),
    }
    return document | ({"error": error_document(replay.ended_by)} if replay.ended_by else {})


def _row(case: Case) -> list[object]:
    found = case.experiment or {"pinned": [], "candidate": []}
    pinned, other = (_outcomes(found[side]) for side in ("pinned", "candidate"))
    return [case.run["id"], case.result or "open", case.verdict, _outcome(case.run), pinned, other]


def _outcomes(runs: Iterable[Mapping[str, Any]]) -> str:
    """`7: completed`; where they ended differently, each way."""
    return " | ".join(dict.fromkeys(f"{run['functionVersion'] or '?'}: {_outcome(run)}" for run in runs))


def _outcome(run: Mapping[str, Any]) -> str:
    return " ".join(filter(None, [run["status"] or "deleted", run["errorCode"]]))


def _next_steps(cases: Iterable[Case]) -> Iterator[str]:
    """Of the first run of each kind that somebody has to look at."""
    first: dict[str | None, Case] = {}
    for case in cases:
        first.setdefault(case.result, case)
    if different := first.get("different"):
        pinned, other = ((different.experiment or {})[side][0]["id"] for side in ("pinned", "candidate"))
        yield printable(f"fnrun compare {other} {pinned}")
    for result in ("flaky", "inconclusive"):
        if found := first.get(result):
            yield printable(f"fnrun experiment show {found.run['id']} {found.experiment_id}")
