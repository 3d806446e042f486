"""Each operation asks for its grant before it is answered, whatever is sent with it."""

from typing import Any

import pytest

from handlers.api.catalogue import OPERATIONS
from handlers.api.operations import BASE, Grant, Operation
from tests.builders import FUNCTION_ID, GROUP_ID, RUN_ID, TRIGGER_ID
from tests.documented import described
from tests.entry_points.events import OWN, ROUTES, answer_of, http_event
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
# With and without each parameter that needs a grant of its own.
REQUESTS: list[tuple[Operation, dict[str, str], list[Grant]]] = [
    (each, query, grants)
    for each in OPERATIONS
    if isinstance(each.access, Grant)
    for query, grants in [
        ({}, [each.access]),
        *(({one.name: "parameters"}, [each.access, one.grant]) for one in each.query if one.grant),
    ]
]
requests = pytest.mark.parametrize(
    ("operation", "query", "grants"), REQUESTS, ids=[" with ".join([each.id, *query]) for each, query, _ in REQUESTS]
)


def answer(operation: Operation, query: dict[str, str], claims: dict[str, Any]) -> tuple[int, Any]:
    route = operation.route_key.replace(BASE, "")
    ids = {name: IDS[name] for name in operation.path_parameters}
    return answer_of(ROUTES[route], http_event(route, ids, query=query, body="{", claims=claims))


def permitted(*grants: str) -> dict[str, Any]:
    return {"sub": "eve", "token_use": "access", "cognito:groups": f"[{' '.join(grants)}]"}


@requests
def test_without_a_token_nothing_is_answered(
    world: World, operation: Operation, query: dict[str, str], grants: list[Grant]
) -> None:
    before = everything(world)
    assert grants
    assert answer(operation, query, {})[0] == 401
    assert everything(world) == before


@requests
def test_each_missing_grant_is_named_before_anything_else_is_looked_at(
    world: World, operation: Operation, query: dict[str, str], grants: list[Grant]
) -> None:
    before = everything(world)
    for missing in grants:
        others = [f"{OWN}/{each}" for each in grants if each != missing]
        held = permitted(f"globex/{missing}", "globex/*:*", f"{OWN}/{missing.resource}:other", *others)
        status, document = answer(operation, query, held)
        assert (status, document["message"]) == (403, f"The grant {OWN}/{missing} is required.")
    assert everything(world) == before


@requests
@pytest.mark.usefixtures("world")
def test_its_grants_are_enough(operation: Operation, query: dict[str, str], grants: list[Grant]) -> None:
    status, _ = answer(operation, query, permitted(*(f"{OWN}/{each}" for each in grants)))
    assert status not in (401, 403)


@requests
def test_the_document_names_its_grants(operation: Operation, query: dict[str, str], grants: list[Grant]) -> None:
    document = described()["paths"][operation.full_path][operation.method.lower()]
    named = [document["x-grant"]]
    named += [each["x-grant"] for each in document["parameters"] if each["name"] in query]
    assert named == [f"{{workspace}}/{each}" for each in grants]


def test_who_may_reveal_is_said_of_the_parameter_and_only_that_is_audited() -> None:
    document = described()["paths"][f"{BASE}/function-runs/{{runId}}"]["get"]
    [include] = [each for each in document["parameters"] if each["name"] == "include"]
    assert (include["x-grant"], include["x-audited"]) == ("{workspace}/function-runs:reveal", "reveal")
    assert "x-audited" not in document
