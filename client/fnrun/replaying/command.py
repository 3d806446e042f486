"""What `fnrun replay` does with its options: it picks, says what is executed, asks, replays, and reports."""

import re
from collections.abc import Mapping
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, NamedTuple

from fnrun import lookup, recent
from fnrun.comparing.experiments import candidate
from fnrun.errors import CommandError, Exit, UsageFault, error_line
from fnrun.output.ask import confirm
from fnrun.output.console import note
from fnrun.replaying.cases import exit_of, tally
from fnrun.replaying.ids import newest_of, replay_id_of
from fnrun.replaying.picking import LOOKED_AT, Picker
from fnrun.replaying.replay import Options, Replay, reveal_required
from fnrun.replaying.report import executions, print_report
from fnrun.shared import invocation

if TYPE_CHECKING:
    from function_rerun import Client

_PAGE = 100
_VERSION = re.compile(r"latest|[1-9][0-9]{0,18}")


class Wanted(NamedTuple):
    """Which runs, as they were typed."""

    function: str
    last: int
    status: str | None
    replay_id: str | None
    """Of a replay that is resumed."""
    candidate_function: str | None
    yes: bool


def check_candidate(version: str) -> None:
    """Raises UsageFault."""
    if not _VERSION.fullmatch(version):
        raise UsageFault("--candidate is neither latest nor the number of a version", "write --candidate latest, or 8")


def replay_function(
    client: "Client", wanted: Wanted, experiment: Mapping[str, Any], *, at_once: int, timeout_seconds: float | None
) -> Exit:
    """Raises CommandError if nothing was started."""
    function_id = lookup.function_id(client, wanted.function)
    filters: dict[str, Any] = {"function_id": function_id, "is_rerun": False, "limit": _PAGE}
    if wanted.status:
        filters["status"] = str(wanted.status)
    if wanted.replay_id:
        filters["to"] = newest_of(wanted.replay_id)
    picker = Picker(islice(client.list_runs(**filters), LOOKED_AT))
    runs = iter(picker)
    picked = [*islice(runs, wanted.last)]
    replay_id = wanted.replay_id or (replay_id_of(picked[0]["createdAt"]) if picked else None)
    code = candidate(experiment["candidate_version"])
    other = f"{code} of {wanted.candidate_function}" if wanted.candidate_function else code
    options = Options(experiment, other, replay_id, len(picked), at_once, timeout_seconds)
    replay = Replay(client, picker, options)
    if picked:
        _check_may_reveal()
        recent.remember_runs(lookup.place(), picked)
        confirm(_question(wanted.function, options), yes=wanted.yes)
        note(f"replay {replay_id}")
        replay.run(chain(picked, runs))
    return _reported(replay, picker, options, function=wanted.function, function_id=function_id)


def _reported(replay: Replay, picker: Picker, options: Options, *, function: str, function_id: str) -> Exit:
    cut_short = _cut_short(replay, options)
    if cut_short and not replay.cases:
        raise cut_short
    print_report(replay, picker, options, function_id=function_id)
    if cut_short:
        if not invocation().as_json:
            note(f"fnrun: {error_line(cut_short)}")
        return cut_short.exit_code
    ended = exit_of(tally(replay.cases))
    if ended is Exit.NOTHING_THERE:
        note(f"No run of {function} can be replayed. Next: fnrun runs list --function {function} --originals")
    return ended


def _question(function: str, options: Options) -> str:
    """The question. What is executed is said also where nobody is asked."""
    count = executions(options, options.last)
    inputs = f"{options.last} inputs of {function}" if options.last > 1 else f"One input of {function}"
    note(
        f"{inputs}: {count} executions, {count // 2} of {function} on the runs' own versions and {count // 2} on "
        f"{options.candidate}. They are real: what the code charges, mails and writes, it does each time."
    )
    return f"Execute it {count} times?"


def _cut_short(replay: Replay, options: Options) -> CommandError | None:
    """With what was started, and how to go on."""
    error = replay.ended_by
    if error is None:
        return None
    if replay.cases:
        counts = tally(replay.cases)
        still_open = f"; {counts['open']} go on" if counts["open"] else ""
        error.message = (
            f"{error.message.rstrip('.')}: of {options.last} runs {len(replay.cases)} were started, "
            f"{len(replay.cases) - counts['open']} have a result{still_open}"
        )
    if error.code == "IDEMPOTENCY_KEY_REUSED":
        error.next_step = "give --resume the options that the replay had, or leave it out"
        return error
    may_be_resumed = bool(replay.cases) or error.exit_code in (Exit.UNKNOWN, Exit.INTERRUPTED)
    if may_be_resumed and error.exit_code is not Exit.UNDECIDED:
        again = f"the same command with --resume {options.replay_id} goes on, and starts none of them again"
        error.next_step = f"{error.next_step}; {again}" if error.next_step else again
    return error


def _check_may_reveal() -> None:
    """Before anything is executed in vain. Raises CommandError."""
    from fnrun.connection.identity import Identity
    from fnrun.connection.session import current

    session = current()
    identity = Identity.of(session.source.token())
    if identity is None or not identity.may(session.workspace, "function-runs:read"):
        return  # runs were shown: the service reads the token otherwise than we do
    if not identity.may(session.workspace, "function-runs:reveal"):
        raise reveal_required()
