"""Whatever is sent to a door, it answers: never with a fault of its own, and a refusal has changed nothing."""

import base64
import json
from collections.abc import Iterator
from copy import deepcopy
from datetime import timedelta
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any, NamedTuple
from urllib.parse import quote
from uuid import uuid4

import boto3
import botocore.session
import httpx
import pytest
from botocore.config import Config
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from handlers import api_registry, api_rerun, api_runs, api_triggers, execute_runs, watchdog
from handlers.aws.cipher import Cipher
from handlers.aws.function_invoker import FunctionInvoker
from handlers.domain import clock
from handlers.domain.json_document import MAX_BYTES, MAX_DEPTH, MAX_KEY_LENGTH
from handlers.domain.recovery import Remedy
from handlers.domain.run import FunctionRun, Status
from handlers.http import MAX_BODY_BYTES
from handlers.wiring import Settings, Wiring
from infra.local.laptop import Laptop
from tests.builders import FUNCTION_ARN, FUNCTION_ID, RUN_ID, TRIGGER_ID, a_pin, a_run, an_id
from tests.fakes import World
from tests.stack.driver import Workspace

ABSENT = "00000000-0000-4000-8000-00000000dead"
OWN = "acme"
BASE = "/workspace/{workspace}/api/v1"
Event = dict[str, Any]
Json = Any

ROUTES: dict[str, Any] = {
    "POST /function-runs/{runId}/rerun": api_rerun,
    "GET /function-runs/{runId}/rerun-history": api_runs,
    "GET /function-runs": api_runs,
    "GET /function-runs/{runId}": api_runs,
    "POST /compute-functions": api_registry,
    "GET /compute-functions": api_registry,
    "GET /compute-functions/{functionId}": api_registry,
    "PUT /compute-functions/{functionId}": api_registry,
    "DELETE /compute-functions/{functionId}": api_registry,
    "POST /function-triggers": api_registry,
    "GET /function-triggers": api_registry,
    "GET /function-triggers/{triggerId}": api_registry,
    "PUT /function-triggers/{triggerId}": api_registry,
    "DELETE /function-triggers/{triggerId}": api_registry,
    "POST /function-triggers/{triggerId}/execute": api_triggers,
}
WITH_AN_ID = [route for route in ROUTES if "{" in route]
quickly = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


class Context:
    """What Lambda tells a handler about its invocation."""

    function_name = "a-door"
    function_version = "$LATEST"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:a-door"
    aws_request_id = "52fdfc07-2182-454f-963f-5f0f9a621d72"

    def get_remaining_time_in_millis(self) -> int:
        return 55_000


CONTEXT: Any = Context()


def http_event(
    route: str,
    parameters: dict[str, str],
    *,
    body: str | bytes | None = None,
    query: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
    claims: dict[str, Any] | None = None,
) -> Event:
    """A request as an HTTP API hands it over: payload format 2.0, behind a JWT authorizer."""
    method, _, path = route.partition(" ")
    path = BASE + path
    raw = path
    for name, value in parameters.items():
        raw = raw.replace(f"{{{name}}}", quote(value, safe=""))
    verified = {"sub": "alice", "token_use": "access", "cognito:groups": f"[{OWN}/*:*]"} if claims is None else claims
    event: Event = {
        "version": "2.0",
        "routeKey": f"{method} {path}",
        "rawPath": raw,
        "rawQueryString": "&".join(f"{quote(key)}={quote(value)}" for key, value in (query or {}).items()),
        "headers": {"content-type": "application/json", "host": "api.example.org"} | (headers or {}),
        "pathParameters": parameters,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "api",
            "authorizer": {"jwt": {"claims": verified, "scopes": None}},
            "domainName": "api.example.org",
            "domainPrefix": "api",
            "http": {
                "method": method,
                "path": raw,
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.1",
                "userAgent": "hypothesis",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": f"{method} {path}",
            "stage": "$default",
            "time": "22/Nov/2026:09:30:00 +0000",
            "timeEpoch": 1795339800000,
        },
        "isBase64Encoded": isinstance(body, bytes),
    }
    if query:
        event["queryStringParameters"] = query
    if body is not None:
        event["body"] = base64.b64encode(body).decode() if isinstance(body, bytes) else body
    return event


