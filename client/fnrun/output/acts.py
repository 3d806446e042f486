"""How the acts of the audit look: when, who, what, on which run or other thing, and why."""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
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


_DETAILS: Mapping[str, str] = MappingProxyType(
    {
        "jobId": "started {}",
        "withRunId": "with {}",
        "experimentId": "experiment {}",
        "batchId": "batch {}",
        "repeats": "{} times each",
        "candidateVersion": "candidate {}",
        "candidateFunctionId": "of function {}",
        "useLatestCode": "on today's code",
        "overridden": "with overrides",
        "overridePaths": "overridden: {}",
        "parts": "showed {}",
        "errorGroupId": "error group {}",
        "errorGroupState": "now {}",
    }
)


def _details(act: Act) -> Iterator[str]:
    for field, sentence in _DETAILS.items():
        value = act.get(field)
        if value and not (field == "overridden" and act.get("overridePaths")):
            yield sentence.format(" ".join(value) if isinstance(value, list) else value)
