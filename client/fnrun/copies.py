"""Which runs have copies of what others hold: a re-run has the parameters of the run that it repeats."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from fnrun.errors import CommandError, Exit
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


def lineages(client: "Client", run_ids: Iterable[str]) -> list[str]:
    """The runs of the lineages that these runs are of, each once, the originals before their re-runs."""
    found: dict[str, None] = {}
    for run_id in run_ids:
        if run_id not in found:
            history = client.get_rerun_history(run_id)
            found |= dict.fromkeys([history["originalRunId"], *(each["id"] for each in history["reruns"])])
    return [*found]


def check_nothing_came(client: "Client", run_ids: Sequence[str], code: Exit) -> None:
    """After their erasure. No copy is made of an erased run; one that was made a moment before is found here.

    Raises CommandError if not all of their lineages is erased.
    """
    if code is not Exit.DONE:
        raise CommandError("Not all is erased", "the same command again", code)
    if came := len(lineages(client, run_ids)) - len(run_ids):
        raise CommandError(
            f"{came} re-runs have come meanwhile, and are not erased", "the same command again", Exit.NOT_WELL
        )
    note(f"All {len(run_ids)} runs are erased.")


def _copies(client: "Client", run_id: str) -> list[str]:
    """Of the lineage, what was re-run from this run, and from what was re-run from it."""
    holders = {run_id}
    copies = []
    for each in client.get_rerun_history(run_id)["reruns"]:  # oldest first
        if each["sourceRunId"] in holders:
            holders.add(each["id"])
            copies.append(each["id"])
    return copies