def answer_of(door: Any, event: Event) -> tuple[int, Json]:
    """Status and document of an answer, after what Lambda's runtime and API Gateway do to it."""
    sent = json.dumps(door.lambda_handler(event, CONTEXT), ensure_ascii=False).encode()
    answered = json.loads(sent)
    body = answered.get("body")
    return answered["statusCode"], json.loads(body) if body else None


def assert_complete(document: Json, status: int | None = None) -> None:
    """An error document as the design has it, with the reason phrase of its status."""
    assert (
        {"error", "code", "message", "requestId"}
        <= document.keys()
        <= {*("error", "code", "message", "requestId", "field", "orchestrationId")}
    )
    assert all(isinstance(value, str) and value for value in document.values()), document
    assert document["code"] not in ("INTERNAL_ERROR", "UNAVAILABLE"), document
    if status is not None:
        assert document["error"] == HTTPStatus(status).phrase
        assert 400 <= status < 500, document


# ---------------------------------------------------------------------------------------------------------------------
# What may be sent

TEXT = st.text(max_size=30)
HALF_A_PAIR = st.sampled_from(["\ud800", "a\udfffb"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXT | HALF_A_PAIR
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT | HALF_A_PAIR, inner, max_size=3),
    max_leaves=8,
)
IDS = st.sampled_from([RUN_ID, RUN_ID.upper(), FUNCTION_ID, TRIGGER_ID, ABSENT])
PLAUSIBLE = {
    "useLatestCode": st.booleans(),
    "reason": TEXT | st.just("x" * 513),
    "overrideParams": st.dictionaries(TEXT, VALUES, max_size=3),
    "payload": st.dictionaries(TEXT, VALUES, max_size=3),
    "orchestrationId": TEXT,
    "name": TEXT | st.just("x" * 129),
    "functionArn": st.just(FUNCTION_ARN) | TEXT | st.just(f"{FUNCTION_ARN}:7") | st.just(f"{FUNCTION_ARN}:live"),
    "functionId": IDS | TEXT,
    "executionType": st.sampled_from(["on-demand", "scheduled", "ON-DEMAND", ""]),
    "triggerMetadata": st.fixed_dictionaries({"params": VALUES}),
    "enabled": st.booleans(),
    "version": st.integers(),
    "id": IDS,
    "workspace": st.just(OWN),
    "createdAt": TEXT,
}
FITTING = {
    "rerun": ["useLatestCode", "reason", "overrideParams"],
    "execute": ["payload", "orchestrationId"],
    "compute-functions": ["name", "functionArn", "version"],
    "function-triggers": ["name", "functionId", "executionType", "triggerMetadata", "enabled", "version"],
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
QUERIES = st.fixed_dictionaries(
    {},
    optional={
        "limit": st.sampled_from(["1", "100", "0", "101", "-1", "1,2", "٣", "1e2", ""]) | TEXT,
        "cursor": TEXT
        | st.binary(max_size=70).map(lambda raw: base64.urlsafe_b64encode(raw).decode())
        | st.just(base64.urlsafe_b64encode(f"9999-99-99T99:99:99.999Z#{ABSENT}".encode()).decode().rstrip("=")),
        "include": st.sampled_from(["parameters", "result,logs", "parameters,parameters", ",", "Parameters", ""])
        | TEXT,
        "status": st.sampled_from(["failure", "pending", "FAILURE", "failure,timeout"]) | TEXT,
        "functionId": IDS | TEXT,
        "triggerId": IDS | TEXT,
        "from": TIMES | st.datetimes().map(str) | TEXT,
        "to": TIMES | st.datetimes().map(str) | TEXT,
        "surprise": TEXT,
    },
)
HEADERS = st.fixed_dictionaries(
    {}, optional={"if-match": st.sampled_from(['"1"', 'W/"1"', "*", '"1", "2"', '"-1"']) | TEXT, "content-type": TEXT}
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
    """A door and an event for it."""
    route = draw(st.sampled_from(routes))
    names = [each.partition("}")[0] for each in route.split("{")[1:]]
    known = {"runId": RUN_ID, "functionId": FUNCTION_ID, "triggerId": TRIGGER_ID}
    parameters = {"workspace": draw(WORKSPACES)}
    parameters |= {name: draw(st.just(known[name]) | PATH_IDS) for name in names if name in known}
    return ROUTES[route], http_event(
        route,
        parameters,
        body=draw(fitting(route) | BODIES),
        query=draw(st.none() | QUERIES),
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


# ---------------------------------------------------------------------------------------------------------------------
# In memory: many examples of every door


def a_world() -> World:
    world = World()
    world.has_registered()
    at = clock.now()
    world.has_run(a_run(created_at=at), b'{"a":{"b":1}}')
    return world


def everything(world: World) -> Any:
    return deepcopy(
        (world.runs.runs, world.runs.parts, world.runs.lineages, world.registry.functions, world.registry.triggers)
    )


class InMemory:
    """What a door imports as `wiring`, over a world in memory."""

    def __init__(self, world: World) -> None:
        self.rerunner, self.starter, self.registrar = world.rerunner, world.starter, world.registrar
        self.executor, self.watchdog = world.executor, world.watchdog
        self.runs, self.registry, self.cipher = world.runs, world.registry, world.cipher
        self.run_index = SimpleNamespace(newest_first=nothing_in_time_order)


def nothing_in_time_order(_: str, filters: Any, __: Any) -> Iterator[Any]:
    """Like the real index, which writes the times asked for as the table has them."""
    [clock.iso(moment) for moment in (filters.since, filters.until) if moment is not None]
    return iter(())


@pytest.fixture(scope="class")
def patched() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


def wire(patched: pytest.MonkeyPatch, wiring: Any) -> None:
    for door in {*ROUTES.values(), execute_runs, watchdog}:
        patched.setattr(door, "wiring", wiring)


@pytest.fixture(scope="class")
def world(patched: pytest.MonkeyPatch) -> World:
    world = a_world()
    wire(patched, InMemory(world))
    return world


class TestInMemory:
    @given(sent=requests(list(ROUTES)))
    @settings(quickly, max_examples=400)
    def test_a_request_is_answered_and_a_refused_one_changes_nothing(
        self, world: World, sent: tuple[Any, Event]
    ) -> None:
        door, event = sent
        before = everything(world)
        status, document = answer_of(door, event)
        if status >= 300:
            assert_complete(document, status)
            assert everything(world) == before
        else:
            assert status in (200, 201, 202, 204)
        # A deletion that was allowed must not leave the other examples nothing to meet.
        if not world.registry.functions or not world.registry.triggers:
            world.has_registered()

    @given(event=CONSOLE_EVENTS)
    @settings(quickly, max_examples=150)
    def test_a_console_event_is_answered(self, world: World, event: Json) -> None:
        before = everything(world)
        answered = json.loads(json.dumps(api_rerun.lambda_handler(event, CONTEXT), ensure_ascii=False).encode())
        if "jobId" not in answered:
            assert_complete(answered)
            assert everything(world) == before

    def test_a_console_event_that_only_looks_like_http_is_refused(self, world: World) -> None:
        contexts: list[Json] = [{}, {"http": None}, None, 5, "text", []]
        for context in contexts:
            answered = api_rerun.lambda_handler({"requestContext": context}, CONTEXT)
            assert answered.get("statusCode", 400) == 400, context

    @given(event=VALUES)
    @settings(quickly, max_examples=30)
    def test_the_watchdog_does_not_care_what_wakes_it(self, world: World, event: Json) -> None:
        scheduled = {
            "version": "0",
            "id": ABSENT,
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": "123456789012",
            "time": "2026-11-22T09:30:00Z",
            "region": "eu-west-1",
            "resources": ["arn:aws:events:eu-west-1:123456789012:rule/EveryMinute"],
            "detail": event,
        }
        assert isinstance(watchdog.lambda_handler(scheduled, CONTEXT), dict)
        assert isinstance(watchdog.lambda_handler(event, CONTEXT), dict)

    def test_a_run_that_cannot_be_helped_does_not_keep_the_others_waiting(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stuck, helped = (pending(world, minutes_ago=60 - number) for number in range(2))
        helping = world.queue.push

        def push(run: FunctionRun, *, delay_seconds: int = 0) -> bool:
            if run.id == stuck.id:
                raise ValueError("cannot be helped")
            return helping(run, delay_seconds=delay_seconds)

        monkeypatch.setattr(world.queue, "push", push)
        done = watchdog.lambda_handler({}, CONTEXT)
        assert done[Remedy.FAILED] == 1
        assert helped.id in [pushed.run_id for pushed in world.queue.pushed]
        for run in (stuck, helped):
            del world.runs.runs[run.id]


def pending(world: World, *, minutes_ago: int = 0) -> FunctionRun:
    at = clock.now() - timedelta(minutes=minutes_ago)
    return world.has_run(a_run(id=str(uuid4()), status="pending", pin=a_pin(), created_at=at))


# ---------------------------------------------------------------------------------------------------------------------
# Messages


def message(number: int, body: str) -> Event:
    return {
        "messageId": an_id(number),
        "receiptHandle": "handle",
        "body": body,
        "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1795339800000", "MessageGroupId": OWN},
        "messageAttributes": {},
        "md5OfBody": "",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:runs",
        "awsRegion": "eu-west-1",
    }


NO_IDS = VALUES.filter(lambda value: not (isinstance(value, dict) and "runId" in value))
NOT_UNDERSTOOD = (
    TEXT.filter(lambda text: not text.strip().startswith("{"))
    | NO_IDS.map(json.dumps)
    | VALUES.map(lambda value: json.dumps({"runId": value}))
    | st.sampled_from(["", "{", "null", '{"runId": null}', '{"runId": "x"}', '{"runId": ["a"]}', "[" * 5000])
)


class TestMessages:
    @given(bad=st.lists(NOT_UNDERSTOOD, max_size=7), good=st.integers(0, 3), seed=st.randoms(use_true_random=False))
    @settings(quickly, max_examples=80)
    def test_a_message_that_cannot_be_understood_fails_alone(
        self, world: World, bad: list[str], good: int, seed: Any
    ) -> None:
        assume(bad or good)
        runs = [pending(world) for _ in range(good)]
        bodies = [*bad, *(json.dumps({"runId": run.id}) for run in runs)]
        order = list(range(len(bodies)))
        seed.shuffle(order)

        answered = execute_runs.lambda_handler({"Records": [message(n, bodies[n]) for n in order]}, CONTEXT)

        failed = {failure["itemIdentifier"] for failure in answered["batchItemFailures"]}
        assert failed == {an_id(number) for number in range(len(bad))}
        assert [world.run(run.id).status for run in runs] == [Status.COMPLETED] * good

    def test_a_message_of_a_run_that_is_gone_or_of_more_than_an_id_is_no_failure(self, world: World) -> None:
        run = pending(world)
        bodies = [{"runId": ABSENT}, {"runId": run.id.upper(), "more": {"of": "it"}}]
        batch = {"Records": [message(n, json.dumps(body)) for n, body in enumerate(bodies)]}
        assert execute_runs.lambda_handler(batch, CONTEXT) == {"batchItemFailures": []}
        assert world.run(run.id).status is Status.COMPLETED


PAYLOADS = (
    st.binary(max_size=60)
    | JSON_TEXTS.map(str.encode)
    | st.builds(
        lambda told: json.dumps(told).encode(),
        st.fixed_dictionaries({}, optional={"errorType": VALUES, "errorMessage": VALUES, "stackTrace": VALUES}),
    )
)


@given(payload=PAYLOADS, failed=st.booleans(), logs=st.binary(max_size=40))
@settings(quickly, max_examples=150)
def test_whatever_a_function_answers_is_an_outcome_that_can_be_stored_and_shown(
    payload: bytes, failed: bool, logs: bytes
) -> None:
    answered: dict[str, Any] = {"Payload": SimpleNamespace(read=lambda: payload)}
    answered["LogResult"] = base64.b64encode(logs).decode()
    if failed:
        answered["FunctionError"] = "Unhandled"
    client: Any = SimpleNamespace(invoke=lambda **_: answered)

    outcome = FunctionInvoker(client).invoke(a_pin(), b"{}", a_run(status="running"))

    assert outcome.status in ({Status.FAILURE, Status.TIMEOUT} if failed else {Status.COMPLETED})
    if failed:
        assert outcome.error_code
        assert len(outcome.error_code.encode()) <= 4 * 128


# ---------------------------------------------------------------------------------------------------------------------
# Limits


class Limit(NamedTuple):
    route: str
    status: int
    field: str
    body: str | bytes | None = None
    query: dict[str, str] | None = None


def nested(depth: int) -> Json:
    value: Json = 1
    for _ in range(depth):
        value = {"a": value}
    return value


RERUN, EXECUTE = "POST /function-runs/{runId}/rerun", "POST /function-triggers/{triggerId}/execute"
FUNCTION, TRIGGER = "POST /compute-functions", "POST /function-triggers"
RUN, RUNS, HISTORY = "GET /function-runs/{runId}", "GET /function-runs", "GET /function-runs/{runId}/rerun-history"
LONG_KEY = "k" * (MAX_KEY_LENGTH + 1)
A_TRIGGER = {"name": "t", "functionId": FUNCTION_ID, "executionType": "on-demand"}
A_FUNCTION = {"name": "f", "functionArn": FUNCTION_ARN}
REFUSED = {
    "body bytes": Limit(RERUN, 413, "body", body="x" * (MAX_BODY_BYTES + 1)),
    "body bytes, base64": Limit(RERUN, 413, "body", body=b"\x00" * (MAX_BODY_BYTES + 1)),
    "body bytes, of fewer characters": Limit(RERUN, 413, "body", body='{"reason": "' + "é" * 600_000 + '"}'),
    "body nesting": Limit(RERUN, 400, "body", body=json.dumps({"overrideParams": nested(MAX_DEPTH)})),
    "body nesting, of a payload": Limit(EXECUTE, 400, "body", body=json.dumps({"payload": nested(MAX_DEPTH)})),
    "key length": Limit(RERUN, 400, "body", body=json.dumps({"overrideParams": {LONG_KEY: 1}})),
    "key length, of the outermost": Limit(RERUN, 400, "body", body=json.dumps({LONG_KEY: 1})),
    "reason": Limit(RERUN, 400, "reason", body=json.dumps({"reason": "x" * 513})),
    "overrideParams": Limit(RERUN, 413, "overrideParams", body=json.dumps({"overrideParams": {"a": "x" * MAX_BYTES}})),
    "payload": Limit(EXECUTE, 413, "payload", body=json.dumps({"payload": {"a": "x" * MAX_BYTES}})),
    "orchestrationId": Limit(EXECUTE, 400, "orchestrationId", body=json.dumps({"orchestrationId": "x" * 129})),
    "name of a function": Limit(FUNCTION, 400, "name", body=json.dumps(A_FUNCTION | {"name": "x" * 129})),
    "name of a function, empty": Limit(FUNCTION, 400, "name", body=json.dumps(A_FUNCTION | {"name": ""})),
    "functionArn": Limit(FUNCTION, 400, "functionArn", body=json.dumps(A_FUNCTION | {"functionArn": "x" * 301})),
    "name of a trigger": Limit(TRIGGER, 400, "name", body=json.dumps(A_TRIGGER | {"name": "x" * 129})),
    "functionId": Limit(TRIGGER, 400, "functionId", body=json.dumps(A_TRIGGER | {"functionId": "x" * 65})),
    "executionType": Limit(TRIGGER, 400, "executionType", body=json.dumps(A_TRIGGER | {"executionType": "x" * 9999})),
    "params": Limit(
        TRIGGER,
        413,
        "triggerMetadata.params",
        body=json.dumps(A_TRIGGER | {"triggerMetadata": {"params": {"a": "x" * MAX_BYTES}}}),
    ),
    "include": Limit(RUN, 400, "include", query={"include": "parameters,secrets"}),
    "include, empty": Limit(RUN, 400, "include", query={"include": ""}),
    "include, long": Limit(RUN, 400, "include", query={"include": "parameters," * 700}),
    "limit": Limit(HISTORY, 400, "limit", query={"limit": "101"}),
    "limit, of other digits": Limit(HISTORY, 400, "limit", query={"limit": "٣"}),
    "cursor": Limit(HISTORY, 400, "cursor", query={"cursor": "x" * 8000}),
    "cursor, not ASCII": Limit(HISTORY, 400, "cursor", query={"cursor": "…"}),
    "status": Limit(RUNS, 400, "status", query={"status": "failure,timeout"}),
    "functionId, filter": Limit(RUNS, 400, "functionId", query={"functionId": "x"}),
    "triggerId, filter": Limit(RUNS, 400, "triggerId", query={"triggerId": ""}),
    "from": Limit(RUNS, 400, "from", query={"from": "yesterday"}),
    "to": Limit(RUNS, 400, "to", query={"to": "1795339800"}),
    "from, before time": Limit(RUNS, 400, "from", query={"from": "0001-01-01T00:00:00+14:00"}),
    "to, after time": Limit(RUNS, 400, "to", query={"to": "9999-12-31T23:59:59-12:00"}),
    "an unknown filter": Limit(RUNS, 400, "x" * 100, query={"x" * 5000: ""}),
}


class TestLimits:
    @pytest.mark.parametrize("limit", REFUSED.values(), ids=REFUSED.keys())
    def test_what_is_beyond_a_limit_is_refused_by_naming_the_field(self, world: World, limit: Limit) -> None:
        before = everything(world)
        ids = {"workspace": OWN, "runId": RUN_ID, "triggerId": TRIGGER_ID}
        event = http_event(limit.route, ids, body=limit.body, query=limit.query)
        status, document = answer_of(ROUTES[limit.route], event)
        assert (status, document.get("field")) == (limit.status, limit.field)
        assert_complete(document, status)
        assert document["message"].startswith(limit.field)
        assert len(document["message"]) < 300
        assert everything(world) == before

    @pytest.mark.parametrize(
        ("route", "body"),
        [
            (RERUN, {"overrideParams": nested(MAX_DEPTH - 1)}),
            (RERUN, {"overrideParams": {"k" * MAX_KEY_LENGTH: "x" * (MAX_BYTES - 2000)}}),
            (RERUN, {"reason": "é" * 512}),
            (EXECUTE, {"orchestrationId": "x" * 128}),
            (EXECUTE, {"payload": {"a": "x" * (MAX_BYTES - 8)}}),
            (FUNCTION, A_FUNCTION | {"name": "é" * 128}),
            (TRIGGER, A_TRIGGER | {"name": "é" * 128}),
        ],
        ids=["nesting", "key", "reason", "orchestrationId", "payload", "name of a function", "name of a trigger"],
    )
    def test_what_is_within_a_limit_is_taken(self, world: World, route: str, body: Json) -> None:
        ids = {"workspace": OWN, "runId": RUN_ID, "triggerId": TRIGGER_ID}
        status, document = answer_of(ROUTES[route], http_event(route, ids, body=json.dumps(body)))
        assert status in (201, 202), document

    @pytest.mark.parametrize("route", WITH_AN_ID)
    @pytest.mark.parametrize("id_", ["x", "…", "%", "a/b", "'", '"', ".", "x" * 8000, "\x00"])
    def test_an_id_that_is_none_is_refused_as_such_on_every_route(self, world: World, route: str, id_: str) -> None:
        name = route.partition("{")[2].partition("}")[0]
        status, document = answer_of(ROUTES[route], http_event(route, {"workspace": OWN, name: id_}))
        assert_complete(document, status)
        if name == "runId" and ("rerun" in route):
            assert (status, document["message"]) == (400, "Invalid run ID.")
        assert document["message"] != "Route not found."


# ---------------------------------------------------------------------------------------------------------------------
# The deployed stack

WRITES = {"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem"}


class Own(NamedTuple):
    """A workspace with a run that has ended, and that run's trigger and function."""

    workspace: Workspace
    run: str
    trigger: str
    function: str


class Deployed(Wiring):
    """A door's wiring in this process, on the emulator, that notes what is written."""

    def __init__(self, laptop: Laptop, settings: Settings) -> None:
        super().__init__(settings)
        self.written: list[str] = []
        core = botocore.session.Session()
        core.set_credentials("test", "test")
        core.set_config_variable("region", "us-east-1")
        core.set_default_client_config(Config(retries={"total_max_attempts": 1}, proxies={}))
        core.register("before-send.dynamodb", self._note)
        make = core.create_client
        core.create_client = lambda *of, **how: make(*of, **how | {"endpoint_url": laptop.emulator.url})  # type: ignore[method-assign]
        self._core = core
        self.__dict__["_session"] = boto3.Session(botocore_session=core)
        self.__dict__["cipher"] = Cipher(settings.key_arn, core)

    def _note(self, **sent: Any) -> None:
        operation = sent["event_name"].rpartition(".")[2]
        if operation in WRITES:
            self.written.append(operation)


@pytest.fixture(scope="class")
def own(laptop: Laptop, connection: httpx.Client) -> Own:
    workspace = Workspace(laptop, connection)
    trigger, function = workspace.trigger_of()
    run = workspace.ended(workspace.execute(trigger, payload={"a": 1}))
    workspace.trigger(workspace.register(function))
    return Own(workspace, run["id"], trigger, run["functionId"])


@pytest.fixture(scope="class")
def deployed(own: Own, patched: pytest.MonkeyPatch) -> Iterator[Deployed]:
    laptop = own.workspace.laptop
    queue = laptop.client("sqs").create_queue(QueueName=f"hostile-{uuid4().hex[:8]}")["QueueUrl"]
    wired = Deployed(
        laptop,
        Settings(
            table_name=laptop.outputs["TableName"],
            key_arn=laptop.outputs["KeyArn"],
            run_queue_url=queue,
            lifecycle_bus_name=laptop.outputs["LifecycleBusName"],
            invokable_functions='{"*": ["arn:aws:lambda:*:*:function:*"]}',
        ),
    )
    wire(patched, wired)
    yield wired
    laptop.client("sqs").delete_queue(QueueUrl=queue)


class TestDeployed:
    def test_the_routes_are_those_of_the_api(self, laptop: Laptop) -> None:
        gateway = laptop.client("apigatewayv2")
        items = gateway.get_routes(ApiId=laptop.api_url.split("/")[-2])["Items"]
        deployed = {item["RouteKey"].replace(BASE, "") for item in items}
        assert deployed == set(ROUTES)

    @given(sent=requests(list(ROUTES)))
    @settings(quickly, max_examples=120)
    def test_a_request_is_answered_and_a_refused_one_writes_nothing(
        self, own: Own, deployed: Deployed, sent: tuple[Any, Event]
    ) -> None:
        door, event = with_ids(own, sent)
        deployed.written.clear()
        status, document = answer_of(door, event)
        if status >= 300:
            assert_complete(document, status)
            assert deployed.written == []

    @given(query=QUERIES.filter(lambda query: "include" not in query and "surprise" not in query))
    @settings(quickly, max_examples=60)
    def test_a_list_of_runs_takes_or_refuses_any_filter(
        self, own: Own, deployed: Deployed, query: dict[str, str]
    ) -> None:
        door, event = with_ids(own, (api_runs, http_event(RUNS, {"workspace": OWN}, query=query)))
        status, document = answer_of(door, event)
        if status != 200:
            assert_complete(document, status)

    @pytest.mark.parametrize(
        "query",
        [
            {"from": "2030-01-01", "to": "2020-01-01"},
            {
                "from": "2030-01-01",
                "cursor": base64.urlsafe_b64encode(f"2020-01-01T00:00:00.000Z#{ABSENT}".encode()).decode(),
            },
        ],
        ids=["to before from", "a page before from"],
    )
    def test_a_time_that_ends_before_it_begins_holds_no_runs(
        self, own: Own, deployed: Deployed, query: dict[str, str]
    ) -> None:
        door, event = with_ids(own, (api_runs, http_event(RUNS, {"workspace": OWN}, query=query)))
        status, document = answer_of(door, event)
        assert status in (200, 400), document
        assert status == 400 or document["data"] == []

    @given(sent=requests([route for route in ROUTES if route.startswith(("POST", "GET", "PUT"))]))
    @settings(quickly, max_examples=30)
    def test_over_http_a_request_is_answered_and_a_refused_one_changes_nothing(
        self, own: Own, sent: tuple[Any, Event]
    ) -> None:
        _, event = with_ids(own, sent)
        workspace = own.workspace
        before = documents(workspace)
        method = event["requestContext"]["http"]["method"]
        body = event.get("body", "")
        content = base64.b64decode(body) if event["isBase64Encoded"] else body.encode(errors="surrogatepass")
        response = workspace.connection.request(
            method,
            workspace.laptop.api_url + event["rawPath"].replace("/./", "/%2E/").replace("/../", "/%2E%2E/"),
            params=event.get("queryStringParameters"),
            content=content,
            headers={"Authorization": f"Bearer {workspace.http.token}", "Content-Type": "application/json"}
            | ({"If-Match": '"1"'} if "if-match" in event["headers"] else {}),
        )
        assert response.status_code < 500, response.text
        # What matches no route never reaches a door.
        if response.status_code >= 300 and response.json() != {"message": "Not Found"}:
            assert_complete(response.json(), response.status_code)
        if response.status_code >= 300:
            assert documents(workspace) == before


def with_ids(own: Own, sent: tuple[Any, Event]) -> tuple[Any, Event]:
    """The event with the ids and the workspace of the deployed stack in place of those of the builders."""
    workspace, run, trigger, function = own
    door, event = sent
    text = json.dumps(event)
    replaced = {RUN_ID: run, RUN_ID.upper(): run.upper(), TRIGGER_ID: trigger, FUNCTION_ID: function}
    for old, new in replaced.items():
        text = text.replace(old, new)
    event = json.loads(text.replace(f"{OWN}/*:*", f"{workspace.name}/*:*"))
    if event["pathParameters"]["workspace"] == OWN:
        event["pathParameters"]["workspace"] = workspace.name
        event["rawPath"] = event["rawPath"].replace(f"/workspace/{OWN}/", f"/workspace/{workspace.name}/")
    return door, event


def documents(workspace: Workspace) -> list[Json]:
    """All that the workspace has: its runs and what is registered."""
    paths = ("/function-runs", "/compute-functions", "/function-triggers")
    return [sorted(map(stable, workspace.http.get(path, params={"limit": 100}).json()["data"])) for path in paths]


def stable(document: dict[str, Json]) -> str:
    """What a request may change of a document: runs go on by themselves."""
    kept = ("id", "rerunCount", "version", "name", "enabled", "functionArn")
    return json.dumps({name: document.get(name) for name in kept})
