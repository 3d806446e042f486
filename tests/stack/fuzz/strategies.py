"""What may be sent to an entry point."""

import base64
import json
from typing import Any

from hypothesis import strategies as st

from handlers.api.catalogue import OPERATIONS
from handlers.api.operations import BASE
from handlers.domain.runs.run import ExecutionType
from tests.builders import FUNCTION_ARN, FUNCTION_ID, RUN_ID, TRIGGER_ID
from tests.entry_points.events import (
    ABSENT,
    OWN,
    PATH,
    ROUTES,
    Event,
    Json,
    http_event,
)

TEXT = st.text(max_size=30)
HALF_A_PAIR = st.sampled_from(["\ud800", "a\udfffb"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXT | HALF_A_PAIR
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT | HALF_A_PAIR, inner, max_size=3),
    max_leaves=8,
)
IDS = st.sampled_from([RUN_ID, RUN_ID.upper(), FUNCTION_ID, TRIGGER_ID, ABSENT])
# What each kind of trigger says of itself, and what it should not say.
METADATA = st.fixed_dictionaries(
    {},
    optional={
        "params": st.dictionaries(TEXT, VALUES, max_size=2) | VALUES,
        "scheduleType": st.sampled_from(["interval", "cron", "once", ""]),
        "interval": st.sampled_from([60, 3600, 90, 0, -60]) | VALUES,
        "cronExpression": st.sampled_from(["0 9 ? * MON-FRI *", "* * * * * *", "0 9 * * MON"]) | TEXT,
        "timezone": st.sampled_from(["Europe/Berlin", "UTC", "../UTC"]) | TEXT,
        "at": st.sampled_from(["2099-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00"]) | TEXT,
        "eventPattern": st.dictionaries(st.sampled_from(["source", "detail", "$or"]) | TEXT, VALUES, max_size=3),
        "eventBusName": st.just("default") | TEXT,
        "path": st.just(PATH) | TEXT,
        "signature": st.sampled_from(["none", "standard-webhooks"]) | TEXT,
    },
)
POLICY = st.fixed_dictionaries(
    {},
    optional={
        "maxRetries": st.integers(-1, 101) | VALUES,
        "initialDelaySeconds": st.sampled_from([0, 10, -1]) | VALUES,
        "backoffRate": st.floats() | VALUES,
        "maxDelaySeconds": st.integers(),
        "jitter": st.sampled_from(["full", "none", "some"]),
        "nonRetryableErrors": st.lists(TEXT, max_size=2) | VALUES,
        "retryManualReruns": st.booleans() | VALUES,
    },
)
PLAUSIBLE = {
    "useLatestCode": st.booleans(),
    "reason": TEXT | st.just("x" * 513),
    "overrideParams": st.dictionaries(TEXT, VALUES, max_size=3),
    "notBefore": st.sampled_from(["2026-01-01T00:00:00Z", "2099-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59"]) | TEXT,
    "ifNotRecovered": st.booleans(),
    "effects": st.sampled_from(["new", "same", "Same"]),
    "planToken": TEXT | st.binary(max_size=40).map(lambda raw: base64.urlsafe_b64encode(raw).decode()),
    "retryPolicy": POLICY,
    "payload": st.dictionaries(TEXT, VALUES, max_size=3),
    "orchestrationId": TEXT,
    "name": TEXT | st.just("x" * 129),
    "functionArn": st.just(FUNCTION_ARN) | TEXT | st.just(f"{FUNCTION_ARN}:7") | st.just(f"{FUNCTION_ARN}:live"),
    "functionId": IDS | TEXT,
    "executionType": st.sampled_from([*ExecutionType, *ExecutionType, "ON-DEMAND", ""]),
    "triggerMetadata": METADATA,
    "captureFailures": st.fixed_dictionaries({}, optional={"triggerId": IDS | VALUES}),
    "ignoreDifferences": st.lists(st.sampled_from(["/a", "/*/b", "/a~1b", "", "/~2"]) | TEXT | VALUES, max_size=3),
    "repeats": st.integers(0, 6),
    "candidateVersion": st.sampled_from(["latest", "1", "8", "0", "live"]) | TEXT,
    "candidateFunctionId": IDS | TEXT,
    "ignore": st.lists(st.sampled_from(["/a", "/*/b", ""]) | TEXT, max_size=3),
    "keepPrevious": st.booleans(),
    "enabled": st.booleans(),
    "version": st.integers(),
    "id": IDS,
    "workspace": st.just(OWN),
    "createdAt": TEXT,
}
OF_A_RERUN = ["useLatestCode", "reason", "overrideParams", "notBefore", "ifNotRecovered", "effects"]
FITTING = {
    "rerun": [*OF_A_RERUN, "planToken"],
    "rerun-plan": OF_A_RERUN,
    "experiments": ["repeats", "candidateVersion", "candidateFunctionId", "ignore", "reason"],
    "execute": ["payload", "orchestrationId"],
    "rotate-secret": ["keepPrevious"],
    "compute-functions": ["name", "functionArn", "captureFailures", "ignoreDifferences", "version"],
    "function-triggers": [
        "name",
        "functionId",
        "executionType",
        "triggerMetadata",
        "enabled",
        "retryPolicy",
        "version",
    ],
}
FIELDS = st.lists(st.sampled_from(list(PLAUSIBLE)) | TEXT | HALF_A_PAIR, max_size=4, unique=True)


