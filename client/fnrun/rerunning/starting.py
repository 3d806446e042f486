"""Plans of re-runs, questions about them, and re-runs that are what the plan has shown."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from fnrun import lookup
from fnrun.errors import CommandError, Exit
from fnrun.inputs.json_values import STDIN
from fnrun.inputs.overrides import check_arrays
from fnrun.output.ask import confirm
from fnrun.output.console import note
from fnrun.rerunning.outcomes import Outcome, RerunRequest, refused
from fnrun.shared import in_flight

if TYPE_CHECKING:
    from function_rerun import Client

Plan = Mapping[str, Any]
ShowPlan = Callable[[Plan, list[CommandError]], None]


class Reruns:
    """Of one command. `show` prints a plan, with what stands against it."""

    def __init__(self, client: "Client", request: RerunRequest, *, show: ShowPlan) -> None:
        self._client, self._request, self._show = client, request, show

    def plans(self, names: Iterable[str]) -> Iterator[Outcome]:
        """Nothing is started."""
        return self._until_all_ends(names, self._shown)

    def started(self, names: Iterable[str]) -> Iterator[Outcome]:
        """Each as soon as it is read; nobody is asked."""
        return self._until_all_ends(names, lambda outcome: self._start(self._shown(outcome)))

    def started_if_wanted(self, names: Iterable[str]) -> Iterator[Outcome]:
        """All are planned, and asked about once. Raises CommandError if the answer is not yes."""
        planned = [*self.plans(names)]
        if planned and planned[-1].ends_all:
            yield from _not_asked_for(planned)
            return
        possible = sum(not outcome.errors for outcome in planned)
        if possible:
            confirm(_question(possible, len(planned)), yes=False)
        for at, outcome in enumerate(planned):
            if not outcome.errors:
                _attempt(outcome, self._start_as_planned)
            yield outcome
            if outcome.ends_all:
                yield from _not_asked_for(planned[at + 1 :])
                return

    def _until_all_ends(self, names: Iterable[str], act: Callable[[Outcome], Any]) -> Iterator[Outcome]:
        remaining = iter(names)
        try:
            for name in remaining:
                outcome = Outcome(name)
                _attempt(outcome, act)
                yield outcome
                if outcome.ends_all:
                    if next(remaining, None) is not None:
                        note("The runs after this one were not asked for.")
                    return
        except CommandError as error:  # of the names: what was started before is reported
            yield Outcome(STDIN, errors=[error])

    def _shown(self, outcome: Outcome) -> Outcome:
        outcome.source = lookup.run_id(outcome.source)
        outcome.plan = self._client.plan_rerun(outcome.source, **self._request.body)
        # Under a key, the same request may have been accepted before, and be what now stands against it.
        check_arrays(outcome.plan)
        outcome.errors = [] if self._request.idempotency_key else refused(outcome.plan, outcome.source)
        outcome.is_refused = bool(outcome.errors)
        self._show(outcome.plan, outcome.errors)
        return outcome

    def _start_as_planned(self, outcome: Outcome) -> None:
        """Where the plan is outdated, the new one is shown and asked about."""
        from function_rerun import ApiError

        while not outcome.errors:
            try:
                self._start(outcome)
            except ApiError as error:
                if error.code != "PLAN_OUTDATED":
                    raise
                note(f"{error.message} This is the new one:")
                self._shown(outcome)
                if not outcome.errors:
                    confirm(_question(1, 1), yes=False)
            else:
                return

    def _start(self, outcome: Outcome) -> None:
        if outcome.plan is None or outcome.errors:
            return
        key = self._request.idempotency_key or str(uuid4())
        with in_flight(f"{outcome.source} was re-run", check=f"fnrun history {outcome.source}", key=key):
            outcome.job_id = self._client.rerun(
                outcome.source,
                **self._request.body,
                plan_token=outcome.plan["planToken"],
                idempotency_key=key,
            )["jobId"]
        function_id = outcome.plan["source"]["functionId"]
        outcome.plan = None  # of many runs, the plans together may be large
        lookup.remember_started([outcome.job_id], function_id=function_id)


def _attempt(outcome: Outcome, act: Callable[[Outcome], Any]) -> None:
    """What goes wrong is part of the outcome: it is not the end of those before it."""
    from function_rerun import FunctionRerunError

    from fnrun.failures import explained

    try:
        act(outcome)
    except KeyboardInterrupt:
        outcome.errors = [_interrupted(outcome)]
    except (CommandError, FunctionRerunError) as error:
        outcome.errors = [explained(error, run=outcome.source)]


def _interrupted(outcome: Outcome) -> CommandError:
    if outcome.job_id is None:
        return CommandError("Interrupted: this run was not re-run", exit_code=Exit.INTERRUPTED)
    next_step = f"fnrun runs show {outcome.job_id}"
    return CommandError(f"Interrupted: {outcome.job_id} was started and goes on", next_step, Exit.INTERRUPTED)


def _not_asked_for(outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
    for outcome in outcomes:
        outcome.errors = outcome.errors or [CommandError("Not asked for any more")]
        yield outcome


def _question(possible: int, planned: int) -> str:
    if planned == 1:
        return "Re-run it?"
    return f"Re-run {possible} of these {planned} runs?" if possible < planned else f"Re-run these {planned} runs?"
