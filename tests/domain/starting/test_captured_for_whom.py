"""To which workspaces a failed invocation belongs, and to which registration of each."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from handlers.domain import clock
from handlers.domain.errors import Unavailable
from handlers.domain.function_arns import InvokablePatterns
from handlers.domain.registry.entities import CaptureFailures
from handlers.domain.runs.run import Content
from handlers.domain.starting.captures import CaptureResult, CapturingFunction, Registration
from tests.builders import FUNCTION_ARN, NOW, TRIGGER_ID, a_function, a_trigger, an_id
from tests.domain.starting.capturing import a_record, captured, has_capturing, the_run
from tests.fakes import World

ANY_FUNCTION = InvokablePatterns({"*": ["*"]}, own_functions="none")


@pytest.fixture
def capturing(world: World) -> World:
    has_capturing(world)
    return world


@pytest.mark.parametrize(
    "function_arn",
    [f"{FUNCTION_ARN}-2", FUNCTION_ARN[:-1], FUNCTION_ARN.replace("1", "2"), "", "x", "x" * 9999, "\ud800"],
)
def test_of_a_function_that_is_not_registered_nothing_is_kept(capturing: World, function_arn: str) -> None:
    assert captured(capturing, a_record({"functionArn": function_arn})) == [CaptureResult.NOT_REGISTERED]
    assert (capturing.runs.runs, capturing.runs.parts, capturing.bus.published) == ({}, {}, [])


def test_of_a_function_that_is_registered_but_not_so_nothing_is_kept(world: World) -> None:
    world.has_registered()
    assert captured(world, a_record()) == [CaptureResult.NOT_REGISTERED]
    has_capturing(world)
    world.registry.triggers.clear()
    assert captured(world, a_record()) == [CaptureResult.NOT_REGISTERED]
    assert not world.runs.runs


def test_each_workspace_that_has_registered_the_function_so_gets_a_run_of_its_own(capturing: World) -> None:
    theirs = a_function(
        id=an_id(2),
        workspace="globex",
        capture_failures=CaptureFailures(trigger_id=an_id(3)),
        function_arn=f"{FUNCTION_ARN}:live",
    )
    capturing.registry.functions[theirs.id] = theirs
    capturing.invokable = ANY_FUNCTION
    trigger = a_trigger(id=an_id(3), workspace="globex", function_id=theirs.id)
    capturing.registry.add_trigger(capturing.registry.triggers[TRIGGER_ID]._replace(trigger=trigger))
    assert captured(capturing, a_record()) == [CaptureResult.CAPTURED] * 2
    runs = {run.workspace: run for run in capturing.runs.runs.values()}
    assert runs.keys() == {"acme", "globex"}
    assert {run.function_arn for run in runs.values()} == {FUNCTION_ARN, f"{FUNCTION_ARN}:live"}
    assert all(capturing.opened(run, Content.PARAMETERS) == b'{"order":1.0}' for run in runs.values())


@pytest.mark.parametrize(
    ("registered", "invoked", "belongs_to"),
    [
        ([":prod", ":dev"], ":dev", ":dev"),
        ([":prod", ":dev"], ":prod", ":prod"),
        (["", ":dev"], ":dev", ":dev"),
        (["", ":dev"], ":$LATEST", ""),
        (["", ":dev"], ":7", ""),
        ([":prod", ":dev"], ":$LATEST", ":prod"),
        (["", ""], "", ""),
    ],
)
def test_of_several_registrations_in_a_workspace_a_failure_belongs_to_one(
    world: World, registered: list[str], invoked: str, belongs_to: str
) -> None:
    world.has_registered(a_trigger())
    world.registry.functions = {
        an_id(number): a_function(
            id=an_id(number),
            function_arn=f"{FUNCTION_ARN}{qualifier}",
            capture_failures=CaptureFailures(trigger_id=TRIGGER_ID),
            created_at=NOW + timedelta(seconds=number),
        )
        for number, qualifier in enumerate(registered)
    }
    run = the_run(world, a_record({"functionArn": FUNCTION_ARN + invoked}))
    assert run.function_arn == f"{FUNCTION_ARN}{belongs_to}"
    assert run.function_id == an_id(registered.index(belongs_to)), "the oldest of equals"


@pytest.mark.parametrize("alias", ["", ":live"])
def test_whose_trigger_is_gone_leaves_the_failure_to_the_next(world: World, alias: str) -> None:
    world.has_registered(a_trigger())
    captures = CaptureFailures(trigger_id=TRIGGER_ID)
    gone = [
        a_function(id=an_id(number), capture_failures=CaptureFailures(trigger_id=an_id(99)), created_at=NOW)
        for number in range(60)
    ]
    left = a_function(id=an_id(60), function_arn=f"{FUNCTION_ARN}{alias}", capture_failures=captures, created_at=NOW)
    world.registry.functions = {each.id: each for each in [*gone, left]}
    assert the_run(world).function_id == left.id


@pytest.mark.parametrize("invoked", ["", ":live", ":7"])
def test_no_failure_is_captured_for_a_workspace_that_may_no_longer_invoke_the_function(
    capturing: World, invoked: str
) -> None:
    may_still = a_function(id=an_id(2), workspace="globex", capture_failures=CaptureFailures(trigger_id=TRIGGER_ID))
    capturing.registry.functions[may_still.id] = may_still
    capturing.invokable = InvokablePatterns({"globex": [FUNCTION_ARN]}, own_functions="none")
    record = a_record({"functionArn": FUNCTION_ARN + invoked})
    assert captured(capturing, record) == [CaptureResult.NOT_PERMITTED, CaptureResult.CAPTURED]
    assert [run.function_id for run in capturing.runs.runs.values()] == [may_still.id]
    capturing.invokable = InvokablePatterns({}, own_functions="none")
    assert captured(capturing, record) == [CaptureResult.NOT_PERMITTED] * 2


def test_what_fails_for_one_workspace_is_captured_for_the_others(
    capturing: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    capturing.invokable = ANY_FUNCTION
    theirs = a_function(id=an_id(2), workspace="globex", capture_failures=CaptureFailures(trigger_id=TRIGGER_ID))
    capturing.registry.functions[theirs.id] = theirs
    read_capturing = capturing.registry.read_capturing

    def fails_for_acme(registrations: Sequence[Registration]) -> CapturingFunction | None:
        if registrations[0].workspace == "acme":
            raise Unavailable
        return read_capturing(registrations)

    monkeypatch.setattr(capturing.registry, "read_capturing", fails_for_acme)
    with pytest.raises(Unavailable):
        captured(capturing, a_record())
    assert [run.function_id for run in capturing.runs.runs.values()] == [theirs.id]
    monkeypatch.undo()
    monkeypatch.setattr(clock, "now", lambda: NOW)
    assert captured(capturing, a_record()) == [CaptureResult.CAPTURED, CaptureResult.AGAIN]


def test_one_of_two_workspaces_that_was_served_before_is_not_served_again(capturing: World) -> None:
    the_run(capturing)
    capturing.invokable = ANY_FUNCTION
    theirs = a_function(id=an_id(2), workspace="globex", capture_failures=CaptureFailures(trigger_id=TRIGGER_ID))
    capturing.registry.functions[theirs.id] = theirs
    assert captured(capturing, a_record()) == [CaptureResult.AGAIN, CaptureResult.CAPTURED]
