"""From a URL to a profile that works: who is logged in where, and under which name it is kept."""

import os
from dataclasses import dataclass, replace

import httpx

from fnrun.connection import local_stack, token_store
from fnrun.connection.addresses import checked_url, is_loopback
from fnrun.connection.discovery import LoginDescription, Provider, provider_of
from fnrun.connection.exchange import is_revoked
from fnrun.connection.http import send
from fnrun.connection.identity import Identity
from fnrun.connection.login import Application
from fnrun.connection.profiles import LOCAL, Profile, Profiles, changing_profiles, checked_name
from fnrun.connection.refusals import reasons_of_refusal
from fnrun.connection.token_store import Place, Tokens, key_of
from fnrun.errors import CommandError, Exit, UsageFault
from fnrun.shared import invocation

DEFAULT_NAME = "default"
_NOBODYS = "any"
"""A workspace to ask for where none is known: who may not read there is known to the API all the same."""


@dataclass(frozen=True)
class Target:
    """What is being logged in to."""

    name: str
    profile: Profile


def target_of(url: str | None, *, issuer: str | None, client_id: str | None, scopes: tuple[str, ...]) -> Target:
    """What is named, else what the profile had; without a URL, the profile's. Raises CommandError."""
    profiles = Profiles.load()
    name = invocation().profile or os.environ.get("FNRUN_PROFILE")
    address = url or (None if name else os.environ.get("FNRUN_URL"))
    if address:
        address = checked_url(address, what="The URL")
        name = checked_name(name or _name_for(address, profiles))
    elif name or profiles.default:
        name = name or str(profiles.default)
        if name == LOCAL:
            raise UsageFault("The local stack needs no login", "fnrun whoami")
        address = profiles.named(name).url
    else:
        raise UsageFault("It is not known where to log in", "fnrun login URL, with the stack's output ApiUrl")
    former = profiles.by_name.get(name)
    kept = former if former and former.url == address else Profile(address)
    profile = Profile(
        address,
        workspace=invocation().workspace or kept.workspace,
        issuer=issuer or kept.issuer,
        client_id=client_id or kept.client_id,
        scopes=scopes or kept.scopes,
    )
    return Target(name, profile)


def _name_for(url: str, profiles: Profiles) -> str:
    name = profiles.of_url(url) or DEFAULT_NAME
    if name in profiles.by_name and profiles.by_name[name].url != url:
        other = profiles.by_name[name].url
        raise UsageFault(f"The profile {name!r} is that of {other}", "name another one: --profile NAME")
    return name


def provider_for(target: Target, api: LoginDescription) -> Provider:
    """Raises CommandError."""
    issuer, found = target.profile.issuer or api.issuer, local_stack.find()
    if found and found.api_url == target.profile.url and issuer == api.issuer:
        # The emulator stands for AWS: its issuer is AWS's address, and it is the emulator that describes it.
        return provider_of(issuer, address=f"{found.aws_endpoint_url}/{issuer.rsplit('/', 1)[-1]}")
    return provider_of(issuer)


def application_for(target: Target, api: LoginDescription) -> Application:
    """Raises CommandError."""
    client_id = target.profile.client_id or api.client_id
    if not client_id:
        raise CommandError(
            "The API does not name the client to log in with", "name it: fnrun login URL --client-id ID", Exit.USAGE
        )
    audience = next((each for each in api.audience if each != client_id), None)
    return Application(client_id, audience, target.profile.scopes)


def given_tokens(token: str) -> Tokens:
    """A token that comes without a login, as in CI; it cannot be renewed."""
    identity = Identity.of(token)
    if identity is None:
        raise UsageFault("What came on standard input is not an access token", "print the token alone into fnrun login")
    return Tokens(
        token,
        identity.issuer or "",
        identity.client or "",
        "",
        expires_at=identity.expires_at,
        obtained_at=identity.issued_at,
    )


def proven(target: Target, api: LoginDescription, token: str) -> Identity:
    """Who the API takes the caller for. Raises CommandError if it does not take the token."""
    identity = Identity.of(token)
    workspace = target.profile.workspace or _only_workspace(identity) or _NOBODYS
    address = f"{target.profile.url}/workspace/{workspace}/api/v1/function-runs?limit=1"
    answer = send("GET", address, what="The API", token=token)
    if answer.status_code == httpx.codes.UNAUTHORIZED or identity is None:
        reasons = "; ".join(reasons_of_refusal(token, api)) or "it does not say why"
        raise CommandError(
            f"The API refuses the token: {reasons}",
            "check issuer, audience and client of the stack",
            Exit.NOT_PERMITTED,
        )
    if answer.status_code not in (httpx.codes.OK, httpx.codes.FORBIDDEN):
        raise CommandError(f"The API answers {answer.status_code}", "try again: fnrun login", Exit.NOT_REACHED)
    return identity


def keep(target: Target, tokens: Tokens, identity: Identity) -> tuple[Target, Place]:
    """The profile with its workspace, and where its tokens are now."""
    profile = replace(target.profile, workspace=target.profile.workspace or _only_workspace(identity))
    with changing_profiles():
        profiles = Profiles.load()
        former = profiles.by_name.get(target.name)
        with token_store.exclusive():
            if former and former.url != profile.url:
                token_store.delete(key_of(target.name, former.url))
            place = token_store.write(key_of(target.name, profile.url), tokens)
        changed = profiles.with_profile(target.name, profile)
        # A stack on this machine comes and goes, and is found by itself: it does not become what all commands call.
        changed.save() if not is_loopback(profile.url) else replace(changed, default=profiles.default).save()
    return Target(target.name, profile), place


def log_out(name: str, profile: Profile) -> bool | None:
    """Whether the provider has ended the login, too; None if there was none."""
    key = key_of(name, profile.url)
    with token_store.exclusive():
        tokens = token_store.read(key)
        token_store.delete(key)
    return None if tokens is None else is_revoked(tokens)


def _only_workspace(identity: Identity | None) -> str | None:
    workspaces = list(identity.by_workspace()) if identity else []
    return workspaces[0] if len(workspaces) == 1 else None
