"""The command `python -m infra.audit`: options, exit codes, and what to do when the audit cannot be done."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from handlers.aws.aws_errors import code
from handlers.domain import clock
from handlers.domain.errors import InvalidRunId, Unavailable
from handlers.domain.ids import parse_run_id
from handlers.domain.seal import KeyRefused
from infra.audit.auditing import ALL, NotAuditableError
from infra.audit.auditing import audit as audited
from infra.audit.checks import GRACE
from infra.audit.presenting import Progress, as_json, show
from infra.audit.stacks import AuditedStack
from infra.aws import failures
from infra.local_connection import NotUpError

app = typer.Typer(add_completion=False)
FOUND, NOT_DONE = 1, 2
_GRACE_SECONDS = int(GRACE.total_seconds())
_PERMISSIONS = (
    "dynamodb:Scan, Query and BatchGetItem on the table, s3:ListBucket and GetObject on the bucket, "
    "cloudformation:DescribeStacks, and for --open kms:Decrypt"
)
_GONE = frozenset({"ResourceNotFoundException", "NoSuchBucket"})


def _parts(given: str | int) -> int:
    """`given` is the option's text, or its default."""
    if given == "all":
        return ALL
    if not str(given).isdecimal():
        raise typer.BadParameter("give a number of parts, or all")
    return int(given)


StackOption = Annotated[
    str | None, typer.Option(help="The stack on AWS, FunctionRerun say. Without it: what `make up` has started.")
]
RegionOption = Annotated[str | None, typer.Option(help="Its region, if not that of your AWS configuration.")]
ProfileOption = Annotated[str | None, typer.Option(help="The profile of your AWS configuration to use.")]
DirectoryOption = Annotated[Path, typer.Option(help="Where everything of the local stack is kept.")]
GraceOption = Annotated[
    int, typer.Option(min=0, help="Seconds that a deadline may have passed: the watchdog looks once a minute.")
]
RetentionOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="How long runs are kept, the shortest that was ever deployed. "
        "Without it: the stack's output RetentionDays, or 90.",
    ),
]
ExecutionsOption = Annotated[
    typer.FileText | None,
    typer.Option(
        help="A file, - for stdin, with one run id a line for each execution that your functions have logged "
        "(functionRunId of the client context): none may have more than the run's recorded attempts."
    ),
]
OpenOption = Annotated[
    int, typer.Option("--open", parser=_parts, metavar="N|all", help="Open so many sealed parts, drawn at random.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the whole report as JSON.")]


@app.command()
def audit(
    *,
    stack: StackOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    directory: DirectoryOption = Path(".local"),
    grace: GraceOption = _GRACE_SECONDS,
    retention_days: RetentionOption = None,
    executions: ExecutionsOption = None,
    open_parts: OpenOption = 0,
    as_document: JsonOption = False,
) -> None:
    """Check what is stored, run by run, against what the service promises.

    Reads the table and the bucket, and changes nothing.
    What the first look finds is looked at twice more, so a run that moved meanwhile is no finding.
    Content is never printed.

    Exit code 0: nothing was found; 1: findings; 2: the audit could not be done, and why.
    """
    if stack is None and (region is not None or profile is not None):
        _fail("--region and --profile are for a stack on AWS: name it, --stack FunctionRerun say.")
    ids = None if executions is None else _run_ids(executions)
    stderr = Console(stderr=True, highlight=False)
    try:
        with stderr.status("Finding the stack") as status:
            found = AuditedStack.find(stack, region=region, profile=profile, directory=directory)
            report = audited(
                found.dynamodb,
                found.table_name,
                found.s3,
                found.bucket,
                now=clock.now(),
                retention_days=retention_days or found.retention_days,
                grace=timedelta(seconds=grace),
                executions=ids,
                cipher=found.cipher() if open_parts else None,
                open_parts=open_parts,
                report_progress=Progress(stderr, status),
            )
    except (NotUpError, NotAuditableError, KeyRefused, Unavailable, ClientError, BotoCoreError) as error:
        _fail(_what_to_do(error))
    if as_document:
        typer.echo(as_json(report))
    else:
        show(report, Console(highlight=False))
    raise typer.Exit(0 if report.is_clean else FOUND)


def _run_ids(lines: typer.FileText) -> list[str]:
    try:
        ids = [_run_id(line.strip(), number) for number, line in enumerate(lines, start=1) if line.strip()]
    except UnicodeDecodeError:
        _fail("The file of --executions is not text. It has one run id a line.")
    if not ids:
        _fail("The file of --executions is empty: nothing would be compared. Has your query of the logs found nothing?")
    return ids


def _run_id(text: str, number: int) -> str:
    try:
        return parse_run_id(text)
    except InvalidRunId:
        # The line is not quoted: it may be anything that a function has logged.
        _fail(f"Line {number} of --executions is not the id of a run (a UUID). Remove it.")


def _what_to_do(error: Exception) -> str:
    cause = error.__cause__ if isinstance(error, Unavailable) and error.__cause__ is not None else error
    if isinstance(cause, NotUpError):
        return f"{cause}. Or name a stack on AWS: --stack FunctionRerun"
    if isinstance(cause, KeyRefused):
        return "KMS will not open anything. Enable the stack's keys, or allow yourself kms:Decrypt with them."
    if isinstance(cause, ClientError) and code(cause) in failures.DENIED:
        return f"AWS denies {cause.operation_name}. The audit needs {_PERMISSIONS}."
    if isinstance(cause, ClientError) and code(cause) in _GONE:
        return "The stack's table or bucket is gone. Deploy the stack again, or name another: --stack"
    return failures.what_to_do(cause) if isinstance(cause, ClientError | BotoCoreError) else str(cause)


def _fail(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(NOT_DONE)
