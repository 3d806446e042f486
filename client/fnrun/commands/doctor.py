"""`fnrun doctor`."""

from typing import TYPE_CHECKING, Annotated

import typer

from fnrun.shared import DEFAULT_STACK, Commands

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fnrun.connection.session import Session
    from fnrun.doctor.findings import Finding

app = Commands()


@app.command()
def doctor(
    can: Annotated[
        str | None,
        typer.Option("--can", metavar="COMMAND", help="Whether you may use this command, rerun for example."),
    ] = None,
    *,
    aws_profile: Annotated[
        str | None, typer.Option("--aws-profile", metavar="NAME", help="Also look at the stack's alarms in AWS.")
    ] = None,
    region: Annotated[str | None, typer.Option("--region", help="The stack's AWS region. [that of its URL]")] = None,
    stack: Annotated[str, typer.Option("--stack", help="The stack's name in AWS.")] = DEFAULT_STACK,
) -> None:
    """Say what is wrong, and what to do: the stack, this machine's clock, your token and grants, runs that wait.

    Ends with 1 if anything is at fault.
    """
    from fnrun.connection.session import current
    from fnrun.doctor.findings import Health
    from fnrun.doctor.needs import NEEDS
    from fnrun.errors import Exit, UsageFault
    from fnrun.output.console import print_json
    from fnrun.shared import invocation

    if can is not None and can not in NEEDS:
        raise UsageFault(f"{can!r} is not known", f"name one of: {', '.join(NEEDS)}")
    findings = []
    for finding in _findings(current(), can, aws_profile=aws_profile, region=region, stack=stack):
        findings.append(finding)
        if not invocation().as_json:
            _print(finding)
    if invocation().as_json:
        print_json([each.document() for each in findings])
    if any(each.health is Health.FAULT for each in findings):
        raise typer.Exit(Exit.NOT_WELL)


def _findings(
    session: "Session", can: str | None, *, aws_profile: str | None, region: str | None, stack: str
) -> "Iterator[Finding]":
    from fnrun.doctor.checks import examine
    from fnrun.doctor.findings import fault
    from fnrun.errors import CommandError

    try:
        yield from examine(session, wanted=can)
        if aws_profile is not None:
            from fnrun.connection.aws import Target
            from fnrun.doctor.alarms import alarms
            from fnrun.links import region_of_api

            yield alarms(Target(stack, aws_profile, region or region_of_api(session.url), session.local))
    except CommandError as error:
        yield fault("doctor", error.message, error.next_step)


def _print(finding: "Finding") -> None:
    from rich.text import Text

    from fnrun.output.console import stdout
    from fnrun.output.text import printable

    style = {"ok": "green", "warning": "yellow", "fault": "red"}[finding.health]
    line = Text(f"{finding.health:<9}", style) + Text(printable(f"{finding.message}."))
    if finding.next_step:
        line += Text(printable(f" Next: {finding.next_step}"), "dim")
    stdout().print(line, soft_wrap=True)
