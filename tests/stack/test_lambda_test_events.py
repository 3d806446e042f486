"""Every entry point has ready-made test events for the AWS console. With real ids they do what their names say."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from typing import Any, NamedTuple

import pytest

from handlers.domain.clock import iso, now
from infra.lambda_test_events import EVENTS, events_of
from infra.local.local_stack import LocalStack
from tests.infra.template import ENTRY_POINTS
from tests.stack.driver import ABSENT, TeamFunction, Workspace, until
from tests.stack.leak_story import executor_at_rest
from tests.stack.sources import NEVER, create, is_half_done, lambda_of, leave_half_done, put, runs_of, the_run
from tests.stack.sweeping import sweep

# These share one event.
SCHEDULED = {"housekeeping", "sweep_versions", "watchdog"}
STEMS = {path.stem for path in EVENTS.glob("*-*.json")} | SCHEDULED
# These have tests of their own, in test_console.py.
RERUNS = {stem for stem in STEMS if stem.startswith("api_rerun-")}
FUNCTION = "def handler(event, context):\n    return 1 / 0 if 'fail' in event else event\n"
ABOUT, BESIDE = "550e8400-e29b-41d4-a716-446655440000", "660e9500-f30c-52e5-b827-557766550001"
ABOUT_A_GROUP = ABOUT.replace("-", "")
ARN = "arn:aws:lambda:us-east-1:123456789012:function:my-function"


def text_of(stem: str) -> str:
    (file,) = events_of(stem) if stem in SCHEDULED else [EVENTS / f"{stem}.json"]
    return file.read_text()


class Own(NamedTuple):
    """What an operator puts into the events: a workspace with a function, a trigger and a run of it that has ended."""

    workspace: Workspace
    lambda_: TeamFunction
    function: str
    trigger: str
    run: str

    def send(self, stem: str, about: str = "") -> Any:
        text = text_of(stem)
        real = {"my-workspace": self.workspace.name, BESIDE: self.trigger, ARN: self.lambda_.arn}
        real |= dict.fromkeys((ABOUT, ABOUT_A_GROUP), about)
        for placeholder, own in real.items():
            text = text.replace(placeholder, own)
        return lambda_of(self.workspace, stem.partition("-")[0], json.loads(text))

    def ask(self, stem: str, about: str = "") -> tuple[int, Any]:
        """Status and document of an API function's answer."""
        answer = self.send(stem, about)
        return answer["statusCode"], json.loads(answer["body"])


Check = Callable[[Own], None]
CHECKS: dict[str, Check] = {}


def does(stem: str) -> Callable[[Check], Check]:
    return lambda check: CHECKS.setdefault(stem, check)


@pytest.fixture(scope="module")
def function(local_stack: LocalStack) -> TeamFunction:
    return TeamFunction(local_stack).deploy(FUNCTION)


@pytest.fixture
def own(workspace: Workspace, function: TeamFunction) -> Own:
    registered = workspace.register(function)
    trigger = workspace.trigger(registered)
    run = workspace.ended(workspace.execute(trigger, payload={"orderId": "o-1"}))
    assert run["status"] == "completed", run
    return Own(workspace, function, registered, trigger, run["id"])


def test_every_entry_point_has_ready_made_events() -> None:
    assert {stem.partition("-")[0] for stem in STEMS} == set(ENTRY_POINTS)


