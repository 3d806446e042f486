"""How new runs come into the table: all that belongs to one in one transaction, with what somebody did to start it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from handlers.aws import act_items, experiments, keys, request_keys
from handlers.aws import run_items as items
from handlers.aws.part_store import MAX_SEALED_INLINE_BYTES, PartStore, StagedObject
from handlers.aws.run_store import RunStore
from handlers.aws.table import ConditionFailed, Table, TransactionCanceled, to_item
from handlers.domain import clock
from handlers.domain.audit.act import SealedAct
from handlers.domain.errors import NoParameters, RerunLimitReached, RunNotFound, Unavailable
from handlers.domain.runs.due import pending_deadline
from handlers.domain.runs.experiment import SealedExperiment
from handlers.domain.runs.recording import SealedParts
from handlers.domain.runs.run import FunctionRun, Part
from handlers.domain.starting.idempotency import AlreadyStarted, SealedKey
from handlers.domain.starting.start import LineageMoved

_ATTEMPTS = 4
# Ten runs have as many copies, and a transaction costs twice: that is 720 write units at once, where a new table takes
# 4,000. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html
INLINE_IN_EXPERIMENT = 36_000
# Of the run that is repeated: else a copy of them could appear after all runs of a lineage have been erased.
_ITS_PARAMETERS_ARE_NOT_ERASED = "attribute_not_exists(erased)"


class RunRecorder(RunStore):
    """The run store of those who start runs."""

    def __init__(self, table: Table, parts: PartStore, report: Callable[[Exception], None], *, max_reruns: int) -> None:
        super().__init__(table, parts, report)
        self._max_reruns = max_reruns

    def record(
        self, run: FunctionRun, parts: SealedParts, key: SealedKey | None = None, act: SealedAct | None = None
    ) -> bool:
        new = self._to_record(run, parts, key, act)
        try:
            with started_before(key):
                self._table.transact(new.actions)
        except TransactionCanceled:
            return False
        self._settle_parts(new.objects, new.stored, run)
        return True

    def record_rerun(
        self,
        run: FunctionRun,
        parts: SealedParts,
        key: SealedKey | None = None,
        act: SealedAct | None = None,
        expected_reruns: int | None = None,
    ) -> bool:
        new = self._to_record(run, parts, key, act)
        new.actions["edge"] = self._table.put_action(items.of_edge(run))
        new.actions.update(self._source_check_action(run))
        expires_at = items.epoch(run)
        for _ in range(_ATTEMPTS):
            new.actions["original"] = self._count_reruns(run, expires_at, expected=expected_reruns)
            try:
                with started_before(key):
                    self._table.transact(new.actions)
            except TransactionCanceled as canceled:
                if canceled.by("run"):
                    return False
                expires_at = self._let_live_on(canceled, run, expires_at, expected=expected_reruns)
            else:
                self._settle_parts(new.objects, new.stored, run)
                return True
        raise Unavailable

    def record_experiment(
        self,
        experiment: SealedExperiment,
        runs: Sequence[tuple[FunctionRun, SealedParts]],
        key: SealedKey | None = None,
        act: SealedAct | None = None,
    ) -> None:
        first, count = runs[0][0], len(runs)
        new = [self._to_record(run, parts, None, None, inline=INLINE_IN_EXPERIMENT) for run, parts in runs]
        it_is_new = "attribute_not_exists(pk)"
        actions = {"experiment": self._table.put_action(experiments.item_of(experiment), ConditionExpression=it_is_new)}
        for number, each in enumerate(new):
            actions |= {f"{name} {number}": action for name, action in each.actions.items()}
            actions[f"edge {number}"] = self._table.put_action(items.of_edge(each.stored))
        actions |= self._key_and_act_actions(first, key, act) | self._source_check_action(first)
        expires_at = items.epoch(first)
        for _ in range(_ATTEMPTS):
            actions["original"] = self._count_reruns(first, expires_at, count)
            try:
                with started_before(key):
                    self._table.transact(actions)
            except TransactionCanceled as canceled:
                expires_at = self._let_live_on(canceled, first, expires_at, count)
            else:
                for each, (run, _) in zip(new, runs, strict=True):
                    self._settle_parts(each.objects, each.stored, run)
                return
        raise Unavailable

    def _count_reruns(
        self, run: FunctionRun, expires_at: int, count: int = 1, expected: int | None = None
    ) -> dict[str, Any]:
        """More on the original, which from now on lives as long as this re-run: a lineage's newest expires last."""
        the_original_lives = "attribute_exists(pk) AND expiresAt > :now"
        it_may_be_rerun = "reruns <= :most_before"
        no_life_is_shortened = "expiresAt <= :expires_at"
        its_parameters_outlive_it = "ptl >= :expires_at"
        conditions = [the_original_lives, it_may_be_rerun, no_life_is_shortened, its_parameters_outlive_it]
        if _repeats_original(run):
            conditions.append(_ITS_PARAMETERS_ARE_NOT_ERASED)
        values = {
            ":count": count,
            ":most_before": self._max_reruns - count,
            ":now": int(clock.now().timestamp()),
            ":expires_at": expires_at,
        }
        if expected is not None:
            its_lineage_is_as_it_was = "reruns = :expected"
            conditions.append(its_lineage_is_as_it_was)
            values[":expected"] = expected
        return self._table.update_action(
            keys.run(run.lineage_id),
            UpdateExpression="SET reruns = reruns + :count, expiresAt = :expires_at",
            ConditionExpression=" AND ".join(conditions),
            ExpressionAttributeValues=to_item(values),
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )

    def _source_check_action(self, run: FunctionRun) -> dict[str, Any]:
        """Of a source that is no original: what is asked of that is a part of counting."""
        if _repeats_original(run):
            return {}
        key = keys.run(str(run.source_run_id))
        return {"source": self._table.check_action(key, ConditionExpression=_ITS_PARAMETERS_ARE_NOT_ERASED)}

    def _let_live_on(
        self,
        canceled: TransactionCanceled,
        run: FunctionRun,
        expires_at: int,
        count: int = 1,
        expected: int | None = None,
    ) -> int:
        """After a lost transaction: until when its original lives, whose parameters are made to live as long.

        Raises NoParameters, RunNotFound, RerunLimitReached or LineageMoved.
        """
        if canceled.by("source"):
            raise NoParameters from canceled
        original = canceled.item("original")
        if original is None or original["expiresAt"] <= clock.now().timestamp():
            raise RunNotFound
        if "erased" in original and _repeats_original(run):
            raise NoParameters
        if original["reruns"] + count > self._max_reruns:
            raise RerunLimitReached(self._max_reruns)
        if expected not in (None, original["reruns"]):
            raise LineageMoved
        expires_at = max(expires_at, int(original["expiresAt"]))
        if original["ptl"] < expires_at:
            self._extend_parameters(run.lineage_id, expires_at + items.PARTS_OUTLIVE_SECONDS)
        return expires_at

    def _extend_parameters(self, original_run_id: str, until: int) -> None:
        """Let an original's parameters and notes live on, once a day at most.

        Ahead of the transaction: should that fail, they are kept for longer than need be, and no harm is done.
        """
        for key, expiry in (
            (keys.part(original_run_id, Part.PARAMETERS), "expiresAt"),
            (keys.of_run(original_run_id, keys.NOTES), "expiresAt"),
            (keys.run(original_run_id), "ptl"),
        ):
            with suppress(ConditionFailed):  # there are none, or somebody else has let them live as long
                self._table.update(
                    key,
                    UpdateExpression=f"SET {expiry} = :until",
                    ConditionExpression=f"{expiry} < :until",
                    ExpressionAttributeValues=to_item({":until": until}),
                )

    def _settle_parts(self, objects: list[StagedObject], stored: FunctionRun, run: FunctionRun) -> None:
        """What was staged is recorded now: move it. Should that fail, the watchdog will do so."""
        if not objects:
            return
        try:
            self._parts.move(objects)
            self.transition(stored, stored.moved(staged=False, deadline=run.deadline))
        except Unavailable as fault:
            self._report(fault)

    def _to_record(
        self,
        run: FunctionRun,
        parts: SealedParts,
        key: SealedKey | None,
        act: SealedAct | None,
        *,
        inline: int = MAX_SEALED_INLINE_BYTES,
    ) -> "_NewItems":
        new, objects = self._parts.stage(run, parts, inline=inline)
        stored = run.evolve(notes_apart=items.needs_notes(run))
        if objects:
            # However late it is due: what was staged must be moved within a day.
            soon = pending_deadline(clock.now())
            stored = stored.evolve(staged=True, deadline=min(run.deadline or soon, soon))
        it_is_new = "attribute_not_exists(pk)"
        new = {"run": items.of_run(stored), **new}
        if stored.notes_apart:
            new["notes"] = items.of_notes(stored)
        actions = {name: self._table.put_action(item, ConditionExpression=it_is_new) for name, item in new.items()}
        return _NewItems(actions | self._key_and_act_actions(run, key, act), stored, objects)

    def _key_and_act_actions(self, run: FunctionRun, key: SealedKey | None, act: SealedAct | None) -> dict[str, Any]:
        """What is recorded with what a request has started."""
        request = {} if key is None else {"request": request_keys.put_action(self._table, key, run)}
        return request | act_items.put_actions(self._table, act)


def _repeats_original(run: FunctionRun) -> bool:
    return run.source_run_id == run.lineage_id


@contextmanager
def started_before(key: SealedKey | None) -> Iterator[None]:
    """Raises AlreadyStarted if the request of this key is why a transaction was canceled."""
    try:
        yield
    except TransactionCanceled as canceled:
        if key is not None and canceled.by("request"):
            raise AlreadyStarted(request_keys.of_plain(key.key, canceled.item("request") or {})) from canceled
        raise


class _NewItems(NamedTuple):
    """A run that is to be recorded, in one transaction of `actions`."""

    actions: dict[str, Any]
    stored: FunctionRun
    objects: list[StagedObject]
