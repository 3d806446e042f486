"""What reminds of erasures, in memory; what they delete is in `InMemoryRuns`."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from handlers.domain import clock
from handlers.domain.audit.act import Act
from handlers.domain.runs.erase import FIRST_LOOK, Erasure
from handlers.domain.runs.run import FunctionRun
from tests.fakes.audit import InMemoryAuditLog
from tests.fakes.stores import InMemoryRuns
from tests.faults.ports import PortFaults


@dataclass
class InMemoryErasures:
    runs: InMemoryRuns
    audit_log: InMemoryAuditLog
    reminders: dict[str, tuple[Erasure, datetime]] = field(default_factory=dict)
    faults: PortFaults = field(default_factory=PortFaults)

    def begin(self, run: FunctionRun, act: Act) -> None:
        with self.faults.call():
            stored = self.runs.runs.get(run.id)
            if stored is not None and stored.erased_at is None:
                self.runs.runs[run.id] = stored.evolve(erased_at=act.at)
                self.reminders[run.id] = Erasure(run.id, act.at), act.at + FIRST_LOOK
                self.audit_log.write(act)

    def delete_content(self, run_id: str) -> None:
        with self.faults.call():
            self.runs.parts = {key: part for key, part in self.runs.parts.items() if key[0] != run_id}

    def due(self) -> Iterator[Erasure]:
        now = clock.now()
        yield from [erasure for erasure, due in self.reminders.values() if due <= now]

    def postpone(self, erasure: Erasure, until: datetime) -> None:
        with self.faults.call():
            self.reminders[erasure.run_id] = erasure, until

    def end(self, erasure: Erasure) -> None:
        with self.faults.call():
            self.reminders.pop(erasure.run_id, None)
