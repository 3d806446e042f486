"""What can go wrong is said in one line, with an exit code and the next step."""

import inspect
import socket

import function_rerun as client
import pytest
from fnrun import next_steps
from fnrun.errors import CommandError, Exit
from fnrun.failures import explained
from fnrun.next_steps import NEXT_STEPS

from handlers.domain import errors
from tests.builders import RUN_ID, an_id
from tests.client.cli import Fnrun
from tests.client.faults import throttled, unavailable
from tests.client.server import Api

CODES = {each.code for each in vars(errors).values() if inspect.isclass(each) and issubclass(each, errors.ServiceError)}


def test_each_error_of_the_api_has_a_next_step_and_no_other_has() -> None:
    assert set(NEXT_STEPS) == CODES


@pytest.mark.parametrize("code", sorted(CODES))
def test_a_next_step_names_the_run_that_stands_in_the_way(code: str) -> None:
    step = next_steps.next_step({"code": code, "runId": an_id(2)}, run=RUN_ID)
    assert step
    assert "{" not in step


def api_error(status: int, code: str = "", message: str = "A sentence.", **more: str) -> client.ApiError:
    from function_rerun.errors import class_of  # noqa: PLC0415 - not public

    document = {"code": code, "message": message, "requestId": "r-1"} | more
    return class_of(status, code)(
        message, status=status, code=code, field=more.get("field"), request_id="r-1", document=document
    )


@pytest.mark.parametrize(
    ("error", "exit_code", "step"),
    [
        (api_error(400, "INVALID_REQUEST", field="notBefore"), Exit.REFUSED, "correct --not-before"),
        (api_error(400, "INVALID_REQUEST", field="other"), Exit.REFUSED, "correct what the message names"),
        (api_error(401), Exit.NOT_PERMITTED, "fnrun login"),
        (api_error(401, "UNAUTHENTICATED"), Exit.NOT_PERMITTED, "fnrun login"),
        (api_error(403, "FORBIDDEN"), Exit.NOT_PERMITTED, "fnrun whoami"),
        (api_error(403, "FUNCTION_NOT_PERMITTED"), Exit.REFUSED, "invokableFunctions"),
        (api_error(404), Exit.REFUSED, "check id and workspace"),
        (api_error(409, "ALREADY_RECOVERED", runId=an_id(2)), Exit.REFUSED, f"fnrun runs show {an_id(2)}"),
        (api_error(409, "PLAN_OUTDATED"), Exit.REFUSED, f"fnrun rerun {RUN_ID} --plan"),
        (api_error(409, "OF_A_NEWER_SERVICE"), Exit.REFUSED, "fnrun doctor"),
        (api_error(413), Exit.REFUSED, "large values in S3"),
        (api_error(429), Exit.NOT_REACHED, "try again in a minute"),
        (api_error(500), Exit.NOT_REACHED, "try again in a minute"),
        (api_error(500, "INTERNAL_ERROR"), Exit.NOT_REACHED, "the request id"),
        (api_error(503, "UNAVAILABLE"), Exit.NOT_REACHED, "try again in a minute"),
        (client.ConnectionFailed("It is not reached"), Exit.NOT_REACHED, "fnrun doctor"),
        (client.InvalidAnswer("Another page"), Exit.NOT_REACHED, "fnrun profiles"),
        (client.OutcomeUnknown("It is not known", find_out="look"), Exit.UNKNOWN, f"fnrun history {RUN_ID}"),
        (client.WaitTimeout("Too long", None), Exit.UNKNOWN, "fnrun runs list"),
        (client.InsecureUrl("Not HTTPS"), Exit.USAGE, "use https"),
        (client.InvalidToken("No token"), Exit.NOT_PERMITTED, "fnrun login"),
        (client.FunctionRerunError("Of a newer client"), Exit.NOT_REACHED, "fnrun doctor"),
    ],
)
def test_each_error_of_the_client_has_its_exit_code(
    fnrun: Fnrun, error: client.FunctionRerunError, exit_code: Exit, step: str
) -> None:
    assert fnrun
    said = explained(error, run=RUN_ID)
    assert (said.exit_code, said.message != "") == (exit_code, True)
    assert step in said.next_step


def test_a_fault_of_fnrun_does_not_quote_its_message() -> None:
    try:
        raise ValueError("a-secret")  # noqa: TRY301 - a fault
    except ValueError as error:
        said = explained(error)
    assert said.exit_code == Exit.FAULT
    assert "a-secret" not in f"{said}{said.next_step}"
    assert explained(CommandError("It was one already")).message == "It was one already"


def test_with_json_an_error_has_code_and_request_id(as_alice: Fnrun) -> None:
    refused = as_alice("runs", "show", an_id(404), "-o", "json")
    assert '"code": "NOT_FOUND"' in refused.stderr
    assert '"requestId": "request-1="' in refused.stderr
    assert '"exitCode": 3' in refused.stderr


def without_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("function_rerun.transport.Transport._delays", lambda _: iter([float("inf")]))


def test_a_stack_that_is_not_up_is_said_with_its_address(
    as_alice: Fnrun, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
    monkeypatch.setenv("FNRUN_URL", nobody)
    without_retries(monkeypatch)
    ended = as_alice("runs", "list")
    assert ended.code == Exit.NOT_REACHED
    assert ended.stderr.startswith(f"fnrun: {nobody} is not reached")
    assert ended.stderr.endswith(" Next: check network and address: fnrun doctor\n")


def test_a_lost_answer_is_not_said_to_be_nothing(as_alice: Fnrun, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    without_retries(monkeypatch)
    api.inject(unavailable(), of="/execute")
    ended = as_alice("execute", "import now")
    assert ended.code == Exit.UNKNOWN
    assert ended.stderr.startswith("fnrun: It is not known whether a run was started. Next: look with fnrun runs list")


def test_a_throttled_request_is_sent_again(as_alice: Fnrun, api: Api) -> None:
    api.inject(throttled("0"), of="/execute")
    assert as_alice("execute", "import now").code == Exit.DONE
    assert len(api.world.runs.runs) == 2
