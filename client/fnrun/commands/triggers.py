"""`fnrun triggers`: what starts runs."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fnrun import completion
from fnrun.shared import Commands

if TYPE_CHECKING:
    from function_rerun import Client

app = Commands("What starts runs of functions: people, schedules, events and webhooks.")

_Trigger = Annotated[
    str, typer.Argument(metavar="TRIGGER", help="Its name or id.", autocompletion=completion.trigger_names)
]
_Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


class Type(StrEnum):
    ON_DEMAND = "on-demand"
    SCHEDULED = "scheduled"
    EVENT_DRIVEN = "event-driven"
    HTTP = "http-trigger"


class Signature(StrEnum):
    STANDARD_WEBHOOKS = "standard-webhooks"
    NONE = "none"


class Jitter(StrEnum):
    FULL = "full"
    NONE = "none"


@app.command("list")
def list_() -> None:
    """List triggers, newest first."""
    from fnrun import lookup
    from fnrun.connection.session import open_client
    from fnrun.output.console import note, print_json_list
    from fnrun.registry.listing import remembered
    from fnrun.registry.shown import print_triggers
    from fnrun.shared import invocation

    with open_client() as client:
        triggers = remembered("triggers", client.list_triggers())
        if invocation().as_json:
            print_json_list(triggers)
        elif not print_triggers(triggers, lookup.function_names(client)):
            note("There is no trigger. Next: fnrun triggers add NAME --function FUNCTION")


@app.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    *,
    function: Annotated[
        str,
        typer.Option(
            "--function",
            "-f",
            metavar="FUNCTION",
            help="Whose runs it starts: name or id.",
            autocompletion=completion.function_names,
        ),
    ],
    type_: Annotated[
        Type | None, typer.Option("--type", help="Default: what the other options say, else on-demand.")
    ] = None,
    params: Annotated[
        str | None,
        typer.Option("--params", metavar="JSON", help="Of each run, below what starts it; or @FILE, or - to read it."),
    ] = None,
    disabled: Annotated[bool, typer.Option("--disabled", help="It starts nothing yet.")] = False,
    cron: Annotated[
        str | None, typer.Option(metavar="FIELDS", help="Schedule: AWS's six fields, '0 9 ? * MON-FRI *'.")
    ] = None,
    timezone: Annotated[str | None, typer.Option(metavar="ZONE", help="Of --cron, such as Europe/Berlin.")] = None,
    rate: Annotated[str | None, typer.Option(metavar="TIME", help="Schedule: every 5m, 1h, 1d.")] = None,
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="Schedule: once, at +2h, 18:00, or a timestamp.")
    ] = None,
    event_pattern: Annotated[
        str | None, typer.Option(metavar="JSON", help="Events: EventBridge's pattern; or @FILE, or -.")
    ] = None,
    bus: Annotated[str | None, typer.Option(metavar="NAME", help="Events: default is the stack's trigger bus.")] = None,
    path: Annotated[
        str | None, typer.Option(metavar="PATH", help="Webhooks: the address below /http-trigger/.")
    ] = None,
    signature: Annotated[
        Signature | None,
        typer.Option(help="Webhooks: none accepts any sender. Default: standard-webhooks."),
    ] = None,
    raw_body: Annotated[bool, typer.Option("--raw-body", help="Webhooks: the function gets the body as text.")] = False,
    retries: Annotated[int | None, typer.Option(min=0, help="How often a failed run is executed again.")] = None,
    retry_delay: Annotated[
        str | None, typer.Option(metavar="TIME", help="Before the first retry. Default: 10s.")
    ] = None,
    retry_backoff: Annotated[
        float | None, typer.Option(help="Each delay is so many times the last. Default: 2.")
    ] = None,
    retry_max_delay: Annotated[str | None, typer.Option(metavar="TIME", help="Longest delay. Default: 1h.")] = None,
    retry_jitter: Annotated[Jitter | None, typer.Option(help="Of delays. Default: full.")] = None,
    retry_not: Annotated[
        list[str] | None,
        typer.Option(metavar="ERROR", help="No retry after this errorCode. May be repeated."),
    ] = None,
    retry_manual_reruns: Annotated[
        bool, typer.Option("--retry-manual-reruns", help="Retry what people re-run, too.")
    ] = False,
) -> None:
    """Add a trigger. The secret of a webhook is in this answer only.

    fnrun triggers add nightly --function orders --cron '0 3 ? * * *' --timezone Europe/Berlin
    """
    from fnrun import lookup
    from fnrun.connection.session import open_client
    from fnrun.registry.trigger_options import execution_type, retry_policy, trigger_metadata
    from fnrun.shared import in_flight

    options = {
        "cron": cron,
        "timezone": timezone,
        "rate": rate,
        "at": at,
        "event-pattern": event_pattern,
        "bus": bus,
        "path": path,
        "signature": signature,
        "raw-body": raw_body,
    }
    kind = execution_type(type_, options)
    body: dict[str, Any] = {"execution_type": kind, "trigger_metadata": trigger_metadata(kind, options, params)}
    policy = retry_policy(
        {
            "retries": retries,
            "retry-delay": retry_delay,
            "retry-backoff": retry_backoff,
            "retry-max-delay": retry_max_delay,
            "retry-jitter": retry_jitter,
            "retry-not": retry_not,
            "retry-manual-reruns": retry_manual_reruns,
        }
    )
    body |= ({"retry_policy": policy} if policy else {}) | ({"enabled": False} if disabled else {})
    with open_client() as client:
        function_id = lookup.function_id(client, function)
        with in_flight(f"the trigger {name} was added", check="fnrun triggers list"):
            trigger = client.create_trigger(name=name, function_id=function_id, **body)
        _print(client, trigger)


@app.command()
def show(trigger: _Trigger) -> None:
    """Show a trigger, with its params."""
    from fnrun import lookup
    from fnrun.connection.session import open_client

    with open_client() as client:
        _print(client, client.get_trigger(lookup.trigger_id(client, trigger)))


@app.command()
def edit(
    trigger: _Trigger,
    *,
    file: Annotated[
        str | None,
        typer.Option("--file", metavar="FILE", help="Take the document from there instead; - reads standard input."),
    ] = None,
) -> None:
    """Change a trigger in $VISUAL or $EDITOR.

    What a document leaves out stays as it is. With its `version`, nothing that another has changed is overwritten.
    """
    from fnrun import lookup
    from fnrun.connection.session import open_client
    from fnrun.registry.documents import TRIGGER
    from fnrun.registry.editing import Edit

    with open_client() as client:
        its_edit = Edit(client, TRIGGER, lookup.trigger_id(client, trigger), trigger)
        _print(client, its_edit.in_editor() if file is None else its_edit.by_file(file))


@app.command()
def enable(trigger: _Trigger) -> None:
    """Let a trigger start runs."""
    _set_enabled(trigger, enabled=True)


@app.command()
def disable(trigger: _Trigger) -> None:
    """Let a trigger start nothing. Its runs can still be re-run."""
    _set_enabled(trigger, enabled=False)


@app.command()
def rotate(
    trigger: _Trigger,
    *,
    drop_previous: Annotated[
        bool, typer.Option("--drop-previous", help="The secret of until now is not valid any more, at once.")
    ] = False,
    yes: _Yes = False,
) -> None:
    """Give a webhook a new secret, and print it: this once. The one before it stays valid until the next rotation."""
    from fnrun import lookup
    from fnrun.connection.session import open_client
    from fnrun.output.ask import confirm
    from fnrun.output.console import note, print_json
    from fnrun.shared import in_flight, invocation

    with open_client() as client:
        trigger_id = lookup.trigger_id(client, trigger)
        if drop_previous:
            confirm(f"Refuse all webhooks of {trigger} that are signed with its secret of until now?", yes=yes)
        check = "fnrun audit --action rotate-secret; rotate again if in doubt"
        with in_flight(f"the secret of {trigger} was rotated", check=check):
            rotated = client.rotate_secret(trigger_id, **({"keep_previous": False} if drop_previous else {}))
    if invocation().as_json:
        print_json(rotated)
        return
    typer.echo(rotated["secret"])
    before = "is not valid any more" if drop_previous else "stays valid until the next rotation"
    note(f"The secret is shown this once: give it to the sender now. The one before it {before}.")


@app.command()
def remove(trigger: _Trigger, *, yes: _Yes = False) -> None:
    """Remove a trigger. Its runs stay, but can no longer be re-run: to stop it only, disable it."""
    from fnrun import lookup
    from fnrun.connection.session import open_client
    from fnrun.output.ask import confirm
    from fnrun.output.console import note, print_json
    from fnrun.shared import in_flight, invocation

    with open_client() as client:
        trigger_id = lookup.trigger_id(client, trigger)
        if not yes:
            note("Its runs can no longer be re-run; `fnrun triggers disable` keeps them so.")
        confirm(f"Remove the trigger {trigger}?", yes=yes)
        with in_flight(f"{trigger} was removed", check="fnrun triggers list"):
            removed = client.delete_trigger(trigger_id)
    if invocation().as_json:
        print_json(removed)
    else:
        note(f"{trigger} is removed.")


def _set_enabled(trigger: str, *, enabled: bool) -> None:
    from fnrun import lookup
    from fnrun.connection.session import open_client
    from fnrun.output.console import note
    from fnrun.shared import in_flight

    with open_client() as client:
        trigger_id = lookup.trigger_id(client, trigger)
        found = client.get_trigger(trigger_id)
        if found["enabled"] is enabled:
            note("Nothing was changed.")
        else:
            with in_flight(f"{trigger} was changed", check=f"fnrun triggers show {trigger_id}"):
                found = client.change_trigger(trigger_id, enabled=enabled, version=found["version"])
        _print(client, found)


def _print(client: "Client", trigger: Any) -> None:
    from fnrun import lookup
    from fnrun.connection.session import current
    from fnrun.output.console import print_json
    from fnrun.registry.shown import print_trigger
    from fnrun.shared import invocation

    if invocation().as_json:
        print_json(trigger)
        return
    session = current()
    base_url = f"{session.url.rstrip('/')}/workspace/{session.workspace}/api/v1"
    print_trigger(trigger, lookup.function_names(client), base_url=base_url)
