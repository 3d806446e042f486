"""Events that strict JSON refuses: EventBridge has accepted them, and nobody can correct them."""

import json
import subprocess
import sys
from typing import Any

import pytest

from handlers.domain.errors import InvalidRequest, NoParameters
from handlers.domain.json_document import MAX_BYTES, compact_any
from handlers.domain.runs.execution import execute
from handlers.domain.runs.outcome import PARAMETERS_OMITTED
from handlers.domain.runs.run import Content, FunctionRun, ParametersFormat, Status
from tests.builders import FUNCTION_ARN, WORKSPACE, a_pin
from tests.domain.starting.rerunning import request, rerun
from tests.domain.starting.test_deliveries import an_event, delivered, matched, started
from tests.domain.triggering import create
from tests.domain.watching import a_pass
from tests.fakes import FakeClock, World

DETAIL = {"workspace": WORKSPACE}


def text_of(detail: dict[str, Any]) -> str:
    """An event as the text that its function is to be given."""
    return compact_any(an_event(detail=DETAIL | detail))


def nested(levels: int) -> Any:
    return json.loads("[" * levels + "]" * levels)


def endless(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"down": [value]}
    return value


@pytest.fixture
def trigger_id(world: World) -> str:
    world.code.now = {FUNCTION_ARN: a_pin()}
    return create(world, "event-driven").trigger.id


def test_the_runtime_reads_such_an_event_because_the_function_has_told_python_so() -> None:
    request = "import sys; import handlers.on_event; print(sys.get_int_max_str_digits())"
    run = subprocess.run([sys.executable, "-c", request], capture_output=True, check=True, text=True)
    assert int(run.stdout) == 300_000


def executed(world: World, run_id: str) -> bytes:
    execute(run_id, world.execution_deps)
    assert world.run(run_id).status is Status.COMPLETED
    return world.invoker.invocations[-1].parameters


# An event's detail is its second level.
@pytest.mark.parametrize("detail", [{"cut \ud83d": ["\ud83d"]}, {"deep": nested(98)}, {"n": 10**4299}, {"k" * 1024: 1}])
def test_an_event_of_any_strict_json_is_handed_on_and_may_be_overridden(
    world: World, trigger_id: str, detail: dict[str, Any]
) -> None:
    run = started(world, matched(trigger_id, detail=DETAIL | detail))
    assert run.parameters_format is ParametersFormat.JSON
    assert executed(world, run.id) == text_of(detail).encode()
    again = rerun(request(run.id, overrideParams={"detail": {"more": 1}}), world)
    assert executed(world, again.id) == text_of(detail | {"more": 1}).encode()


sys.set_int_max_str_digits(300_000)
ODD: dict[str, dict[str, Any]] = {
    "101 levels": {"deep": nested(99)},
    "20,000 levels": {"deep": endless(10_000)},
    "a long key": {"k" * 1025: 1},
    "4,301 digits": {"n": [-(10**4300)]},
    "50,000 digits": {"n": 10**49_999},
    "beyond a double": {"n": [float("inf"), {"m": float("-inf")}]},
}


@pytest.mark.parametrize("detail", ODD.values(), ids=ODD)
def test_an_event_that_strict_json_refuses_becomes_a_run_all_the_same(
    world: World, trigger_id: str, detail: dict[str, Any]
) -> None:
    run = started(world, matched(trigger_id, detail=DETAIL | detail))
    assert (run.status, run.parameters_format, run.parameters_omitted) == (Status.PENDING, ParametersFormat.RAW, None)
    assert executed(world, run.id) == text_of(detail).encode()
    assert executed(world, rerun(request(run.id), world).id) == text_of(detail).encode()
    with pytest.raises(InvalidRequest, match="parametersFormat raw"):
        rerun(request(run.id, overrideParams={"a": 1}), world)


def test_the_trigger_s_params_are_under_such_an_event_too(world: World) -> None:
    metadata = {"eventPattern": {"source": ["shop"]}, "params": {"detail": {"limit": 5}, "mine": 1.0}}
    trigger = create(world, "event-driven", metadata).trigger
    run = started(world, matched(trigger.id, detail=DETAIL | {"n": float("inf")}))
    found = (world.opened(run, Content.PARAMETERS) or b"").decode()
    assert found.startswith('{"detail":{"limit":5,"workspace":"acme","n":1e999},"mine":1.0,')


@pytest.mark.parametrize("detail", [{"a": "x" * MAX_BYTES}, {"n": float("nan")}], ids=["large", "no number"])
def test_an_event_that_cannot_be_kept_is_a_run_that_has_failed_and_says_why(
    world: World, time: FakeClock, trigger_id: str, detail: dict[str, Any]
) -> None:
    run = started(world, matched(trigger_id, detail=DETAIL | detail))
    assert (run.status, run.error_code) == (Status.FAILURE, PARAMETERS_OMITTED)
    assert (run.parameters_omitted or "").endswith(("is the most that is kept.", "that JSON does not know."))
    assert run.parameters_omitted in json.loads(world.opened(run, Content.ERROR) or b"")["errorMessage"]
    assert (world.opened(run, Content.PARAMETERS), world.queue.pushed) == (None, [])
    again = delivered(world, matched(trigger_id, detail=DETAIL | detail))
    assert isinstance(again, FunctionRun)
    assert (again.id, set(world.runs.runs)) == (run.id, {run.id}), "once, however often it is delivered"
    assert world.run(run.id) == run
    with pytest.raises(NoParameters):
        rerun(request(run.id), world)
    time.advance(seconds=61)
    a_pass(world)
    assert [each.id for each in world.bus.published] == [run.id]
    ended: FunctionRun = world.run(run.id)
    assert (ended.event_pending, ended.deadline) == (False, None)


def test_there_is_nothing_to_retry_of_an_event_that_cannot_be_kept(world: World) -> None:
    trigger = create(world, "event-driven", retryPolicy={"maxRetries": 3}).trigger
    run = started(world, matched(trigger.id, detail=DETAIL | {"n": float("nan")}))
    assert not run.awaits_retry


@pytest.mark.parametrize("document", [None, [], "text", 7, [{"triggerId": "x"}]])
def test_what_is_no_object_is_no_delivery(world: World, document: Any) -> None:
    with pytest.raises(InvalidRequest, match="event: must be a JSON object"):
        delivered(world, document)
