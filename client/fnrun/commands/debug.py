"""`fnrun debug`: a run on this machine."""

from pathlib import Path
from typing import Annotated

import typer

from fnrun import completion
from fnrun.shared import Commands

app = Commands()


@app.command()
def debug(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="Its id, or the beginning.", autocompletion=completion.run_ids)
    ],
    *,
    directory: Annotated[
        Path | None, typer.Option("--directory", "-d", help="The run's folder, instead of ./RUN-<id>.")
    ] = None,
    latest: Annotated[
        bool, typer.Option("--latest", help="The function's current code, not the run's version.")
    ] = False,
    code: Annotated[Path | None, typer.Option("--code", help="A folder with your code, not the deployed one.")] = None,
    no_run: Annotated[bool, typer.Option("--no-run", help="Bring the run here, and call nothing.")] = False,
    docker: Annotated[bool, typer.Option("--docker", help="Print the docker line, and call nothing here.")] = False,
    debugpy: Annotated[
        int | None,
        typer.Option("--debugpy", metavar="PORT", min=1, max=65535, help="Wait there for a debugger; no timeout."),
    ] = None,
    env_file: Annotated[
        Path | None,
        typer.Option("--env-file", help="The function's variables: lines NAME=VALUE, as Docker reads them."),
    ] = None,
    with_credentials: Annotated[
        str | None,
        typer.Option("--with-credentials", metavar="PROFILE", help="Give the function this profile's AWS credentials."),
    ] = None,
    aws_profile: Annotated[
        str | None, typer.Option("--aws-profile", metavar="PROFILE", help="To fetch the code with; else AWS's default.")
    ] = None,
    region: Annotated[str | None, typer.Option("--region", help="To fetch the code from; else the version's.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Call it without asking.")] = False,
) -> None:
    """Bring a run here: its version's code and its parameters in a folder, which opens them (the audit says so).

    Where Python and architecture match, its handler is then called HERE, on this machine, as you, after asking. The
    outcome is compared with the recorded one: 0 if they agree, else 1. For other runtimes it prints a docker line.
    """
    from fnrun import lookup
    from fnrun.debugging.debug import Options
    from fnrun.debugging.debug import debug as bring_and_call

    options = Options(
        run_id=lookup.run_id(run),
        directory=directory,
        latest=latest,
        code=code,
        runs=not no_run,
        docker=docker,
        debugpy_port=debugpy,
        env_file=env_file,
        credentials_profile=with_credentials,
        aws_profile=aws_profile,
        region=region,
        yes=yes,
    )
    raise typer.Exit(bring_and_call(options))
