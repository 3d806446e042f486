from dataclasses import dataclass, field

from handlers.domain.batches.ports import BatchDeps, BatchPlanDeps, RestartDeps, StepDeps, most_open
from handlers.domain.batches.stepping import step
from handlers.domain.error_groups.noting import FailureGrouping
from handlers.domain.function_arns import InvokablePatterns
from handlers.domain.registry.entities import FunctionTrigger, StoredTrigger
from handlers.domain.registry.ports import RegistryDeps
from handlers.domain.registry.trigger_metadata import AwsService
from handlers.domain.registry.trigger_sources import PermittedBuses, TriggerSources
from handlers.domain.runs.cancel import CancelDeps
from handlers.domain.runs.erase import EraseDeps
from handlers.domain.runs.execution import ExecutionDeps
from handlers.domain.runs.outcome import unpack
from handlers.domain.runs.recording import Retention, seal_context
from handlers.domain.runs.run import Content, FunctionRun, Part
from handlers.domain.runs.workspace_limit import WorkspaceLimit
from handlers.domain.starting.captures import CaptureDeps
from handlers.domain.starting.experiments import ExperimentDeps
from handlers.domain.starting.plan import PlanDeps, Surroundings
from handlers.domain.starting.rerun import RerunDeps
from handlers.domain.starting.start import StartDeps
from handlers.domain.upkeep.recovery import WatchdogDeps
from tests.builders import a_function, a_trigger
from tests.fakes.audit import InMemoryAuditLog
from tests.fakes.batches import FakeExecutions, InMemoryBatches, InTurn
from tests.fakes.erasures import InMemoryErasures
from tests.fakes.groups import InMemoryGroups
from tests.fakes.registry import InMemoryRegistry
from tests.fakes.run_index import InMemoryRunIndex
from tests.fakes.services import (
    FakeBus,
    FakeCatalogue,
    FakeCipher,
    FakeCode,
    FakeDeadLetters,
    FakeInvoker,
    FakeQueue,
    FakeSources,
)
from tests.fakes.slots import InMemorySlots
from tests.fakes.stores import InMemoryExperiments, InMemoryRuns
from tests.faults.ports import PortFaults


