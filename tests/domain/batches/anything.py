"""Whatever can happen to a batch: steps twice and at once, deaths, lost answers, changes, and others at its sources."""

import random
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, cast

from handlers.domain.audit.act import Act, Action
from handlers.domain.batches.batch import Batch
from handlers.domain.batches.changing import cancel_batch, pause, resume
from handlers.domain.batches.ports import BatchDeps, RestartDeps
from handlers.domain.batches.requests import CancelBatchBody, PauseBody, ResumeBody
from handlers.domain.batches.restarting import restart
from handlers.domain.batches.stepping import StepResult, step
from handlers.domain.errors import BatchEnded, Refused, Unavailable
from handlers.domain.runs.erase import erase
from handlers.domain.runs.execution import execute
from handlers.domain.runs.outcome import Outcome
from handlers.domain.runs.run import FunctionRun, Status
from handlers.domain.starting.retry import retry
from handlers.domain.starting.start import LineageMoved
from handlers.domain.upkeep.recovery import recover_overdue
from tests.aws.interleaving import Actor, current_actor
from tests.builders import WORKSPACE, a_rerun, a_trigger, an_id
from tests.domain.batches.batching import FAILURE, has_failed, members, started
from tests.domain.starting.rerunning import request, rerun
from tests.domain.starting.retrying import a_policy
from tests.fakes import FakeClock, World

LAMBDA_TIMEOUT_SECONDS = 30
SUCCESS = Outcome(Status.COMPLETED, result=b"1")


class Port:
    """Calls are steps of the actor that makes them. They fail as the world has it."""

    def __init__(self, target: Any, world: "Anything") -> None:
        self._target, self._world = target, world

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._target, name)
        actor = current_actor()
        if actor is None or not callable(found):
            return found

        def made(*given: Any, **named: Any) -> Any:
            fault = self._world.fault()
            if fault == "before":
                raise Unavailable
            answer = found(*given, **named)
            self._world.look(name, given, answer)
            if fault == "after":
                raise Unavailable
            return answer

        return lambda *given, **named: actor.call(lambda: _quiet(lambda: made(*given, **named)))()


def _quiet(call: Callable[[], Any]) -> Callable[[], Any]:
    """Raised where it is called, and not where the actor waits."""
    try:
        answer = call()
    except Exception as fault:  # noqa: BLE001
        raised = fault

        def fail() -> Any:
            raise raised

        return fail
    return lambda: answer


class Execution:
    """Of the state machine: takes steps one after the other, some of them twice."""

    def __init__(self, world: "Anything", batch_id: str, generation: int) -> None:
        self.world, self.batch_id, self.generation = world, batch_id, generation
        self.steps, self.due = 0, world.time.moment
        self.is_over = False
        self.actor: Actor | None = None
        self.began = world.time.moment

    def begin(self) -> None:
        self.began = self.world.time.moment
        self.actor = Actor(lambda: self.end(self.world.step(self.batch_id, self.generation, self.steps)))
        self.world.actors[self.actor] = self.began

    def end(self, result: StepResult) -> None:
        self.steps, self.is_over = result.steps, result.is_over
        self.due = self.world.time.moment + timedelta(seconds=result.wait_seconds)