@st.composite
def objects(draw: st.DrawFn) -> dict[str, Json]:
    """Objects of fields that a request may have, their values plausible or not."""
    return {name: draw(PLAUSIBLE[name] | VALUES if name in PLAUSIBLE else VALUES) for name in draw(FIELDS)}


def fitting(route: str) -> st.SearchStrategy[str]:
    """Bodies of the route's own fields, most of which could pass."""
    names = next((names for end, names in FITTING.items() if route.partition("/{")[0].endswith(end)), [])
    names = next((names for end, names in FITTING.items() if route.endswith("/" + end)), names)
    return st.fixed_dictionaries({}, optional={name: PLAUSIBLE[name] for name in names}).map(json.dumps)


JSON_TEXTS = st.builds(json.dumps, objects() | VALUES)
CUT = st.builds(lambda text, at: text[: at % (len(text) + 1)], JSON_TEXTS, st.integers(0, 500))
TWICE = st.builds(lambda name, text: f'{{"{name}": {text}, "{name}": 1}}', st.sampled_from(list(PLAUSIBLE)), JSON_TEXTS)
BODIES = (
    st.none()
    | JSON_TEXTS
    | JSON_TEXTS.map(str.encode)
    | CUT
    | TWICE
    | TEXT
    | st.binary(max_size=40)
    | st.builds(lambda depth: "[" * depth, st.integers(1, 2000))
    | st.sampled_from(["NaN", '{"a": 1e999}', '{"reason": "\\ud800"}', '{"\\ud800": 1}', "\ufeff{}", "\x00"])
)

