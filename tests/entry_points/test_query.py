"""What is sent in a query has an effect, or is refused: a mistyped parameter starts nothing."""

import json
from urllib.parse import urlencode

import pytest

from handlers.api.catalogue import OPERATIONS
from handlers.api.operations import BASE, Operation
from tests.builders import FUNCTION_ID, GROUP_ID, RUN_ID, TRIGGER_ID
from tests.entry_points.events import DESCRIPTION, OWN, PATH, RERUN, ROUTES, WEBHOOK, Json, answer_of, http_event
from tests.entry_points.in_memory import everything
from tests.fakes import World

IDS = {
    "runId": RUN_ID,
    "functionId": FUNCTION_ID,
    "triggerId": TRIGGER_ID,
    "workspace": OWN,
    "experimentId": RUN_ID,
    "batchId": RUN_ID,
    "errorGroupId": GROUP_ID,
}
operations = pytest.mark.parametrize(
    "operation", [each for each in OPERATIONS if each.needs_token], ids=lambda operation: operation.id
)


def answer(operation: Operation, *query: tuple[str, str], claims: Json = None) -> tuple[int, Json]:
    """As API Gateway hands a query over: the values of one name joined by commas."""
    route = operation.route_key.replace(BASE, "")
    ids = {name: IDS[name] for name in operation.path_parameters}
    joined = {name: ",".join(value for each, value in query if each == name) for name, _ in query}
    event = http_event(route, ids, query=joined, body="{}", claims=claims) | {"rawQueryString": urlencode(query)}
    return answer_of(ROUTES[route], event)


@operations
def test_a_parameter_that_an_operation_does_not_know_is_refused_by_its_name(world: World, operation: Operation) -> None:
    before = everything(world)
    status, document = answer(operation, ("dryRun", "true"))
    assert (status, document["code"], document["field"]) == (400, "INVALID_REQUEST", "dryRun")
    assert document["message"] == "dryRun: is not a query parameter of this operation."
    assert everything(world) == before


@operations
def test_one_that_is_sent_more_than_once_is_refused_by_its_name(world: World, operation: Operation) -> None:
    for name in (each.name for each in operation.query):
        status, document = answer(operation, (name, "a"), (name, "b"))
        assert (status, document["message"]) == (400, f"{name}: is sent more than once.")


@operations
def test_the_grants_are_checked_first(world: World, operation: Operation) -> None:
    without = {"sub": "eve", "token_use": "access", "cognito:groups": "[globex/*:*]"}
    assert answer(operation, ("dryRun", "true"), claims=without)[0] == 403


def test_a_refused_query_is_in_the_audit_line(world: World, caplog: pytest.LogCaptureFixture) -> None:
    [rerun] = [each for each in OPERATIONS if each.id == "rerun"]
    answer(rerun, ("dryRun", "true"))
    [line] = [vars(record)["audit"] for record in caplog.records if "audit" in vars(record)]
    assert (line["action"], line["outcome"]) == ("rerun", "INVALID_REQUEST")


@pytest.mark.parametrize(("route", "ids"), [(WEBHOOK, {"workspace": OWN, "path": PATH}), (f"GET {DESCRIPTION}", {})])
def test_what_takes_no_token_takes_any_query(world: World, route: str, ids: dict[str, str]) -> None:
    status, _ = answer_of(ROUTES[route], http_event(route, ids, query={"any": "1"}, body="{}"))
    assert status < 300


def test_an_event_without_a_query_has_none(world: World) -> None:
    event = http_event(RERUN, {"workspace": OWN, "runId": RUN_ID}, body=json.dumps({}))
    del event["rawQueryString"]
    assert answer_of(ROUTES[RERUN], event)[0] == 202


MOMENTS = [each for each in OPERATIONS if {"from", "to"} <= {parameter.name for parameter in each.query}]


@pytest.mark.parametrize(
    "moment", ["0001-01-01", "0001-01-01T00:00:00+23:59", "9999-12-31", "9999-12-31T23:59:59-23:59"]
)
@pytest.mark.parametrize("name", ["from", "to"])
@pytest.mark.parametrize("operation", MOMENTS, ids=lambda operation: operation.id)
def test_the_first_and_the_last_moment_can_be_asked_for(
    world: World, operation: Operation, name: str, moment: str
) -> None:
    status, document = answer(operation, (name, moment))
    assert status in (200, 404) or (status, document["field"]) == (400, name)


@pytest.mark.parametrize("field", ["from", "to", "notBefore"])
@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
@pytest.mark.parametrize("is_plan", [True, False])
def test_so_they_can_of_a_batch(world: World, field: str, moment: str, is_plan: bool) -> None:
    chosen = {"functionId": FUNCTION_ID}
    body: Json = {"filter": chosen, "reason": "an outage", "dryRun": is_plan}
    (body if field == "notBefore" else chosen)[field] = moment
    status, document = answer_of(
        ROUTES["POST /rerun-batches"], http_event("POST /rerun-batches", {"workspace": OWN}, body=json.dumps(body))
    )
    assert status in (200, 202) or (status, document["field"].split(".")[-1]) == (400, field)
