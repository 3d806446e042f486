"""`fnrun errors`: failures of one kind together, and what is known and decided of each kind."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fnrun import completion
from fnrun.shared import Commands, FnrunGroup

if TYPE_CHECKING:
    from function_rerun.models import GroupState

    from fnrun.grouping.sparkline import Window

_LIST = "list"


class _ListsByDefault(FnrunGroup):
    """`fnrun errors --function F` is `fnrun errors list --function F`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        is_help = bool(args) and args[0] in ctx.help_option_names
        if not is_help and (args[0].startswith("-") if args else not ctx.resilient_parsing):
            args = [_LIST, *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        if incomplete.startswith("-"):
            return self.commands[_LIST].shell_complete(ctx, incomplete)
        return super().shell_complete(ctx, incomplete)


app = Commands(
    "List error groups, show one, say what is known of it. `fnrun errors` alone lists those of a day, and takes the "
    "options of `fnrun errors list`: --function, --state, --from, --to, --limit."
)
app.info.cls = _ListsByDefault
app.info.no_args_is_help = False

DEFAULT_LIMIT = 50
PAGE = 100
"""The API's largest."""
_SINCE = "24h"


class State(StrEnum):
    OPEN = "open"
    RESOLVED = "resolved"
    IGNORED = "ignored"
    ALL = "all"


_Group = Annotated[
    str,
    typer.Argument(metavar="GROUP", help="Its id, or the beginning of it.", autocompletion=completion.group_ids),
]
_From = Annotated[
    str, typer.Option("--from", metavar="TIME", help="Count failures since then: 2h (ago), yesterday, or a timestamp.")
]
_To = Annotated[str, typer.Option("--to", metavar="TIME", help="Count failures until then.")]
_Reason = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why; kept in the audit.")]


@app.command("list")
def list_(
    *,
    function: Annotated[
        str | None,
        typer.Option(
            "--function", "-f", metavar="NAME", help="Only of this function.", autocompletion=completion.function_names
        ),
    ] = None,
    state: Annotated[State, typer.Option("--state", "-s", help="Only those in this state.")] = State.OPEN,
    from_: _From = _SINCE,
    to: _To = "now",
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, max=1_000_000_000, metavar="N", help="At most so many.")
    ] = DEFAULT_LIMIT,
    everything: Annotated[bool, typer.Option("--all", "-a", help="All of them, whatever --limit says.")] = False,
) -> None:
    """List error groups with failures in this time. `fnrun errors` does the same.

    Of the groups that were opened last, those first that have most runs that are not recovered; with --output json in
    the order of the API.
    """
    from itertools import islice

    from fnrun import lookup
    from fnrun.connection.session import open_client
    from fnrun.grouping.groups import print_groups
    from fnrun.output.console import note, print_json_list
    from fnrun.shared import invocation

    window, times = _times(from_, to)
    filters: dict[str, Any] = times if state is State.ALL else times | {"state": state.value}
    with open_client() as client:
        if function is not None:
            filters["function_id"] = lookup.function_id(client, function)
        names = lookup.function_names(client)
        # One more than is shown, to know whether there are more.
        found = client.list_error_groups(**filters, limit=PAGE if everything else min(limit + 1, PAGE))
        groups = lookup.remembered_groups(found if everything else islice(found, limit), names)
        if invocation().as_json:
            print_json_list(groups)
        elif not print_groups(sorted(groups, key=lambda each: -each["unrecoveredCount"]), names, window):
            what = "" if state is State.ALL else f"{state.value} "
            note(f"No {what}error group has failures in this time.")
        elif not everything and next(found, None) is not None:
            note(f"There are more than these {limit}: --limit N, or --all")


@app.command()
def show(
    group: _Group,
    *,
    frames: Annotated[
        bool, typer.Option("--frames", help="Show where the code fails, from a sample run. Audited.")
    ] = False,
    from_: _From = _SINCE,
    to: _To = "now",
) -> None:
    """Show one error group. Its frames only if you ask for them, and with the grant function-runs:reveal."""
    from fnrun import lookup
    from fnrun.connection.session import open_client
    from fnrun.grouping.groups import note_next_step, print_group
    from fnrun.output.console import print_json
    from fnrun.shared import invocation

    window, times = _times(from_, to)
    group_id = lookup.group_id(group)
    with open_client() as client:
        shown = client.get_error_group(group_id, **times, include=["frames"] if frames else [])
        names = lookup.function_names(client)
        lookup.remember_group(shown, names)
        if invocation().as_json:
            print_json(shown)
            return
        print_group(shown, names, window, since=times["from_"], with_frames=frames)
        note_next_step(shown)


@app.command()
def resolve(
    group: _Group,
    *,
    in_version: Annotated[
        str | None,
        typer.Option("--in-version", metavar="VERSION", help="The version of the function that has the fix."),
    ] = None,
    reason: _Reason = None,
) -> None:
    """Say that an error is fixed. It is open again by itself if it comes back: in that version, or a later one."""
    from fnrun.inputs.versions import check_version

    check_version(in_version, option="--in-version")
    _change(group, "resolved", resolved_in_version=in_version, reason=reason)


@app.command()
def ignore(group: _Group, *, reason: _Reason = None) -> None:
    """Say that an error is known and does not matter. It stays so, whatever fails."""
    _change(group, "ignored", reason=reason)


@app.command()
def reopen(group: _Group, *, reason: _Reason = None) -> None:
    """Say that an error matters again."""
    _change(group, "open", reason=reason)


def _times(from_: str, to: str) -> "tuple[Window, dict[str, str]]":
    """Also as the client takes them."""
    from fnrun.grouping.sparkline import Window
    from fnrun.inputs.instants import past_moment

    since, until = past_moment(from_, option="--from"), past_moment(to, option="--to")
    times = {"from_": since} if to == "now" else {"from_": since, "to": until}
    return Window(since, until), times


def _change(group: str, state: "GroupState", **changes: str | None) -> None:
    """Of nothing that another has changed meanwhile."""
    from fnrun import lookup
    from fnrun.connection.session import open_client
    from fnrun.grouping.groups import note_after_resolving
    from fnrun.output.console import note, print_json
    from fnrun.shared import in_flight, invocation

    group_id = lookup.group_id(group)
    with open_client() as client:
        found = client.get_error_group(group_id)
        if (found["state"], found["resolvedInVersion"]) == (state, changes.get("resolved_in_version")):
            note("Nothing was changed.")
        else:
            with in_flight(f"{group} was changed", check=f"fnrun errors show {group}"):
                found = client.change_error_group(group_id, state=state, version=found["version"], **changes)
        lookup.remember_group(found, lookup.function_names(client))
    if invocation().as_json:
        print_json(found)
    else:
        version = found["resolvedInVersion"]
        typer.echo(f"{group_id}  {found['state']}{f' in version {version}' if version else ''}")
        note_after_resolving(found)
