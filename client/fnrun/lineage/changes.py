"""What a re-run changed in the parameters of the run that it repeats. Each look at that is an act in the audit."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fnrun.lineage.nodes import RerunNode
from fnrun.output.console import note
from fnrun.output.text import printable

if TYPE_CHECKING:
    from function_rerun import Client

MOST = 20
"""Re-runs that are looked into, unless all are asked for."""
_SHOWN = 4
"""Places of one re-run."""
_VALUE = 40
"""Characters of a value."""

Lines = dict[str, list[str]]
"""By the re-run's id."""


def changes_of(client: "Client", nodes: Sequence[RerunNode]) -> Lines:
    """Newest first, so that an interruption leaves what matters most. Without the grant: nothing, and says so."""
    from function_rerun import ApiError

    lines: Lines = {}
    for node in reversed(nodes):
        run_id = node.entry["id"]
        try:
            compared = client.compare_runs(run_id, with_=node.entry["sourceRunId"])
        except ApiError as error:
            lines[run_id] = [f"not known: {error.message}"]
            continue
        if compared["content"] is None:
            note(f"What the re-runs changed in the parameters needs the grant {compared.get('contentNeeds')}.")
            break
        lines[run_id] = _lines(compared["content"]["parameters"])
    return lines


def _lines(parameters: Mapping[str, Any]) -> list[str]:
    for side in ("before", "after"):
        if parameters[side] != "kept":
            return [f"not known: those {side} are {parameters[side]}"]
    differences = parameters["differences"] or []
    lines = [_line(each) for each in differences[:_SHOWN]]
    more = len(differences) - _SHOWN + ((parameters.get("cut") or {}).get("differences") or 0)
    if more > 0:
        lines.append(f"… {more:,} more: fnrun compare")
    elif not lines and parameters["equal"] is None:
        lines.append("not known: too large to be compared")
    return lines


def _line(difference: Mapping[str, Any]) -> str:
    place, kind = printable(difference["pointer"]) or "(all)", difference["kind"]
    before, after = (_short(difference[side]) if side in difference else "…" for side in ("before", "after"))
    if kind == "changed":
        return f"{place}  {before} → {after}"
    return f"{place}  {kind}{f' {after}' if kind == 'added' else ''}"


def _short(value: Any) -> str:
    text = printable(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= _VALUE else f"{text[:_VALUE]}…"
