"""`fnrun logout`."""

from fnrun.shared import Commands

app = Commands()


@app.command()
def logout() -> None:
    """Forget a stack's tokens, and end the login at its provider where that can be."""
    from fnrun.connection.logins import log_out
    from fnrun.connection.profiles import LOCAL, Profiles
    from fnrun.connection.session import current
    from fnrun.errors import UsageFault
    from fnrun.output.console import note

    name = current().profile
    if name is None or name == LOCAL:
        raise UsageFault("There is no login to end", "fnrun profiles list")
    ended = log_out(name, Profiles.load().named(name))
    if ended is None:
        note(f"Nobody was logged in with the profile {name}.")
    elif ended:
        note(f"Logged out of the profile {name}. Your browser may still be logged in at the provider.")
    else:
        note(
            f"The tokens of the profile {name} are removed. The provider was not asked to end them: they expire there."
        )
