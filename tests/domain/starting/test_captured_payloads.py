"""What is kept of a failed invocation's payload, whatever it is: nobody can correct it."""

from typing import Any

import pytest

from handlers.domain.errors import InvalidRequest, NoParameters
from handlers.domain.json_document import MAX_BYTES
from handlers.domain.runs.execution import execute
from handlers.domain.runs.history import reveal
from handlers.domain.runs.run import Content, FunctionRun, ParametersFormat, Status
from tests.as_shown import as_shown
from tests.builders import FUNCTION_ARN, a_pin
from tests.domain.starting.capturing import Json, a_record, has_capturing, read, the_run, with_payload
from tests.domain.starting.rerunning import request, rerun
from tests.fakes import World

# Strict JSON, which is not read and written anew either.
KEPT = [
    '{"order": 1.0,\n "n": 12345678901234567.89, "b":1,"a":[ ]}',
    r'{"cut off \ud83d":"\ud83d"}',
    "null",
    '"text"',
    "[" * 100 + "]" * 100,
    '{"' + "k" * 1024 + '":1}',
    "7" * 4300,
]
# JSON by its grammar, and no more.
RAW = {
    "equal keys": '{"a":1,"a":2}',
    "101 levels": "[" * 101 + "]" * 101,
    "10,000 levels": '{"a":' * 10_000 + "1" + "}" * 10_000,
    "a long key": '{"' + "k" * 1025 + '":1}',
    "beyond a double": "[1e400]",
    "4,301 digits": "7" * 4301,
}


@pytest.fixture
def capturing(world: World) -> World:
    has_capturing(world)
    return world


def executed(world: World, run: FunctionRun) -> bytes:
    """What a re-run of it sends to the function."""
    world.code.now = {FUNCTION_ARN: a_pin()}
    again = rerun(request(run.id), world)
    execute(again.id, world.execution_deps)
    assert world.run(again.id).status is Status.COMPLETED
    assert world.run(again.id).parameters_format is run.parameters_format
    return world.invoker.invocations[-1].parameters


@pytest.mark.parametrize("payload", KEPT, ids=lambda each: ascii(each)[:20])
@pytest.mark.parametrize("is_event", [False, True])
def test_a_payload_is_kept_and_handed_on_to_the_byte(capturing: World, payload: str, is_event: bool) -> None:
    record = with_payload(payload)
    run = the_run(capturing, f'{{"source":"lambda","detail":{record}}}' if is_event else record)
    assert as_shown(run)["parametersFormat"] == "json"
    assert as_shown(run)["parametersOmitted"] is None
    assert capturing.opened(run, Content.PARAMETERS) == executed(capturing, run) == payload.encode()


@pytest.mark.parametrize("payload", RAW.values(), ids=RAW)
def test_a_payload_that_strict_json_refuses_is_kept_as_the_text_that_it_is(capturing: World, payload: str) -> None:
    run = the_run(capturing, with_payload(payload))
    assert as_shown(run)["parametersFormat"] == "raw"
    assert run.error_code == "ValueError"
    assert reveal(run, [Content.PARAMETERS], capturing.runs, capturing.cipher) == {"parameters": payload}
    assert executed(capturing, run) == payload.encode()
    again = rerun(request(rerun(request(run.id), capturing).id), capturing)
    assert again.parameters_format is ParametersFormat.RAW, "a re-run of a re-run too"


@pytest.mark.parametrize("payload", RAW.values(), ids=RAW)
def test_what_cannot_be_read_cannot_be_overridden_and_the_refusal_says_why(capturing: World, payload: str) -> None:
    run = the_run(capturing, with_payload(payload))
    writes = capturing.runs.writes
    with pytest.raises(InvalidRequest, match="parametersFormat raw") as refused:
        rerun(request(run.id, overrideParams={"a": 3}), capturing)
    assert refused.value.field == "overrideParams"
    assert (capturing.runs.writes, capturing.queue.pushed) == (writes, [])
    assert rerun(request(run.id, overrideParams={}), capturing).parameters_format is ParametersFormat.RAW


def test_strict_json_is_overridden_like_any_parameters(capturing: World) -> None:
    run = the_run(capturing, with_payload('{"a": 1.0, "b": "\\ud83d"}'))
    again = rerun(request(run.id, overrideParams={"a": 2}), capturing)
    assert capturing.opened(again, Content.PARAMETERS) == b'{"a":2,"b":"\\ud83d"}'


def test_a_payload_that_is_too_large_leaves_the_failure_known_and_says_why(capturing: World) -> None:
    run = the_run(capturing, with_payload(f'"{"x" * MAX_BYTES}"'))
    assert run.error_code == "ValueError"
    assert capturing.opened(run, Content.PARAMETERS) is None
    assert capturing.opened(run, Content.ERROR) is not None
    assert as_shown(run)["parametersOmitted"] == "They are over 4000000 bytes as JSON, which is the most that is kept."
    with pytest.raises(NoParameters, match=r"^Original run has no parameters stored\.$"):
        rerun(request(run.id), capturing)


@pytest.mark.parametrize("dropped", [["requestPayload"], ["requestPayload", "responsePayload"]])
@pytest.mark.parametrize("is_event", [False, True])
def test_a_record_that_came_without_its_payloads_leaves_the_failure_known_and_says_why(
    capturing: World, dropped: list[str], is_event: bool
) -> None:
    record = {name: value for name, value in a_record().items() if name not in dropped}
    run = the_run(capturing, {"source": "lambda", "detail": record} if is_event else record)
    assert run.error_code == ("RetriesExhausted" if "responsePayload" in dropped else "ValueError")
    assert as_shown(run)["parametersOmitted"] == "Lambda's record of the invocation has come without them."
    assert reveal(run, [Content.PARAMETERS], capturing.runs, capturing.cipher) == {"parameters": None}
    with pytest.raises(NoParameters, match=r"^Original run has no parameters stored\.$"):
        rerun(request(run.id), capturing)


DEEP: Any = "[" * 1_500 + "]" * 1_500


@pytest.mark.parametrize(
    "answer",
    [f'{{"errorType":"ValueError","errorMessage":"\\ud83d","more":{DEEP}}}', '{"errorType":"ValueError","n":1e400}'],
)
def test_an_error_of_any_kind_is_read_as_far_as_it_can_be(capturing: World, answer: str) -> None:
    record = with_payload("1").replace('{"errorType":"ValueError"', answer[:-1], 1)
    run = the_run(capturing, record)
    assert (run.status, run.error_code) == (Status.FAILURE, "ValueError")
    assert capturing.opened(run, Content.PARAMETERS) == b"1"


@pytest.mark.parametrize(
    "changes",
    [
        {"responseContext": "hush"},
        {"responseContext": {"executedVersion": 7}},
        {"responseContext": {"executedVersion": "\ud800"}},
        {"responseContext": [[[[]]]]},
        {"responseContext": None},
    ],
)
def test_a_record_that_does_not_say_which_version_it_was_is_captured_all_the_same(
    capturing: World, changes: Json
) -> None:
    run = the_run(capturing, with_payload("1", **changes))
    assert (run.pin, run.reported_version, run.error_code) == (None, None, "ValueError")


@pytest.mark.parametrize("body", ["", "{", "[" * 100_000, '{"requestContext":{},}', "\ufeff{}", with_payload("{a:1}")])
def test_what_is_no_json_is_no_record(body: str) -> None:
    with pytest.raises(InvalidRequest, match="body: is not valid JSON"):
        read(body)
