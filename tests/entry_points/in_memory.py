"""Every entry point over a world in memory."""

from copy import deepcopy
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from handlers import capture_failures, execute_runs, on_event, on_run_failed, run_batches, watchdog
from handlers.domain import clock
from handlers.domain.registry.trigger_kinds import HttpTrigger
from handlers.domain.runs.run import FunctionRun
from tests.builders import a_group, a_pin, a_run, a_trigger, an_id
from tests.entry_points.events import PATH, ROUTES
from tests.fakes import World
from tests.fakes.run_index import InMemoryRunIndex

OPEN_HOOK = HttpTrigger(path=PATH, signature="none")


def a_world() -> World:
    world = World()
    world.has_registered(a_trigger(id=an_id(7), name="hook", metadata=OPEN_HOOK))
    world.has_registered()
    at = clock.now()
    world.has_run(a_run(created_at=at), b'{"a":{"b":1}}')
    world.groups.create(a_group(opened_at=at))
    return world


def everything(world: World) -> Any:
    runs, registry = world.runs, world.registry
    return deepcopy((runs.runs, runs.parts, runs.lineages, registry.functions, registry.triggers, world.groups.groups))


class InMemory:
    """What an entry point imports as `wiring`, over a world in memory."""

    def __init__(self, world: World) -> None:
        self.rerun_deps, self.start_deps, self.registry_deps = world.rerun_deps, world.start_deps, world.registry_deps
        self.experiment_deps, self.experiments = world.experiment_deps, world.experiments
        self.plan_deps = world.plan_deps
        self.batches, self.batch_deps, self.restart_deps = world.batches, world.batch_deps, world.restart_deps
        self.step_deps, self.batch_plan_deps = world.step_deps, world.batch_plan_deps
        self.cancel_deps, self.capture_deps = world.cancel_deps, world.capture_deps
        self.erase_deps = world.erase_deps
        self.execution_deps, self.watchdog_deps = world.execution_deps, world.watchdog
        self.runs, self.registry, self.cipher, self.sources = world.runs, world.registry, world.cipher, world.sources
        self.invokable, self.buses = world.invokable, world.buses
        self.audit_log, self.input_cipher, self.acts_kept_for = world.audit_log, world.cipher, timedelta(days=400)
        self.requires_reason = False
        self.group_store = self.group_counts = world.groups
        self.outcome_cipher = world.cipher
        self.run_index = InMemoryRunIndex(world.runs)


def wire(patched: pytest.MonkeyPatch, wiring: Any) -> None:
    for entry_point in {
        *ROUTES.values(),
        capture_failures,
        execute_runs,
        on_event,
        on_run_failed,
        run_batches,
        watchdog,
    }:
        if hasattr(entry_point, "wiring"):  # all but the one that only describes the API
            patched.setattr(entry_point, "wiring", wiring)


def pending(world: World, *, minutes_ago: int = 0) -> FunctionRun:
    at = clock.now() - timedelta(minutes=minutes_ago)
    return world.has_run(a_run(id=str(uuid4()), status="pending", pin=a_pin(), created_at=at))