TIMES = st.sampled_from(
    ["2026-11-22", "2026-W47-7", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2030-01-01T00:00:00Z"]
)
_QUERY: dict[str, st.SearchStrategy[str]] = {
    "limit": st.sampled_from(["1", "100", "0", "101", "-1", "1,2", "٣", "1e2", ""]) | TEXT,
    "cursor": TEXT
    | st.binary(max_size=70).map(lambda raw: base64.urlsafe_b64encode(raw).decode())
    | st.just(base64.urlsafe_b64encode(f"9999-99-99T99:99:99.999Z#{ABSENT}".encode()).decode().rstrip("=")),
    "include": st.sampled_from(["parameters", "result,logs", "parameters,parameters", ",", "Parameters", ""]) | TEXT,
    "status": st.sampled_from(["failure", "pending", "FAILURE", "failure,timeout"]) | TEXT,
    "functionId": IDS | TEXT,
    "triggerId": IDS | TEXT,
    "runId": IDS | TEXT,
    "with": IDS | TEXT,
    "by": st.just("alice") | TEXT,
    "action": st.sampled_from(["rerun", "reveal", "retry", "RERUN"]) | TEXT,
    "from": TIMES | st.datetimes().map(str) | TEXT,
    "to": TIMES | st.datetimes().map(str) | TEXT,
}
_TAKEN = {f"{each.method} {each.full_path.removeprefix(BASE)}": [one.name for one in each.query] for each in OPERATIONS}


def queries(route: str) -> st.SearchStrategy[dict[str, str]]:
    """Of what the route takes, as a rule: anything else is refused before the rest is looked at."""
    taken = st.fixed_dictionaries({}, optional={name: _QUERY[name] for name in _TAKEN[route] if name in _QUERY})
    surprise = st.sampled_from([{}] * 9 + [{"surprise": "true"}])
    return st.builds(lambda known, more: known | more, taken, surprise)


HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "if-match": st.sampled_from(['"1"', 'W/"1"', "*", '"1", "2"', '"-1"']) | TEXT,
        "content-type": TEXT,
        "webhook-id": st.sampled_from(["msg_1", "x" * 300]) | TEXT,
        "webhook-timestamp": st.sampled_from(["1795339800", "٣", "-1", "1e3"]) | TEXT,
        "webhook-signature": st.sampled_from(["v1,AAAA", "v1", ","]) | TEXT,
    },
)
GRANTS = st.sampled_from([f"[{OWN}/*:*]", f"{OWN}/*:*", f"[other/*:* {OWN}/function-runs:read]", "[", "[]", "*/*:*"])
CLAIMS = st.fixed_dictionaries(
    {},
    optional={
        "sub": st.just("alice") | VALUES,
        "cognito:groups": GRANTS | st.lists(GRANTS) | VALUES,
        "permissions": GRANTS | VALUES,
        "scope": GRANTS | VALUES,
        "token_use": st.sampled_from(["access", "id"]) | VALUES,
        "client_id": st.just("alice") | VALUES,
        "gty": st.just("client-credentials") | VALUES,
    },
)
# Mostly what passes, or nothing behind the first check would ever be reached.
WORKSPACES = st.sampled_from([OWN] * 25 + ["other", "ACME", "a'b/c", "%22", "{runId}", "…"])
PATH_IDS = (
    IDS | st.text(min_size=1, max_size=40) | st.sampled_from([".", "..", "{workspace}", "%2F", "<run_id>", "a/b"])
)


@st.composite
def requests(draw: st.DrawFn, routes: list[str]) -> tuple[Any, Event]:
    """An entry point and an event for it."""
    route = draw(st.sampled_from(routes))
    names = [each.partition("}")[0] for each in route.split("{")[1:]]
    known = {"runId": RUN_ID, "functionId": FUNCTION_ID, "triggerId": TRIGGER_ID}
    parameters = {"workspace": draw(WORKSPACES)}
    parameters |= {name: draw(st.just(known[name]) | PATH_IDS) for name in names if name in known}
    if "path+" in names:
        parameters["path"] = draw(st.just(PATH) | PATH_IDS)
    return ROUTES[route], http_event(
        route,
        parameters,
        body=draw(fitting(route) | BODIES),
        query=draw(st.none() | queries(route)),
        headers=draw(HEADERS),
        claims=draw(CLAIMS) if draw(st.integers(0, 8)) == 5 else None,
    )


CONSOLE_EVENTS = VALUES | st.builds(
    lambda known, more: known | more,
    st.fixed_dictionaries(
        {},
        optional={
            "workspace": st.just(OWN) | VALUES,
            "runId": IDS | VALUES,
            "rerunBy": TEXT | VALUES,
            "useLatestCode": st.booleans() | VALUES,
            "overrideParams": st.dictionaries(TEXT, VALUES, max_size=2) | VALUES,
            "reason": TEXT | VALUES,
        },
    ),
    st.fixed_dictionaries({}, optional={"requestContext": VALUES, "surprise": VALUES}),
)
