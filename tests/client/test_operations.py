"""Each operation of the API has its method, with all its parameters; a method asks what its arguments say."""

import inspect
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import function_rerun
import pytest
from function_rerun import Client, models

from handlers.api.catalogue import OPERATIONS
from handlers.api.operations import Operation
from handlers.domain import clock
from tests.builders import FUNCTION_ARN, FUNCTION_ID, GROUP_ID, RUN_ID, TRIGGER_ID, a_run, an_id
from tests.client.server import Api, token
from tests.documented import described

SCHEMAS: dict[str, Any] = described()["components"]["schemas"]
METHODS = [each for each in OPERATIONS if each.id != "receiveWebhook"]
# Python has a meaning of its own for these.
KEYWORDS = {"from", "with"}


@pytest.fixture
def client(api: Api) -> Iterator[Client]:
    with Client(api.url, workspace="acme", auth=token()) as client:
        yield client


def snake(name: str) -> str:
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).replace("-", "_").lower()
    return f"{name}_" if name in KEYWORDS else name


def fields(schema: dict[str, Any]) -> set[str]:
    """Of a body, without those that may only be sent back as they were read."""
    if "$ref" in schema:
        return fields(SCHEMAS[schema["$ref"].rpartition("/")[2]])
    alternatives = schema.get("oneOf", [])
    own = {name for name, of in schema.get("properties", {}).items() if "be sent back" not in of.get("description", "")}
    return own.union(*map(fields, alternatives))


def parameters(operation: Operation) -> set[str]:
    [found] = (
        each
        for by_method in described()["paths"].values()
        for each in by_method.values()
        if each["operationId"] == operation.id
    )
    named = {each["name"] for each in found["parameters"]} - {"workspace"}
    body = found.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    return {snake(name) for name in named | fields(body)}


@pytest.mark.parametrize("operation", METHODS, ids=lambda operation: operation.id)
def test_each_operation_has_its_method_with_all_its_parameters(operation: Operation) -> None:
    taken = inspect.signature(getattr(Client, snake(operation.id))).parameters.keys() - {"self"}
    assert taken == parameters(operation)


def test_no_method_is_without_an_operation() -> None:
    public = {name for each in Client.__mro__[:-1] for name in vars(each) if not name.startswith("_")}
    assert public - {"wait", "close"} == {snake(each.id) for each in METHODS}


def test_all_that_is_public_is_named() -> None:
    assert all(hasattr(function_rerun, name) for name in function_rerun.__all__)
    assert {name for name in vars(models) if name[0].isupper()} >= {"RunView", "TriggerView", "Status"}


def test_a_run_is_executed_rerun_compared_and_found(api: Api, client: Client) -> None:
    job = client.execute_trigger(TRIGGER_ID, payload={"a": [1, "\ud800"]})["jobId"]
    api.execute_pending()
    plan = client.plan_rerun(job, override_params={"b": 2}, reason="Why not")
    again = client.rerun(job, override_params={"b": 2}, reason="Why not", plan_token=plan["planToken"])["jobId"]
    api.execute_pending()
    assert client.wait(again)["status"] == "completed"
    assert client.get_run(again, include=["parameters", "result"])["parameters"] == {"a": [1, "\ud800"], "b": 2}
    assert client.compare_runs(again)["before"]["id"] == job
    assert client.compare_runs(again, with_=RUN_ID)["before"]["id"] == RUN_ID
    assert [each["id"] for each in client.list_runs(is_rerun=True, status="completed")] == [again]
    assert [each["id"] for each in client.get_rerun_history(job)["reruns"]] == [again]
    assert {each["action"] for each in client.list_acts(by="alice")} == {"execute", "rerun", "reveal", "compare"}


def test_an_experiment_is_started_and_read(api: Api, client: Client) -> None:
    started = client.start_experiment(RUN_ID, repeats=2, candidate_version="latest", ignore=["/at"])
    api.execute_pending()
    assert client.get_experiment(RUN_ID, started["experimentId"])["ignore"] == ["/at"]


def test_a_batch_is_planned_started_changed_and_followed(api: Api, client: Client) -> None:
    at = clock.now() - timedelta(minutes=1)
    for number in range(3):
        api.world.has_run(a_run(id=an_id(60 + number), status="failure", error_code="Declined", created_at=at))
    of: dict[str, Any] = {"filter": {"errorCode": "Declined"}, "canary": {"count": 1}, "reason": "Fixed"}
    assert client.start_rerun_batch(**of, dry_run=True)["wouldStart"] == 3
    batch_id = client.start_rerun_batch(**of, use_latest_code=True, pace={"maxPerSecond": 100})["batchId"]
    assert client.pause_rerun_batch(batch_id)["state"] == "paused"
    assert (
        client.resume_rerun_batch(
            batch_id, pace={"startPerSecond": 100, "maxPerSecond": 100}, stop_when={"failures": 9}
        )["state"]
        == "canary"
    )
    api.step_batches()
    api.execute_pending()
    assert client.get_rerun_batch(batch_id)["progress"]["started"] == 1
    assert [each["status"] for each in client.list_batch_reruns(batch_id, status="completed")] == ["completed"]
    assert [each["batchId"] for each in client.list_runs(batch_id=batch_id)] == [batch_id]
    assert client.cancel_rerun_batch(batch_id, open_reruns="cancel")["state"] == "cancelled"
    assert [each["batchId"] for each in client.list_rerun_batches(limit=1)] == [batch_id]
    with pytest.raises(function_rerun.Conflict) as refused:
        client.resume_rerun_batch(batch_id)
    assert refused.value.code == "BATCH_ENDED"
    acts = client.list_acts(batch_id=batch_id)
    assert [each["action"] for each in acts] == ["cancel-batch", "resume-batch", "pause-batch", "start-batch"]


