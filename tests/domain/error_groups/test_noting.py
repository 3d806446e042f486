"""What failures do to their group: one of however many opens it and publishes that, and only a new one opens it again."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest

from handlers.domain.audit.act import Act
from handlers.domain.error_groups import lifecycle
from handlers.domain.error_groups.group import NOTED_EVERY, ErrorGroup, GroupState
from handlers.domain.errors import Unavailable
from handlers.domain.json_document import compact_any
from handlers.domain.runs.cancel import cancel
from handlers.domain.runs.execution import execute
from handlers.domain.runs.outcome import Outcome
from handlers.domain.runs.run import FunctionRun, Status
from handlers.domain.starting.captures import capture
from handlers.domain.upkeep.recovery import recover_overdue
from tests.builders import NOW, RUN_ID, WORKSPACE, a_group, a_pin, a_rerun, a_run, an_act, an_id
from tests.domain.error_groups.samples import python
from tests.domain.runs.test_interruption import EACH_END, MOMENTS, Calls, Death
from tests.domain.starting.capturing import a_record, captured, has_capturing, read
from tests.domain.watching import an_hour_passes
from tests.fakes import FakeClock, World

GROUP_ID = a_group().id
FAILED = Outcome.of_failed_invocation(compact_any(python("handler", message="hush-4711")).encode())


def a_failure(number: int = 1, **changes: Any) -> FunctionRun:
    return a_run(
        **{"id": an_id(number), "status": "failure", "error_code": "KeyError", "error_group_id": GROUP_ID} | changes
    )


def has_group(world: World, **changes: Any) -> ErrorGroup:
    usual = {"opened_at": NOW - timedelta(days=2), "last_failure_at": NOW, "expires_at": NOW + timedelta(days=200)}
    group = a_group(**usual | changes)
    world.groups.groups[WORKSPACE, group.id] = group
    return group


def resolved(**changes: Any) -> dict[str, Any]:
    return {"state": "resolved", "version": 2, "changed_at": NOW, "changed_by": "alice"} | changes


def the_group(world: World) -> ErrorGroup:
    (group,) = world.groups.groups.values()
    return group


def events(world: World) -> list[tuple[str, str]]:
    return [(lifecycle.detail_type(group), run_id) for group, run_id in world.bus.groups]


def fails(world: World, run: FunctionRun, outcome: Outcome = FAILED) -> FunctionRun:
    world.has_run(run)
    world.invoker.script = [outcome]
    execute(run.id, world.execution_deps)
    return world.run(run.id)


def test_the_first_failure_opens_a_group_and_publishes_that_before_its_own_end(world: World) -> None:
    taken: list[str] = []
    publish, publish_group = world.bus.publish, world.bus.publish_group
    world.bus.publish = lambda runs: taken.append("end") or publish(runs)  # type: ignore[method-assign,func-returns-value]
    world.bus.publish_group = lambda *args: taken.append("group") or publish_group(*args)  # type: ignore[method-assign,func-returns-value]
    run = fails(world, a_run(status="pending"))
    group = the_group(world)
    assert taken == ["group", "end"]
    assert events(world) == [("Error Group Opened", RUN_ID)]
    assert group == ErrorGroup(
        id=str(run.error_group_id),
        workspace=WORKSPACE,
        function_id=run.function_id,
        error_code="KeyError",
        error_source="function",
        first_seen_at=NOW,
        opened_at=NOW,
        function_versions=("7",),
        sample_run_id=RUN_ID,
        last_failure_at=NOW,
        expires_at=run.expires_at + timedelta(days=1),
    )


def test_what_is_published_of_a_group_says_nothing_of_the_error_but_its_type(world: World) -> None:
    run = fails(world, a_run(status="pending"))
    ((group, _),) = world.bus.groups
    assert lifecycle.detail(group, run) == {
        "workspace": WORKSPACE,
        "errorGroupId": run.error_group_id,
        "functionId": run.function_id,
        "errorCode": "KeyError",
        "errorSource": "function",
        "functionRunId": RUN_ID,
        "functionVersion": "7",
        "firstSeenAt": "2026-11-22T09:30:00.000Z",
        "openedAt": "2026-11-22T09:30:00.000Z",
        "reopened": 0,
    }


def test_one_more_failure_of_a_group_reads_it_and_writes_nothing(world: World) -> None:
    fails(world, a_run(status="pending"))
    writes, calls = world.groups.writes, world.groups.faults.calls
    fails(world, a_run(id=an_id(2), status="pending"))
    assert (world.groups.writes, world.groups.faults.calls) == (writes, calls + 1)
    assert len(world.bus.groups) == 1


@pytest.mark.parametrize("outcome", [Outcome(Status.COMPLETED), Outcome(Status.COMPLETED, result=b"1")], ids=str)
def test_a_run_that_completes_does_not_even_read_a_group(world: World, outcome: Outcome) -> None:
    assert fails(world, a_run(status="pending"), outcome).error_group_id is None
    assert world.groups.faults.calls == 0


def test_a_cancelled_run_and_an_experiments_are_in_no_group(world: World) -> None:
    world.has_run(a_run(status="pending"))
    cancel(WORKSPACE, RUN_ID, an_act(), world.cancel_deps)
    fails(world, a_rerun(a_run(), execution_source="experiment", status="pending", experiment_id=an_id(5)))
    assert world.groups.faults.calls == 0
    assert [run.error_group_id for run in world.runs.runs.values()] == [None, None]


def test_while_there_is_no_secret_the_outcome_is_kept_and_the_run_is_in_no_group(world: World) -> None:
    def unavailable() -> bytes:
        raise Unavailable

    world.has_run(a_run(status="pending"))
    world.invoker.script = [FAILED]
    deps = world.execution_deps
    execute(RUN_ID, deps._replace(groups=world.error_groups._replace(secret=unavailable)))
    run = world.run(RUN_ID)
    assert (run.status, run.error_code, run.error_group_id, run.event_pending) == ("failure", "KeyError", None, False)


@pytest.mark.parametrize("source", ["captured", "unexecutable", "lost"])
def test_however_a_run_has_failed_its_group_knows_of_it_before_its_end_is_published(
    world: World, time: FakeClock, source: str
) -> None:
    if source == "captured":
        has_capturing(world)
        captured(world, a_record())
    elif source == "unexecutable":
        ended: dict[str, Any] = {"status": "failure", "event_pending": True, "deadline": NOW + timedelta(seconds=60)}
        world.has_run(a_failure(**ended))
    else:
        world.has_run(a_run(status="running", execution_attempts=3))
    an_hour_passes(world, time)
    (run,) = world.runs.runs.values()
    assert run.error_group_id == the_group(world).id
    assert events(world) == [("Error Group Opened", run.id)]
    assert [each.id for each in world.bus.published] == [run.id]


def test_of_four_hundred_failures_at_once_one_opens_the_group(world: World) -> None:
    together = Barrier(40)
    find = world.groups.read
    first = iter(range(40))

    def read_before_any_is_created(workspace: str, group_id: str) -> ErrorGroup | None:
        found = find(workspace, group_id)
        if next(first, None) is not None:
            together.wait(timeout=20)
        return found

    world.groups.read = read_before_any_is_created  # type: ignore[method-assign]
    with ThreadPoolExecutor(40) as executors:
        noted = list(executors.map(world.error_groups.note, [a_failure(number) for number in range(400)]))
    assert noted == [True] * 400
    assert len(world.bus.groups) == 1
    assert the_group(world).publishing is None
    assert world.groups.writes == 2, "it is created, and published"


def test_of_four_hundred_failures_of_a_resolved_group_one_reopens_it(world: World, time: FakeClock) -> None:
    has_group(world, **resolved())
    time.advance(seconds=9)
    together, find, first = Barrier(40), world.groups.read, iter(range(40))

    def read_before_any_is_replaced(workspace: str, group_id: str) -> ErrorGroup | None:
        found = find(workspace, group_id)
        if next(first, None) is not None:
            together.wait(timeout=20)
        return found

    world.groups.read = read_before_any_is_replaced  # type: ignore[method-assign]
    failures = [a_failure(number, ended_at=NOW + timedelta(seconds=number + 1)) for number in range(400)]
    with ThreadPoolExecutor(40) as executors:
        list(executors.map(world.error_groups.note, failures))
    ((group, run_id),) = world.bus.groups
    assert (group.state, group.reopened, group.version, group.sample_run_id) == (GroupState.OPEN, 1, 3, run_id)


@pytest.mark.parametrize(
    ("group", "failure", "reopens"),
    [
        (resolved(), {}, True),
        (resolved(changed_at=NOW + timedelta(seconds=2)), {}, False),
        (resolved(changed_at=NOW + timedelta(seconds=3)), {}, False),
        (resolved(resolved_in_version="8"), {"pin": a_pin(7)}, False),
        (resolved(resolved_in_version="8"), {"pin": a_pin(8)}, True),
        (resolved(resolved_in_version="8"), {"pin": a_pin(10)}, True),
        (resolved(resolved_in_version="10"), {"pin": a_pin(9)}, False),
        (resolved(resolved_in_version="8"), {"pin": None}, True),
        (resolved(resolved_in_version="8"), {"pin": None, "reported_version": "$LATEST"}, True),
        (resolved(), {"is_rerun": True, "original_run_id": an_id(9), "execution_source": "rerun"}, True),
        (resolved(), {"is_rerun": True, "original_run_id": an_id(9), "execution_source": "retry"}, True),
        ({"state": "ignored"}, {}, False),
        ({"state": "open"}, {}, False),
    ],
    ids=str,
)
def test_only_a_new_failure_on_code_that_is_not_older_reopens_a_resolved_group(
    world: World, group: dict[str, Any], failure: dict[str, Any], reopens: bool
) -> None:
    before = has_group(world, **group)
    run = a_failure(**failure)
    assert world.error_groups.note(run)
    after = the_group(world)
    assert events(world) == ([("Error Group Reopened", run.id)] if reopens else [])
    if not reopens:
        assert after.evolve(function_versions=()) == before.evolve(function_versions=())
        return
    changed = {"state": GroupState.OPEN, "version": before.version + 1, "opened_at": run.ended_at, "reopened": 1}
    changed |= {"resolved_in_version": None, "sample_run_id": run.id, "function_versions": after.function_versions}
    assert after == before.evolve(**changed)


@pytest.mark.parametrize("call", range(1, 13))
@EACH_END
@MOMENTS
def test_wherever_the_executor_of_the_first_failure_ends_its_group_is_published(
    world: World, time: FakeClock, call: int, end: BaseException, *, after: bool
) -> None:
    world.has_run(a_run(status="pending"))
    world.invoker.script = [FAILED, FAILED]
    calls = Calls(call, end, after=after)
    groups = calls.mortal(world.error_groups)._replace(secret=world.error_groups.secret)
    with suppress(Death, Unavailable):
        execute(RUN_ID, calls.mortal(world.execution_deps)._replace(groups=groups))
    an_hour_passes(world, time)
    run = world.run(RUN_ID)
    assert (run.status, run.event_pending, run.deadline) == (Status.FAILURE, False, None)
    assert set(events(world)) == {("Error Group Opened", RUN_ID)}
    assert len(world.bus.groups) <= 2, "twice, if it died between the bus and the note of it"
    assert the_group(world).publishing is None
    assert {each.id for each in world.bus.published} == {RUN_ID}


@pytest.mark.parametrize("call", range(1, 7))
@EACH_END
@MOMENTS
def test_wherever_a_watchdog_ends_the_group_of_what_it_publishes_is_published(
    world: World, time: FakeClock, call: int, end: BaseException, *, after: bool
) -> None:
    world.has_run(a_failure(event_pending=True, deadline=NOW))
    calls = Calls(call, end, after=after)
    groups = calls.mortal(world.error_groups)._replace(secret=None)
    deps = calls.mortal(world.watchdog)._replace(groups=groups, runs=world.runs, max_concurrent_executions=9)
    with suppress(Death, Unavailable):
        recover_overdue(deps, has_time=lambda: True, report=lambda *_: None)
    an_hour_passes(world, time)
    assert set(events(world)) == {("Error Group Opened", an_id(1))}
    assert len(world.bus.groups) <= 2
    assert not world.run(an_id(1)).event_pending


@pytest.mark.parametrize("call", range(1, 9))
@EACH_END
@MOMENTS
def test_wherever_a_capture_ends_its_group_is_published(
    world: World, time: FakeClock, call: int, end: BaseException, *, after: bool
) -> None:
    has_capturing(world)
    calls = Calls(call, end, after=after)
    groups = calls.mortal(world.error_groups)._replace(secret=world.error_groups.secret)
    deps = calls.mortal(world.capture_deps)._replace(groups=groups, invokable=world.invokable)
    with suppress(Death, Unavailable):
        capture(read(a_record()), deps)
    capture(read(a_record()), world.capture_deps)
    an_hour_passes(world, time)
    (run,) = world.runs.runs.values()
    assert set(events(world)) == {("Error Group Opened", run.id)}
    assert len(world.bus.groups) <= 2
    assert not run.event_pending


def test_while_the_bus_is_down_the_groups_event_waits_with_the_runs(world: World, time: FakeClock) -> None:
    world.bus.fails = True
    fails(world, a_run(status="pending"))
    assert world.run(RUN_ID).event_pending
    fails(world, a_run(id=an_id(2), status="pending"))
    assert the_group(world).publishing == RUN_ID, "it is the first one's to publish"
    an_hour_passes(world, time)
    world.bus.fails = False
    an_hour_passes(world, time)
    assert events(world) == [("Error Group Opened", RUN_ID)]
    assert {run.id for run in world.bus.published} == {RUN_ID, an_id(2)}
    assert the_group(world).publishing is None


def test_while_groups_cannot_be_read_ends_wait_and_are_published_later(world: World, time: FakeClock) -> None:
    world.groups.faults.inject_from(1)
    run = fails(world, a_run(status="pending"))
    assert (run.status, run.event_pending) == (Status.FAILURE, True)
    assert not world.bus.published
    world.groups.faults.stop()
    an_hour_passes(world, time)
    assert events(world) == [("Error Group Opened", RUN_ID)]
    assert [each.id for each in world.bus.published] == [RUN_ID]


def test_a_group_that_is_there_and_cannot_be_read_keeps_no_end_from_being_published(world: World) -> None:
    world.groups.read = lambda *_: None  # type: ignore[method-assign]
    has_group(world)
    assert world.error_groups.note(a_failure())
    assert not world.bus.groups


def meanwhile(world: World, act: Callable[[], object]) -> None:
    """Somebody acts once between a failure's look at its group and its write."""
    read_group, acts = world.groups.read, iter([act])

    def read_then_act(workspace: str, group_id: str) -> ErrorGroup | None:
        found = read_group(workspace, group_id)
        if (next_act := next(acts, None)) is not None:
            next_act()
        return found

    world.groups.read = read_then_act  # type: ignore[method-assign]


