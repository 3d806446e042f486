"""HTTP triggers: who may start a run without a token, once and only once for each webhook."""

from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest

from infra.local.waiting import PATIENCE_SECONDS
from tests.stack.driver import Workspace, accepted, refusal, until
from tests.stack.sources import create, post_trigger, post_webhook, put, runs_of, signed

BURST = 200
# Each needs a Lambda of its own, and starting one is what takes the time here.
AT_ONCE = 6


@pytest.fixture
def function(workspace: Workspace) -> str:
    trigger, _ = workspace.trigger_of()
    return str(workspace.trigger_document(trigger)["functionId"])


@pytest.fixture
def hook(workspace: Workspace, function: str) -> dict[str, Any]:
    return create(workspace, function, "http-trigger", {"path": "orders"})


class TestAccepted:
    def test_the_answer_says_where_the_run_is(self, workspace: Workspace, hook: dict[str, Any]) -> None:
        answer = post_webhook(workspace, "orders", "{}", secret=hook["secret"])
        assert answer.status_code == 202
        assert answer.json() == {"status": "queued", "jobId": answer.json()["jobId"]}
        assert answer.headers["location"].endswith(f"/function-runs/{answer.json()['jobId']}")

    def test_parameters_are_the_request_without_what_proves_who_sent_it(
        self, workspace: Workspace, hook: dict[str, Any]
    ) -> None:
        secrets = {"Authorization": "Bearer t", "Cookie": "session=c", "X-Shop": "berlin"}
        answer = post_webhook(workspace, "orders?a=1&b=x%20y", '{"n": 1.0}', secret=hook["secret"], **secrets)
        parameters = workspace.run(accepted(answer), include="parameters")["parameters"]
        assert parameters.keys() == {"method", "path", "headers", "query", "payload"}
        assert (parameters["method"], parameters["path"]) == ("POST", "orders")
        assert parameters["query"] == {"a": "1", "b": "x y"}
        assert repr(parameters["payload"]) == "{'n': 1.0}"
        assert parameters["headers"]["x-shop"] == "berlin"
        hidden = {"authorization", "cookie", "webhook-id", "webhook-timestamp", "webhook-signature"}
        assert not hidden & parameters["headers"].keys()

    def test_a_trigger_may_do_without_signatures(self, workspace: Workspace, function: str) -> None:
        open_hook = create(workspace, function, "http-trigger", {"path": "open", "signature": "none"})
        assert "secret" not in open_hook
        accepted(post_webhook(workspace, "open", "{}", secret=None))


class TestOnce:
    def test_a_burst_of_one_webhook_starts_one_run(self, workspace: Workspace, hook: dict[str, Any]) -> None:
        def post(_: int) -> str:
            return accepted(post_webhook(workspace, "orders", "{}", secret=hook["secret"], webhook_id="msg_1"))

        with ThreadPoolExecutor(AT_ONCE) as pool:
            (run,) = set(pool.map(post, range(BURST)))
        assert workspace.ended(run)["executionAttempts"] == 1
        assert [each["id"] for each in runs_of(workspace)] == [run]

    def test_of_a_burst_of_different_webhooks_none_is_lost(self, workspace: Workspace, hook: dict[str, Any]) -> None:
        def post(number: int) -> str:
            return accepted(
                post_webhook(workspace, "orders", f'{{"n":{number}}}', secret=hook["secret"], webhook_id=f"m{number}")
            )

        with ThreadPoolExecutor(AT_ONCE) as pool:
            started = set(pool.map(post, range(BURST)))
        assert len(started) == BURST

        def all_completed() -> bool:
            return {each["id"] for each in runs_of(workspace, status="completed")} == started

        until(all_completed)


