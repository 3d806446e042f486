"""Requests that are refused: permissions, bodies, ids and pages. The contract's own table is in test_contract."""

import json
import uuid

import pytest

from handlers.api.operations import Operation
from tests.stack.driver import ABSENT, WITH_TOKEN, Workspace, an_ended_run, items_of, path_of, refusal


def test_a_refused_request_changes_nothing(workspace: Workspace) -> None:
    run, trigger = an_ended_run(workspace)
    before = items_of(workspace, run)

    workspace.post_rerun(run, reason=5)
    workspace.other().post_rerun(run)
    workspace.as_caller("eve").post_rerun(run)
    workspace.http.delete(f"/function-triggers/{trigger}")
    workspace.post_rerun(run)

    assert items_of(workspace, run) == before


@pytest.mark.parametrize("operation", WITH_TOKEN, ids=lambda operation: operation.id)
def test_every_route_requires_its_own_grant(workspace: Workspace, operation: Operation) -> None:
    path = path_of(operation)
    assert workspace.with_token(None).request(operation.method, path).status_code == 401
    others = {f"{workspace.name}/{each.access}" for each in WITH_TOKEN if each.access != operation.access}
    response = workspace.as_caller("eve", *sorted(others)).http.request(operation.method, path)
    assert refusal(response)[2] == f"The grant {workspace.name}/{operation.access} is required."
    granted = workspace.as_caller("eve", f"{workspace.name}/{operation.access}").http.request(operation.method, path)
    assert granted.status_code not in (401, 403)


def test_no_or_a_bad_token_is_401(workspace: Workspace) -> None:
    local_stack, grant = workspace.local_stack, [f"{workspace.name}/*:*"]
    good = local_stack.token("alice", grant)
    bad = {
        "none": None,
        "garbage": "x.y.z",
        "tampered": good[:-4] + "AAAA",
        "expired": local_stack.token("alice", grant, lifetime_seconds=-60),
        "another issuer": local_stack.token("alice", grant, iss="https://example.org"),
        "another audience": local_stack.token("alice", grant, client_id="another"),
        "an ID token": local_stack.token("alice", grant, token_use="id"),
    }
    for why, token in bad.items():
        response = workspace.with_token(token).post(f"/function-runs/{ABSENT}/rerun")
        assert response.status_code == 401, why


BODIES = {
    "{": (400, "body"),
    "[]": (400, "body"),
    '"text"': (400, "body"),
    "null": (400, "body"),
    '{"useLatestCode": "true"}': (400, "useLatestCode"),
    '{"useLatestCode": 1}': (400, "useLatestCode"),
    '{"reason": 5}': (400, "reason"),
    '{"reason": null}': (400, "reason"),
    '{"overrideParams": []}': (400, "overrideParams"),
    '{"overrideParams": {"a": NaN}}': (400, "body"),
    '{"overrideParams": {"a": 1e999}}': (400, "body"),
    '{"reason": "a", "reason": "b"}': (400, "reason"),
    '{"overrideParams": {"a": 1, "a": 2}}': (400, "a"),
    '{"surprise": 1}': (400, "surprise"),
    json.dumps({"reason": "x" * 513}): (400, "reason"),
    '{"overrideParams": ' + '{"a":' * 150 + "1" + "}" * 151: (400, "overrideParams"),
    '{"overrideParams": ' + "[" * 100_000 + "]" * 100_000 + "}": (400, "overrideParams"),
    '{"overrideParams": {"a": ' + "9" * 5000 + "}}": (400, "body"),
    '{"reason": "\\ud800"}': (400, "reason"),
    '{"\\ud800": {}}': (400, "body"),
    json.dumps({"overrideParams": {"a": "x" * 4_000_000}}): (413, "overrideParams"),
    json.dumps({"overrideParams": {"a": "x" * 5_100_000}}): (413, "body"),
}


@pytest.fixture(scope="module")
def rerunnable(request: pytest.FixtureRequest) -> tuple[Workspace, str]:
    workspace = Workspace(request.getfixturevalue("local_stack"), request.getfixturevalue("connection"))
    return workspace, an_ended_run(workspace)[0]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body[:40])
def test_a_body_that_is_not_valid_is_refused_by_naming_the_field(rerunnable: tuple[Workspace, str], body: str) -> None:
    workspace, run = rerunnable
    response = workspace.http.post(f"/function-runs/{run}/rerun", content=body.encode())
    assert (response.status_code, response.json().get("field")) == BODIES[body], response.text
    assert workspace.history(run)["rerunCount"] == 0


@pytest.mark.parametrize("body", [b"", b"  ", b"{}"])
def test_an_empty_body_is_an_empty_object(workspace: Workspace, body: bytes) -> None:
    run, _ = an_ended_run(workspace)
    assert workspace.http.post(f"/function-runs/{run}/rerun", content=body).status_code == 202


def test_unknown_ids_are_404(workspace: Workspace) -> None:
    for path in (
        f"/function-runs/{ABSENT}",
        f"/compute-functions/{ABSENT}",
        f"/function-triggers/{ABSENT}",
        "/function-triggers/x",
    ):
        response = workspace.http.get(path)
        assert response.status_code == 404, path
        assert response.json()["code"] == "NOT_FOUND"
    assert workspace.http.post(f"/function-triggers/{ABSENT}/execute").status_code == 404
    assert workspace.http.delete(f"/function-triggers/{ABSENT}").status_code == 404
    assert workspace.http.delete(f"/compute-functions/{uuid.uuid4()}").status_code == 404


def test_revealing_needs_a_grant_of_its_own(workspace: Workspace) -> None:
    run, _ = an_ended_run(workspace)
    reader = workspace.as_caller("eve", f"{workspace.name}/function-runs:read")
    assert reader.http.get(f"/function-runs/{run}").status_code == 200
    response = reader.http.get(f"/function-runs/{run}?include=parameters")
    assert refusal(response)[2] == f"The grant {workspace.name}/function-runs:reveal is required."
