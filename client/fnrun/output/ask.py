"""Questions before something is started, changed, erased or run here."""

from fnrun.errors import CommandError, Exit, UsageFault
from fnrun.output.console import is_interactive


def confirm(question: str, *, yes: bool) -> None:
    """Ask unless the caller has said --yes. Raises `CommandError` if the answer is not yes, or nobody can be asked."""
    if yes:
        return
    if not is_interactive():
        raise UsageFault("Nobody can be asked here, because this is not a terminal", "add --yes")
    import typer

    try:
        is_wanted = typer.confirm(question, err=True)
    except typer.Abort:
        raise CommandError("Not answered: nothing was done", exit_code=Exit.INTERRUPTED) from None
    if not is_wanted:
        raise CommandError("Nothing was done", exit_code=Exit.NOT_WELL)
