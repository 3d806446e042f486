"""`fnrun login`."""

from typing import TYPE_CHECKING, Annotated

import typer

from fnrun.shared import Commands

if TYPE_CHECKING:
    from fnrun.connection.identity import Identity
    from fnrun.connection.logins import Target

app = Commands()


@app.command()
def login(
    url: Annotated[
        str | None, typer.Argument(help="The API's address, the stack's output ApiUrl. [that of the profile]")
    ] = None,
    *,
    client_id: Annotated[
        str | None, typer.Option("--client-id", metavar="ID", help="The client to log in with. [what the API names]")
    ] = None,
    issuer: Annotated[
        str | None, typer.Option("--issuer", metavar="URL", help="The identity provider. [what the API names]")
    ] = None,
    scope: Annotated[
        list[str] | None, typer.Option("--scope", metavar="SCOPE", help="Ask for this scope, too; may be repeated.")
    ] = None,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Only print the login page's address. Open it on this machine.")
    ] = False,
    token_stdin: Annotated[
        bool, typer.Option("--token-stdin", help="Take an access token from standard input, as in CI.")
    ] = False,
) -> None:
    """Log in to a stack by its URL, with the browser.

    The API names its identity provider. Tokens are kept in the system's keyring, or in a file that only you can read.
    On a machine without a browser: ssh -L 18250:127.0.0.1:18250 MACHINE, then fnrun login URL --no-browser there.
    In CI set FNRUN_TOKEN and FNRUN_URL instead of logging in, or use --token-stdin.
    """
    from fnrun.connection import logins
    from fnrun.connection.discovery import login_description
    from fnrun.connection.login import log_in
    from fnrun.output.console import note

    target = logins.target_of(url, issuer=issuer, client_id=client_id, scopes=tuple(scope or ()))
    api = login_description(target.profile.url)
    if token_stdin:
        tokens = logins.given_tokens(_token_from_stdin())
    else:
        provider, application = logins.provider_for(target, api), logins.application_for(target, api)
        # Whoever runs that API could name the provider of another one, and would be sent its token.
        note(f"Log in at {provider.issuer}. The tokens are sent to {target.profile.url}: go on only if you trust it.")
        tokens = log_in(provider, application, lambda page: _show(page, in_browser=not no_browser))
    identity = logins.proven(target, api, tokens.access_token)
    target, place = logins.keep(target, tokens, identity)
    note(f"Logged in to {target.profile.url} as {identity.shown}: profile {target.name}, tokens in the {place}.")
    _say_what_it_may(target, identity)


def _show(page: str, *, in_browser: bool) -> None:
    import webbrowser

    from fnrun.output.console import note

    if not in_browser:
        note("Open this address in a browser on this machine:")
        note(page)
        return
    note("Your browser shows the login page. If it does not, open:")
    note(page)
    webbrowser.open(page)


def _token_from_stdin() -> str:
    import sys

    if sys.stdin.isatty():
        from getpass import getpass

        return getpass("Access token: ").strip()
    return sys.stdin.read().strip()


def _say_what_it_may(target: "Target", identity: "Identity") -> None:
    from fnrun.connection.profiles import Profiles
    from fnrun.output.console import note

    for workspace, what in identity.by_workspace().items():
        note(f"May in {workspace}: {', '.join(what)}")
    if not identity.grants:
        note(
            "The token has no grant, so you may do nothing yet. An operator gives it: fnrun admin grant, or elsewhere."
        )
    elif target.profile.workspace is None:
        note("Name a workspace with --workspace or FNRUN_WORKSPACE, or log in with --workspace NAME to keep it.")
    if Profiles.load().default != target.name:
        note(f"Use it with --profile {target.name}, or always: fnrun profiles use {target.name}")
