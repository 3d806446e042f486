"""`fnrun replay`: whether a candidate does what the code of recorded runs does."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from fnrun import completion
from fnrun.shared import Commands

app = Commands()


class Ended(StrEnum):
    COMPLETED = "completed"
    FAILURE = "failure"
    TIMEOUT = "timeout"


@app.command()
def replay(
    *,
    function: Annotated[
        str,
        typer.Option(
            "--function",
            "-f",
            metavar="FUNCTION",
            help="Whose runs are replayed: a name or an id.",
            autocompletion=completion.function_names,
        ),
    ],
    last: Annotated[
        int, typer.Option("--last", "-n", min=1, max=1000, metavar="N", help="So many of its newest runs.")
    ] = 20,
    status: Annotated[Ended | None, typer.Option("--status", "-s", help="Only runs that ended so.")] = None,
    candidate: Annotated[
        str, typer.Option("--candidate", metavar="VERSION", help="latest is today's code; or the number of a version.")
    ] = "latest",
    candidate_function: Annotated[
        str | None,
        typer.Option(
            "--candidate-function",
            metavar="FUNCTION",
            help="The code of another function, such as the one of staging.",
            autocompletion=completion.function_names,
        ),
    ] = None,
    repeats: Annotated[int, typer.Option("--repeats", min=2, max=5, help="Executions of each side of each run.")] = 2,
    ignore: Annotated[
        list[str] | None,
        typer.Option(
            "--ignore",
            metavar="POINTER",
            help="A difference of results that does not count: /items/*/createdAt. Default: the function's.",
        ),
    ] = None,
    reason: Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why; kept in the audit.")] = None,
    at_once: Annotated[
        int, typer.Option("--at-once", min=1, max=20, metavar="N", help="Runs that are replayed at the same time.")
    ] = 4,
    timeout: Annotated[
        str | None, typer.Option("--timeout", metavar="TIME", help="Wait no longer than 90s, 5m, … for all of it.")
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option("--resume", metavar="ID", help="Go on with a replay of today; nothing is started twice."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Execute the inputs of a function's newest runs on their own code and on a candidate, and compare.

    The functions are REALLY executed, twice --repeats times a run, with all that they do: charge, mail, write.
    Ends with 0 if all are the same, 1 if one is different, 7 if one is flaky or inconclusive, 8 if there is no run.
    """
    from fnrun import lookup
    from fnrun.connection.session import open_client
    from fnrun.errors import Reported
    from fnrun.inputs.instants import parse_duration
    from fnrun.replaying.command import Wanted, check_candidate, replay_function
    from fnrun.replaying.ids import check_replay_id

    check_candidate(candidate)
    check_replay_id(resume)
    seconds = None if timeout is None else parse_duration(timeout, option="--timeout")
    experiment: dict[str, Any] = {"repeats": repeats, "candidate_version": candidate}
    if ignore:
        experiment["ignore"] = ignore
    if reason is not None:
        experiment["reason"] = reason
    with open_client() as client:
        if candidate_function is not None:
            experiment["candidate_function_id"] = lookup.function_id(client, candidate_function)
        wanted = Wanted(function, last, status, resume, candidate_function, yes=yes)
        raise Reported(replay_function(client, wanted, experiment, at_once=at_once, timeout_seconds=seconds))
