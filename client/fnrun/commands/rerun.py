"""`fnrun rerun`: plan, ask, start, and follow."""

from enum import StrEnum
from typing import Annotated

import typer

from fnrun import completion
from fnrun.shared import Commands

app = Commands()


class Effects(StrEnum):
    NEW = "new"
    SAME = "same"


@app.command()
def rerun(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN…", help="Ids, or beginnings of them; - reads one a line.", autocompletion=completion.run_ids
        ),
    ],
    *,
    latest: Annotated[bool, typer.Option("--latest", help="Execute today's code, not the run's version.")] = False,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help=r"Override one parameter: a.b=1 sets b inside of a, a\.b=1 the key a.b."
        ),
    ] = None,
    params: Annotated[
        str | None,
        typer.Option(
            "--params",
            metavar="JSON",
            help="Override with a JSON object; or @FILE, or - to read it: for what others must not see you type.",
        ),
    ] = None,
    reason: Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why; kept in the audit.")] = None,
    not_before: Annotated[
        str | None, typer.Option("--not-before", metavar="TIME", help="Execute it then: +2h, 18:00, or a timestamp.")
    ] = None,
    effects: Annotated[
        Effects, typer.Option("--effects", help="same: what the run has done is not done again.")
    ] = Effects.NEW,
    plan: Annotated[bool, typer.Option("--plan", help="Show what it would do, and do nothing.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it has ended, and say how.")] = False,
    timeout: Annotated[
        str | None, typer.Option("--timeout", metavar="TIME", help="With --wait: no longer than 90s, 5m, …")
    ] = None,
    logs: Annotated[bool, typer.Option("--logs/--no-logs", help="With --wait: show the log's tail. Audited.")] = True,
    even_if_recovered: Annotated[
        bool, typer.Option("--even-if-recovered", help="Also where its lineage has completed, or a run of it is open.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    idempotency_key: Annotated[
        str | None, typer.Option("--idempotency-key", metavar="KEY", help="For one RUN: sent again, it starts none.")
    ] = None,
) -> None:
    """Re-run runs with their own parameters and code, or with what you change. Shows the plan, and asks.

    `fnrun runs list --status failure -o json | jq -r '.[].id' | fnrun rerun - --yes` re-runs what has failed.
    """
    from fnrun.connection.session import open_client
    from fnrun.errors import Reported
    from fnrun.inputs.instants import coming_moment, parse_timeout
    from fnrun.inputs.json_values import read_object
    from fnrun.inputs.overrides import read_overrides
    from fnrun.inputs.several_runs import check_stdin, named_runs
    from fnrun.rerunning.command import Options, rerun_named
    from fnrun.rerunning.outcomes import RerunRequest

    check_stdin(runs, params=params, yes=yes or plan, key=idempotency_key)
    overrides = read_overrides(settings or [], read_object(params, option="--params"))
    body = {
        "use_latest_code": latest or None,
        "reason": reason,
        "override_params": overrides or None,
        "not_before": not_before and coming_moment(not_before, option="--not-before"),
        "if_not_recovered": not even_if_recovered or None,
        "effects": None if effects is Effects.NEW else effects.value,
    }
    given = {name: value for name, value in body.items() if value is not None}
    request = RerunRequest(given, None if plan else idempotency_key)
    options = Options(
        plan_only=plan,
        yes=yes,
        wait=wait,
        timeout_seconds=parse_timeout(timeout, waits=wait),
        logs=logs,
        is_one=len(runs) == 1 and runs != ["-"],
    )
    with open_client() as client:
        raise Reported(rerun_named(client, named_runs(runs), request, options))
