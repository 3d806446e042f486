"""What `fnrun history` asks for, and the tree that it prints."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from fnrun.lineage.changes import MOST, Lines, changes_of
from fnrun.lineage.nodes import ExperimentNode, Node, RerunNode, nodes_of
from fnrun.output.console import print_json, stdout
from fnrun.output.tables import STATUS_STYLES
from fnrun.output.text import printable
from fnrun.output.times import moment
from fnrun.shared import invocation

if TYPE_CHECKING:
    from function_rerun import Client
    from rich.console import Console

_NODES = 50
"""Nodes that are shown, unless all are asked for."""

Fields = list[tuple[str, str]]


def print_history(client: "Client", run_id: str, *, everything: bool, with_changes: bool) -> None:
    history = client.get_rerun_history(run_id)
    if invocation().as_json:
        print_json(history)
        return
    original = client.get_run(history["originalRunId"])
    nodes = nodes_of(history["reruns"], original, most=None if everything else _NODES)
    reruns = [node for node in nodes.newest if isinstance(node, RerunNode) and not node.is_retry]
    asked_about = reruns if everything else reruns[-MOST:]
    changes = changes_of(client, asked_about) if with_changes else {}
    console = stdout()
    _print_node(console, f"Original Run ({original['id']})", original, _of_original(original, history["rerunCount"]))
    if nodes.left_out:
        console.print(f"… {nodes.left_out} earlier: --all", style="dim")
    for node in nodes.newest:
        _print_node(console, *_shown(node, changes))


def _of_original(original: Mapping[str, Any], count: int) -> Fields:
    fields = [("rerunCount", str(count)), ("isRerun", "false")]
    if original["recovered"] is not None:
        fields.append(("recovered", f"by {original['recoveredBy']}" if original["recovered"] else "no"))
    return [*fields, *_ended(original)]


def _shown(node: Node, changes: Lines) -> tuple[str, Mapping[str, Any], Fields]:
    entry = node.entry
    if isinstance(node, ExperimentNode):
        statuses = ", ".join(f"{count} {status}" for status, count in sorted(node.statuses.items()))
        fields = [
            ("originalRunId", entry["originalRunId"]),
            ("rerunBy", entry["rerunBy"] or ""),
            ("runs", statuses),
            ("versions", ", ".join(sorted(node.versions)) or "not known yet"),
            ("created", moment(entry["createdAt"])),
        ]
        # It has no status of its own.
        return f"Experiment ({entry['experimentId']})", {"status": None, "errorCode": None}, fields
    kind = f", automatic retry {entry['retryAttempt']}" if node.is_retry else ""
    return f"Re-run {node.number}{kind} ({entry['id']})", entry, [*_of_rerun(node, changes.get(entry["id"], []))]


def _of_rerun(node: RerunNode, changes: list[str]) -> Iterator[tuple[str, str]]:
    entry = node.entry
    yield "isRerun", "true"
    yield "originalRunId", entry["originalRunId"]
    if entry["sourceRunId"] != entry["originalRunId"]:
        yield "sourceRunId", entry["sourceRunId"]
    if entry["rerunBy"]:
        yield "rerunBy", entry["rerunBy"]
    if entry["rerunReason"]:
        yield "reason", entry["rerunReason"]
    yield "code", _code(node)
    for line in changes:
        yield "parameters", line
    yield from _ended(entry)


def _code(node: RerunNode) -> str:
    version, before = node.entry["functionVersion"], node.source_version
    how = "today's" if node.entry["useLatestCode"] else "as its source"
    if version is None:
        return f"{how}; the version is not known yet"
    if before is None or before == version:
        return f"version {version}, {how}"
    return f"version {before} → {version}, {how}"


def _ended(run: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if run["endedAt"]:
        yield "ended", moment(run["endedAt"])
    elif run["notBefore"]:
        yield "not before", moment(run["notBefore"])


def _print_node(console: "Console", title: str, run: Mapping[str, Any], fields: Fields) -> None:
    from rich.text import Text

    status = run["status"]
    heading = Text(printable(title), "bold")
    if status:
        heading.append(f"  {printable(status)}", STATUS_STYLES.get(status, "not bold"))
        heading.append(f"  {printable(run['errorCode'])}" if run["errorCode"] else "", "not bold")
    console.print(heading, soft_wrap=True)
    for number, (name, value) in enumerate(fields, 1):
        branch = "└── " if number == len(fields) else "├── "
        console.print(Text(branch, "dim"), Text(f"{name}: {printable(value)}"), sep="", soft_wrap=True)
