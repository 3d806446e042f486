"""The functions in which the error of a group's sample run was raised."""

from typing import NamedTuple

from handlers.domain.runs.frames import frames_of
from handlers.domain.runs.history import open_contents
from handlers.domain.runs.ports import RunReader
from handlers.domain.runs.run import Content, FunctionRun
from handlers.domain.seal import Cipher


class Sample(NamedTuple):
    run: FunctionRun
    frames: tuple[str, ...] | None
    """The innermost first; None if the error of the run is not kept."""


def open_sample(workspace: str, run_id: str, runs: RunReader, cipher: Cipher) -> Sample | None:
    """None if the run has expired. Raises PartUnreadable or Unavailable."""
    run = runs.read_run(run_id)
    if run is None or run.workspace != workspace:
        return None
    error = open_contents(run, [Content.ERROR], runs, cipher).get(Content.ERROR)
    return Sample(run, None if error is None else frames_of(error))
