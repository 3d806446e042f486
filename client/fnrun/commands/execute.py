"""`fnrun execute`: a run of a trigger."""

from typing import Annotated

import typer

from fnrun import completion
from fnrun.shared import Commands

app = Commands()


@app.command()
def execute(
    trigger: Annotated[
        str, typer.Argument(metavar="TRIGGER", help="Its name or id.", autocompletion=completion.trigger_names)
    ],
    *,
    payload: Annotated[
        str | None,
        typer.Option("--payload", metavar="JSON", help="Merged over the trigger's params; or @FILE, or - to read it."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="One value of the payload: a.b=1 sets b inside of a."),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it has ended, and say how.")] = False,
    timeout: Annotated[
        str | None, typer.Option("--timeout", metavar="TIME", help="With --wait: no longer than 90s, 5m, …")
    ] = None,
    logs: Annotated[bool, typer.Option("--logs/--no-logs", help="With --wait: show the log's tail. Audited.")] = True,
    orchestration_id: Annotated[
        str | None,
        typer.Option("--orchestration-id", metavar="ID", help="Of a workflow of yours, which does re-runs itself."),
    ] = None,
    idempotency_key: Annotated[
        str | None, typer.Option("--idempotency-key", metavar="KEY", help="Sent again, it starts no second run.")
    ] = None,
) -> None:
    """Start a run of a trigger."""
    from uuid import uuid4

    from fnrun import lookup
    from fnrun.connection.session import open_client
    from fnrun.errors import Exit, Reported
    from fnrun.following.waiting import Follower
    from fnrun.inputs.instants import parse_timeout
    from fnrun.inputs.json_values import read_object
    from fnrun.inputs.overrides import read_overrides
    from fnrun.inputs.several_runs import check_key
    from fnrun.output.console import note, print_json
    from fnrun.output.runs import ended_line
    from fnrun.output.text import printable
    from fnrun.shared import in_flight, invocation

    check_key(idempotency_key)
    sent = read_overrides(settings or [], read_object(payload, option="--payload"))
    seconds = parse_timeout(timeout, waits=wait)
    with open_client() as client:
        trigger_id = lookup.trigger_id(client, trigger)
        key = idempotency_key or str(uuid4())
        with in_flight("a run was started", check=f"fnrun runs list --trigger {trigger_id}", key=key):
            accepted = client.execute_trigger(
                trigger_id,
                payload=sent or None,
                orchestration_id=orchestration_id or None,
                idempotency_key=key,
            )
        run_id = accepted["jobId"]
        if wait:
            note(f"{run_id} was started")
        elif invocation().as_json:
            print_json(accepted)
        else:
            typer.echo(run_id)
            note(f"It is on its way: fnrun runs show {run_id}")
        lookup.remember_started([run_id])
        if not wait:
            return
        run = Follower(client, timeout_seconds=seconds, shows_logs=logs).follow(run_id)
    if invocation().as_json:
        print_json(run)
    else:
        typer.echo(printable(f"{run_id}  {ended_line(run)}"))
    if run["status"] != "completed":
        raise Reported(Exit.NOT_WELL)
