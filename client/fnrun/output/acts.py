"""How the acts of the audit look: when, who, what, on which run or other thing, and why."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fnrun.output.tables import print_table
from fnrun.output.times import moment

_COLUMNS = ("AT", "BY", "ACTION", "ON", "DETAILS", "REASON")
Act = Mapping[str, Any]
Names = Mapping[str, str]


def print_acts(acts: Iterable[Act], names: Names) -> int:
    """`names`: of functions and triggers, by their ids. Gives how many acts there were."""
    return print_table(_COLUMNS, (_row(act, names) for act in acts))


def _row(act: Act, names: Names) -> list[str]:
    details = ", ".join(_details(act))
    return [moment(act["at"]), act["by"], act["action"], _subject(act, names), details, act.get("reason") or ""]


def _subject(act: Act, names: Names) -> str:
    """The run; else the trigger, else the function, by its name if it still has one."""
    for field in ("runId", "triggerId", "functionId"):
        if found := act.get(field):
            return f"{names[found]} ({found})" if found in names else str(found)
    return ""


def _details(act: Act) -> Iterator[str]:
    if act.get("jobId"):
        yield f"started {act['jobId']}"
    if act.get("withRunId"):
        yield f"with {act['withRunId']}"
    if act.get("experimentId"):
        yield f"experiment {act['experimentId']}"
    if act.get("repeats"):
        yield f"{act['repeats']} times each"
    if act.get("candidateVersion"):
        yield f"candidate {act['candidateVersion']}"
    if act.get("candidateFunctionId"):
        yield f"of function {act['candidateFunctionId']}"
    if act.get("useLatestCode"):
        yield "on today's code"
    if act.get("overridePaths"):
        yield f"overridden {' '.join(act['overridePaths'])}"
    elif act.get("overridden"):
        yield "with overrides"
    if act.get("parts"):
        yield f"showed {' '.join(act['parts'])}"
