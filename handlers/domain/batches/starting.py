"""Start a batch: it is stored with its act, and its steps do the rest."""

import uuid
from typing import NamedTuple

from handlers.domain import clock
from handlers.domain.audit.act import Act, Action, seal_act
from handlers.domain.audit.override_paths import override_paths
from handlers.domain.batches.batch import Batch, BatchState
from handlers.domain.batches.moving import moved
from handlers.domain.batches.ports import BatchDeps
from handlers.domain.batches.requests import BatchBody
from handlers.domain.batches.restarting import start_execution
from handlers.domain.errors import Unavailable
from handlers.domain.json_document import compact
from handlers.domain.runs.recording import Retention
from handlers.domain.starting.idempotency import AlreadyStarted, IdempotencyKey, check_same_request, seal_key


class BatchRequest(NamedTuple):
    """Who asks for which re-runs."""

    workspace: str
    by: str
    options: BatchBody
    key: IdempotencyKey | None = None
    reveals: bool = False
    """Whether the caller may see parameters."""


def start_batch(request: BatchRequest, deps: BatchDeps) -> Batch:
    """Stored before anything of it begins; or the one that the same request has started before.

    Raises InvalidRequest, IdempotencyKeyReused or Unavailable.
    """
    batch = new_batch(request, deps.retention)
    overrides = request.options.override_params
    sealed = deps.cipher.seal(compact(overrides).encode(), batch.overrides_context) if overrides else None
    act = Act.done(
        Action.START_BATCH,
        batch.by,
        batch.workspace,
        kept_for=deps.retention.of_acts,
        batch_id=batch.id,
        function_id=batch.selection.function_id if batch.selection else None,
        trigger_id=batch.selection.trigger_id if batch.selection else None,
        error_group_id=batch.selection.error_group_id if batch.selection else None,
        reason=batch.reason,
        use_latest_code=batch.use_latest_code,
        override_paths=override_paths(overrides or {}),
    )
    run_ids = request.options.run_ids or []
    try:
        deps.batches.create(batch, run_ids, sealed, seal_key(request.key, deps.cipher), seal_act(act, deps.cipher))
    except AlreadyStarted as already:
        check_same_request(already.kept, deps.cipher)
        before = deps.batches.read(already.kept.started_id)
        if before is None:
            raise Unavailable from already  # a batch is kept for longer than a key: it cannot be read now
        return before
    start_execution(batch, deps.executions)
    return batch


def new_batch(request: BatchRequest, retention: Retention) -> Batch:
    """As it is at first. Raises InvalidRequest."""
    options, at = request.options, clock.now()
    due = options.due(at)
    batch = Batch(
        id=str(uuid.uuid4()),
        workspace=request.workspace,
        created_at=at,
        by=request.by,
        reason=options.reason or None,
        selection=options.selection,
        run_ids_count=None if options.run_ids is None else len(options.run_ids),
        use_latest_code=options.use_latest_code,
        function_version=options.function_version,
        effects=options.effects,
        has_overrides=bool(options.override_params),
        reveals=request.reveals,
        canary_count=options.canary.count,
        pace=options.pace.pace(),
        stop_when=options.stop_when.rules(),
        not_before=due,
        state=BatchState.SCHEDULED,
        expires_at=at,
    )
    return moved(batch, retention, state=BatchState.SCHEDULED if due else batch.first_state)
