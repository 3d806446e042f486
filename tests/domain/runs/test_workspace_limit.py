"""No workspace has more runs executed at once than it may, and none loses a slot for longer than a lease."""

import random
from datetime import timedelta
from typing import Any

import pytest

from handlers.domain.errors import Unavailable
from handlers.domain.runs.execution import LEASE_MARGIN, ExecutionResult, execute
from handlers.domain.runs.outcome import Outcome, OutcomeUnknown, PermanentFailure, RetryLater
from handlers.domain.runs.run import ErrorSource, Status
from handlers.domain.runs.workspace_limit import Slot, WorkspaceFull, WorkspaceLimit, free_slots
from tests.builders import FUNCTION_ARN, NOW, RUN_ID, a_pin, a_run, an_id
from tests.domain.runs.executing import moved_by_another
from tests.fakes import FakeClock, World
from tests.fakes.slots import InMemorySlots
from tests.faults.kinds import Died

LEASE = timedelta(seconds=a_pin().timeout_seconds or 0) + LEASE_MARGIN


@pytest.fixture
def limited(waiting: World) -> World:
    """A run waits, and one of its workspace may be executed at a time."""
    waiting.most_of_a_workspace = 1
    return waiting


def is_occupied(world: World, *, number: int = 0, workspace: str = "acme") -> None:
    """Another run of the workspace is being executed."""
    world.slots.taken[workspace, number] = Slot(workspace, number, f"another's {number}", NOW + timedelta(hours=1))


def test_without_a_limit_nobody_asks_for_slots(waiting: World) -> None:
    assert execute(RUN_ID, waiting.execution_deps).result is ExecutionResult.FINISHED
    assert waiting.slots.request == 0


def test_a_run_holds_a_slot_while_it_is_executed_and_only_then(limited: World) -> None:
    seen: list[Slot] = []
    limited.invoker.meanwhile = lambda: seen.extend(limited.slots.taken.values())
    assert execute(RUN_ID, limited.execution_deps).result is ExecutionResult.FINISHED
    assert [(slot.workspace, slot.number, slot.until) for slot in seen] == [("acme", 0, NOW + LEASE)]
    assert not limited.slots.taken


def test_a_run_whose_workspace_is_full_waits_and_says_why_and_nothing_else_is_done_for_it(limited: World) -> None:
    is_occupied(limited)
    assert execute(RUN_ID, limited.execution_deps).result is ExecutionResult.POSTPONED
    run = limited.run(RUN_ID)
    assert (run.status, run.execution_attempts, run.claim_token, run.pin) == (Status.PENDING, 0, None, None)
    assert (run.error_code, run.error_source) == ("WorkspaceConcurrencyLimit", ErrorSource.SERVICE)
    assert not limited.code.request
    assert not limited.bus.published


def test_who_waits_for_a_slot_comes_back_within_half_a_minute_however_often(limited: World, time: FakeClock) -> None:
    is_occupied(limited)
    for _ in range(20):
        assert execute(RUN_ID, limited.execution_deps).result is ExecutionResult.POSTPONED
        time.advance(seconds=limited.queue.pushed[-1].delay_seconds)
    waited = [each.delay_seconds for each in limited.queue.pushed]
    assert all(12 <= seconds < 30 for seconds in waited)
    assert len(set(waited)) > 1, "what waits together does not come back together"
    limited.slots.taken.clear()
    assert execute(RUN_ID, limited.execution_deps).result is ExecutionResult.FINISHED
    assert (limited.run(RUN_ID).execution_attempts, limited.run(RUN_ID).error_code) == (1, None)


def test_to_have_waited_for_a_slot_makes_no_other_wait_longer(limited: World, time: FakeClock) -> None:
    limited.code.now[FUNCTION_ARN] = RetryLater("TooManyRequestsException")
    for _ in range(6):
        execute(RUN_ID, limited.execution_deps)
        time.advance(minutes=5)
    is_occupied(limited)
    execute(RUN_ID, limited.execution_deps)
    time.advance(minutes=5)
    limited.slots.taken.clear()
    limited.queue.pushed.clear()
    execute(RUN_ID, limited.execution_deps)
    assert limited.queue.pushed[0].delay_seconds <= 2


