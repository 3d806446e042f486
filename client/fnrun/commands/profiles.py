"""`fnrun profiles`."""

from typing import Annotated

import typer

from fnrun.shared import Commands

app = Commands(help="List and choose the stacks that you are logged in to.")
Name = Annotated[str, typer.Argument(help="The profile's name.")]


@app.command("list")
def list_profiles() -> None:
    """List the profiles; the local stack is one while it is up."""
    from fnrun.connection import local_stack, token_store
    from fnrun.connection.profiles import LOCAL, Profiles
    from fnrun.connection.token_store import key_of
    from fnrun.output.console import note, print_json
    from fnrun.output.tables import print_table
    from fnrun.shared import invocation

    profiles, found = Profiles.load(), local_stack.find()
    rows: list[dict[str, str | bool | None]] = [
        {
            "name": name,
            "url": each.url,
            "workspace": each.workspace,
            "default": name == profiles.default,
            "tokens": token_store.place_of(key_of(name, each.url)),
        }
        for name, each in sorted(profiles.by_name.items())
    ]
    if found:
        is_default = profiles.default in (None, LOCAL)
        address = {"name": LOCAL, "url": found.api_url, "workspace": local_stack.WORKSPACE}
        rows.append({**address, "default": is_default, "tokens": "local stack"})
    if invocation().as_json:
        print_json(rows)
    elif not rows:
        note("There are none. Next: fnrun login URL, or start a stack on this machine: fnrun local up")
    else:
        columns = ["NAME", "URL", "WORKSPACE", "DEFAULT", "TOKENS"]
        print_table(
            columns, [[*(list(row.values())[:3]), "yes" if row["default"] else "", row["tokens"]] for row in rows]
        )


@app.command()
def use(name: Name) -> None:
    """Make a profile the one of all commands that name none."""
    from dataclasses import replace

    from fnrun.connection.profiles import LOCAL, Profiles, changing_profiles
    from fnrun.output.console import note

    with changing_profiles():
        profiles = Profiles.load()
        if name != LOCAL:
            profiles.named(name)
        replace(profiles, default=name).save()
    note(f"Commands without --profile now use {name}.")


@app.command()
def remove(name: Name) -> None:
    """Forget a profile and its tokens."""
    from fnrun.connection.logins import log_out
    from fnrun.connection.profiles import LOCAL, Profiles, changing_profiles
    from fnrun.errors import UsageFault
    from fnrun.output.console import note

    if name == LOCAL:
        raise UsageFault("The local stack is found by itself", "stop it with: fnrun local down")
    with changing_profiles():
        profiles = Profiles.load()
        log_out(name, profiles.named(name))
        profiles.without(name).save()
    note(f"The profile {name} is removed.")
