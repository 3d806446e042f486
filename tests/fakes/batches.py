"""Batches and their executions, in memory."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from handlers.domain import clock
from handlers.domain.audit.act import Act, SealedAct
from handlers.domain.batches.batch import Batch
from handlers.domain.batches.moving import AT_WORK_WITHIN
from handlers.domain.errors import Unavailable
from handlers.domain.paging import Page, position_of
from handlers.domain.runs.listing import Entry
from handlers.domain.starting.idempotency import KEPT_FOR, AlreadyStarted, KeptRequest, SealedKey
from tests.fakes.stores import InMemoryRuns, position

T = TypeVar("T")
R = TypeVar("R")


class InMemoryBatches:
    """The batch store, beside the runs of its batches."""

    def __init__(self, runs: InMemoryRuns) -> None:
        self._runs = runs
        self.batches: dict[str, Batch] = {}
        self.sources: dict[str, list[str]] = {}
        self.overrides: dict[str, bytes] = {}
        self.writes = 0

    def create(
        self,
        batch: Batch,
        run_ids: Sequence[str],
        sealed_overrides: bytes | None = None,
        key: SealedKey | None = None,
        act: SealedAct | None = None,
    ) -> None:
        if key is not None:
            if (kept := self._runs.kept_under(key.key)) is not None:
                raise AlreadyStarted(kept)
            kept = KeptRequest(key.key, batch.id, key.sealed_digest)
            self._runs.requests[key.key.name] = kept, clock.now() + KEPT_FOR
        self.writes += 1
        self.batches[batch.id] = batch
        self.sources[batch.id] = list(run_ids)
        if sealed_overrides is not None:
            self.overrides[batch.id] = sealed_overrides
        if act is not None:
            self._runs.acts.append(act)

    def read(self, batch_id: str) -> Batch | None:
        batch = self.batches.get(batch_id)
        return batch if batch is not None and batch.expires_at > clock.now() else None

    def replace(self, before: Batch, after: Batch, act: Act | None = None) -> bool:
        stored = self.batches.get(after.id)
        if stored is None or stored.revision != before.revision:
            # By this very change, if the answer to that was lost.
            return stored is not None and stored.revision == after.revision != before.revision
        self.writes += 1
        self.batches[after.id] = after
        if after.state.is_final and not after.needs_steps:
            self.overrides.pop(after.id, None)
        if act is not None:
            self._runs.acts.append(SealedAct(act))
        return True

    def run_ids(self, batch_id: str) -> list[str]:
        return list(self.sources.get(batch_id, []))

    def sealed_overrides(self, batch_id: str) -> bytes | None:
        return self.overrides.get(batch_id)

    def list_batches(self, workspace: str, page: Page) -> tuple[list[Batch], str | None]:
        placed = [(position_of(each.created_at, each.id), each) for each in self.batches.values()]
        ahead = [
            (at, batch)
            for at, batch in placed
            if batch.workspace == workspace and (page.after is None or at < page.after)
        ]
        ahead.sort(key=lambda each: each[0], reverse=True)
        kept = ahead[: page.size]
        return [batch for _, batch in kept], kept[-1][0] if len(ahead) > page.size else None

    def members(self, batch_id: str, page: Page) -> Iterator[Entry]:
        for run in sorted(self._runs.runs.values(), key=position, reverse=True):
            if run.batch_id == batch_id and (page.after is None or position(run) < page.after):
                yield Entry(position(run), run.id)

    def overdue(self) -> Iterator[Batch]:
        due = [batch for batch in self.batches.values() if batch.due_at is not None and batch.due_at <= clock.now()]
        yield from due

    def at_work(self) -> set[str]:
        soon = clock.now() + AT_WORK_WITHIN
        return {batch.id for batch in self.batches.values() if batch.due_at is not None and batch.due_at < soon}


class FakeExecutions:
    """Executions that were started, each once. Who tests takes their steps."""

    def __init__(self) -> None:
        self.started: list[tuple[str, int]] = []
        self.fails = False

    def start(self, batch_id: str, generation: int) -> None:
        if self.fails:
            raise Unavailable
        if (batch_id, generation) not in self.started:
            self.started.append((batch_id, generation))


class InTurn:
    """Workers that are one."""

    def map(self, work: Callable[[T], R], items: Iterable[T], /) -> Iterable[R]:
        return [work(item) for item in items]