def test_a_full_workspace_leaves_the_others_their_slots(limited: World) -> None:
    is_occupied(limited, workspace="globex")
    assert execute(RUN_ID, limited.execution_deps).result is ExecutionResult.FINISHED


def test_what_a_workspace_may_not_invoke_fails_and_does_not_wait(limited: World) -> None:
    is_occupied(limited)
    limited.runs.runs[RUN_ID] = limited.run(RUN_ID).evolve(function_arn=f"{FUNCTION_ARN}x".replace("orders", "bills"))
    assert execute(RUN_ID, limited.execution_deps).result is ExecutionResult.FINISHED


@pytest.mark.parametrize(
    "answer",
    [
        Outcome(Status.FAILURE, "KeyError"),
        Outcome(Status.TIMEOUT, "Sandbox.Timedout"),
        RetryLater("TooManyRequestsException"),
        PermanentFailure("KMSDisabledException", "no key"),
    ],
)
def test_a_slot_is_given_back_whatever_came_of_the_run(limited: World, answer: Any) -> None:
    limited.invoker.script = [answer]
    execute(RUN_ID, limited.execution_deps)
    assert limited.invoker.invocations
    assert not limited.slots.taken


@pytest.mark.parametrize("fault", ["refused", "broken", "cannot_open"])
def test_a_slot_is_given_back_by_a_run_whose_parameters_cannot_be_opened(limited: World, fault: str) -> None:
    setattr(limited.cipher, fault, True)
    execute(RUN_ID, limited.execution_deps)
    assert not limited.slots.taken


def test_who_loses_the_claim_gives_the_slot_back(limited: World) -> None:
    limited.code.meanwhile = lambda: moved_by_another(limited)
    assert execute(RUN_ID, limited.execution_deps).result is ExecutionResult.NOT_OURS
    assert not limited.slots.taken


def test_who_loses_the_claim_while_the_function_runs_gives_the_slot_back(limited: World) -> None:
    limited.invoker.meanwhile = lambda: moved_by_another(limited)
    assert execute(RUN_ID, limited.execution_deps).result is ExecutionResult.NOT_OURS
    assert not limited.slots.taken


def test_a_function_that_may_still_be_at_work_keeps_its_slot_until_the_lease_ends(
    limited: World, time: FakeClock
) -> None:
    limited.invoker.script = [OutcomeUnknown("ConnectionFailed")]
    execute(RUN_ID, limited.execution_deps)
    assert limited.slots.held("acme") == {0}
    time.advance(seconds=LEASE.total_seconds())
    assert limited.slots.held("acme") == set()


@pytest.mark.parametrize(("where", "step"), [("before the claim", "transition"), ("at work", "invoke")])
def test_a_crash_costs_a_slot_for_no_longer_than_a_lease(
    limited: World, time: FakeClock, monkeypatch: pytest.MonkeyPatch, where: str, step: str
) -> None:
    def die(*_: Any) -> bool:
        raise Died

    with monkeypatch.context() as patched:
        patched.setattr(limited.runs if where == "before the claim" else limited.invoker, step, die)
        with pytest.raises(Died):
            execute(RUN_ID, limited.execution_deps)
    assert limited.slots.held("acme") == {0}
    time.advance(seconds=LEASE.total_seconds() + 1)
    assert execute(RUN_ID, limited.execution_deps).result is ExecutionResult.FINISHED


def test_a_table_that_does_not_answer_for_slots_claims_nothing(limited: World) -> None:
    limited.slots.fails = True
    with pytest.raises(Unavailable):
        execute(RUN_ID, limited.execution_deps)
    assert limited.run(RUN_ID).status is Status.PENDING


def test_a_slot_that_another_takes_first_is_not_waited_for_while_there_is_one_more(limited: World) -> None:
    limited.most_of_a_workspace = 2
    limited.slots.meanwhile = lambda: is_occupied(limited, number=0)
    for number in range(10):  # of the two it tries either first
        run = limited.has_run(a_run(id=an_id(number), status="pending"))
        assert execute(run.id, limited.execution_deps).result is ExecutionResult.FINISHED


