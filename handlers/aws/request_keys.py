"""How an idempotency key stands in the table, and how its item comes to be: with what its request starts."""

from typing import Any

from handlers.aws import keys
from handlers.aws.table import SCHEMA, Item, Table, from_item, to_item
from handlers.domain import clock
from handlers.domain.batches.batch import Batch
from handlers.domain.runs.run import FunctionRun
from handlers.domain.starting.idempotency import KEPT_FOR, IdempotencyKey, KeptRequest, SealedKey


def key_of(key: IdempotencyKey) -> keys.Key:
    return keys.request(key.workspace, key.name)


def put_action(table: Table, sealed: SealedKey, started: FunctionRun | Batch) -> dict[str, Any]:
    """Its condition fails, and returns what is stored, if the key has started something in the last 24 hours."""
    at = clock.now()
    item = {
        **key_of(sealed.key),
        "runId": started.id,
        "sealedDigest": sealed.sealed_digest,
        # Never longer than what it would be answered with.
        "expiresAt": int(min(at + KEPT_FOR, started.expires_at).timestamp()),
        "schema": SCHEMA,
    }
    nothing_is_kept = "attribute_not_exists(pk)"
    it_is_kept_no_longer = "expiresAt <= :now"
    return table.put_action(
        item,
        ConditionExpression=f"{nothing_is_kept} OR {it_is_kept_no_longer}",
        ExpressionAttributeValues=to_item({":now": int(at.timestamp())}),
        ReturnValuesOnConditionCheckFailure="ALL_OLD",
    )


def to_kept(key: IdempotencyKey | None, found: dict[tuple[str, str], Item]) -> KeptRequest | None:
    """What is kept under the key, of the items that were read."""
    if key is None:
        return None
    item = found.get(keys.pair(key_of(key)))
    return None if item is None else of_plain(key, from_item(item))


def of_plain(key: IdempotencyKey, plain: dict[str, Any]) -> KeptRequest:
    return KeptRequest(key, plain["runId"], bytes(plain["sealedDigest"]))
