"""Many runs at once."""

from collections.abc import Sequence

from handlers.domain.runs.ports import RunReader
from handlers.domain.runs.run import FunctionRun


def read_all(run_ids: Sequence[str], runs: RunReader) -> list[FunctionRun | None]:
    """As many as are asked for, in that order; None for what is gone. Raises Unavailable."""
    found = {run.id: run for run in runs.read_many(list(run_ids))}
    return [found.get(run_id) for run_id in run_ids]
