"""Is the stack well, is the token good, do runs wait? Asked from outside, as any caller would."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
from function_rerun import TokenUnavailable

from fnrun.connection import token_store
from fnrun.connection.addresses import is_loopback
from fnrun.connection.discovery import LoginDescription, login_description
from fnrun.connection.http import ANSWER_SECONDS, send
from fnrun.connection.identity import Identity
from fnrun.connection.local_stack import NEXT_STEP, LocalStack
from fnrun.connection.refusals import SKEW_SECONDS, reasons_of_refusal
from fnrun.connection.session import TOKEN_VARIABLE, Session
from fnrun.connection.sources import GivenToken
from fnrun.connection.token_store import Place, key_of
from fnrun.doctor.findings import Finding, Health, fault, ok, warning
from fnrun.doctor.needs import may_do, may_do_all
from fnrun.errors import CommandError
from fnrun.failures import explained
from fnrun.output.times import moment

STUCK_MINUTES = 10
_PAGE = 100


def examine(session: Session, *, wanted: str | None) -> Iterator[Finding]:
    """Goes on as long as one thing lets the next be looked at. `wanted` is one of `needs.NEEDS`."""
    if session.local is not None:
        yield _emulator(session.local)
    try:
        api = login_description(session.url)
    except CommandError as error:
        yield fault("stack", error.message, NEXT_STEP if session.local else error.next_step)
        return
    yield ok("stack", f"{session.url} answers, version {api.version}")
    yield from _clock(session.url)
    yield _place(session)
    try:
        token = session.source.token()
    except CommandError as error:
        yield fault("token", error.message, error.next_step)
        return
    found = list(_token(session, token, api))
    yield from found
    if any(each.health is Health.FAULT for each in found):
        return
    yield from _permissions(session, wanted)


def _emulator(found: LocalStack) -> Finding:
    try:
        answer = send("GET", f"{found.aws_endpoint_url}/_ministack/health", what="The emulator")
    except CommandError as error:
        return fault("local stack", error.message, NEXT_STEP)
    if answer.is_success:
        return ok("local stack", f"The emulator at {found.aws_endpoint_url} is well")
    return fault("local stack", f"The emulator answers {answer.status_code}", "fnrun local down, then fnrun local up")


def _clock(url: str) -> Iterator[Finding]:
    begun = time.time()
    # Not from a cache, as the description may be.
    answer = send("GET", f"{url}/workspace/-", what="The API")
    sent = answer.headers.get("date")
    try:
        theirs = parsedate_to_datetime(sent).timestamp()
    except (TypeError, ValueError):
        return  # it does not say
    skew = (begun + time.time()) / 2 - theirs
    if abs(skew) <= SKEW_SECONDS:
        yield ok("clock", "This machine's clock is right")
        return
    how = "fast" if skew > 0 else "slow"
    yield warning(
        "clock", f"This machine's clock is {abs(skew):.0f} s {how}", "set it: valid tokens may be taken for expired"
    )


def _place(session: Session) -> Finding:
    if isinstance(session.source, GivenToken):
        return ok("token's place", f"The token is {TOKEN_VARIABLE}'s, which is not renewed")
    if session.local is not None and session.profile == "local":
        return ok("token's place", "The token is the local stack's own, which is renewed when it is refused")
    place = token_store.place_of(key_of(session.profile or "", session.url))
    if place is Place.FILE:
        return warning(
            "token's place",
            "Tokens are in a file that only you can read",
            "better, if there is one: a system's keyring",
        )
    return ok("token's place", "Tokens are in the keyring" if place else "No tokens are kept")


def _token(session: Session, token: str, api: LoginDescription) -> Iterator[Finding]:
    try:
        answer = _get(session, "?limit=1")
    except CommandError as error:  # it is refused, and there is no other
        reasons = reasons_of_refusal(token, api)
        yield from _refused(session, reasons) if reasons else [fault("token", error.message, error.next_step)]
        return
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        yield from _refused(session, reasons_of_refusal(token, api) or ["it does not say why"])
        return
    if answer.status_code not in (httpx.codes.OK, httpx.codes.FORBIDDEN):
        yield fault("stack", f"The API answers {answer.status_code}", "tell the operator; the stack's alarms say more")
        return
    identity = Identity.of(session.source.token())
    if identity is not None and identity.expires_at is not None:
        until = moment(datetime.fromtimestamp(identity.expires_at, UTC).isoformat())
        yield ok("token", f"The API takes it, for {identity.shown}; valid until {until}")
    else:
        yield ok("token", "The API takes it")


def _refused(session: Session, reasons: list[str]) -> list[Finding]:
    next_step = f"set another {TOKEN_VARIABLE}" if isinstance(session.source, GivenToken) else "fnrun login"
    return [fault("token", f"The API refuses the token: {reason}", next_step) for reason in reasons]


def _permissions(session: Session, wanted: str | None) -> Iterator[Finding]:
    identity, workspace = Identity.of(session.source.token()), session.named_workspace
    if identity is None:
        return
    if workspace is None:
        known = ", ".join(identity.by_workspace()) or "none"
        yield warning("may I", f"No workspace is named (the token has grants for: {known})", "add --workspace NAME")
        return
    yield from [may_do(identity, workspace, wanted)] if wanted else may_do_all(identity, workspace)
    if identity.may(workspace, "function-runs:read"):
        yield _stuck(session, workspace)


def _stuck(session: Session, workspace: str) -> Finding:
    before = datetime.now(UTC) - timedelta(minutes=STUCK_MINUTES)
    stamp = before.strftime("%Y-%m-%dT%H:%M:%SZ")
    answer = _get(session, f"?status=pending&limit={_PAGE}&to={stamp}")
    if not answer.is_success:
        return fault("runs", f"Pending runs cannot be listed: {answer.status_code}", "tell the operator")
    document = answer.json()
    waiting = [run for run in document["data"] if _is_due(run, before)]
    if not waiting:
        return ok("runs", f"No run in {workspace} waits for longer than {STUCK_MINUTES} minutes")
    number = f"{len(waiting)}{' or more' if document['meta']['nextCursor'] else ''}"
    reasons = ", ".join(sorted({run["errorCode"] for run in waiting if run["errorCode"]}))
    why = f" ({reasons})" if reasons else ""
    return warning(
        "runs",
        f"{number} runs in {workspace} wait for longer than {STUCK_MINUTES} minutes{why}",
        "fnrun runs list --status pending; an operator looks at concurrency and alarms",
    )


def _is_due(run: dict[str, Any], before: datetime) -> bool:
    return run["notBefore"] is None or datetime.fromisoformat(run["notBefore"]) <= before


def _get(session: Session, query: str) -> httpx.Response:
    """Of the workspace's runs."""
    address = f"{session.url}/workspace/{session.named_workspace or 'any'}/api/v1/function-runs{query}"
    try:
        with httpx.Client(auth=session.auth, timeout=ANSWER_SECONDS, trust_env=not is_loopback(session.url)) as client:
            return client.get(address)
    except TokenUnavailable as error:
        raise explained(error) from None
    except httpx.HTTPError as error:
        raise CommandError(f"The API did not answer ({type(error).__name__})", "call fnrun doctor again") from None