class Surrounding:
    """Reads what a plan needs of a world in memory."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def read(self, source: FunctionRun, *, with_reruns: bool) -> Surroundings:
        both = self._world.registry.read_trigger_and_function(source.trigger_id, source.function_id)
        runs = self._world.runs
        newest = runs.read_many(runs.newest_edges(source.lineage_id, 96)) if with_reruns else []
        return Surroundings(*both, runs.read_run(source.lineage_id), newest)


# Few: a test soon has more messages than that.
MAX_CONCURRENT_EXECUTIONS = 10


@dataclass
class World:
    """An installation in memory: all ports, and the tools of each story made of them."""

    runs: InMemoryRuns = field(default_factory=InMemoryRuns)
    registry: InMemoryRegistry = field(default_factory=InMemoryRegistry)
    audit_log: InMemoryAuditLog = field(default_factory=InMemoryAuditLog)
    cipher: FakeCipher = field(default_factory=FakeCipher)
    queue: FakeQueue = field(default_factory=FakeQueue)
    dead_letters: FakeDeadLetters = field(default_factory=FakeDeadLetters)
    bus: FakeBus = field(default_factory=FakeBus)
    code: FakeCode = field(default_factory=FakeCode)
    invoker: FakeInvoker = field(default_factory=FakeInvoker)
    catalogue: FakeCatalogue = field(default_factory=FakeCatalogue)
    aws: FakeSources = field(default_factory=FakeSources)
    invokable: InvokablePatterns = field(
        default_factory=lambda: InvokablePatterns(
            {"acme": ["arn:aws:lambda:eu-west-1:*:function:orders-*"]},
            own_functions="arn:aws:lambda:eu-west-1:123456789012:function:FunctionRerun-*",
        )
    )
    executions: FakeExecutions = field(default_factory=FakeExecutions)
    slots: InMemorySlots = field(default_factory=InMemorySlots)
    most_of_a_workspace: int | None = None
    requires_reason: bool = False
    buses: PermittedBuses = field(default_factory=lambda: PermittedBuses({"acme": ["default"]}))
    retention: Retention = field(default_factory=lambda: Retention(90))
    reported: list[tuple[str, Exception]] = field(default_factory=list)
    """By steps of batches."""
    faults: PortFaults = field(default_factory=PortFaults)
    """Of all that is written of triggers, here and to AWS."""

    def __post_init__(self) -> None:
        self.groups = InMemoryGroups(self.runs)
        self.erasures = InMemoryErasures(self.runs, self.audit_log, faults=self.faults)
        self.batches = InMemoryBatches(self.runs)
        self.registry.faults = self.aws.faults = self.faults
        self.registry.kept_under = self.runs.kept_under
        self.registry.acts = self.runs.acts = self.audit_log.sealed

    @property
    def error_groups(self) -> FailureGrouping:
        return FailureGrouping(self.groups, self.bus, lambda: b"the stack's")

    @property
    def rerun_deps(self) -> RerunDeps:
        return RerunDeps(self.runs, self.registry, self.cipher, self.invokable, self.retention)

    @property
    def plan_deps(self) -> PlanDeps:
        limit = self.runs.max_reruns
        return PlanDeps(
            self.runs, Surrounding(self), self.cipher, self.invokable, self.code, limit, self.requires_reason
        )

    @property
    def start_deps(self) -> StartDeps:
        return StartDeps(self.runs, self.cipher, self.queue, self.retention)

    @property
    def experiment_deps(self) -> ExperimentDeps:
        return ExperimentDeps(self.runs, self.cipher, self.queue)

    @property
    def experiments(self) -> InMemoryExperiments:
        return InMemoryExperiments(self.runs)

    @property
    def registry_deps(self) -> RegistryDeps:
        return RegistryDeps(self.registry, self.cipher, self.catalogue, self.invokable, self.sources)

    @property
    def sources(self) -> TriggerSources:
        return TriggerSources(dict.fromkeys(AwsService, self.aws), self.buses)

    @property
    def capture_deps(self) -> CaptureDeps:
        return CaptureDeps(
            self.runs, self.registry, self.cipher, self.bus, self.error_groups, self.retention, self.invokable
        )

    @property
    def execution_deps(self) -> ExecutionDeps:
        limit = WorkspaceLimit(self.slots, self.most_of_a_workspace)
        return ExecutionDeps(
            self.runs,
            self.cipher,
            self.invokable,
            self.code,
            self.invoker,
            self.queue,
            self.bus,
            self.error_groups,
            limit,
        )

    @property
    def watchdog(self) -> WatchdogDeps:
        return WatchdogDeps(
            self.runs,
            self.cipher,
            self.queue,
            self.bus,
            self.error_groups._replace(secret=None),
            self.dead_letters,
            MAX_CONCURRENT_EXECUTIONS,
        )

    @property
    def cancel_deps(self) -> CancelDeps:
        return CancelDeps(self.runs, self.cipher, self.bus, self.error_groups)

    @property
    def batch_deps(self) -> BatchDeps:
        return BatchDeps(self.batches, self.executions, self.cipher, self.retention)

    @property
    def restart_deps(self) -> RestartDeps:
        return RestartDeps(self.batches, self.executions, self.retention)

    @property
    def step_deps(self) -> StepDeps:
        return StepDeps(
            self.batches,
            self.executions,
            self.runs,
            InMemoryRunIndex(self.runs),
            self.registry,
            self.cipher,
            self.queue,
            self.cancel_deps,
            InTurn(),
            self.retention,
            self.invokable,
            self.most_open,
            lambda fault, id_: self.reported.append((id_, fault)),
        )

    @property
    def batch_plan_deps(self) -> BatchPlanDeps:
        index, limit = InMemoryRunIndex(self.runs), self.runs.max_reruns
        return BatchPlanDeps(self.runs, index, self.registry, self.invokable, limit, self.retention, InTurn())

    def step_batches(self) -> None:
        """One step of each batch that has an execution."""
        for batch in list(self.batches.batches.values()):
            if (batch.id, batch.generation) in self.executions.started:
                step(batch.id, batch.generation, 0, self.step_deps, has_time=lambda: True)

    @property
    def most_open(self) -> int:
        return most_open(MAX_CONCURRENT_EXECUTIONS, self.most_of_a_workspace)

    @property
    def erase_deps(self) -> EraseDeps:
        return EraseDeps(self.runs, self.erasures, self.cipher, self.bus, self.error_groups)

    def has_registered(self, trigger: FunctionTrigger | None = None, *, params: bytes = b"{}") -> None:
        """The function, and a trigger of it."""
        trigger = trigger or a_trigger()
        self.registry.functions = {each.id: each for each in [a_function()]}
        self.registry.triggers[trigger.id] = StoredTrigger(
            trigger, self.cipher.seal(params, trigger.seal_context("params"))
        )

    def has_run(self, run: FunctionRun, parameters: bytes = b"{}") -> FunctionRun:
        """The run, recorded as it once was: with its lineage, if it is a re-run."""
        parts = {Part.PARAMETERS: self.cipher.seal(parameters, seal_context(run, Part.PARAMETERS))}
        if run.is_rerun:
            self.runs.record_rerun(run, parts)
        else:
            self.runs.record(run, parts)
        self.runs.writes = 0
        return run

    def run(self, run_id: str) -> FunctionRun:
        """The run as it stands in the store."""
        return self.runs.runs[run_id]

    def opened(self, run: FunctionRun, content: Content) -> bytes | None:
        """The content as it stands in the store, opened."""
        part = content.part
        sealed = self.runs.read_parts(run, [part]).get(part)
        if sealed is None:
            return None
        opened = self.cipher.open(sealed, seal_context(run, part))
        return unpack(opened).get(content) if part is Part.OUTCOME else opened
