"""Each act of each entry point leaves one audit line: done, forbidden, or refused for what was sent."""

from typing import Any

import pytest

from handlers import (
    api_batches,
    api_cancel,
    api_erase,
    api_error_groups,
    api_experiments,
    api_registry,
    api_rerun,
    api_rerun_plan,
    api_runs,
    api_triggers,
)
from handlers.domain import clock
from tests.builders import FUNCTION_ARN, FUNCTION_ID, GROUP_ID, RUN_ID, TRIGGER_ID, a_batch, a_run, an_id
from tests.entry_points.events import OWN, answer_of, http_event
from tests.fakes import World

SECRET = "content-that-no-line-may-hold"
Json = dict[str, Any]
RUN, FUNCTION, TRIGGER = {"runId": RUN_ID}, {"functionId": FUNCTION_ID}, {"triggerId": TRIGGER_ID}
BATCH = {"batchId": an_id(8)}

ACTS: dict[str, tuple[Any, str, Json, str]] = {
    "rerun": (api_rerun, "POST /function-runs/{runId}/rerun", RUN, '{"overrideParams": {"a": "%s"}}'),
    "experiment": (api_experiments, "POST /function-runs/{runId}/experiments", RUN, '{"ignore": ["/%s"]}'),
    "plan-rerun": (
        api_rerun_plan,
        "POST /function-runs/{runId}/rerun-plan",
        RUN,
        '{"overrideParams": {"a": "%s"}}',
    ),
    "cancel": (api_cancel, "POST /function-runs/{runId}/cancel", {"runId": an_id(9)}, "{}"),
    "start-batch": (
        api_batches,
        "POST /rerun-batches",
        {},
        '{"runIds": ["' + RUN_ID + '"], "overrideParams": {"a": "%s"}}',
    ),
    "pause-batch": (api_batches, "POST /rerun-batches/{batchId}/pause", BATCH, "{}"),
    "resume-batch": (api_batches, "POST /rerun-batches/{batchId}/resume", BATCH, '{"pace": {"startPerSecond": 2}}'),
    "cancel-batch": (api_batches, "POST /rerun-batches/{batchId}/cancel", BATCH, "{}"),
    "erase": (api_erase, "DELETE /function-runs/{runId}/content", RUN, ""),
    "reveal": (api_runs, "GET /function-runs/{runId}", RUN, ""),
    "execute": (api_triggers, "POST /function-triggers/{triggerId}/execute", TRIGGER, '{"payload": {"a": "%s"}}'),
    "register-function": (
        api_registry,
        "POST /compute-functions",
        {},
        '{"name": "%s", "functionArn": "' + FUNCTION_ARN + '"}',
    ),
    "change-function": (api_registry, "PUT /compute-functions/{functionId}", FUNCTION, '{"version": 1, "name": "%s"}'),
    "delete-function": (api_registry, "DELETE /compute-functions/{functionId}", FUNCTION, ""),
    "create-trigger": (
        api_registry,
        "POST /function-triggers",
        {},
        '{"name": "%s", "functionId": "' + FUNCTION_ID + '", "executionType": "on-demand"}',
    ),
    "change-trigger": (
        api_registry,
        "PUT /function-triggers/{triggerId}",
        TRIGGER,
        '{"version": 1, "triggerMetadata": {"params": {"a": "%s"}}}',
    ),
    "change-error-group": (
        api_error_groups,
        "PUT /error-groups/{errorGroupId}",
        {"errorGroupId": GROUP_ID},
        '{"version": 1, "state": "resolved", "reason": "%s"}',
    ),
    "delete-trigger": (api_registry, "DELETE /function-triggers/{triggerId}", TRIGGER, ""),
    "rotate-secret": (api_registry, "POST /function-triggers/{triggerId}/rotate-secret", TRIGGER, "{}"),
}
WITHOUT_BODY = {"reveal", "erase", "delete-function", "delete-trigger"}


def done(action: str, *, claims: Json | None = None, body: str | None = None) -> int:
    """The status of its answer."""
    module, route, ids, usual = ACTS[action]
    text = (usual.replace("%s", SECRET) if body is None else body) or None
    query = {"include": "parameters"} if action == "reveal" else None
    status, _ = answer_of(module, http_event(route, {"workspace": OWN} | ids, body=text, query=query, claims=claims))
    return status


def line_of(caplog: pytest.LogCaptureFixture) -> Json:
    """The one audit line."""
    assert SECRET not in str([vars(record) for record in caplog.records])
    (line,) = [vars(record)["audit"] for record in caplog.records if "audit" in vars(record)]
    return dict(line)


@pytest.fixture
def auditable(world: World) -> World:
    """Nothing has been started yet that could not be cancelled; the secrets of webhooks are signed ones."""
    batch = a_batch(id=an_id(8))
    world.batches.batches[batch.id] = batch
    world.has_run(a_run(id=an_id(9), status="pending", created_at=clock.now()))
    return world


@pytest.mark.usefixtures("auditable")
@pytest.mark.parametrize("action", [each for each in ACTS if each != "rotate-secret"])
def test_what_is_done_leaves_a_line_with_who_and_ids_and_nothing_else(
    action: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert done(action) < 300
    line = line_of(caplog)
    assert (line["action"], line["by"], line["workspace"], line["outcome"]) == (action, "alice", OWN, "done")
    assert line | ACTS[action][2] == line


@pytest.mark.usefixtures("auditable")
@pytest.mark.parametrize("action", ACTS)
def test_who_lacks_the_grant_leaves_a_line(action: str, caplog: pytest.LogCaptureFixture) -> None:
    claims = {"sub": "eve", "token_use": "access", "cognito:groups": "[globex/*:*]"}
    assert done(action, claims=claims) == 403
    line = line_of(caplog)
    assert (line["action"], line["by"], line["outcome"]) == (action, "eve", "FORBIDDEN")
    assert line | ACTS[action][2] == line


@pytest.mark.usefixtures("auditable")
@pytest.mark.parametrize("action", [each for each in ACTS if each not in WITHOUT_BODY])
def test_what_is_refused_leaves_a_line_without_what_was_sent(action: str, caplog: pytest.LogCaptureFixture) -> None:
    assert done(action, body=f'{{"{SECRET}": 1}}') == 400
    line = line_of(caplog)
    assert (line["action"], line["by"], line["outcome"]) == (action, "alice", "INVALID_REQUEST")


@pytest.mark.usefixtures("auditable")
@pytest.mark.parametrize("action", ACTS)
def test_who_has_no_token_that_counts_leaves_a_line(action: str, caplog: pytest.LogCaptureFixture) -> None:
    assert done(action, claims={"sub": "alice", "token_use": "id"}) == 401
    assert (line_of(caplog)["by"], line_of(caplog)["outcome"]) == (None, "UNAUTHENTICATED")


def test_a_rotation_is_told_by_the_trigger_s_id(auditable: World, caplog: pytest.LogCaptureFixture) -> None:
    assert done("rotate-secret") == 400, "it has none"
    assert line_of(caplog)["triggerId"] == TRIGGER_ID