class Anything:
    def __init__(self, seed: int, time: FakeClock) -> None:
        self.random, self.time = random.Random(seed), time
        self.world = World()
        self.calm = False
        self.actors: dict[Actor, datetime] = {}
        self.executions: dict[tuple[str, int], Execution] = {}
        self.unavailable = self.random.choice([0, 0, 0.02, 0.1])
        self.failing = self.random.choice([0, 0.2, 0.5, 0.9])
        self.originals = self._sources()
        self.batch_id = started(
            self.world,
            canary={"count": self.random.choice([0, 1, 3, 5])},
            pace={"startPerSecond": self.random.choice([0.5, 1, 10, 100]), "maxPerSecond": 100},
            stopWhen={"sameErrorGroup": self.random.random() < 0.3, "failureRate": self.random.choice([0.5, 1])},
            **({"runIds": [run.id for run in self.originals]} if self.random.random() < 0.3 else {}),
        ).id

    def _sources(self) -> list[FunctionRun]:
        world = self.world
        originals = has_failed(world, self.random.randrange(1, 25))
        if self.random.random() < 0.5:
            policy = a_policy(retryManualReruns=True)
            world.has_registered(a_trigger(retry_policy=policy))
        for number, original in enumerate(originals):
            match self.random.randrange(12):
                case 0:
                    world.has_run(a_rerun(original, id=an_id(1000 + number), status="pending"))
                case 1:
                    world.has_run(a_rerun(original, id=an_id(1000 + number), status="completed"))
                case 2:
                    world.runs.runs[original.id] = original.evolve(parameters_omitted="too large")
                case 3:
                    world.runs.runs[original.id] = original.evolve(trigger_id=an_id(7))
                case 4:
                    world.has_run(a_rerun(original, id=an_id(1000 + number), status="failure"))
        return originals

    @property
    def batch(self) -> Batch:
        return self.world.batches.batches[self.batch_id]

    def fault(self) -> str | None:
        if self.calm or self.random.random() >= self.unavailable:
            return None
        return self.random.choice(["before", "after"])

    def look(self, name: str, given: tuple[Any, ...], answer: Any) -> None:
        """What holds at every call."""
        if name == "record_rerun" and answer and given[0].batch_id is not None:
            assert given[0].source_run_id in self.batch.chosen, "it has been written that it is about to be started"
            assert self.batch.step_token is not None
        if name == "replace" and answer:
            before, after = given[0], given[1]
            if after.step_token not in (None, before.step_token):
                assert after.state.is_starting
        assert self.open_count() <= self.world.most_open

    def open_count(self) -> int:
        """Without automatic retries: a batch has places for these only once they are due."""
        return sum(run.status.is_open for run in members(self.world))

    def step(self, batch_id: str, generation: int, steps: int) -> StepResult:
        deps = self.world.step_deps
        ports: dict[str, Any] = {
            name: Port(getattr(deps, name), self)
            for name in ("batches", "executions", "runs", "run_index", "registry", "cipher", "queue")
        }
        has_time = (lambda: True) if self.random.random() < 0.7 else (lambda: self.random.random() < 0.8)
        return step(batch_id, generation, steps, deps._replace(**ports), has_time=has_time)

    @property
    def batch_deps(self) -> BatchDeps:
        deps = self.world.batch_deps
        return deps._replace(
            batches=cast("Any", Port(deps.batches, self)), executions=cast("Any", Port(deps.executions, self))
        )

    def change(self) -> None:
        """Somebody pauses, resumes or cancels it."""
        kind = self.random.choice(["pause", "resume", "resume", "cancel"])

        def act() -> None:
            with suppress(BatchEnded, Unavailable):
                if kind == "pause":
                    pause(WORKSPACE, self.batch_id, "bob", PauseBody(), self.batch_deps)
                elif kind == "resume":
                    resume(WORKSPACE, self.batch_id, "bob", ResumeBody(), self.batch_deps)
                elif self.random.random() < 0.2:
                    body = CancelBatchBody.read({"openReruns": self.random.choice(["leave", "cancel"])})
                    cancel_batch(WORKSPACE, self.batch_id, "bob", body, self.batch_deps)

        self.spawn(act)

    def watch(self) -> None:
        for batch in list(self.world.batches.overdue()):

            def act(batch: Batch = batch) -> None:
                with suppress(Unavailable):
                    deps = self.batch_deps
                    restart(batch, RestartDeps(deps.batches, deps.executions, deps.retention))

            self.spawn(act)
        recover_overdue(self.world.watchdog, has_time=lambda: True, report=self.fail)

    def fail(self, fault: Exception, _: object) -> None:
        raise AssertionError from fault

    def spawn(self, story: Callable[[], None]) -> None:
        self.actors[Actor(story)] = self.time.moment

    def let_execute(self) -> None:
        """A message that is due, or one that has been lost and comes again."""
        queue = self.world.queue
        if queue.pushed:
            pushed = queue.pushed.pop(self.random.randrange(len(queue.pushed)))
            self.world.invoker.script = [FAILURE if self.random.random() < self.failing else SUCCESS]
            execute(pushed.run_id, self.world.execution_deps)

    def let_retry(self) -> None:
        waiting = [run for run in self.world.runs.runs.values() if run.awaits_retry and run.event_pending]
        if waiting:
            retry(self.random.choice(waiting).id, self.world.runs, self.world.rerun_deps, self.world.start_deps)

    def meddle(self) -> None:
        """Others at the sources."""
        original = self.random.choice(self.originals)
        with suppress(Refused, LineageMoved):
            if self.random.random() < 0.8:
                rerun(request(original.id, ifNotRecovered=self.random.random() < 0.5), self.world)
            else:
                act = Act.done(Action.ERASE, "bob", WORKSPACE, kept_for=timedelta(days=1))
                erase(WORKSPACE, original.id, act, self.world.erase_deps)

    def let_step(self) -> None:
        for key in self.world.executions.started:
            self.executions.setdefault(key, Execution(self, *key))
        for execution in self.executions.values():
            if execution.is_over or execution.due > self.time.moment:
                continue
            if execution.actor is None or execution.actor.is_done:
                execution.begin()
            elif not self.calm and self.random.random() < 0.03:
                execution.begin()  # twice at once: the answer to the first is not waited for

    def proceed(self) -> None:
        """One call of one of those at work."""
        for actor, began in list(self.actors.items()):
            if not actor.is_done and (self.time.moment - began).total_seconds() > LAMBDA_TIMEOUT_SECONDS:
                actor.end()
        alive = [actor for actor in self.actors if not actor.is_done]
        self.actors = {actor: self.actors[actor] for actor in alive}
        if alive:
            actor = self.random.choice(alive)
            death = None if self.calm or self.random.random() > 0.01 else self.random.choice(["before", "after"])
            actor.step(cast("Any", death))

    def go_on(self) -> None:
        self.let_step()
        match self.random.randrange(40):
            case 0:
                self.change() if not self.calm and self.random.random() < 0.3 else None
            case 1:
                self.meddle() if not self.calm and self.random.random() < 0.3 else None
            case 2 | 3:
                self.watch()
            case 4 | 5 | 6:
                self.time.advance(seconds=self.random.choice([1, 5, 20]))
            case 7 | 8 | 9 | 10:
                self.let_execute()
            case 11:
                self.let_retry()
            case _:
                self.proceed()

    def end(self) -> None:
        for actor in self.actors:
            actor.end()
