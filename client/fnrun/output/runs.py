"""How runs look: a row each, or one of them with all that is known of it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from fnrun.output.console import stdout
from fnrun.output.fields import print_fields
from fnrun.output.tables import print_table
from fnrun.output.text import as_json, printable
from fnrun.output.times import duration, moment

COLUMNS = ("ID", "STATUS", "FUNCTION", "SOURCE", "CREATED", "TOOK", "ERROR", "LINEAGE")
Names = Mapping[str, str]


def print_runs(runs: Iterable[Mapping[str, Any]], function_names: Names) -> int:
    """Gives how many there were."""
    return print_table(COLUMNS, (run_row(run, function_names) for run in runs))


def run_row(run: Mapping[str, Any], function_names: Names) -> list[str]:
    return [
        run["id"],
        run["status"],
        function_names.get(run["functionId"], run["functionId"]),
        run["executionSource"],
        moment(run["createdAt"]),
        duration(run["durationMs"]),
        run["errorCode"] or "",
        _lineage(run),
    ]


def _lineage(run: Mapping[str, Any]) -> str:
    if run["isRerun"]:
        return f"re-run of {run['originalRunId'][:8]}"
    count = run["rerunCount"]
    if run["recovered"]:
        return f"recovered, re-runs: {count}"
    return f"re-runs: {count}" if count else ""


def ended_line(run: Mapping[str, Any]) -> str:
    """Of a run that was waited for."""
    return "  ".join(filter(None, [run["status"], run["errorCode"], duration(run["durationMs"])]))


def print_run(run: Mapping[str, Any], function_names: Names, trigger_names: Names, parts: Sequence[str]) -> None:
    console = stdout()
    print_fields(console, _fields(run, function_names, trigger_names))
    for part in parts:
        console.print()
        console.print(part, style="bold")
        console.print(_content(part, run), soft_wrap=True, overflow="ignore", crop=False)


def _fields(run: Mapping[str, Any], function_names: Names, trigger_names: Names) -> Iterator[tuple[str, object]]:
    yield "id", run["id"]
    yield "status", run["status"]
    yield "error", _with(run["errorCode"], f"reported by the {run['errorSource']}" if run["errorSource"] else None)
    yield "error group", run.get("errorGroupId")
    yield "function", _with(function_names.get(run["functionId"]), run["functionId"])
    yield "version", run["functionVersion"] or "not known yet"
    yield "trigger", _with(trigger_names.get(run["triggerId"]), f"{run['triggerType']}, {run['triggerId']}")
    yield "started by", _with(run["executionSource"], run["startedBy"])
    yield "created", moment(run["createdAt"])
    yield "not before", moment(run["notBefore"])
    yield "started", moment(run["startedAt"])
    yield "ended", moment(run["endedAt"])
    yield "took", duration(run["durationMs"])
    yield "executions", run["executionAttempts"] if run["executionAttempts"] > 1 else None
    yield from _lineage_fields(run)
    yield "workflow", run["orchestrationId"]
    yield "cancelled", _with(moment(run["cancelRequestedAt"]), run["cancelRequestedBy"])
    yield "parameters", run["parametersOmitted"] or ("raw" if run["parametersFormat"] == "raw" else None)
    yield "result", "too large to be kept, or lost" if run["resultOmitted"] else None
    yield "erased", moment(run["erasedAt"])


def _lineage_fields(run: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    if run["isRerun"]:
        yield "original", run["originalRunId"]
        yield "re-run of", run["sourceRunId"] if run["sourceRunId"] != run["originalRunId"] else None
        yield "re-run by", run["rerunBy"]
        yield "reason", run["rerunReason"]
        yield "code", "today's code at the time" if run["useLatestCode"] else "that of its source"
        yield "retry", run["retryAttempt"]
        yield "experiment", run["experimentId"]
        yield "batch", run.get("batchId")
        return
    yield "re-runs", run["rerunCount"] or None
    yield "newest of them", run.get("lastRerunStatus")
    if run["recovered"] is not None:
        yield "recovered", f"by {run['recoveredBy']}" if run["recovered"] else "no"


def _with(value: str | None, more: str | None) -> str | None:
    return f"{value} ({more})" if value and more else value or more


def _content(part: str, run: Mapping[str, Any]) -> str:
    value = run.get(part)
    if value is None:
        return "none" if run["erasedAt"] is None else "erased"
    if isinstance(value, str):  # logs, or what is no JSON
        return printable_lines(value)
    return as_json(value)


def printable_lines(text: str) -> str:
    """Its line ends are kept, and whatever else drives a terminal is shown as an escape."""
    return "\n".join(printable(line.replace("\t", "    ")) for line in text.splitlines())
