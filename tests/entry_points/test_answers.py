"""From errors to answers: the one table, and what a caller sees when it is our side that fails."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from handlers import api_cancel, api_registry, api_rerun
from handlers.api import responses
from handlers.api.rerun import RERUN as RERUN_OPERATION
from handlers.api.responses import answer_error
from handlers.api.views import Error
from handlers.aws import aws_errors
from handlers.domain import clock, errors
from handlers.domain.function_arns import InvokablePatterns
from handlers.domain.starting.recovered_check import LineageUnreadable
from tests.builders import RUN_ID, a_run, an_id
from tests.entry_points.events import CONTEXT, OWN, PHRASES, RERUN, ROUTES, answer_of, http_event
from tests.entry_points.in_memory import InMemory, wire
from tests.fakes import World

ERRORS_PAGE = Path(__file__).parents[2] / "docs" / "reference" / "errors.md"
SECRET = "the-message-of-an-exception"

TABLE: dict[errors.ServiceError, int] = {
    errors.Unauthenticated(): 401,
    errors.BadSignature(): 401,
    errors.Forbidden("acme/x:y"): 403,
    errors.FunctionNotPermitted(): 403,
    errors.InvalidRequest("field", "is wrong."): 400,
    errors.BusMissing("field"): 400,
    errors.TooLarge("field", "is large."): 413,
    errors.InvalidRunId(): 400,
    errors.RunNotFound(): 400,
    errors.WrongWorkspace(): 400,
    errors.OrchestrationRun("nightly"): 400,
    errors.NoParameters(): 400,
    errors.DecryptionFailed(): 400,
    errors.TriggerNotFound(): 400,
    errors.FunctionNotFound("trigger"): 400,
    errors.PartUnreadable("result"): 400,
    errors.NotFound("Run"): 404,
    errors.NameTaken("function"): 409,
    errors.PathTaken(): 409,
    errors.TriggerDisabled(): 409,
    errors.TriggerUnreadable(): 409,
    errors.RerunLimitReached(3): 409,
    errors.BeingChanged(): 409,
    errors.SourceLimitReached(): 409,
    errors.RunEnded("completed"): 409,
    errors.BatchEnded("completed"): 409,
    errors.AlreadyRecovered(RUN_ID): 409,
    errors.RerunOpen(RUN_ID): 409,
    errors.IdempotencyKeyReused(): 409,
    errors.EffectKeyUnknown(): 409,
    errors.PlanOutdated(["trigger"]): 409,
    errors.Stale(): 412,
    errors.VersionRequired(): 428,
    errors.Unavailable(): 503,
    LineageUnreadable(): 503,
    errors.Misconfigured(): 500,
}


def test_every_status_has_a_phrase_of_its_own_text_whatever_the_python() -> None:
    assert {status.value: responses.phrase_of(status) for status in responses.STATUS.values()} == PHRASES


@pytest.mark.parametrize("error", TABLE, ids=lambda error: type(error).__name__)
def test_each_error_has_its_status_and_a_complete_document(error: errors.ServiceError) -> None:
    status, answer = answer_error(error, "the-request")
    document = answer.document()
    assert status == TABLE[error]
    assert document["error"] == PHRASES[status]
    assert document["code"] == error.code != "REFUSED"
    assert document["message"] == error.message != ""
    assert document["requestId"] == "the-request"


def test_the_table_knows_every_error() -> None:
    def leaves(kind: type[errors.ServiceError]) -> set[type[errors.ServiceError]]:
        return {kind} | {leaf for child in kind.__subclasses__() for leaf in leaves(child)}

    abstract = {errors.ServiceError, errors.Refused, errors.Conflict}
    assert leaves(errors.ServiceError) - abstract == {type(error) for error in TABLE}


def test_the_docs_name_every_code() -> None:
    docs = ERRORS_PAGE.read_text()
    assert [error.code for error in TABLE if error.code not in docs] == []


def test_the_docs_name_every_field_of_an_error() -> None:
    page = ERRORS_PAGE.read_text().partition("\n## ")[0]
    fields = [field.alias for field in Error.model_fields.values()]
    assert [field for field in fields if f"`{field}`" not in page and f'"{field}"' not in page] == []


def test_the_docs_have_the_refusals_of_a_rerun_in_the_order_of_its_operation() -> None:
    section = ERRORS_PAGE.read_text().partition("## A re-run's refusals")[2].partition("An [experiment]")[0]
    named = [code for code in re.findall(r"`([A-Z_]+)`", section) if code not in ("INVALID_REQUEST", "TOO_LARGE")]
    assert named == [each.code for each in RERUN_OPERATION.refusals]


def rerun_answer() -> tuple[int, Any]:
    return answer_of(api_rerun, http_event(RERUN, {"workspace": OWN, "runId": RUN_ID}, body="{}"))


def test_a_kms_that_is_throttled_is_503_and_not_failed_to_decrypt(world: World) -> None:
    world.cipher.cannot_open = True
    status, document = rerun_answer()
    assert (status, document["code"]) == (503, "UNAVAILABLE")
    assert not world.queue.pushed


def test_a_fault_of_ours_is_answered_without_its_message_and_logged_without_it(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(world.runs, "read", fail)
    status, document = rerun_answer()
    logged = [vars(record) for record in caplog.records]
    assert (status, document["code"]) == (500, "INTERNAL_ERROR")
    assert SECRET not in json.dumps(document) + str(logged)
    assert [line["causes"] for line in logged if "causes" in line] == [[{"type": "RuntimeError"}]]
    assert not any(line["exc_info"] for line in logged)


def test_a_push_that_fails_after_the_record_is_still_accepted(world: World) -> None:
    world.queue.fails = True
    status, document = rerun_answer()
    assert status == 202
    assert world.run(document["jobId"]).original_run_id == RUN_ID


@pytest.mark.parametrize(
    ("changes", "status", "message"),
    [
        ({"status": "pending"}, 200, "Run cancelled: it will not be executed."),
        ({"status": "pending", "execution_attempts": 1}, 200, "Run cancelled: it will not be executed again."),
        ({"status": "running"}, 202, "The run is being executed and cannot be stopped."),
    ],
)
def test_the_answer_to_a_cancellation_promises_no_more_than_can_be_kept(
    world: World, changes: dict[str, Any], status: int, message: str
) -> None:
    run = world.has_run(a_run(id=an_id(1), created_at=clock.now(), **changes))
    event = http_event("POST /function-runs/{runId}/cancel", {"workspace": OWN, "runId": run.id})
    answered, document = answer_of(api_cancel, event)
    assert (answered, document["message"].startswith(message)) == (status, True)


def test_what_aws_refuses_for_good_is_500_in_words_of_its_own_and_counted(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = ClientError({"Error": {"Code": "AccessDeniedException", "Message": SECRET}}, "TransactWriteItems")

    def fail(*_: Any, **__: Any) -> Any:
        with aws_errors.translated():
            raise refused

    monkeypatch.setattr(world.runs, "record_rerun", fail)
    status, document = rerun_answer()
    assert (status, document["code"]) == (500, "SERVICE_MISCONFIGURED")
    assert "operator" in document["message"]
    assert '"PermanentFaults":[1.0]' in capsys.readouterr().out
    logged = [vars(record) for record in caplog.records]
    assert SECRET not in json.dumps(document) + str(logged)
    cause = {"type": "ClientError", "awsError": "AccessDeniedException", "operation": "TransactWriteItems"}
    assert any(cause in line.get("causes", []) for line in logged)


def test_a_key_that_is_refused_while_a_trigger_is_read_is_500(world: World) -> None:
    world.cipher.refused = True
    event = http_event("GET /function-triggers/{triggerId}", {"workspace": OWN, "triggerId": an_id(7)})
    status, document = answer_of(api_registry, event)
    assert (status, document["code"]) == (500, "SERVICE_MISCONFIGURED")


def test_a_function_that_the_workspace_may_invoke_no_more_is_403_and_says_why(world: World) -> None:
    world.invokable = InvokablePatterns({}, own_functions="arn:aws:lambda:*:*:function:FunctionRerun-*")
    with pytest.MonkeyPatch.context() as patched:
        wire(patched, InMemory(world))
        status, document = rerun_answer()
    assert (status, document["code"]) == (403, "FUNCTION_NOT_PERMITTED")
    assert "invokableFunctions" in document["message"]


@pytest.mark.parametrize("entry_point", sorted(set(ROUTES.values()), key=str), ids=lambda module: module.__name__)
@pytest.mark.parametrize(
    "changes",
    [
        {"requestContext": {"http": {"method": "POST"}}},
        {"requestContext": {"http": None, "requestId": "a"}},
        {"requestContext": {"http": {"method": 5}, "requestId": "a"}},
        {"requestContext": {"http": {"method": "POST"}, "requestId": {"a": SECRET}}},
        {"headers": {"idempotency-key": 5}},
        {"headers": [SECRET]},
        {"body": {"a": SECRET}},
    ],
    ids=str,
)
def test_an_event_that_api_gateway_cannot_have_made_is_refused_as_such(
    world: World, entry_point: Any, changes: dict[str, Any]
) -> None:
    event = http_event(RERUN, {"workspace": OWN, "runId": RUN_ID}, body="{}") | changes
    answer = entry_point.lambda_handler(event, CONTEXT)
    assert answer["statusCode"] == 400
    assert json.loads(answer["body"])["message"] == "event: is not an event of API Gateway."


@pytest.mark.parametrize("body", ["a", "é", "\ud83d"])
def test_a_body_that_is_not_base64_although_the_event_says_so_is_refused(world: World, body: str) -> None:
    event = http_event(RERUN, {"workspace": OWN, "runId": RUN_ID}, body=body) | {"isBase64Encoded": True}
    status, document = answer_of(api_rerun, event)
    assert (status, document["message"]) == (400, "body: is not valid base64.")
