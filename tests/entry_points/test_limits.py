"""What is beyond a limit is refused, and what is within it is taken."""

import json
from typing import NamedTuple

import pytest

from handlers import api_rerun
from handlers.api.resolver import MAX_BODY_BYTES
from handlers.domain.json_document import MAX_BYTES, MAX_DEPTH, MAX_INLINE_BYTES, MAX_KEY_LENGTH
from tests.builders import FUNCTION_ARN, FUNCTION_ID, GROUP_ID, RUN_ID, TRIGGER_ID
from tests.entry_points.events import (
    AUDIT,
    CONTEXT,
    EXECUTE,
    FUNCTION,
    GROUP,
    GROUPS,
    HISTORY,
    OWN,
    PUT_GROUP,
    RERUN,
    ROUTES,
    RUN,
    RUNS,
    TRIGGER,
    WITH_AN_ID,
    Json,
    answer_of,
    assert_complete,
    http_event,
)
from tests.entry_points.in_memory import everything
from tests.fakes import World


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


LONG_KEY = "k" * (MAX_KEY_LENGTH + 1)
A_TRIGGER = {"name": "t", "functionId": FUNCTION_ID, "executionType": "on-demand"}
A_FUNCTION = {"name": "f", "functionArn": FUNCTION_ARN}
REFUSED = {
    "body bytes": Limit(RERUN, 413, "body", body="x" * (MAX_BODY_BYTES + 1)),
    "body bytes, base64": Limit(RERUN, 413, "body", body=b"\x00" * (MAX_BODY_BYTES + 1)),
    "body bytes, of fewer characters": Limit(
        RERUN, 413, "body", body='{"reason": "' + "é" * (MAX_BODY_BYTES // 2) + '"}'
    ),
    "nesting": Limit(RERUN, 400, "overrideParams", body=json.dumps({"overrideParams": nested(MAX_DEPTH + 1)})),
    "nesting, of a payload": Limit(EXECUTE, 400, "payload", body=json.dumps({"payload": nested(MAX_DEPTH + 1)})),
    "nesting, as deep as Python reads": Limit(EXECUTE, 400, "payload", body=json.dumps({"payload": nested(800)})),
    "nesting, deeper": Limit(EXECUTE, 400, "payload", body='{"payload":' + '{"a":' * 99_999 + "1" + "}" * 100_000),
    "nesting, of params": Limit(
        TRIGGER,
        400,
        "triggerMetadata.params",
        body=json.dumps(A_TRIGGER | {"triggerMetadata": {"params": nested(MAX_DEPTH + 1)}}),
    ),
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
        body=json.dumps(A_TRIGGER | {"triggerMetadata": {"params": {"a": "x" * MAX_INLINE_BYTES}}}),
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
    "to, before from": Limit(RUNS, 400, "to", query={"from": "2026-11-27", "to": "2026-11-26"}),
    "from, before time": Limit(RUNS, 400, "from", query={"from": "0001-01-01T00:00:00+14:00"}),
    "to, after time": Limit(RUNS, 400, "to", query={"to": "9999-12-31T23:59:59-12:00"}),
    "errorGroupId": Limit(RUNS, 400, "errorGroupId", query={"errorGroupId": RUN_ID}),
    "state": Limit(GROUPS, 400, "state", query={"state": "closed"}),
    "include, of a group": Limit(GROUP, 400, "include", query={"include": "messages"}),
    "resolvedInVersion": Limit(
        PUT_GROUP, 400, "resolvedInVersion", body=json.dumps({"state": "resolved", "resolvedInVersion": "$LATEST"})
    ),
    "reason, of a group": Limit(PUT_GROUP, 400, "reason", body=json.dumps({"state": "open", "reason": "x" * 513})),
    "by": Limit(AUDIT, 400, "by", query={"by": "x" * 513}),
    "action": Limit(AUDIT, 400, "action", query={"action": "retry"}),
    "an unknown filter": Limit(RUNS, 400, "x" * 100, query={"x" * 5000: ""}),
}


class TestLimits:
    @pytest.mark.parametrize("limit", REFUSED.values(), ids=REFUSED.keys())
    def test_what_is_beyond_a_limit_is_refused_by_naming_the_field(self, world: World, limit: Limit) -> None:
        before = everything(world)
        ids = {"workspace": OWN, "runId": RUN_ID, "triggerId": TRIGGER_ID, "errorGroupId": GROUP_ID}
        event = http_event(limit.route, ids, body=limit.body, query=limit.query)
        status, document = answer_of(ROUTES[limit.route], event)
        assert (status, document.get("field")) == (limit.status, limit.field)
        assert_complete(document, status)
        assert document["message"].startswith(limit.field)
        assert len(document["message"]) < 400
        assert everything(world) == before

    @pytest.mark.parametrize(
        ("route", "body"),
        [
            (RERUN, {"overrideParams": nested(MAX_DEPTH)}),
            (EXECUTE, {"payload": nested(MAX_DEPTH)}),
            (TRIGGER, A_TRIGGER | {"triggerMetadata": {"params": nested(MAX_DEPTH)}}),
            (RERUN, {"overrideParams": {"k" * MAX_KEY_LENGTH: "x" * (MAX_BYTES - 2000)}}),
            (RERUN, {"reason": "é" * 512}),
            (EXECUTE, {"orchestrationId": "x" * 128}),
            (EXECUTE, {"payload": {"a": "x" * (MAX_BYTES - 8)}}),
            (FUNCTION, A_FUNCTION | {"name": "é" * 128}),
            (TRIGGER, A_TRIGGER | {"name": "é" * 128}),
        ],
        ids=[
            *("nesting", "nesting of a payload", "nesting of params", "key", "reason", "orchestrationId", "payload"),
            *("name of a function", "name of a trigger"),
        ],
    )
    def test_what_is_within_a_limit_is_taken(self, world: World, route: str, body: Json) -> None:
        ids = {"workspace": OWN, "runId": RUN_ID, "triggerId": TRIGGER_ID}
        status, document = answer_of(ROUTES[route], http_event(route, ids, body=json.dumps(body)))
        assert status in (201, 202), document

    @pytest.mark.parametrize(
        ("levels", "field"), [(100, None), (101, "overrideParams"), (900, "overrideParams"), (50_000, "overrideParams")]
    )
    def test_the_console_s_overrides_are_as_deep_as_those_of_the_api(
        self, world: World, levels: int, field: str | None
    ) -> None:
        event = {"workspace": OWN, "runId": RUN_ID, "overrideParams": nested(levels)}
        answered: Json = api_rerun.lambda_handler(event, CONTEXT)
        assert answered.get("field") == field, answered
        assert ("jobId" in answered) is (field is None)

    def test_what_the_console_is_answered_can_always_be_written(self, world: World) -> None:
        answered: Json = api_rerun.lambda_handler({"workspace": OWN, "runId": RUN_ID, "\ud800": 1}, CONTEXT)
        assert json.dumps(answered, ensure_ascii=False).encode()

    def test_a_number_that_json_does_not_know_is_refused_as_such(self, world: World) -> None:
        event = {"workspace": OWN, "runId": RUN_ID, "overrideParams": {"n": float("nan")}}
        answered: Json = api_rerun.lambda_handler(event, CONTEXT)
        assert (answered["code"], answered["field"]) == ("INVALID_REQUEST", "event")

    @pytest.mark.parametrize("route", WITH_AN_ID)
    @pytest.mark.parametrize("id_", ["x", "…", "%", "a/b", "'", '"', ".", "x" * 8000, "\x00"])
    def test_an_id_that_is_none_is_refused_as_such_on_every_route(self, world: World, route: str, id_: str) -> None:
        name = route.partition("{")[2].partition("}")[0]
        status, document = answer_of(ROUTES[route], http_event(route, {"workspace": OWN, name: id_}))
        assert_complete(document, status)
        if name == "runId" and ("rerun" in route):
            assert (status, document["message"]) == (400, "Invalid run ID.")
        assert document["message"] != "Route not found."
