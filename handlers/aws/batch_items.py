"""How a batch of re-runs stands in the table: one item that each of its steps writes, and what never changes beside it.

Ids of runs are packed, 16 bytes each: a batch may have hundreds of them open, and its item is written at each step.
"""

import json
import uuid
from collections.abc import Iterable
from typing import Any

from handlers.aws import keys
from handlers.aws.table import SCHEMA, Item, from_item
from handlers.domain.batches.batch import Batch
from handlers.domain.clock import iso
from handlers.domain.paging import position_of

DUE = "BATCHES"
_PACKED = {"chosen": "chosen", "open_runs": "open"}
_APART = {*_PACKED, "revision", "expires_at"}


def of_workspace(workspace: str) -> str:
    """The partition of byWorkspace that lists its batches."""
    return f"BATCHES#{workspace}"


def of_batch(batch: Batch) -> dict[str, Any]:
    due = {} if batch.due_at is None else {"due": DUE, "dueAt": iso(batch.due_at)}
    packed = {name: pack(getattr(batch, field)) for field, name in _PACKED.items()}
    return {
        **keys.batch(batch.id),
        # A text, because it has fractions: DynamoDB's numbers are not Python's.
        "document": batch.model_dump_json(by_alias=True, exclude_none=True, exclude=_APART),
        **{name: ids for name, ids in packed.items() if ids},
        "rev": batch.revision or "",
        "byWorkspace": of_workspace(batch.workspace),
        "position": position_of(batch.created_at, batch.id),
        **due,
        **_kept_with(batch),
    }


def to_batch(item: Item) -> Batch:
    """Raises what a value that is not as it should be makes it raise."""
    plain = from_item(item)
    packed = {field: unpack(plain.get(name, b"")) for field, name in _PACKED.items()}
    apart = packed | {"revision": plain["rev"] or None, "expires_at": int(plain["expiresAt"])}
    return Batch.model_validate(json.loads(plain["document"]) | apart)


def id_of(entry: Item) -> str:
    """Of an entry of an index."""
    return str(entry["pk"]["S"]).partition("#")[2]


def of_sources(batch: Batch, run_ids: Iterable[str]) -> dict[str, Any]:
    return keys.of_batch(batch.id, keys.SOURCES) | {"runIds": pack(run_ids)} | _kept_longer_than(batch)


def to_sources(item: Item) -> list[str]:
    return list(unpack(from_item(item)["runIds"]))


def of_overrides(batch: Batch, sealed: bytes) -> dict[str, Any]:
    return overrides_key(batch.id) | {"sealed": sealed} | _kept_longer_than(batch)


def overrides_key(batch_id: str) -> keys.Key:
    return keys.of_batch(batch_id, f"{keys.SEALED}overrides")


def pack(run_ids: Iterable[str]) -> bytes:
    return b"".join(uuid.UUID(each).bytes for each in run_ids)


def unpack(packed: bytes) -> tuple[str, ...]:
    return tuple(str(uuid.UUID(bytes=packed[at : at + 16])) for at in range(0, len(packed), 16))


def _kept_longer_than(batch: Batch) -> dict[str, Any]:
    """These items are not written again, and the batch lives on when it moves: twice as long as at first, at most."""
    until = batch.expires_at + (batch.expires_at - batch.created_at)
    return {"expiresAt": int(until.timestamp()), "schema": SCHEMA}


def _kept_with(batch: Batch) -> dict[str, Any]:
    return {"expiresAt": int(batch.expires_at.timestamp()), "schema": SCHEMA}
