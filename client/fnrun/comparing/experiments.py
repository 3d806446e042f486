"""An experiment: its runs while they are executed, and its verdict in words."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from fnrun.comparing.verdicts import NO_VERDICTS, REASONS, VERDICTS, Meaning, meaning
from fnrun.errors import CommandError, Exit, UsageFault
from fnrun.following.waiting import Follower
from fnrun.output.console import note, print_json, stdout
from fnrun.output.fields import print_fields
from fnrun.output.tables import print_table
from fnrun.output.text import printable
from fnrun.output.times import duration, moment
from fnrun.shared import invocation

if TYPE_CHECKING:
    from function_rerun import Client

Document = Mapping[str, Any]
_SIDES = ("pinned", "candidate")
_RERUN = "fnrun rerun "


def candidate(version: str | None) -> str:
    """In words."""
    return "today's code" if version in (None, "latest") else f"version {version}"


class Following:
    """The runs of an experiment that was just started."""

    def __init__(self, client: "Client", run_id: str, started: Document, *, timeout_seconds: float | None) -> None:
        self._follower = Follower(client, timeout_seconds=timeout_seconds, shows_logs=False)
        self._experiment_id = started["experimentId"]
        self._runs: list[tuple[str, str]] = [(side, run_id) for side in _SIDES for run_id in started[side]]
        self._next_step = f"fnrun experiment show {run_id} {started['experimentId']}"

    def until_ended(self) -> None:
        """Raises CommandError if that takes too long, or with Ctrl-C."""
        for count, (side, run_id) in enumerate(self._runs, 1):
            try:
                run = self._follower.follow(run_id)
            except CommandError as error:
                raise self._not_followed(error) from None
            ended = f"{run['status']} {run['errorCode'] or ''}".rstrip()
            note(f"{count} of {len(self._runs)}: {side} {run_id} {ended}")

    def _not_followed(self, error: CommandError) -> CommandError:
        name = f"the experiment {self._experiment_id}"
        if error.exit_code is Exit.INTERRUPTED:
            error.message = f"Interrupted: {name} was started and goes on"
        else:
            error.message = f"It is not known how {name} ends; it goes on"
        error.next_step = self._next_step
        return error


def newest_experiment(client: "Client", run_id: str) -> str:
    """Of the run's lineage, or if it is a run of one, that. Raises UsageFault if there is none."""
    own = client.get_run(run_id)["experimentId"]
    if own is not None:
        return str(own)
    found = [entry for entry in client.get_rerun_history(run_id)["reruns"] if entry["experimentId"] is not None]
    if not found:
        raise UsageFault("No experiment is known of this run", f"start one: fnrun experiment {run_id}")
    return str(max(found, key=lambda entry: entry["createdAt"])["experimentId"])


def show_experiment(client: "Client", experiment: Document) -> Exit:
    """Print it, and give what the command ends with."""
    if invocation().as_json:
        print_json(experiment)
    else:
        _print_experiment(client, experiment)
    if experiment["noVerdict"] == "reveal-required":
        return Exit.NOT_PERMITTED
    return Exit.NOT_WELL if experiment["verdict"] in (None, "inconclusive") else Exit.DONE


def _print_experiment(client: "Client", experiment: Document) -> None:
    console = stdout()
    print_fields(console, _fields(experiment))
    console.print()
    print_table(("SIDE", "VERSION", "RUN", "STATUS", "ERROR", "TOOK"), _rows(experiment))
    console.print()
    verdict = experiment["verdict"]
    console.print(f"verdict: {printable(verdict or 'none')}", style="bold")
    for each in _meanings(experiment):
        console.print(each.sentence, soft_wrap=True)
        if each.next_step:
            next_step = each.next_step.format(run=experiment["sourceRunId"], experiment=experiment["id"])
            if _RERUN in each.next_step and _is_recovered(client, experiment["sourceRunId"]):
                next_step += " --even-if-recovered (it is recovered already)"
            console.print(f"Next: {printable(next_step)}", style="dim", soft_wrap=True)


def _is_recovered(client: "Client", run_id: str) -> bool:
    """The run, or the original that it is a re-run of. What cannot be asked about is not known to be."""
    from function_rerun import FunctionRerunError

    try:
        run = client.get_run(run_id)
        original = client.get_run(str(run["originalRunId"])) if run["isRerun"] else run
    except FunctionRerunError:
        return False
    return bool(original["recovered"])


def _meanings(experiment: Document) -> list[Meaning]:
    if experiment["verdict"] is None:
        return [meaning(NO_VERDICTS, experiment["noVerdict"])]
    reasons = [meaning(REASONS, reason) for reason in experiment["reasons"]]
    return [meaning(VERDICTS, experiment["verdict"]), *reasons]


def _fields(experiment: Document) -> Iterator[tuple[str, object]]:
    yield "experiment", experiment["id"]
    yield "of run", experiment["sourceRunId"]
    yield "started", f"{moment(experiment['createdAt'])} by {experiment['by']}"
    yield "reason", experiment["reason"]
    yield "pinned", f"version {experiment['pinnedVersion']}" if experiment["pinnedVersion"] else "version not known"
    of = f" of function {experiment['candidateFunctionId']}" if experiment["candidateFunctionId"] else ""
    yield "candidate", candidate(experiment["candidateVersion"]) + of
    yield "ignored", " ".join(experiment["ignore"] or [])


def _rows(experiment: Document) -> Iterator[list[object]]:
    for side in _SIDES:
        for run in experiment[side]:
            yield [
                side,
                run["functionVersion"],
                run["id"],
                run["status"] or "deleted",
                run["errorCode"],
                duration(run["durationMs"]),
            ]
