"""Which runs have copies of what others hold: a re-run has the parameters of the run that it repeats."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fnrun.output.console import note

if TYPE_CHECKING:
    from function_rerun import Client

_SHOWN = 20


def note_copies(client: "Client", run_ids: Sequence[str]) -> None:
    """Say which re-runs hold copies and are not named; of an original and of a re-run alike."""
    from function_rerun import ApiError

    for run_id in run_ids:
        try:
            copies = [each for each in _copies(client, run_id) if each not in run_ids]
        except ApiError as error:
            note(f"Whether re-runs of {run_id} hold copies is not known: {error.message}")
            continue
        if copies:
            more = f" and {len(copies) - _SHOWN} more" if len(copies) > _SHOWN else ""
            shown = " ".join(copies[:_SHOWN])
            note(f"Re-runs of {run_id} hold copies; erase them, too: fnrun erase {shown}{more}")


def _copies(client: "Client", run_id: str) -> list[str]:
    """Of the lineage, what was re-run from this run, and from what was re-run from it."""
    holders = {run_id}
    copies = []
    for each in client.get_rerun_history(run_id)["reruns"]:  # oldest first
        if each["sourceRunId"] in holders:
            holders.add(each["id"])
            copies.append(each["id"])
    return copies
