"""`fnrun open`."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fnrun.shared import Commands

if TYPE_CHECKING:
    from function_rerun import Client

app = Commands()
_MARGIN_MS = 60_000


class View(StrEnum):
    LOGS = "logs"
    VERSION = "version"
    TRACE = "trace"


@app.command()
def open_run(
    run: Annotated[str, typer.Argument(help="The run's id, or its beginning.")],
    view: Annotated[View, typer.Option("--view", help="Which page to open.")] = View.LOGS,
    *,
    print_only: Annotated[bool, typer.Option("--print", help="Print the addresses, and open nothing.")] = False,
    logs: Annotated[
        bool, typer.Option("--logs", help="Reveal the run's logs, to find its trace and request. It is audited.")
    ] = False,
    aws_profile: Annotated[
        str | None, typer.Option("--aws-profile", metavar="NAME", help="Ask AWS for the function's log group.")
    ] = None,
) -> None:
    """Show a run in AWS's console: its log, the version that it executed, and its trace.

    Without --logs the log is that of the time in which the run was executed, and its trace is not known.
    """
    from fnrun.connection.session import current, open_client
    from fnrun.errors import CommandError
    from fnrun.lookup import run_id
    from fnrun.output.console import print_json, stdout
    from fnrun.shared import invocation

    if current().is_local:
        raise CommandError(
            "The local stack has no console", f"fnrun runs show {run} --include logs,error, or fnrun local logs"
        )
    with open_client() as client:
        found: Any = client.get_run(run_id(run), include=("logs",) if logs else ())
        pages = _pages(found, _arn(client, found), aws_profile)
    if invocation().as_json:
        print_json(pages)
    elif print_only:
        for name, page in pages.items():
            stdout().print(f"{name:<9}{page or 'not known: add --logs, or its tracing is not active'}", soft_wrap=True)
    else:
        _show(pages[view], view)


def _pages(run: dict[str, Any], arn: str, aws_profile: str | None) -> dict[str, str | None]:
    from fnrun.links import FunctionVersion, request_id_in, trace_id_in

    version, log = FunctionVersion.of(arn), run.get("logs") or ""
    begin = _milliseconds(run["startedAt"] or run["createdAt"])
    end = _milliseconds(run["endedAt"]) if run["endedAt"] else begin
    trace = trace_id_in(log)
    group = _log_group(arn, version.region, aws_profile) if aws_profile else None
    window = {"begin_ms": begin - _MARGIN_MS, "end_ms": end + _MARGIN_MS}
    return {
        "logs": version.logs(**window, group=group, request_id=request_id_in(log)),
        "version": version.page,
        "trace": version.trace(trace) if trace else None,
    }


def _arn(client: "Client", run: dict[str, Any]) -> str:
    """Of the version; of a run that is not executed yet, of its function."""
    return str(run.get("functionVersionArn") or client.get_function(run["functionId"])["functionArn"])


def _log_group(arn: str, region: str, aws_profile: str) -> str:
    from fnrun.connection.aws import Target, client_of, explained

    with explained(f"The configuration of {arn} cannot be read"):
        found = client_of(Target(profile=aws_profile, region=region), "lambda").get_function_configuration(
            FunctionName=arn
        )
    return str(found["LoggingConfig"]["LogGroup"])


def _milliseconds(timestamp: str) -> int:
    from datetime import datetime

    return int(datetime.fromisoformat(timestamp).timestamp() * 1000)


def _show(page: str | None, view: View) -> None:
    import webbrowser

    from fnrun.errors import CommandError
    from fnrun.output.console import note

    if page is None:
        raise CommandError(
            f"The {view} of this run is not known",
            "add --logs, which reveals its log; without a trace there, the function's tracing is not active",
        )
    note(page)
    webbrowser.open(page)
