"""How error groups look: a row each, or one of them with all that is known of it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fnrun.grouping.sparkline import Window
from fnrun.lookup import SHORT
from fnrun.output.console import note, stdout
from fnrun.output.fields import print_fields
from fnrun.output.tables import print_table
from fnrun.output.text import printable
from fnrun.output.times import moment

Group = Mapping[str, Any]
Names = Mapping[str, str]


def print_groups(groups: Iterable[Group], function_names: Names, window: Window) -> int:
    """Gives how many there were."""
    columns = ("GROUP", "STATE", "FUNCTION", "ERROR", "FAILURES", "NOT RECOVERED", "LAST SEEN", window.title)
    return print_table(columns, (_row(group, function_names, window) for group in groups))


def _row(group: Group, function_names: Names, window: Window) -> list[str]:
    return [
        group["errorGroupId"][:SHORT],
        group["state"],
        function_names.get(group["functionId"], group["functionId"]),
        group["errorCode"],
        _count(group, "failureCount"),
        _count(group, "unrecoveredCount"),
        moment(group["lastSeenAt"]),
        window.line(group["hours"]),
    ]


def _count(group: Group, name: str) -> str:
    """With a plus where the service has not counted them all."""
    return f"{group[name]:,}{'+' if group['countsCapped'] and group[name] else ''}"


def print_group(group: Group, function_names: Names, window: Window, *, since: str, with_frames: bool) -> None:
    console = stdout()
    print_fields(console, _fields(group, function_names, window, since))
    if with_frames:
        console.print()
        console.print("frames, the innermost first", style="bold")
        for frame in group.get("frames") or ["none are kept"]:
            console.print(printable(frame), soft_wrap=True)


def note_next_step(group: Group) -> None:
    """What somebody who sees an open group most likely does next."""
    short = group["errorGroupId"][:SHORT]
    if group["state"] == "open" and group["unrecoveredCount"]:
        note(f"Next: fnrun runs show {group['sampleRunId']} --include error,logs")
        note(f"      fnrun batch start --group {short} --reason WHY --plan")


def note_after_resolving(group: Group) -> None:
    """What is easily overlooked then: a version that nobody has seen, and runs that are still to be re-run."""
    if group["state"] != "resolved":
        return
    version, seen = group["resolvedInVersion"], [each for each in group["functionVersions"] if each.isdecimal()]
    if version and version.isdecimal() and seen and int(version) > (newest := max(map(int, seen))) + 1:
        note(f"The newest version that failed so is {newest}: before version {version}, no failure opens it again.")
    if count := group["unrecoveredCount"]:
        many = f"{_count(group, 'unrecoveredCount')} run{' of it is' if count == 1 else 's of it are'} not recovered"
        note(f"{many}. Next: fnrun batch start --group {group['errorGroupId'][:SHORT]} --reason WHY --plan")


def _fields(group: Group, function_names: Names, window: Window, since: str) -> Iterator[tuple[str, object]]:
    yield "group", group["errorGroupId"]
    yield "state", _state(group)
    yield "error", f"{group['errorCode']} (reported by the {group['errorSource']})"
    name = function_names.get(group["functionId"])
    yield "function", f"{name} ({group['functionId']})" if name else group["functionId"]
    yield "versions", ", ".join(group["functionVersions"])
    yield "first seen", moment(group["firstSeenAt"])
    yield "last seen", moment(group["lastSeenAt"])
    if group["reopenedCount"]:
        count = group["reopenedCount"]
        yield "reopened", f"{'once' if count == 1 else f'{count} times'}, last {moment(group['openedAt'])}"
    yield "failures", f"{_count(group, 'failureCount')} since {moment(since)}"
    yield "not recovered", _count(group, "unrecoveredCount")
    yield window.title.lower(), window.line(group["hours"])
    yield "sample run", group["sampleRunId"]


def _state(group: Group) -> str:
    said = str(group["state"])
    if group["resolvedInVersion"]:
        said += f" in version {group['resolvedInVersion']}"
    if group["reopenedCount"] and (group["changedAt"] or "") < group["openedAt"]:
        said += ", opened again by a failure"
    elif group["changedBy"]:
        said += f" by {group['changedBy']}, {moment(group['changedAt'])}"
    return said
