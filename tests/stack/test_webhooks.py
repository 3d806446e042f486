"""HTTP triggers: who may start a run without a token, once and only once for each webhook."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest

from infra.local.waiting import PATIENCE_SECONDS
from tests.stack.driver import Workspace, accepted, items_of, refusal, until
from tests.stack.sources import create, lambda_of, post_trigger, post_webhook, put, runs_of, signed

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

    @pytest.mark.parametrize("body", ["name=a&b=c", "", '{"a": 1, "a": 2}', "{broken"])
    def test_a_body_that_is_not_json_is_handed_on_as_it_is(
        self, workspace: Workspace, hook: dict[str, Any], body: str
    ) -> None:
        answer = post_webhook(workspace, "orders", body, secret=hook["secret"])
        parameters = workspace.run(accepted(answer), include="parameters")["parameters"]
        assert (parameters["rawBody"], "payload" in parameters) == (body, False)

    @pytest.mark.parametrize("path", ["orders/", "orders%2f", "orders/?a=1"])
    def test_a_slash_at_the_end_says_nothing(self, workspace: Workspace, hook: dict[str, Any], path: str) -> None:
        run = accepted(post_webhook(workspace, path, "{}", secret=hook["secret"]))
        assert workspace.run(run, include="parameters")["parameters"]["path"] == "orders"

    @pytest.mark.parametrize("form", ["v1,AAAA  {}", "v1 {}", "{} ,\tv1", "v1a,AAAA v2,{} v1,é {}"])
    def test_what_is_malformed_beside_the_right_signature_is_passed_over(
        self, workspace: Workspace, hook: dict[str, Any], form: str
    ) -> None:
        proof = signed(hook["secret"], "{}", webhook_id="m")
        proof["webhook-signature"] = form.format(*[proof["webhook-signature"]] * 2)
        event = api_gateway_event(workspace, headers=proof)
        assert lambda_of(workspace, "api_webhooks", event)["statusCode"] == 202

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

    def test_the_same_id_at_another_trigger_is_another_webhook(
        self, workspace: Workspace, function: str, hook: dict[str, Any]
    ) -> None:
        other = create(workspace, function, "http-trigger", {"path": "refunds"})
        one = accepted(post_webhook(workspace, "orders", "{}", secret=hook["secret"], webhook_id="msg_1"))
        two = accepted(post_webhook(workspace, "refunds", "{}", secret=other["secret"], webhook_id="msg_1"))
        assert one != two


class TestRefused:
    def test_a_path_that_nobody_listens_at_is_not_found(self, workspace: Workspace, hook: dict[str, Any]) -> None:
        answer = post_webhook(workspace, "nothing/here", "{}", secret=hook["secret"])
        assert refusal(answer) == (404, "NOT_FOUND", "Webhook not found.")

    def test_another_workspace_s_path_is_not_found(self, workspace: Workspace, hook: dict[str, Any]) -> None:
        assert post_webhook(workspace.other(), "orders", "{}", secret=hook["secret"]).status_code == 404

    @pytest.mark.parametrize("age", [timedelta(minutes=6), timedelta(minutes=-6)])
    def test_a_webhook_of_another_time_is_not_believed(
        self, workspace: Workspace, hook: dict[str, Any], age: timedelta
    ) -> None:
        proof = signed(hook["secret"], "{}", webhook_id="m", at=datetime.now(UTC) - age)
        answer = post_webhook(workspace, "orders", "{}", secret=None, **proof)
        assert refusal(answer)[:2] == (401, "BAD_SIGNATURE")

    @pytest.mark.parametrize("signature", ["", "v1", "v1,", "v1,***", "v2,abc", "v1,AAAA v1", "a,b,c"])
    def test_a_webhook_without_a_good_signature_is_not_believed(
        self, workspace: Workspace, hook: dict[str, Any], signature: str
    ) -> None:
        proof = signed(hook["secret"], "{}", webhook_id="m") | {"webhook-signature": signature}
        assert post_webhook(workspace, "orders", "{}", secret=None, **proof).status_code == 401
        assert post_webhook(workspace, "orders", "{}", secret=None).status_code == 401
        assert runs_of(workspace) == []

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
        "path", ["a/../b", "..", "a//b", "%2e%2e", "a%2F%2Fb", "a%00b", "ü", "a%0Ab", ".hidden", "x" * 10_000]
    )
    def test_a_hostile_path_is_refused_by_its_name(self, workspace: Workspace, hook: dict[str, Any], path: str) -> None:
        event = api_gateway_event(workspace, path=path.replace("%2e", ".").replace("%2F", "/").replace("%00", "\0"))
        answer = lambda_of(workspace, "api_webhooks", event)
        document = json.loads(answer["body"])
        assert (answer["statusCode"], document["field"]) == (400, "path")

    @pytest.mark.parametrize(
        ("name", "value"),
        [("x-any", "x" * 10_000), ("x-any", "a\x00b"), ("webhook-id", "x" * 10_000), ("webhook-timestamp", "nan")],
    )
    def test_a_hostile_header_is_refused_by_its_name(
        self, workspace: Workspace, hook: dict[str, Any], name: str, value: str
    ) -> None:
        proof = signed(hook["secret"], "{}", webhook_id="m")
        answer = lambda_of(workspace, "api_webhooks", api_gateway_event(workspace, headers=proof | {name: value}))
        assert (answer["statusCode"], json.loads(answer["body"])["field"]) == (400, f"headers.{name}")

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

    def test_a_webhook_for_a_deleted_function_says_so(self, workspace: Workspace, hook: dict[str, Any]) -> None:
        workspace.http.delete(f"/compute-functions/{hook['functionId']}")
        answer = post_webhook(workspace, "orders", "{}", secret=hook["secret"])
        assert refusal(answer) == (400, "FUNCTION_NOT_FOUND", f"Function not found for trigger: {hook['id']}")

    @pytest.mark.parametrize("path", ["..", "a/../b", "/a", "a/", "a b", "a%2Fb", ".git", "ü", "x" * 10_000, "a\n"])
    def test_a_trigger_s_path_is_plain(self, workspace: Workspace, function: str, path: str) -> None:
        answer = post_trigger(workspace, function, "http-trigger", {"path": path})
        assert (answer.status_code, answer.json()["field"]) == (400, "triggerMetadata.path")

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

    def test_it_is_shown_once(self, workspace: Workspace, hook: dict[str, Any]) -> None:
        assert hook["secret"].startswith("whsec_")
        assert "secret" not in workspace.trigger_document(hook["id"])
        assert "secret" not in put(workspace, hook, name="renamed").json()

    def test_two_are_valid_while_senders_change(self, workspace: Workspace, hook: dict[str, Any]) -> None:
        second = self.rotate(workspace, hook)
        for secret in (hook["secret"], second):
            accepted(post_webhook(workspace, "orders", "{}", secret=secret))
        third = self.rotate(workspace, hook)
        assert post_webhook(workspace, "orders", "{}", secret=hook["secret"]).status_code == 401
        for secret in (second, third):
            accepted(post_webhook(workspace, "orders", "{}", secret=secret))

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


def test_content_is_sealed(workspace: Workspace, hook: dict[str, Any]) -> None:
    run = accepted(post_webhook(workspace, "orders", '{"card": "4111"}', secret=hook["secret"]))
    workspace.ended(run)
    stored = b"".join(item["sealed"]["B"] for item in items_of(workspace, run) if "sealed" in item)
    assert stored
    assert b"4111" not in stored
    assert "4111" not in str(items_of(workspace, run))


def api_gateway_event(workspace: Workspace, **changes: Any) -> dict[str, Any]:
    path = changes.get("path", "orders")
    route = "/workspace/{workspace}/api/v1/http-trigger/{path+}"
    return {
        "version": "2.0",
        "routeKey": f"POST {route}",
        "rawPath": route.replace("{workspace}", workspace.name).replace("{path+}", path),
        "rawQueryString": "",
        "headers": changes.get("headers", {}),
        "pathParameters": {"workspace": workspace.name, "path": path},
        "requestContext": {"http": {"method": "POST", "path": "/"}, "requestId": "r-1", "stage": "$default"},
        "body": "{}",
        "isBase64Encoded": False,
    }