def test_who_never_gets_a_slot_before_others_do_waits_and_does_not_try_for_ever(
    limited: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[str] = []

    def always_free(workspace: str) -> set[int]:
        is_occupied(limited)
        looks.append(workspace)
        return set()

    monkeypatch.setattr(limited.slots, "held", always_free)
    assert execute(RUN_ID, limited.execution_deps).result is ExecutionResult.POSTPONED
    assert 1 < len(looks) < 10
    assert not limited.invoker.invocations


@pytest.mark.parametrize(
    ("held", "most", "free"),
    [
        (set(), 3, [0, 1, 2]),
        ({1}, 3, [0, 2]),
        ({0, 1, 2}, 3, []),
        ({7}, 3, [0, 1]),
        ({7, 8}, 3, [0]),
        ({2, 7}, 3, [0]),
        ({7, 8, 9}, 3, []),
        ({7, 8, 9, 10}, 3, []),
        ({0}, 1000, list(range(1, 1000))),
    ],
)
def test_where_the_limit_was_lowered_what_is_held_beyond_it_counts(held: set[int], most: int, free: list[int]) -> None:
    assert free_slots(held, most) == free


class Executors:
    """Executors of one workspace, each at some step of an execution, over the real rules and slots in memory."""

    def __init__(self, time: FakeClock, most: int) -> None:
        self.time, self.slots, self.most = time, InMemorySlots(), most
        self.seen: dict[int, list[int]] = {}
        self.at_work: dict[int, Slot] = {}
        self.claims = 0

    @property
    def limit(self) -> WorkspaceLimit:
        return WorkspaceLimit(self.slots, self.most)

    def look(self, execution_deps: int) -> None:
        if execution_deps not in self.at_work:
            try:
                self.seen[execution_deps] = self.limit.free("acme")
            except WorkspaceFull:
                self.seen.pop(execution_deps, None)

    def take(self, execution_deps: int) -> None:
        if execution_deps not in self.seen:
            return
        self.claims += 1
        claimed = a_run(
            id=an_id(execution_deps),
            status="running",
            claim_token=f"claim {self.claims}",
            deadline=self.time.moment + timedelta(seconds=90),
        )
        try:
            slot = self.limit.take(claimed, self.seen.pop(execution_deps))
        except WorkspaceFull:
            return
        assert slot is not None
        self.at_work[execution_deps] = slot

    def finish(self, execution_deps: int) -> None:
        if execution_deps in self.at_work:
            self.limit.release(self.at_work.pop(execution_deps))

    def crash(self, execution_deps: int) -> None:
        """Its function may go on for as long as the lease lasts."""
        self.seen.pop(execution_deps, None)
        self.at_work.pop(execution_deps, None)

    def wait(self, _: int) -> None:
        self.time.advance(seconds=30)
        # A lease outlasts its function.
        self.at_work = {each: slot for each, slot in self.at_work.items() if slot.until > self.time.moment}

    def deploy(self, most: int) -> None:
        """Once the executors of before are gone."""
        self.seen.clear()
        self.most = most


STEPS = ["look", "look", "take", "take", "finish", "finish", "crash", "wait"]


@pytest.mark.parametrize("seed", range(8))
def test_however_executors_come_and_go_no_more_are_at_work_than_may_be_and_no_slot_is_lost(
    time: FakeClock, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    draw = random.Random(seed)
    monkeypatch.setattr(random, "choice", draw.choice)
    for _ in range(250):
        executors = Executors(time, draw.randint(1, 6))
        allowed = executors.most
        for execution_deps in range(allowed):
            executors.look(execution_deps)
            executors.take(execution_deps)
        executors.deploy(draw.randint(1, 6))
        for _ in range(60):
            getattr(executors, draw.choice(STEPS))(draw.randrange(8))
            held = executors.slots.held("acme")
            # A lower limit ends no run: it lets no other begin until enough have ended.
            allowed = max(executors.most, min(allowed, len(held)))
            assert len(held) <= allowed
            assert {slot.number for slot in executors.at_work.values()} <= held
        time.advance(seconds=90)
        assert executors.slots.held("acme") == set()
        assert executors.limit.free("acme") == list(range(executors.most))
