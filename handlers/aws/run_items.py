"""How a run stands in the table: keys, index attributes, and the change from one state to the next."""

import hashlib
from datetime import UTC, datetime
from typing import Any, NamedTuple

from handlers.aws.part_objects import KEPT
from handlers.aws.table import SCHEMA, Item, from_item, to_item
from handlers.domain.paging import position_of
from handlers.domain.runs.run import FunctionRun, Part, Status

OBJECT = "OBJECT#"
# Queries over a workspace fan out to this many keys: each takes 1,000 writes a second. It may grow, never shrink.
SHARDS = 4


def run_key(run_id: str) -> dict[str, str]:
    return {"pk": f"RUN#{run_id}", "sk": "RUN"}


def run_id(item: Item) -> str:
    """Of a run's item, or of its entry in an index."""
    return str(item["pk"]["S"]).removeprefix("RUN#")


def part_key(run_id: str, part: Part) -> dict[str, str]:
    return {"pk": f"RUN#{run_id}", "sk": f"SEALED#{part}"}


def position(run: FunctionRun) -> str:
    return position_of(run.created_at, run.id)


def shard(run_id: str) -> int:
    return hashlib.sha256(run_id.encode()).digest()[0] % SHARDS


# A lineage's activity lets its original live on. Its parameters, which may be large, are given a day's start, so that
# they are written anew once a day at most.
PARTS_OUTLIVE_SECONDS = 24 * 3600


def of_run(run: FunctionRun) -> dict[str, Any]:
    """The run's attributes, those that put it into the indexes included."""
    # Defaults are left out, so that the item stays within one write unit, but for what conditions compare.
    attributes = run.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    attributes |= {"status": run.status.value, "rerunCount": run.rerun_count, "expiresAt": epoch(run)}
    attributes["partsExpireAt"] = epoch(run) + PARTS_OUTLIVE_SECONDS
    return run_key(run.id) | attributes | _index_attributes(run) | {"schema": SCHEMA}


def to_run(item: Item) -> FunctionRun:
    plain = from_item(item)
    return FunctionRun.model_validate(plain | {"expiresAt": int(plain["expiresAt"])})


def epoch(run: FunctionRun) -> int:
    """When the run's items expire, in seconds: what DynamoDB's TTL reads."""
    return int(run.expires_at.timestamp())


def of_part(run: FunctionRun, part: Part, sealed: bytes) -> dict[str, Any]:
    expires_at = epoch(run) + PARTS_OUTLIVE_SECONDS
    return part_key(run.id, part) | {"sealed": sealed, "expiresAt": expires_at, "schema": SCHEMA}


def object_key(run_id: str, part: Part) -> str:
    """Where a part that is too large for the table stays in the bucket."""
    return f"{KEPT}{run_id}/{part}"


def object_entry_key(run_id: str, part: str) -> dict[str, str]:
    return {"pk": f"RUN#{run_id}", "sk": f"{OBJECT}{part}"}


def of_large_part(run: FunctionRun, part: Part, *, kept: str, staged: str) -> list[dict[str, Any]]:
    """The part's own item, and an entry without expiry: DynamoDB forgets items, and not objects."""
    expires_at = epoch(run) + PARTS_OUTLIVE_SECONDS
    where = {"object": kept, "stagedAs": staged, "schema": SCHEMA}
    return [
        part_key(run.id, part) | where | {"expiresAt": expires_at},
        object_entry_key(run.id, part) | where | object_attention(run.id, expires_at),
    ]


def object_attention(run_id: str, due: int) -> dict[str, str]:
    """Puts an object before the housekeeping, once its part should have expired; in seconds, as DynamoDB counts."""
    at = position_of(datetime.fromtimestamp(due, UTC), run_id)
    return {"attention": f"OBJECTS#{shard(run_id)}", "attentionAt": at}


def of_edge(run: FunctionRun) -> dict[str, Any]:
    return {
        "pk": f"RUN#{run.original_run_id}",
        "sk": f"RERUN#{position(run)}",
        "runId": run.id,
        "expiresAt": epoch(run),
        "schema": SCHEMA,
    }


def rerun_id(edge: Item) -> str:
    return str(edge["runId"]["S"])


def _index_attributes(run: FunctionRun) -> dict[str, str]:
    """Sparse: `attention` holds open runs by deadline and failed runs by time, and lets go of the others.

    The two lists hold only what never changes, so that a change of status does not rewrite them.
    """
    attributes = {
        "byWorkspace": f"WS#{run.workspace}#{shard(run.id)}",
        "byFunction": f"FN#{run.workspace}#{run.function_id}#{shard(run.id)}",
        "position": position(run),
    }
    if run.deadline is not None:
        attributes |= {"attention": f"OPEN#{shard(run.id)}", "attentionAt": position_of(run.deadline, run.id)}
    elif run.status in (Status.FAILURE, Status.TIMEOUT):
        attributes |= {
            "attention": f"FAILED#{run.workspace}#{shard(run.id)}",
            "attentionAt": attributes["position"],
        }
    return attributes


def claims_alike(item: Item, run: FunctionRun) -> bool:
    """Whether the item is held under the very claim of this run."""
    return run.claim_token is not None and from_item(item).get("claimToken") == run.claim_token


class Change(NamedTuple):
    """An UpdateItem's expression, with its names and values."""

    update: str
    condition: str
    names: dict[str, str]
    values: Item


# What moves a run. `rerunCount` and `expiresAt` are moved by its re-runs, at any time, and are no part of this.
_MOVING = ("status", "claimToken", "deadline", "staged")
_MOVED_BY_RERUNS = ("rerunCount", "expiresAt", "partsExpireAt")


def change(before: FunctionRun, after: FunctionRun) -> Change:
    """Set what differs, on the condition that nobody has moved the run since `before` was read."""
    was, will_be = of_run(before), of_run(after)
    changed = [name for name in sorted(was.keys() | will_be.keys()) if was.get(name) != will_be.get(name)]
    changed = [name for name in changed if name not in _MOVED_BY_RERUNS]
    sets = [f"#{name} = :{name}" for name in changed if name in will_be]
    removes = [f"#{name}" for name in changed if name not in will_be]
    # A run may be marked as cancelled at any time, its outcome is stored all the same; but it is not claimed again.
    is_claim = after.claim_token is not None and after.claim_token != before.claim_token
    moving = (*_MOVING, "cancelRequestedAt") if is_claim else _MOVING
    unmoved = [f"#{name} = :was_{name}" if name in was else f"attribute_not_exists(#{name})" for name in moving]
    return Change(
        update=" ".join([f"SET {', '.join(sets)}"] * bool(sets) + [f"REMOVE {', '.join(removes)}"] * bool(removes)),
        condition=" AND ".join(unmoved),
        names={f"#{name}": name for name in {*changed, *moving}},
        values=to_item({f":{name}": will_be[name] for name in changed if name in will_be})
        | to_item({f":was_{name}": was[name] for name in moving if name in was}),
    )
