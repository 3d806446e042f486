"""The product on AWS: `python -m infra.aws --help`."""

from collections.abc import Callable
from typing import Annotated, NoReturn

import typer
from botocore.exceptions import BotoCoreError, ClientError

from infra.aws import commands
from infra.aws.cdk_cli import CdkCli, Cli
from infra.aws.commands import StoppedError, Terminal
from infra.aws.failures import what_to_do
from infra.aws.target import Target
from infra.aws.trigger_sweep import SourceNotDeletedError
from infra.bundle import BundleError
from infra.context import declared_stack_name
from infra.node import NodeMissingError

app = typer.Typer(help="Function Re-run on AWS.", no_args_is_help=True, add_completion=False)

StackOption = Annotated[str | None, typer.Option("--stack", help="The stack's name, if not that of cdk.json.")]
RegionOption = Annotated[str | None, typer.Option("--region", help="If not that of your AWS configuration.")]
ProfileOption = Annotated[str | None, typer.Option("--profile", help="A profile of your AWS configuration.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Command = Callable[[Target, Cli, Terminal], None]


@app.command()
def deploy(
    stack: StackOption = None, region: RegionOption = None, profile: ProfileOption = None, yes: YesOption = False
) -> None:
    """Show what would change, ask, and deploy it."""
    _run(commands.deploy, stack, region, profile, yes=yes)


@app.command()
def diff(stack: StackOption = None, region: RegionOption = None, profile: ProfileOption = None) -> None:
    """Show what a deployment would change. Changes nothing."""
    _run(commands.diff, stack, region, profile, yes=False)


@app.command()
def destroy(
    stack: StackOption = None, region: RegionOption = None, profile: ProfileOption = None, yes: YesOption = False
) -> None:
    """Show what would be deleted and what is kept, ask, and delete: first the rules and schedules of triggers."""
    _run(commands.destroy, stack, region, profile, yes=yes)


@app.command()
def bootstrap(region: RegionOption = None, profile: ProfileOption = None, yes: YesOption = False) -> None:
    """Prepare an account and region for the CDK: once, before the first deployment."""
    _run(commands.bootstrap, None, region, profile, yes=yes)


def _run(command: Command, stack: str | None, region: str | None, profile: str | None, *, yes: bool) -> None:
    try:
        target = Target.of(stack or declared_stack_name(), region=region, profile=profile)
        cli = CdkCli(target)
        command(target, cli, Terminal(typer.echo, lambda question: yes or typer.confirm(question)))
    except (StoppedError, SourceNotDeletedError, BundleError, NodeMissingError) as error:
        _fail(str(error))
    except (ClientError, BotoCoreError) as error:
        _fail(what_to_do(error))


def _fail(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(1)


if __name__ == "__main__":
    app(prog_name="python -m infra.aws")
