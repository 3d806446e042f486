"""A replay: an experiment for each run, some at a time, each started once however often it is asked for."""

import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fnrun.errors import CommandError, Exit
from fnrun.output.console import note
from fnrun.replaying.cases import Case
from fnrun.replaying.picking import REFUSED_ALONE, Picker, Run
from fnrun.shared import in_flight

if TYPE_CHECKING:
    from function_rerun import Client


TROUBLE = "The service does not answer; trying on."


@dataclass(frozen=True)
class Options:
    experiment: Mapping[str, Any]
    """Keyword arguments of the client's `start_experiment`."""
    candidate: str
    """In words."""
    replay_id: str | None
    """None if there are no runs."""
    last: int
    """How many runs are replayed."""
    at_once: int
    """Experiments that are open at the same time."""
    timeout_seconds: float | None


class Replay:
    """`cases` are all that were started, in their order; `ended_by` is what has cut it short."""

    def __init__(self, client: "Client", picker: Picker, options: Options) -> None:
        self._client, self._picker, self._options = client, picker, options
        limit = options.timeout_seconds
        self._until = None if limit is None else time.monotonic() + limit
        self._said = ""
        self.cases: list[Case] = []
        self.ended_by: CommandError | None = None

    def run(self, runs: Iterator[Run]) -> None:
        """Take so many of the runs as are wanted. What is refused for one of them alone is skipped."""
        from function_rerun import FunctionRerunError

        from fnrun.failures import explained

        try:
            self._take(runs)
        except KeyboardInterrupt:
            self.ended_by = CommandError("Interrupted", exit_code=Exit.INTERRUPTED)
        except (CommandError, FunctionRerunError) as error:
            self.ended_by = explained(error)

    def _take(self, runs: Iterator[Run]) -> None:
        waiting: deque[Case] = deque()
        while True:
            # The first alone: what stands in the way of all is seen before the function is executed for all.
            at_once = self._options.at_once if self._is_first_judged else 1
            while len(waiting) < at_once and len(self.cases) < self._options.last:
                run = next(runs, None)
                if run is None:
                    break
                if case := self._start(run):
                    self.cases.append(case)
                    waiting.append(case)
            if not waiting:
                return
            self._judge(waiting.popleft())

    @property
    def _is_first_judged(self) -> bool:
        return bool(self.cases) and self.cases[0].experiment is not None

    def _start(self, run: Run) -> Case | None:
        from function_rerun import ApiError

        try:
            with in_flight(f"an experiment with {run['id']} was started", check=f"fnrun history {run['id']}"):
                started = self._client.start_experiment(
                    run["id"],
                    **self._options.experiment,
                    idempotency_key=f"replay-{self._options.replay_id}-{run['id']}",
                )
        except ApiError as refusal:
            if refusal.code not in REFUSED_ALONE:
                raise
            self._picker.skipped[refusal.code] += 1
            return None
        return Case(run, started["experimentId"], [*started["pinned"], *started["candidate"]])

    def _judge(self, case: Case) -> None:
        """Wait for its end, also while the service is not there. Raises CommandError or FunctionRerunError."""
        from function_rerun import WaitTimeout

        try:
            for run_id in case.run_ids:
                left = None if self._until is None else max(0.0, self._until - time.monotonic())
                self._client.wait(run_id, timeout=left, on_trouble=lambda _: self._say_once(TROUBLE))
        except WaitTimeout:
            raise CommandError("It has not ended in that time", exit_code=Exit.UNKNOWN) from None
        found = self._client.get_experiment(case.run["id"], case.experiment_id)
        if found["noVerdict"] == "reveal-required":
            raise reveal_required()
        is_first = not self._is_first_judged
        case.experiment = found
        judged = sum(each.experiment is not None for each in self.cases)
        self._say_once(f"{judged} of {self._options.last}: {case.run['id']} {case.result}")
        if is_first:
            _check_executed(case)

    def _say_once(self, sentence: str) -> None:
        if sentence != self._said:
            note(sentence)
        self._said = sentence


def reveal_required() -> CommandError:
    return CommandError(
        "Verdicts say whether results are equal, and you may not see content",
        "ask for the grant function-runs:reveal",
        Exit.NOT_PERMITTED,
    )


def _check_executed(case: Case) -> None:
    """Raises CommandError if the candidate was not executed at all: it would not be for other runs."""
    runs = (case.experiment or {})["candidate"]
    if all(run["errorSource"] == "service" for run in runs):
        why = ", ".join(sorted({run["errorCode"] or "" for run in runs}))
        raise CommandError(
            f"The candidate cannot be executed: {why}", "see which versions there are, and name one", Exit.UNDECIDED
        )
