"""What `fnrun rerun` does with its options, and what it prints."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fnrun.errors import CommandError, Exit, error_line
from fnrun.following.waiting import Follower
from fnrun.output import console
from fnrun.output.plans import Plan, print_plan
from fnrun.output.runs import ended_line
from fnrun.output.text import printable
from fnrun.rerunning.outcomes import Outcome, RerunRequest
from fnrun.rerunning.starting import Reruns, ShowPlan
from fnrun.shared import invocation

if TYPE_CHECKING:
    from function_rerun import Client


@dataclass(frozen=True)
class Options:
    plan_only: bool
    yes: bool
    wait: bool
    timeout_seconds: float | None
    logs: bool
    is_one: bool
    """One run was named."""

    @property
    def shows_plans(self) -> bool:
        """Of many runs that nobody is asked about, only what became of them."""
        return self.plan_only or not self.yes or self.is_one


def rerun_named(client: "Client", names: Iterator[str], request: RerunRequest, options: Options) -> Exit:
    """Gives the worst of all outcomes."""
    reruns = Reruns(client, request, show=_printer(options))
    if options.plan_only:
        outcomes = reruns.plans(names)
    elif options.yes:
        outcomes = reruns.started(names)
    else:
        outcomes = reruns.started_if_wanted(names)
    if options.wait and not options.plan_only:
        follower = Follower(client, timeout_seconds=options.timeout_seconds, shows_logs=options.logs)
        outcomes = _followed([*_noted(outcomes)], follower)
    codes: set[Exit] = {Exit.DONE}
    seen = _printed(outcomes, codes, options)
    if invocation().as_json:
        console.print_json_list(outcome.document() for outcome in seen)
    elif not sum(1 for _ in seen):
        console.note("No run was named.")
    return max(codes)


def _noted(outcomes: Iterator[Outcome]) -> Iterator[Outcome]:
    """What was started is said before anything is waited for."""
    for outcome in outcomes:
        if outcome.job_id is not None:
            console.note(f"{outcome.job_id} is a re-run of {outcome.source}")
        outcome.plan = None
        yield outcome


def _followed(outcomes: list[Outcome], follower: Follower) -> Iterator[Outcome]:
    """All are started by now. After Ctrl-C, nothing is waited for."""
    follower.is_interrupted = any(outcome.exit_code is Exit.INTERRUPTED for outcome in outcomes)
    for outcome in outcomes:
        if outcome.job_id is not None and not follower.is_interrupted:
            try:
                outcome.run = follower.follow(outcome.job_id)
            except CommandError as error:
                outcome.errors = [error]
        yield outcome


def _printer(options: Options) -> ShowPlan:
    def show(plan: Plan, errors: list[CommandError]) -> None:
        if not options.shows_plans or (invocation().as_json and (options.plan_only or options.yes)):
            return
        if options.plan_only:  # it is what was asked for
            print_plan(console.stdout(), plan)
            for error in errors:
                console.stdout().print(f"  refused     {printable(error_line(error))}", style="red", soft_wrap=True)
        else:  # it is what the question is about
            print_plan(console.stderr(), plan)
            _print_errors(plan["source"]["runId"], errors, options)

    return show


def _printed(outcomes: Iterator[Outcome], codes: set[Exit], options: Options) -> Iterator[Outcome]:
    for outcome in outcomes:
        codes.add(outcome.exit_code)
        if not invocation().as_json:
            _print_outcome(outcome, options)
        if not options.plan_only:
            outcome.plan = None  # a document of many re-runs is of use without their plans
        yield outcome


def _print_outcome(outcome: Outcome, options: Options) -> None:
    if outcome.job_id is not None:
        sys.stdout.write(printable(_line(outcome)) + "\n")
        sys.stdout.flush()
        if options.is_one and outcome.run is None and not outcome.errors:
            console.note(f"It is on its way: fnrun runs show {outcome.job_id}")
    is_said = options.shows_plans and outcome.is_refused
    _print_errors(outcome.source, [] if is_said else outcome.errors, options)


def _print_errors(run_id: str, errors: list[CommandError], options: Options) -> None:
    about = "" if options.is_one else f"{run_id}: "
    for error in errors:
        console.note(f"fnrun: {about}{error_line(error)}")


def _line(outcome: Outcome) -> str:
    line = f"{outcome.job_id}  re-run of {outcome.source}"
    return line if outcome.run is None else f"{line}  {ended_line(outcome.run)}"