def test_a_run_is_cancelled_and_erased(api: Api, client: Client) -> None:
    job = client.execute_trigger(TRIGGER_ID)["jobId"]
    assert client.cancel(job)["status"] == client.cancel(job)["status"] == "cancelled"
    client.erase(job)
    assert client.get_run(job)["erasedAt"]


def test_an_error_group_is_found_resolved_and_opened_again(api: Api, client: Client) -> None:
    now = clock.now()
    failed = {"status": "failure", "error_group_id": GROUP_ID, "created_at": now}
    api.world.has_run(a_run(id=an_id(1), **failed))
    [group] = client.list_error_groups(function_id=FUNCTION_ID, state="open", from_=now, to="2999-02-01", limit=1)
    assert client.get_error_group(GROUP_ID, from_=now, to="2999-02-01", include=["frames"]) == {**group, "frames": None}
    changed = client.change_error_group(GROUP_ID, state="resolved", resolved_in_version="8", reason="Fixed", version=1)
    assert (changed["state"], changed["resolvedInVersion"]) == ("resolved", "8")
    with pytest.raises(function_rerun.Stale):
        client.change_error_group(GROUP_ID, state="open", if_match='"1"')
    assert list(client.list_error_groups(state="open")) == []
    assert [each["id"] for each in client.list_runs(error_group_id=GROUP_ID)] == [an_id(1)]
    assert [each["reason"] for each in client.list_acts(error_group_id=GROUP_ID, action="change-error-group")] == [
        "Fixed"
    ]


def test_functions_are_looked_after(api: Api, client: Client) -> None:
    assert [each["id"] for each in client.list_functions()] == [FUNCTION_ID]
    function = client.get_function(FUNCTION_ID)
    changed = client.change_function(FUNCTION_ID, name="new", version=function["version"], ignore_differences=["/at"])
    assert client.change_function(FUNCTION_ID, name="newer", if_match=f'"{changed["version"]}"')["name"] == "newer"
    with pytest.raises(function_rerun.Stale):
        client.change_function(FUNCTION_ID, name="newest", version=function["version"])
    with pytest.raises(function_rerun.Conflict) as refused:
        client.register_function(name="newer", function_arn=FUNCTION_ARN)
    assert refused.value.code == "NAME_TAKEN"
    assert client.delete_function(FUNCTION_ID)["id"] == FUNCTION_ID
    with pytest.raises(function_rerun.NotFound):
        client.get_function(FUNCTION_ID)


def test_triggers_are_looked_after(api: Api, client: Client) -> None:
    made = client.create_trigger(
        name="signed", function_id=FUNCTION_ID, execution_type="http-trigger", trigger_metadata={"path": "a/b"}
    )
    assert made["secret"] != client.rotate_secret(made["id"], keep_previous=False)["secret"]
    changed = client.change_trigger(
        made["id"], enabled=False, retry_policy={"maxRetries": 2}, version=client.get_trigger(made["id"])["version"]
    )
    assert (changed["enabled"], changed["retryPolicy"]["maxRetries"]) == (False, 2)
    assert client.delete_trigger(made["id"])["id"] == made["id"]
    assert made["id"] not in [each["id"] for each in client.list_triggers()]


def test_the_description_is_read_without_a_token(api: Api) -> None:
    with Client(api.url, workspace="acme", auth=lambda: pytest.fail("it is asked for a token")) as client:
        assert client.get_open_api()["openapi"].startswith("3.1")
    assert "authorization" not in api.requests[-1].headers


def test_a_history_is_read_whole_or_by_the_page(api: Api, client: Client) -> None:
    jobs = [client.rerun(RUN_ID)["jobId"] for _ in range(3)]
    assert {each["id"] for each in client.get_rerun_history(RUN_ID)["reruns"]} == {*jobs}
    page = client.get_rerun_history(RUN_ID, limit=2)
    rest = client.get_rerun_history(RUN_ID, limit=2, cursor=page["nextCursor"])
    assert [len(each["reruns"]) for each in (page, rest)] == [2, 1]


def test_filters_are_sent_as_the_api_reads_them(api: Api, client: Client) -> None:
    now = clock.now()
    api.world.has_run(a_run(id=an_id(1), status="failure", error_code="a&b=ü", created_at=now))
    found = client.list_runs(error_code="a&b=ü", recovered=False, from_=now, to="2999-02-01", limit=1)
    assert [each["id"] for each in found] == [an_id(1)]
    with pytest.raises(ValueError, match="time zone"):
        client.list_runs(from_=datetime(2026, 1, 1))  # noqa: DTZ001 - that is what is tried