def changes_to(world: World, state: str, **changes: Any) -> Callable[[], bool]:
    before = the_group(world)
    after = before.evolve(state=GroupState(state), version=before.version + 1, **changes)
    act: Act = an_act()
    return lambda: world.groups.replace(before, after, act)


def test_a_group_that_is_resolved_while_an_older_failure_of_a_new_version_is_noted_stays_resolved(world: World) -> None:
    has_group(world)
    meanwhile(world, changes_to(world, "resolved", changed_at=NOW + timedelta(seconds=5)))
    world.error_groups.note(a_failure(pin=a_pin(8)))
    assert (the_group(world).state, the_group(world).version) == (GroupState.RESOLVED, 2)
    assert the_group(world).function_versions == ("8", "7")
    assert not world.bus.groups


def test_a_group_that_is_resolved_while_a_newer_failure_of_a_new_version_is_noted_is_reopened(world: World) -> None:
    has_group(world)
    meanwhile(world, changes_to(world, "resolved", changed_at=NOW))
    world.error_groups.note(a_failure(pin=a_pin(8)))
    assert (the_group(world).state, the_group(world).version) == (GroupState.OPEN, 3)
    assert events(world) == [("Error Group Reopened", an_id(1))]


def test_a_group_that_is_ignored_while_a_failure_is_about_to_reopen_it_stays_ignored(world: World) -> None:
    has_group(world, **resolved())
    meanwhile(world, changes_to(world, "ignored"))
    world.error_groups.note(a_failure())
    assert the_group(world).state is GroupState.IGNORED
    assert not world.bus.groups