class TestRefused:
    def test_another_workspace_s_path_is_not_found(self, workspace: Workspace, hook: dict[str, Any]) -> None:
        assert post_webhook(workspace.other(), "orders", "{}", secret=hook["secret"]).status_code == 404

    def test_a_body_that_was_not_signed_is_not_believed(self, workspace: Workspace, hook: dict[str, Any]) -> None:
        proof = signed(hook["secret"], '{"amount": 1}', webhook_id="m")
        assert post_webhook(workspace, "orders", '{"amount": 2}', secret=None, **proof).status_code == 401

    def test_a_disabled_trigger_says_so_to_who_can_sign(self, workspace: Workspace, hook: dict[str, Any]) -> None:
        disabled = put(workspace, hook, enabled=False).json()
        assert refusal(post_webhook(workspace, "orders", "{}", secret=hook["secret"]))[:2] == (409, "TRIGGER_DISABLED")
        assert post_webhook(workspace, "orders", "{}", secret=None).status_code == 401
        assert put(workspace, disabled, enabled=True).status_code == 200
        accepted(post_webhook(workspace, "orders", "{}", secret=hook["secret"]))

    @pytest.mark.parametrize(
        "path",
        ["a/../b", "..", "%2e%2e/x", "a%2F..%2Fb", "orders%00", "orders%0d%0aX:%20y", "orders%2f%2f", "x" * 5_000],
    )
    def test_over_http_a_hostile_path_reaches_nobody(
        self, workspace: Workspace, hook: dict[str, Any], path: str
    ) -> None:
        # Sent as it stands: httpx would tidy it up.
        address = urlsplit(workspace.with_token(None).base)
        proof = signed(hook["secret"], "{}", webhook_id="m")
        connection = HTTPConnection(address.netloc, timeout=PATIENCE_SECONDS)
        connection.request("POST", f"{address.path}/http-trigger/{path}", body="{}", headers=proof)
        with connection.getresponse() as answer:
            assert 400 <= answer.status < 500
        connection.close()
        assert runs_of(workspace) == []

    def test_a_webhook_that_is_too_large_to_keep_is_413(self, workspace: Workspace, hook: dict[str, Any]) -> None:
        for size in (4_000_000, 5_100_000):
            answer = post_webhook(workspace, "orders", "x" * size, secret=hook["secret"])
            assert (answer.status_code, answer.json()["field"]) == (413, "body")

    def test_a_path_belongs_to_one_trigger(self, workspace: Workspace, function: str, hook: dict[str, Any]) -> None:
        assert refusal(post_trigger(workspace, function, "http-trigger", {"path": "orders"}))[:2] == (409, "PATH_TAKEN")
        moved = put(workspace, hook, triggerMetadata={"path": "orders/v2"})
        assert moved.status_code == 200, moved.text
        create(workspace, function, "http-trigger", {"path": "orders"})
        accepted(post_webhook(workspace, "orders/v2", "{}", secret=hook["secret"]))


class TestSecrets:
    def rotate(self, workspace: Workspace, hook: dict[str, Any], **options: bool) -> str:
        answer = workspace.http.post(f"/function-triggers/{hook['id']}/rotate-secret", json=options)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["secret"])

    def test_a_stolen_one_can_be_ended_at_once(self, workspace: Workspace, hook: dict[str, Any]) -> None:
        new = self.rotate(workspace, hook, keepPrevious=False)
        assert post_webhook(workspace, "orders", "{}", secret=hook["secret"]).status_code == 401
        accepted(post_webhook(workspace, "orders", "{}", secret=new))

    def test_who_may_not_change_triggers_may_not_rotate_it(self, workspace: Workspace, hook: dict[str, Any]) -> None:
        path = f"/function-triggers/{hook['id']}/rotate-secret"
        reader = workspace.as_caller("eve", f"{workspace.name}/function-triggers:read")
        assert refusal(reader.http.post(path))[:2] == (403, "FORBIDDEN")
        assert refusal(workspace.other().http.post(path))[:2] == (404, "NOT_FOUND")
        assert workspace.with_token(None).post(path).status_code == 401
        accepted(post_webhook(workspace, "orders", "{}", secret=hook["secret"]))

    def test_an_unsigned_trigger_has_none_until_it_is_signed(self, workspace: Workspace, function: str) -> None:
        hook = create(workspace, function, "http-trigger", {"path": "open", "signature": "none"})
        refused = workspace.http.post(f"/function-triggers/{hook['id']}/rotate-secret")
        assert refused.status_code == 400
        secret = put(workspace, hook, triggerMetadata={"path": "open"}).json()["secret"]
        assert post_webhook(workspace, "open", "{}", secret=None).status_code == 401
        accepted(post_webhook(workspace, "open", "{}", secret=secret))
