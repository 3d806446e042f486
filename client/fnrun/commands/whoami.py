"""`fnrun whoami`."""

from typing import TYPE_CHECKING

from fnrun.shared import Commands

if TYPE_CHECKING:
    from typing import Any

    from fnrun.connection.identity import Identity

app = Commands()


@app.command()
def whoami() -> None:
    """Show who you are for the stack, what you may do there, and how long the token is valid.

    It is read from the token, which is not shown. Whether the API takes it: fnrun doctor.
    """
    from fnrun.connection.identity import Identity
    from fnrun.connection.session import current
    from fnrun.errors import CommandError, Exit
    from fnrun.output.console import print_json, stdout
    from fnrun.shared import invocation

    session = current()
    identity = Identity.of(session.source.token())
    if identity is None:
        raise CommandError("The token is not a JWT, and the API takes no other", "fnrun doctor", Exit.NOT_PERMITTED)
    document = {
        "profile": session.profile,
        "url": session.url,
        "workspace": session.named_workspace,
        "subject": identity.subject,
        "name": identity.name,
        "client": identity.client,
        "issuer": identity.issuer,
        "grants": identity.by_workspace(),
        "issuedAt": _timestamp(identity.issued_at),
        "expiresAt": _timestamp(identity.expires_at),
    }
    if invocation().as_json:
        print_json(document)
        return
    out = stdout()
    for name, text in _lines(document, identity):
        out.print(f"{name:<11}{text}")


def _lines(document: dict[str, "Any"], identity: "Identity") -> "list[tuple[str, str]]":
    from fnrun.output.text import printable
    from fnrun.output.times import moment

    valid = f"from {moment(document['issuedAt'])} until {moment(document['expiresAt'])}"
    grants = [f"{workspace}: {', '.join(what)}" for workspace, what in identity.by_workspace().items()]
    lines = [
        ("Who", identity.shown),
        ("At", f"{document['url']} (profile {document['profile'] or 'none'})"),
        ("Workspace", document["workspace"] or "none: add --workspace NAME"),
        ("Issuer", identity.issuer or ""),
        ("Token", valid),
        *(("May", each) for each in grants or ["nothing: the token has no grant"]),
    ]
    return [(name, printable(text)) for name, text in lines]


def _timestamp(seconds: float | None) -> str | None:
    from datetime import UTC, datetime

    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
