"""The commands of the local stack: `python -m infra.local --help`."""

import os
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from fnrun.connection.checkouts import register
from rich.console import Console

from handlers.domain.identity import is_grant
from infra import ROOT
from infra.local.demo.demo import run_demo
from infra.local.demo.outage import run_outage
from infra.local.interrupts import Interrupts
from infra.local.local_stack import LocalStack, bring_up, stop_leftover
from infra.local.log_stream import LogStream
from infra.local.progress import timed_steps
from infra.local_connection import NotUpError

WORKSPACE = "acme"
SUBJECT = "alice"
GRANTS = [f"{WORKSPACE}/*:*"]
GRANT_HINT = "a grant is workspace/resource:action, for example acme/function-triggers:execute or acme/*:*"
POLL_SECONDS = 0.5
LIFETIME_SECONDS = 12 * 3600
# The command line's, which becomes this program: docs/reference/command-line.md.
FAILED, USAGE, NOT_REACHED = 1, 2, 5

app = typer.Typer(help="Function Re-run on this machine.", no_args_is_help=True, add_completion=False)
DirectoryOption = Annotated[Path, typer.Option("--directory", help="Where everything of the local stack is kept.")]
DEFAULT_DIRECTORY = Path(".local")
stderr = Console(stderr=True, highlight=False)


@app.command()
def demo() -> None:
    """Show what the product does with real calls, on an emulator of its own that is stopped again."""
    try:
        run_demo()
    except RuntimeError as error:
        _fail(str(error))


@app.command()
def demo_outage() -> None:
    """Show how an outage is recovered from, with real calls: error groups, and a batch of re-runs."""
    try:
        run_outage()
    except RuntimeError as error:
        _fail(str(error))


@app.command()
def up(directory: DirectoryOption = DEFAULT_DIRECTORY) -> None:
    """Start the emulator, deploy the stacks, and print how to call them. A second call updates them."""
    started = time.monotonic()
    with Interrupts() as interrupts, timed_steps(stderr, interrupts) as begin:
        try:
            local_stack = bring_up(directory, report=begin)
        except RuntimeError as error:
            _fail(str(error))
    local_stack.leave_token(SUBJECT, GRANTS, lifetime_seconds=LIFETIME_SECONDS)
    if directory == DEFAULT_DIRECTORY:
        with suppress(OSError):  # only an fnrun that was not installed from here needs it
            register(Path.cwd())
    stderr.print(f"[green]Up[/green] after {time.monotonic() - started:.1f} s.")
    # Not with rich, which would break these lines at the terminal's width.
    typer.echo(_next_commands(local_stack.api_url))


@app.command()
def down(directory: DirectoryOption = DEFAULT_DIRECTORY) -> None:
    """Stop the emulator; what was recorded on it is gone."""
    try:
        LocalStack.load(directory).take_down()
    except NotUpError:
        stop_leftover(directory)
        typer.echo(f"Nothing is up in {directory}.")
    except RuntimeError as error:
        _fail(str(error))
    else:
        typer.echo("Down.")


@app.command()
def token(
    grant: Annotated[
        list[str] | None, typer.Option(help=f"workspace/resource:action; may be repeated. [{GRANTS[0]}]")
    ] = None,
    subject: Annotated[str, typer.Option("--subject", help="Who the token is for.")] = SUBJECT,
    directory: DirectoryOption = DEFAULT_DIRECTORY,
) -> None:
    """Print an access token for the local API. It is valid for 12 hours."""
    grants = grant or GRANTS
    for each in grants:
        if not is_grant(each):
            _fail(f"'{each}' is not a grant: {GRANT_HINT}.", USAGE)
    typer.echo(_up(directory).token(subject, grants, lifetime_seconds=LIFETIME_SECONDS))


@app.command()
def logs(
    once: Annotated[bool, typer.Option("--once", help="Print what there is and return.")] = False,
    directory: DirectoryOption = DEFAULT_DIRECTORY,
) -> None:
    """Follow what the Lambda functions log."""
    local_stack = _up(directory)
    stream = LogStream(local_stack.client("logs"), local_stack.client("lambda"))
    try:
        while True:
            for function, line in stream.unread():
                typer.echo(f"{function}  {line}")
            if once:
                return
            time.sleep(POLL_SECONDS)
            if not local_stack.emulator.is_healthy():
                _fail("The emulator was stopped.", NOT_REACHED)
    except KeyboardInterrupt:
        return


def _next_commands(api_url: str) -> str:
    # PWD is where the caller is, also where `fnrun local up` has come here from.
    here = "" if Path(os.environ.get("PWD", "")) == ROOT else f"{ROOT}/"
    fnrun = "fnrun" if shutil.which("fnrun") else f"{here}.venv/bin/fnrun"
    order = '{"orderId": "o-1", "items": [{"price": 0, "quantity": 1}]}'
    return f"""
Next, a function and an order that makes it fail (README.md and docs/tutorial.md go on from there):

  {fnrun} local deploy {here}infra/local/samples/orders --handler function.handler --name orders
  {fnrun} execute orders --payload '{order}' --wait

Follow what the functions log with `{fnrun} local logs`; stop everything with `{fnrun} local down`. Without fnrun:

  curl '{api_url}/workspace/{WORKSPACE}/api/v1/function-runs' -H "Authorization: Bearer $({fnrun} local token)"
"""


def _up(directory: Path) -> LocalStack:
    try:
        return LocalStack.load(directory)
    except NotUpError as error:
        _fail(str(error), NOT_REACHED)


def _fail(message: str, code: int = FAILED) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(code)
