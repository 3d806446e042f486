from dataclasses import dataclass, field

from handlers.domain.function_arns import InvokablePatterns
from handlers.domain.registry.registered import FunctionTrigger, StoredTrigger
from handlers.domain.registry.registrar import Registrar
from handlers.domain.registry.trigger_sources import TriggerSources
from handlers.domain.runs.cancel import Canceller
from handlers.domain.runs.execution import Executor
from handlers.domain.runs.recording import Retention, label
from handlers.domain.runs.run import FunctionRun, Part
from handlers.domain.starting.captures import Capturer
from handlers.domain.starting.rerun import Rerunner
from handlers.domain.starting.retry import Retrier
from handlers.domain.starting.start import Starter
from handlers.domain.upkeep.recovery import Watchdog
from tests.builders import a_function, a_trigger
from tests.fakes.faults import Faults
from tests.fakes.registry import InMemoryRegistry
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
from tests.fakes.stores import InMemoryRuns

# Few: a test soon has more messages than that.
MAX_CONCURRENT_EXECUTIONS = 10


@dataclass
class World:
    """An installation in memory: all ports, and the tools of each story made of them."""

    runs: InMemoryRuns = field(default_factory=InMemoryRuns)
    registry: InMemoryRegistry = field(default_factory=InMemoryRegistry)
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
    retention: Retention = field(default_factory=lambda: Retention(90))
    faults: Faults = field(default_factory=Faults)
    """Of all that is written of triggers, and told to AWS of them."""

    def __post_init__(self) -> None:
        self.registry.faults = self.aws.faults = self.faults
        self.registry.kept_under = self.runs.kept_under

    @property
    def rerunner(self) -> Rerunner:
        return Rerunner(self.runs, self.registry, self.cipher, self.queue, self.retention)

    @property
    def starter(self) -> Starter:
        return Starter(self.runs, self.cipher, self.queue, self.retention)

    @property
    def registrar(self) -> Registrar:
        buses = {"acme": ["default"]}
        return Registrar(self.registry, self.cipher, self.catalogue, self.invokable, self.sources, buses)

    @property
    def sources(self) -> TriggerSources:
        return TriggerSources(self.aws, self.aws)

    @property
    def capturer(self) -> Capturer:
        return Capturer(self.runs, self.registry, self.cipher, self.bus, self.retention, self.invokable)

    @property
    def executor(self) -> Executor:
        return Executor(self.runs, self.cipher, self.invokable, self.code, self.invoker, self.queue, self.bus)

    @property
    def watchdog(self) -> Watchdog:
        return Watchdog(
            self.runs,
            self.cipher,
            self.queue,
            self.bus,
            self.dead_letters,
            MAX_CONCURRENT_EXECUTIONS,
        )

    @property
    def retrier(self) -> Retrier:
        return Retrier(self.runs, self.registry, self.cipher, self.queue, self.retention)

    @property
    def canceller(self) -> Canceller:
        return Canceller(self.runs, self.cipher, self.bus)

    def has_registered(self, trigger: FunctionTrigger | None = None, *, params: bytes = b"{}") -> None:
        """The function, and a trigger of it."""
        trigger = trigger or a_trigger()
        self.registry.functions = {each.id: each for each in [a_function()]}
        self.registry.triggers[trigger.id] = StoredTrigger(trigger, self.cipher.seal(params, trigger.params_label))

    def has_run(self, run: FunctionRun, parameters: bytes = b"{}") -> FunctionRun:
        """The run, recorded as it once was: with its lineage, if it is a re-run."""
        parts = {Part.PARAMETERS: self.cipher.seal(parameters, label(run, Part.PARAMETERS))}
        if run.is_rerun:
            self.runs.record_rerun(run, parts)
        else:
            self.runs.record(run, parts)
        self.runs.writes = 0
        return run

    def run(self, run_id: str) -> FunctionRun:
        """The run as it stands in the store."""
        return self.runs.runs[run_id]

    def opened(self, run: FunctionRun, part: Part) -> bytes | None:
        """The part as it stands in the store, opened."""
        stored = self.runs.parts.get((run.id, part))
        return None if stored is None else self.cipher.open(stored.sealed, label(run, part))
