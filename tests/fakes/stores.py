"""Runs and their parts, in memory."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from handlers.domain import clock
from handlers.domain.audit.act import Act, SealedAct
from handlers.domain.errors import NoParameters, RerunLimitReached, RunNotFound, Unavailable
from handlers.domain.paging import Page, position_of
from handlers.domain.runs.experiment import SealedExperiment
from handlers.domain.runs.history import EdgePage
from handlers.domain.runs.recording import RecordedRun, SealedParts
from handlers.domain.runs.run import FunctionRun, Part, Status
from handlers.domain.starting.idempotency import KEPT_FOR, AlreadyStarted, IdempotencyKey, KeptRequest, SealedKey
from handlers.domain.starting.start import LineageMoved
from tests.builders import NOW


class StoredPart(NamedTuple):
    sealed: bytes
    expires_at: datetime


class InMemoryRuns:
    """The run store. What has expired is there still, but is not read: DynamoDB deletes it in its own time."""

    def __init__(self, *, max_reruns: int = 1000) -> None:
        self.runs: dict[str, FunctionRun] = {}
        self.due: dict[str, datetime] = {}
        """When the watchdog looks at a run, if that is before its deadline."""
        self.parts: dict[tuple[str, str], StoredPart] = {}
        self.lineages: dict[str, list[tuple[str, str]]] = {}
        self.requests: dict[str, tuple[KeptRequest, datetime]] = {}
        self.experiments: dict[str, SealedExperiment] = {}
        self.acts: list[SealedAct] = []
        self.moved: list[str] = []
        """Runs whose parts were moved to where they stay."""
        self.objects_fail = False
        """Every part is a large one, and the bucket does not answer."""
        self.max_reruns = max_reruns
        self.writes = 0

    def read(self, run_id: str, part: Part) -> RecordedRun | None:
        run = self.read_run(run_id)
        sealed = None if run is None else self.read_parts(run, [part]).get(part)

        def fetched() -> bytes | None:
            if self.objects_fail:
                raise Unavailable
            return sealed

        return None if run is None else RecordedRun(run, fetched)

    def read_run(self, run_id: str) -> FunctionRun | None:
        run = self.runs.get(run_id)
        return run if run is not None and _is_alive(run.expires_at) else None

    def read_many(self, run_ids: list[str]) -> list[FunctionRun]:
        return [run for run_id in run_ids if (run := self.read_run(run_id)) is not None]

    def read_recorded(self, run_ids: Sequence[str], part: Part) -> list[RecordedRun]:
        return [recorded for run_id in run_ids if (recorded := self.read(run_id, part)) is not None]

    def read_parts(self, run: FunctionRun, parts: Iterable[Part]) -> dict[Part, bytes]:
        found = {part: self.parts[key] for part in parts if (key := _part_key(run, part)) in self.parts}
        return {part: stored.sealed for part, stored in found.items() if _is_alive(stored.expires_at)}

    def read_with_key(
        self, run_id: str, part: Part, key: IdempotencyKey | None
    ) -> tuple[RecordedRun | None, KeptRequest | None]:
        return self.read(run_id, part), self.kept_under(key)

    def kept_under(self, key: IdempotencyKey | None) -> KeptRequest | None:
        kept, expires_at = self.requests.get(key.name, (None, NOW)) if key else (None, NOW)
        return kept._replace(key=key) if kept is not None and key is not None and _is_alive(expires_at) else None

    def record(
        self, run: FunctionRun, parts: SealedParts, key: SealedKey | None = None, act: SealedAct | None = None
    ) -> bool:
        if key is not None:
            kept = self.kept_under(key.key)
            if kept is not None:
                raise AlreadyStarted(kept)
        if run.id in self.runs:
            return False
        if key is not None:
            kept = KeptRequest(key.key, run.id, key.sealed_digest)
            self.requests[key.key.name] = kept, clock.now() + KEPT_FOR
        if act is not None:
            self.acts.append(act)
        self.writes += 1
        self.runs[run.id] = run
        self._store(run, parts)
        return True

    def move_staged(self, run: FunctionRun) -> FunctionRun:
        moved = run.moved(staged=False)
        self.moved.append(run.id)
        self.transition(run, moved)
        return moved

    def record_rerun(
        self,
        run: FunctionRun,
        parts: SealedParts,
        key: SealedKey | None = None,
        act: SealedAct | None = None,
        expected_reruns: int | None = None,
    ) -> bool:
        if key is None and run.id in self.runs:
            return False
        original = self.read_run(run.lineage_id)
        if original is None:
            raise RunNotFound
        source = self.runs.get(run.source_run_id or "")
        if source is not None and source.erased_at is not None:
            raise NoParameters
        if original.rerun_count >= self.max_reruns:
            raise RerunLimitReached(self.max_reruns)
        if expected_reruns not in (None, original.rerun_count):
            raise LineageMoved
        if not self.record(run, parts, key, act):
            return False
        expires_at = max(original.expires_at, run.expires_at)
        self.runs[original.id] = original.evolve(rerun_count=original.rerun_count + 1, expires_at=expires_at)
        self.lineages.setdefault(original.id, []).append((position(run), run.id))
        return True

    def record_experiment(
        self,
        experiment: SealedExperiment,
        runs: Sequence[tuple[FunctionRun, SealedParts]],
        key: SealedKey | None = None,
        act: SealedAct | None = None,
    ) -> None:
        kept = self.kept_under(key.key) if key else None
        if kept is not None:
            raise AlreadyStarted(kept)
        original = self.read_run(experiment.experiment.original_run_id)
        if original is not None and original.rerun_count + len(runs) > self.max_reruns:
            raise RerunLimitReached(self.max_reruns)
        for number, (run, parts) in enumerate(runs):
            self.record_rerun(run, parts, *((None, None) if number else (key, act)))
        self.experiments[experiment.experiment.id] = experiment

    def transition(
        self, before: FunctionRun, after: FunctionRun, outcome: bytes | None = None, act: Act | None = None
    ) -> bool:
        stored = self.runs.get(after.id)
        if stored is not None and stored.erased_at is not None and after.outcome_id != before.outcome_id:
            after, outcome = after.evolve(outcome_id=before.outcome_id), None
        if outcome is not None:
            # It counts once the run names it, and not before.
            self._store(after, {Part.OUTCOME: outcome})
        if stored is None or not _is_unmoved(stored, before, after):
            # Moved by this very move, if the answer to that was lost.
            return stored is not None and after.revision != before.revision and stored.revision == after.revision
        self.writes += 1
        if act is not None:
            self.acts.append(SealedAct(act))
        changed = {name for name in FunctionRun.model_fields if getattr(before, name) != getattr(after, name)}
        # These two are moved by re-runs, at any time.
        changed -= {"rerun_count", "expires_at"}
        self.runs[after.id] = stored.evolve(**{name: getattr(after, name) for name in changed})
        is_ahead = before.deadline is not None and before.deadline > clock.now()
        if before.deadline is not None and (is_ahead or after.status is Status.RUNNING):
            self.due.setdefault(after.id, before.deadline)
        else:
            self.due.pop(after.id, None)
        return True

    def mark_recovered(self, rerun: FunctionRun) -> None:
        original = self.runs.get(rerun.lineage_id)
        if original is not None and original.function_id == rerun.function_id and original.recovered_by is None:
            self.writes += 1
            self.runs[original.id] = original.evolve(recovered_by=rerun.id)

    def edges(self, original_run_id: str, page: Page) -> EdgePage:
        ahead = sorted(
            edge
            for edge in self.lineages.get(original_run_id, [])
            if (page.after is None or edge[0] > page.after) and not self._is_expired(edge[1])
        )
        kept = ahead[: page.size]
        return EdgePage([run_id for _, run_id in kept], kept[-1][0] if len(ahead) > page.size else None)

    def _is_expired(self, run_id: str) -> bool:
        return run_id in self.runs and not _is_alive(self.runs[run_id].expires_at)

    def newest_edges(self, original_run_id: str, size: int) -> list[str]:
        return [run_id for _, run_id in sorted(self.lineages.get(original_run_id, []), reverse=True)[:size]]

    def overdue(self) -> Iterator[FunctionRun]:
        deadlines = [(run.deadline, run.id) for run in self.runs.values() if run.deadline is not None]
        now = clock.now()
        overdue = sorted(each for each in deadlines if min(each[0], self.due.get(each[1], each[0])) <= now)
        yield from [self.runs[run_id] for _, run_id in overdue]

    def reschedule(self, run: FunctionRun) -> None:
        if self.runs[run.id].revision == run.revision:
            self.due.pop(run.id, None)

    def _store(self, run: FunctionRun, parts: SealedParts) -> None:
        self.parts |= {_part_key(run, part): StoredPart(sealed, run.expires_at) for part, sealed in parts.items()}


class InMemoryExperiments:
    """The experiments that a run store has recorded."""

    def __init__(self, runs: InMemoryRuns) -> None:
        self._runs = runs

    def read(self, experiment_id: str) -> SealedExperiment | None:
        stored = self._runs.experiments.get(experiment_id)
        return stored if stored is not None and _is_alive(stored.experiment.expires_at) else None


def position(run: FunctionRun) -> str:
    return position_of(run.created_at, run.id)


def _is_alive(expires_at: datetime) -> bool:
    return expires_at > clock.now()


def _is_unmoved(stored: FunctionRun, before: FunctionRun, after: FunctionRun) -> bool:
    if before.claim_token is not None and not after.status.is_open:
        return stored.claim_token == before.claim_token
    is_claim = after.claim_token is not None and after.claim_token != before.claim_token
    is_mark = after.cancel_requested_at != before.cancel_requested_at
    is_marked = (is_claim or is_mark) and stored.cancel_requested_at != before.cancel_requested_at
    is_erased = is_claim and stored.erased_at != before.erased_at
    return stored.revision == before.revision and not is_marked and not is_erased


def _part_key(run: FunctionRun, part: Part) -> tuple[str, str]:
    return run.id, f"{part}#{run.outcome_id}" if part is Part.OUTCOME else part
