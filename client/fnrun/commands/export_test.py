"""`fnrun export-test`: a run as a pytest file."""

from pathlib import Path
from typing import Annotated

import typer

from fnrun import completion
from fnrun.shared import Commands

app = Commands()


@app.command()
def export_test(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="Its id, or the beginning.", autocompletion=completion.run_ids)
    ],
    *,
    into: Annotated[Path, typer.Option("--into", help="The folder of your tests.")] = Path("tests"),
    handler: Annotated[
        str | None, typer.Option("--handler", help="Like app.handler; without it, Lambda is asked.")
    ] = None,
    redact: Annotated[
        list[str] | None,
        typer.Option("--redact", metavar="POINTER", help="JSON Pointer to what is replaced, like /items/*/note."),
    ] = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option("--ignore", metavar="POINTER", help="What of a result is another at each call, like /createdAt."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the files if they are there.")] = False,
    aws_profile: Annotated[
        str | None, typer.Option("--aws-profile", metavar="PROFILE", help="To ask Lambda with; else AWS's default.")
    ] = None,
    region: Annotated[str | None, typer.Option("--region", help="To ask Lambda in; else the version's.")] = None,
) -> None:
    """Write a test of a run: a pytest file, and a fixture with its parameters, which opens them (the audit says so).

    Of a run that failed the test fails until the function is fixed; of one that completed it asserts the result.
    """
    from fnrun import lookup
    from fnrun.debugging.export import Options
    from fnrun.debugging.export import export_test as export

    export(
        Options(
            run_id=lookup.run_id(run),
            into=into,
            handler=handler,
            redact=redact or (),
            ignore=ignore or (),
            force=force,
            aws_profile=aws_profile,
            region=region,
        )
    )