@pytest.mark.parametrize("stem", sorted(STEMS))
def test_every_id_in_an_event_is_one_to_be_put_in(stem: str) -> None:
    assert set(re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", text_of(stem))) <= {ABOUT, BESIDE}


@does("api_openapi-describe")
def _(own: Own) -> None:
    status, document = own.ask("api_openapi-describe")
    assert (status, document["openapi"]) == (200, "3.1.0")


@does("api_runs-a-run")
def _(own: Own) -> None:
    status, document = own.ask("api_runs-a-run", own.run)
    assert (status, document["id"], document["status"]) == (200, own.run, "completed")


@does("api_runs-what-a-run-holds")
def _(own: Own) -> None:
    status, document = own.ask("api_runs-what-a-run-holds", own.run)
    assert (status, document["parameters"], document["result"]) == (200, {"orderId": "o-1"}, {"orderId": "o-1"})


@does("api_erase-a-run")
def _(own: Own) -> None:
    assert own.send("api_erase-a-run", own.run)["statusCode"] == HTTPStatus.NO_CONTENT
    assert own.workspace.run(own.run, include="parameters,result")["parameters"] is None


@does("api_runs-failures")
def _(own: Own) -> None:
    failed = own.workspace.ended(own.workspace.execute(own.trigger, payload={"fail": True}))

    def listed() -> list[tuple[str, str]]:
        status, document = own.ask("api_runs-failures")
        assert status == 200
        return [(each["id"], each["errorCode"]) for each in document["data"]]

    # A failure is in their list once its event is published.
    assert until(listed) == [(failed["id"], "ZeroDivisionError")]


@does("api_runs-history")
def _(own: Own) -> None:
    rerun = own.workspace.rerun(own.run)
    status, document = own.ask("api_runs-history", own.run)
    assert (status, document["rerunCount"], document["reruns"][0]["id"]) == (200, 1, rerun)


@does("api_error_groups-open")
def _(own: Own) -> None:
    group = a_group_of(own)
    status, document = own.ask("api_error_groups-open")
    assert (status, [each["errorGroupId"] for each in document["data"]]) == (200, [group])


@does("api_error_groups-with-its-frames")
def _(own: Own) -> None:
    status, document = own.ask("api_error_groups-with-its-frames", a_group_of(own))
    assert (status, document["errorCode"], document["frames"]) == (200, "ZeroDivisionError", ["handler"])


@does("api_error_groups-resolve")
def _(own: Own) -> None:
    status, document = own.ask("api_error_groups-resolve", a_group_of(own))
    assert (status, document["state"], document["changedBy"]) == (200, "resolved", "alice")


def a_group_of(own: Own) -> str:
    """The id of the error group of a run that has failed, once it is listed."""
    failed = own.workspace.ended(own.workspace.execute(own.trigger, payload={"fail": True}))
    until(lambda: own.workspace.http.get("/error-groups").json()["data"])
    return str(failed["errorGroupId"])


@does("api_audit-reruns")
def _(own: Own) -> None:
    rerun = own.workspace.rerun(own.run)
    status, document = own.ask("api_audit-reruns")
    assert (status, document["data"][0]["jobId"]) == (200, rerun)


@does("api_compare-with-its-source")
def _(own: Own) -> None:
    status, document = own.ask("api_compare-with-its-source", own.workspace.rerun(own.run))
    assert (status, document["before"]["id"], document["content"]["parameters"]["equal"]) == (200, own.run, True)


@does("api_registry-register-function")
def _(own: Own) -> None:
    status, document = own.ask("api_registry-register-function")
    assert (status, document["functionArn"]) == (201, own.lambda_.arn)


@does("api_registry-capture-failures")
def _(own: Own) -> None:
    status, document = own.ask("api_registry-capture-failures", own.function)
    assert (status, document["captureFailures"]) == (200, {"triggerId": own.trigger})


@does("api_registry-create-schedule")
def _(own: Own) -> None:
    status, document = own.ask("api_registry-create-schedule", own.function)
    assert (status, document["triggerMetadata"]["timezone"]) == (201, "Europe/Berlin")


@does("api_registry-create-event-rule")
def _(own: Own) -> None:
    status, document = own.ask("api_registry-create-event-rule", own.function)
    assert (status, document["triggerMetadata"]["eventPattern"]["source"]) == (201, ["shop"])


@does("api_registry-create-webhook")
def _(own: Own) -> None:
    status, document = own.ask("api_registry-create-webhook", own.function)
    assert (status, document["secret"].partition("_")[0]) == (201, "whsec")


@does("api_registry-list-functions")
def _(own: Own) -> None:
    status, document = own.ask("api_registry-list-functions")
    assert (status, [each["id"] for each in document["data"]]) == (200, [own.function])


@does("api_registry-get-trigger")
def _(own: Own) -> None:
    status, document = own.ask("api_registry-get-trigger", own.trigger)
    assert (status, document["id"], document["triggerMetadata"]) == (200, own.trigger, {"params": {}})


@does("api_registry-list-triggers")
def _(own: Own) -> None:
    status, document = own.ask("api_registry-list-triggers")
    assert (status, [each["id"] for each in document["data"]]) == (200, [own.trigger])


@does("api_triggers-execute")
def _(own: Own) -> None:
    status, document = own.ask("api_triggers-execute", own.trigger)
    assert status == 202
    assert own.workspace.ended(document["jobId"], include="result")["result"] == {"orderId": "o-1"}


@does("api_experiments-on-the-latest-code")
def _(own: Own) -> None:
    run = own.workspace.execute(own.trigger)
    status, document = own.ask("api_experiments-on-the-latest-code", run)
    assert (status, len(document["pinned"]), len(document["candidate"])) == (202, 2, 2)
    assert own.workspace.ended(document["candidate"][1])["experimentId"] == document["experimentId"]


@does("api_batches-plan")
def _(own: Own) -> None:
    status, plan = own.ask("api_batches-plan", own.function)
    assert (status, plan["sources"], plan["isSample"]) == (200, 0, False)


@does("api_batches-a-run-again")
def _(own: Own) -> None:
    status, document = own.ask("api_batches-a-run-again", own.run)
    assert (status, document["state"]) == (202, "running")


def a_waiting_batch(own: Own) -> str:
    body = {"runIds": [own.run], "notBefore": iso(now() + timedelta(days=1))}
    return str(own.workspace.http.post("/rerun-batches", json=body).json()["batchId"])


@does("api_batches-list")
def _(own: Own) -> None:
    batch = a_waiting_batch(own)
    status, document = own.ask("api_batches-list")
    assert (status, [each["batchId"] for each in document["data"]]) == (200, [batch])


@does("api_batches-a-batch")
def _(own: Own) -> None:
    batch = a_waiting_batch(own)
    status, document = own.ask("api_batches-a-batch", batch)
    assert (status, document["batchId"], document["state"]) == (200, batch, "scheduled")


@does("api_batches-cancel")
def _(own: Own) -> None:
    batch = a_waiting_batch(own)
    status, document = own.ask("api_batches-cancel", batch)
    assert (status, document["batchId"], document["state"]) == (200, batch, "cancelled")


@does("api_webhooks-unsigned")
def _(own: Own) -> None:
    create(own.workspace, own.function, "http-trigger", {"path": "orders/new", "signature": "none"})
    status, document = own.ask("api_webhooks-unsigned")
    assert (status, document["status"]) == (202, "queued")
    run = own.workspace.run(document["jobId"], include="parameters")
    assert (run["executionSource"], run["parameters"]["payload"]) == ("webhook", {"orderId": "o-1"})


@does("api_webhooks-badly-signed")
def _(own: Own) -> None:
    create(own.workspace, own.function, "http-trigger", {"path": "payments/settled"})
    status, document = own.ask("api_webhooks-badly-signed")
    assert (status, document["code"]) == (401, "BAD_SIGNATURE")


@does("api_cancel-a-run")
def _(own: Own) -> None:
    with executor_at_rest(own.workspace.local_stack):
        run = own.workspace.execute(own.trigger)
        status, document = own.ask("api_cancel-a-run", run)
        assert (status, document["status"]) == (200, "cancelled")


@does("api_rerun_plan-latest-code")
def _(own: Own) -> None:
    status, document = own.ask("api_rerun_plan-latest-code", own.run)
    assert (status, document["code"]["used"], document["refusals"]) == (200, "current", [])


@does("execute_runs-one-run")
def _(own: Own) -> None:
    with executor_at_rest(own.workspace.local_stack):
        run = own.workspace.execute(own.trigger)
        assert own.send("execute_runs-one-run", run) == {"batchItemFailures": []}
        assert own.workspace.run(run)["status"] == "completed"


@does("on_event-schedule")
def _(own: Own) -> None:
    trigger = create(own.workspace, own.function, "scheduled", NEVER)["id"]
    assert own.send("on_event-schedule", trigger) == {"jobId": the_run(own.workspace, trigger)}


@does("on_event-event")
def _(own: Own) -> None:
    trigger = create(own.workspace, own.function, "event-driven", {"eventPattern": {"source": ["shop"]}})["id"]
    assert own.send("on_event-event", trigger) == {"jobId": the_run(own.workspace, trigger)}


@does("capture_failures-retries-exhausted")
def _(own: Own) -> None:
    body = {"version": 1, "captureFailures": {"triggerId": own.trigger}}
    own.workspace.http.put(f"/compute-functions/{own.function}", json=body)
    assert own.send("capture_failures-retries-exhausted") == {"batchItemFailures": []}
    (run,) = (each for each in runs_of(own.workspace) if each["executionSource"] == "captured")
    assert (run["status"], run["errorCode"]) == ("failure", "KeyError")


@does("on_run_failed-retry")
def _(own: Own) -> None:
    # Its trigger does not retry: there is nothing to decide.
    assert own.send("on_run_failed-retry", own.run) == {"result": "settled before"}


@does("run_batches-step")
def _(own: Own) -> None:
    # There is no such batch: nothing is left to do.
    answer = own.send("run_batches-step", ABSENT)
    assert answer == {"batchId": ABSENT, "generation": 1, "steps": 1, "isOver": True, "waitSeconds": 0}


@does("housekeeping")
def _(own: Own) -> None:
    assert own.send("housekeeping") == {}


@does("watchdog")
def _(own: Own) -> None:
    trigger = create(own.workspace, own.function, "scheduled", NEVER)
    leave_half_done(own.workspace, trigger["id"])

    def restored() -> bool:
        own.send("watchdog")
        # The minute's own watchdog may have been faster, and still be at it.
        return not is_half_done(own.workspace, trigger["id"])

    assert until(restored)
    assert put(own.workspace, trigger, name="free again").status_code == 200


@does("sweep_versions")
def _(own: Own) -> None:
    results = sweep(own.workspace.local_stack, json.loads(text_of("sweep_versions")))
    assert results["not published here"] >= 1, "the version of the run: nothing is marked where nothing is deleted"
    assert "deleted" not in results, "nothing here is older than a day"


@pytest.mark.parametrize("stem", sorted(STEMS - RERUNS))
def test_a_ready_made_event_does_what_it_says(own: Own, stem: str) -> None:
    CHECKS[stem](own)
