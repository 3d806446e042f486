"""What is asked of each run, and what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fnrun.errors import CommandError, Exit, error_document
from fnrun.next_steps import next_step, with_run
from fnrun.one_by_one import ENDS_ALL


@dataclass(frozen=True)
class RerunRequest:
    body: Mapping[str, Any]
    """Keyword arguments of the client's `plan_rerun`, which are those of `rerun`, too."""
    idempotency_key: str | None = None


@dataclass
class Outcome:
    """Of one run that was named."""

    source: str
    job_id: str | None = None
    plan: Mapping[str, Any] | None = None
    errors: list[CommandError] = field(default_factory=list)
    is_refused: bool = False
    """By its plan: these are the errors."""
    run: Mapping[str, Any] | None = None
    """The re-run, as far as it was waited for."""

    @property
    def exit_code(self) -> Exit:
        codes = [Exit(error.exit_code) for error in self.errors]
        if self.run is not None and self.run["status"] != "completed":
            codes.append(Exit.NOT_WELL)
        return max(codes, default=Exit.DONE)

    @property
    def ends_all(self) -> bool:
        """Whether what stands in the way stands in the way of all others, too."""
        return self.exit_code in ENDS_ALL

    def document(self) -> dict[str, Any]:
        """As --output json shows it: `sourceRunId`, and `plan`, or `jobId` and `run`, or `error`."""
        shown: dict[str, Any] = {"sourceRunId": self.source}
        if self.plan is not None:
            shown["plan"] = self.plan
        if self.job_id is not None:
            shown["jobId"] = self.job_id
        if self.run is not None:
            shown["run"] = self.run
        if self.errors:
            shown["error"] = error_document(self.errors[0])
        return shown


def refused(plan: Mapping[str, Any], run_id: str) -> list[CommandError]:
    """All that stands against the re-run, in the service's order."""
    return [
        CommandError(with_run(each["message"], each), next_step(each, run=run_id), code=each["code"])
        for each in plan["refusals"]
    ]
