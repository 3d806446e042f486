"""Acts on a run."""

from typing import Any

from handlers.domain.audit.act import Act
from handlers.domain.runs.run import FunctionRun


def on_run(act: Act, run: FunctionRun, **details: Any) -> Act:
    """The act as one on this run. It is found by the run's trigger, too."""
    return act.evolve(run_id=run.id, trigger_id=run.trigger_id, function_id=run.function_id, **details)
