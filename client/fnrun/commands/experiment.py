"""`fnrun experiment`: whether code or world made a difference."""

from typing import Annotated, Any

import typer

from fnrun import completion
from fnrun.shared import Commands, FnrunGroup

_START = "start"


class _StartsByDefault(FnrunGroup):
    """`fnrun experiment RUN` is `fnrun experiment start RUN`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in {*self.commands, *ctx.help_option_names}:
            args = [_START, *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        from fnrun.typer_internals import completion_item

        runs = [completion_item(run_id, about) for run_id, about in completion.run_ids(incomplete)]
        return [*super().shell_complete(ctx, incomplete), *runs]


app = Commands("Execute a run's input on two versions of the code: did the code or the world make the difference?")
app.info.cls = _StartsByDefault

_Run = Annotated[
    str, typer.Argument(metavar="RUN", help="Its id, or the beginning of it.", autocompletion=completion.run_ids)
]


@app.command()
def start(
    run: _Run,
    *,
    repeats: Annotated[int, typer.Option("--repeats", min=2, max=5, help="Executions of each side.")] = 2,
    candidate_version: Annotated[
        str | None,
        typer.Option("--candidate-version", metavar="VERSION", help="latest is today's code; or the number of one."),
    ] = None,
    candidate_function: Annotated[
        str | None,
        typer.Option(
            "--candidate-function",
            metavar="FUNCTION",
            help="Another function, such as the one of staging.",
            autocompletion=completion.function_names,
        ),
    ] = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option(
            "--ignore",
            metavar="POINTER",
            help="A difference of results that does not count: /items/*/createdAt. Default: the function's.",
        ),
    ] = None,
    reason: Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why; kept in the audit.")] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for the verdict.")] = True,
    timeout: Annotated[
        str | None, typer.Option("--timeout", metavar="TIME", help="Wait no longer than 90s, 5m, …")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    idempotency_key: Annotated[
        str | None, typer.Option("--idempotency-key", metavar="KEY", help="Sent again, it starts no second one.")
    ] = None,
) -> None:
    """Start an experiment, and show its verdict. `fnrun experiment RUN` does the same.

    The function is executed twice --repeats times, with all that it does: charge, mail, write.
    """
    from uuid import uuid4

    from fnrun import lookup
    from fnrun.comparing.experiments import Following, candidate, show_experiment
    from fnrun.connection.session import open_client
    from fnrun.inputs.instants import parse_duration
    from fnrun.inputs.several_runs import check_key
    from fnrun.output.ask import confirm
    from fnrun.output.console import note, print_json
    from fnrun.shared import in_flight, invocation

    check_key(idempotency_key)
    run_id = lookup.run_id(run)
    seconds = None if timeout is None else parse_duration(timeout, option="--timeout")
    body: dict[str, Any] = {
        "repeats": repeats,
        "candidate_version": candidate_version,
        "ignore": ignore or None,
        "reason": reason,
        "idempotency_key": idempotency_key or str(uuid4()),
    }
    with open_client() as client:
        if candidate_function is not None:
            body["candidate_function_id"] = lookup.function_id(client, candidate_function)
        other = f"{candidate(candidate_version)} of {candidate_function or 'the same function'}"
        confirm(
            f"Execute the input of {run_id} {2 * repeats} times, {repeats} on its version and {repeats} on {other}?",
            yes=yes,
        )
        check = f"fnrun history {run_id}"
        with in_flight("an experiment was started", check=check, key=body["idempotency_key"]):
            started = client.start_experiment(
                run_id, **{name: value for name, value in body.items() if value is not None}
            )
        if wait:
            note(f"{started['experimentId']} is an experiment with {run_id}")
        elif invocation().as_json:
            print_json(started)
        else:
            typer.echo(started["experimentId"])
            note(f"It is on its way: fnrun experiment show {run_id} {started['experimentId']}")
        lookup.remember_started([*started["pinned"], *started["candidate"]])
        if wait:
            Following(client, run_id, started, timeout_seconds=seconds).until_ended()
            raise typer.Exit(show_experiment(client, client.get_experiment(run_id, started["experimentId"])))


@app.command()
def show(
    run: _Run,
    experiment: Annotated[
        str | None,
        typer.Argument(metavar="EXPERIMENT", help="Its id. Without it: the newest of RUN's lineage."),
    ] = None,
) -> None:
    """Show an experiment: its runs, and its verdict once they have ended. Who is shown a verdict is in the audit."""
    from fnrun import lookup
    from fnrun.comparing.experiments import newest_experiment, show_experiment
    from fnrun.connection.session import open_client

    run_id = lookup.run_id(run)
    with open_client() as client:
        experiment_id = experiment or newest_experiment(client, run_id)
        raise typer.Exit(show_experiment(client, client.get_experiment(run_id, experiment_id)))
