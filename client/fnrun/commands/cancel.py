"""`fnrun cancel`: runs that are not to be executed."""

from typing import Annotated

import typer

from fnrun import completion
from fnrun.shared import Commands

app = Commands()


@app.command()
def cancel(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN…", help="Ids, or beginnings of them; - reads one a line.", autocompletion=completion.run_ids
        ),
    ],
) -> None:
    """Cancel runs: those that wait are not executed. One that is being executed cannot be stopped."""
    from fnrun.connection.session import open_client
    from fnrun.errors import Reported
    from fnrun.one_by_one import act_on_each
    from fnrun.shared import in_flight

    with open_client() as client:

        def cancel_one(run_id: str) -> tuple[dict[str, object], str]:
            with in_flight(f"{run_id} was cancelled", check=f"fnrun runs show {run_id}"):
                answer = client.cancel(run_id)
            said = "cancelled" if answer["status"] == "cancelled" else "being executed; it is not executed again"
            return {**answer}, said

        raise Reported(act_on_each(runs, cancel_one))