def test_who_resolves_what_a_failure_has_reopened_meanwhile_is_refused(world: World) -> None:
    has_group(world, **resolved())
    resolves = changes_to(world, "resolved", resolved_in_version="9")
    world.error_groups.note(a_failure())
    assert not resolves()
    assert the_group(world).state is GroupState.OPEN


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_a_write_whose_answer_is_lost_publishes_nothing_twice_to_those_who_listen(
    world: World, time: FakeClock, lost: int
) -> None:
    world.groups.faults.inject(lost, answer_lost=True)
    fails(world, a_run(status="pending"))
    an_hour_passes(world, time)
    assert set(events(world)) == {("Error Group Opened", RUN_ID)}
    assert len(world.bus.groups) <= 1 + (lost == 3)
    assert not world.run(RUN_ID).event_pending


def test_a_group_keeps_the_newest_versions_and_is_not_written_for_an_older_one(world: World) -> None:
    has_group(world, function_versions=tuple(str(version) for version in range(40, 20, -1)))
    world.error_groups.note(a_failure(pin=a_pin(7)))
    assert world.groups.writes == 0
    for run in (a_failure(pin=None, reported_version="$LATEST"), a_failure(pin=a_pin(41))):
        world.error_groups.note(run)
        world.error_groups.note(run)
    assert world.groups.writes == 2
    assert the_group(world).function_versions == ("$LATEST", *[str(version) for version in range(41, 22, -1)])


def test_a_group_outlives_its_runs_and_knows_the_day_of_the_newest_and_is_written_for_that_once_a_day(
    world: World,
) -> None:
    for hours in range(0, 73, 6):
        run = a_failure(created_at=NOW + timedelta(hours=hours))
        world.error_groups.note(run)
        assert the_group(world).expires_at >= run.expires_at
        assert the_group(world).last_failure_at >= run.created_at - NOTED_EVERY
    assert world.groups.writes == 2 + 2


def test_a_group_that_has_expired_is_opened_anew(world: World, time: FakeClock) -> None:
    has_group(world, **resolved(), expires_at=NOW + timedelta(days=1), reopened=4)
    time.advance(days=2)
    world.error_groups.note(a_failure())
    assert events(world) == [("Error Group Opened", an_id(1))]
    assert (the_group(world).reopened, the_group(world).version) == (0, 1)
