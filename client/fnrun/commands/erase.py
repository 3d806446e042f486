"""`fnrun erase`: what runs hold, gone for good."""

from typing import Annotated

import typer

from fnrun import completion
from fnrun.shared import Commands

app = Commands()


@app.command()
def erase(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN…", help="Ids, or beginnings of them; - reads one a line.", autocompletion=completion.run_ids
        ),
    ],
    *,
    lineage: Annotated[
        bool, typer.Option("--lineage", help="The original and all its re-runs, too: they have copies.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Erase what runs hold: parameters, overrides, result, logs and error. The runs stay; nothing brings it back."""
    from fnrun import lookup
    from fnrun.connection.session import open_client
    from fnrun.copies import check_nothing_came, lineages, note_copies
    from fnrun.errors import Reported
    from fnrun.inputs.several_runs import check_stdin, named_runs
    from fnrun.one_by_one import act_on_each
    from fnrun.output.ask import confirm
    from fnrun.shared import in_flight

    check_stdin(runs, params=None, yes=yes, key=None)
    with open_client() as client:

        def erase_one(run_id: str) -> tuple[dict[str, object], str]:
            with in_flight(f"the content of {run_id} was erased", check=f"fnrun runs show {run_id}"):
                client.erase(run_id)
            return {"runId": run_id, "erased": True}, "erased"

        if yes and not lineage:
            raise Reported(act_on_each(runs, erase_one))
        run_ids = [lookup.run_id(name) for name in named_runs(runs)]
        if lineage:
            run_ids = lineages(client, run_ids)
        elif not yes:
            note_copies(client, run_ids)
        confirm(_question(run_ids), yes=yes)
        code = act_on_each(run_ids, erase_one)
        if lineage:
            check_nothing_came(client, run_ids, code)
        raise Reported(code)


def _question(run_ids: list[str]) -> str:
    what = run_ids[0] if len(run_ids) == 1 else f"these {len(run_ids)} runs"
    return f"Erase for good what {what} holds?" if len(run_ids) == 1 else f"Erase for good what {what} hold?"
