"""How a run stands in the table: its item, the indexes that it is in, and the change from one state to the next."""

import hashlib
from datetime import UTC, datetime
from typing import Any

from handlers.aws import keys, run_attributes
from handlers.aws.part_objects import KEPT
from handlers.aws.table import SCHEMA, Item, from_item, size_of, to_item
from handlers.domain.clock import iso, moment_of
from handlers.domain.paging import position_of
from handlers.domain.runs.run import ErrorSource, FunctionRun, Part, Pin, Status

# Queries over a workspace fan out to this many keys: each takes 1,000 writes a second. It may grow, never shrink.
SHARDS = 4
# One write unit: a run's item is written four times in its life, and twice more for each of its re-runs.
MAX_RUN_BYTES = 1024
# Who cancels a run is not known when it is recorded. A longer name than that may cost the run a second unit.
USUAL_SUBJECT = 40


def run_id(item: Item) -> str:
    """Of a run's item, or of its entry in an index."""
    return str(item["pk"]["S"]).removeprefix("RUN#")


def position(run: FunctionRun) -> str:
    return position_of(run.created_at, run.id)


def shard(run_id: str) -> int:
    return hashlib.sha256(run_id.encode()).digest()[0] % SHARDS


# A lineage's activity lets its original live on. Its parameters, which may be large, are given a day's start, so that
# they are written again once a day at most.
PARTS_OUTLIVE_SECONDS = 24 * 3600


def of_run(run: FunctionRun) -> dict[str, Any]:
    """The run's attributes, those that put it into the indexes included."""
    counted = {"reruns": run.rerun_count, "expiresAt": epoch(run), "ptl": parts_expire_at(run)}
    attributes = run_attributes.write(run) | counted | {"schema": SCHEMA}
    return keys.run(run.id) | attributes | _index_attributes(run)


def to_run(item: Item, notes: Item | None = None) -> FunctionRun:
    """Raises what a value that is not as it should be makes it raise."""
    plain = from_item(item)
    _, workspace, function_id, _ = plain["byFunction"].split("#")
    of_the_keys = {
        "id": run_id(item),
        "workspace": workspace,
        "function_id": function_id,
        "created_at": _moment(plain["position"]),
        "rerun_count": int(plain["reruns"]),
        "expires_at": datetime.fromtimestamp(int(plain["expiresAt"]), UTC),
        "batch_id": plain["batch"].split("#")[1] if "batch" in plain else None,
        "error_group_id": plain["errorGroup"].split("#")[2] if "errorGroup" in plain else None,
    }
    return FunctionRun.model_validate(of_the_keys | run_attributes.read(from_item(notes or {}) | plain))


def _moment(text: str) -> datetime:
    """Raises ValueError."""
    moment = moment_of(text)
    if moment is None:
        raise ValueError("no moment")
    return moment


def epoch(run: FunctionRun) -> int:
    """When the run's items expire, in seconds: what DynamoDB's TTL reads."""
    return int(run.expires_at.timestamp())


def parts_expire_at(run: FunctionRun) -> int:
    return epoch(run) + PARTS_OUTLIVE_SECONDS


def has_notes(item: Item) -> bool:
    return "nt" in item


def of_notes(run: FunctionRun) -> dict[str, Any]:
    return keys.of_run(run.id, keys.NOTES) | run_attributes.write_notes(run) | _kept_with(run)


def needs_notes(run: FunctionRun) -> bool:
    """Whether its item would be too large with all texts, now or in any state to come."""
    if not run_attributes.write_notes(run):
        return False
    pin = run.pin or Pin(function_version_arn="", function_version="9" * 8)
    whole = {"function_code_hash": "A" * 43 + "=", "config_hash": "A" * 43 + "=", "timeout_seconds": 899}
    if run.pin is None or not run.pin.is_complete:
        pin = pin.evolve(**whole)
    if run.pin is None:
        pin = pin.evolve(function_version_arn=run_attributes.version_arn(run.function_arn, pin.function_version))
    at, token = run.created_at, "x" * 8
    latest: dict[str, Any] = {"status": Status.FAILURE, "error_code": "x" * 128, "error_source": ErrorSource.FUNCTION}
    latest |= dict.fromkeys(("started_at", "ended_at", "deadline", "cancel_requested_at", "erased_at"), at)
    latest |= dict.fromkeys(("revision", "outcome_id"), token)
    latest |= {"duration_ms": 10**9, "execution_attempts": 9, "postponements": 999, "rerun_count": 10**6 - 1}
    latest["error_group_id"] = "x" * 32
    latest["cancel_requested_by"] = "x" * USUAL_SUBJECT
    latest |= dict.fromkeys(("event_pending", "result_omitted"), True)
    return size_of(to_item(of_run(run.evolve(pin=pin, **latest)))) > MAX_RUN_BYTES


def of_part(run: FunctionRun, part: Part, sealed: bytes) -> dict[str, Any]:
    return part_key(run, part) | {"sealed": sealed} | _kept_with(run)


def part_name(run: FunctionRun, part: Part) -> str:
    """Of two outcomes each has its own: a late one takes nothing from the one that counts."""
    return f"{part}#{run.outcome_id}" if part is Part.OUTCOME else part.value


def part_key(run: FunctionRun, part: Part) -> keys.Key:
    return keys.part(run.id, part_name(run, part))


def object_key(run: FunctionRun, part: Part) -> str:
    """Where a part that is too large for the table stays in the bucket."""
    return f"{KEPT}{run.id}/{part_name(run, part).replace('#', '-')}"


def of_large_part(run: FunctionRun, part: Part, **where: str) -> list[dict[str, Any]]:
    """The part's own item, and an entry without expiry: DynamoDB deletes items that have expired, and no objects.

    `where` is `object`, where it stays, and `stagedAs`, if it was put elsewhere first.
    """
    entry = keys.object_entry(run.id, part_name(run, part))
    due = {"due": f"OBJECTS#{shard(run.id)}", "dueAt": iso(datetime.fromtimestamp(parts_expire_at(run), UTC))}
    return [part_key(run, part) | where | _kept_with(run), entry | where | due | {"schema": SCHEMA}]


def _kept_with(run: FunctionRun) -> dict[str, Any]:
    return {"expiresAt": parts_expire_at(run), "schema": SCHEMA}


def of_edge(run: FunctionRun) -> dict[str, Any]:
    key = keys.edge(run.lineage_id, position(run))
    return key | {"runId": run.id, "expiresAt": epoch(run), "schema": SCHEMA}


def rerun_id(edge: Item) -> str:
    return str(edge["runId"]["S"])


def error_group(workspace: str, group_id: str) -> str:
    """What the indexes of a group's runs are read by, but for the shard."""
    return keys.error_group(workspace, group_id)["pk"]


def _index_attributes(run: FunctionRun) -> dict[str, str]:
    """Sparse: a run is in `due` while there is something to do, and in `failures` once it has failed.

    An original that has failed is in `unrecovered`, too, until a re-run of it completes. With its error group it is in
    `groupFailures` and `errorGroup`, which have the sort keys of these two.

    All lists hold only what never changes, so that a change of status does not rewrite them.
    """
    attributes = {
        "byWorkspace": f"WS#{run.workspace}#{shard(run.id)}",
        "byFunction": f"FN#{run.workspace}#{run.function_id}#{shard(run.id)}",
        "position": iso(run.created_at),
    }
    if run.deadline is not None:
        attributes |= {"due": f"OPEN#{shard(run.id)}", "dueAt": iso(run.deadline)}
    if run.status.is_failed:
        attributes["failedAt"] = attributes["position"]
    if run.batch_id is not None:
        attributes["batch"] = f"BATCH#{run.batch_id}#{shard(run.id)}"
    if run.recovered is False:
        attributes["unrecoveredAt"] = attributes["position"]
    if run.error_group_id is not None:
        attributes["errorGroup"] = f"{error_group(run.workspace, run.error_group_id)}#{shard(run.id)}"
    return attributes


# Moved by re-runs, at any time: no part of a run's own moves.
_MOVED_BY_RERUNS = ("reruns", "expiresAt", "ptl")
_DUE = ("due", "dueAt")


def change(before: FunctionRun, after: FunctionRun, *, keeps_due: bool) -> dict[str, Any]:
    """Set what differs, on the condition that nobody has moved the run since `before` was read: an update's options.

    With `keeps_due` the run stays where it is in the due index, on the condition that it is looked at there by its new
    deadline: then a run that ends soon is put there once and taken away once. Without, it is put where it belongs.
    """
    was, will_be = of_run(before), of_run(after)
    keeps_due = keeps_due and after.deadline is not None
    candidates = (was.keys() | will_be.keys()) - {*_MOVED_BY_RERUNS, *(_DUE if keeps_due else ())}
    # Where it is in the index is not known from `before`: that is written even if both have the same deadline.
    changed = [name for name in sorted(candidates) if name in _DUE or was.get(name) != will_be.get(name)]
    sets = [f"#{name} = :{name}" for name in changed if name in will_be]
    removes = [f"#{name}" for name in changed if name not in will_be]
    unmoved = _unmoved(before, after)
    it_has_not_expired_meanwhile = "attribute_exists(pk)"  # else an update would make an item of what it changes
    conditions = [it_has_not_expired_meanwhile]
    conditions += [f"#{name} = :was_{name}" if name in was else f"attribute_not_exists(#{name})" for name in unmoved]
    values = {f":{name}": will_be[name] for name in changed if name in will_be}
    values |= {f":was_{name}": was[name] for name in unmoved if name in was}
    names = {*changed, *unmoved}
    if "unrecoveredAt" in changed and "unrecoveredAt" in will_be:
        no_rerun_has_completed_meanwhile = "attribute_not_exists(#recBy)"
        conditions.append(no_rerun_has_completed_meanwhile)
        names.add("recBy")
    if keeps_due and after.deadline != before.deadline:
        it_is_looked_at_in_time = "#dueAt <= :by"
        conditions.append(it_is_looked_at_in_time)
        names, values = names | {"dueAt"}, values | {":by": will_be["dueAt"]}
    update = [f"SET {', '.join(sets)}"] * bool(sets) + [f"REMOVE {', '.join(removes)}"] * bool(removes)
    return {
        "UpdateExpression": " ".join(update),
        "ConditionExpression": " AND ".join(conditions),
        "ExpressionAttributeNames": {f"#{name}": name for name in names},
        "ExpressionAttributeValues": to_item(values),
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def _unmoved(before: FunctionRun, after: FunctionRun) -> list[str]:
    """What must be as it was when the run was read: at the end of an execution its claim, and nothing else."""
    # Nothing that is sealed may come to a run whose content is erased.
    unerased = ["erased"] if names_outcome(before, after) else []
    if before.claim_token is not None and not after.status.is_open:
        return ["claim", *unerased]
    is_claim = after.claim_token is not None and after.claim_token != before.claim_token
    is_mark = after.cancel_requested_at != before.cancel_requested_at
    # A run may be marked at any time, and once; its end is stored all the same, but it is not claimed.
    if is_claim:
        return ["rev", "stop", "erased"]
    return ["rev", "stop"] if is_mark else ["rev", *unerased]


def names_outcome(before: FunctionRun, after: FunctionRun) -> bool:
    """Whether the move gives the run a sealed outcome."""
    return after.outcome_id != before.outcome_id


def is_stored(stored: dict[str, Any], before: FunctionRun, after: FunctionRun) -> bool:
    """Whether this very move has been made: its condition fails on our own write if the answer was lost."""
    return after.revision != before.revision and stored.get("rev") == after.revision


def is_unmoved(stored: dict[str, Any], before: FunctionRun, after: FunctionRun) -> bool:
    """Whether a move has failed only because of its place in the due index."""
    was = of_run(before)
    return all(stored.get(name) == was.get(name) for name in _unmoved(before, after))


def marked_meanwhile(
    stored: dict[str, Any], before: FunctionRun, after: FunctionRun
) -> tuple[FunctionRun, FunctionRun] | None:
    """The same move of the run with the marks that it has got since it was read; None if none matters to the move.

    One that is recovered is not put among the unrecovered; one that is erased gets no outcome.
    """
    matters = {"recBy", "erased"} if names_outcome(before, after) else {"recBy"}
    marks = run_attributes.read({name: stored[name] for name in matters & stored.keys() - of_run(before).keys()})
    if not marks:
        return None
    without = {"outcome_id": before.outcome_id} if "erased_at" in marks else {}
    return before.evolve(**marks), after.evolve(**marks, **without)


def recovery(rerun: FunctionRun) -> dict[str, Any]:
    """Mark the original as recovered by this re-run: an update's options."""
    it_is_there = "attribute_exists(pk)"
    it_runs_the_same_function = "begins_with(byFunction, :function)"
    function = f"FN#{rerun.workspace}#{rerun.function_id}#"
    return {
        "UpdateExpression": "SET recBy = if_not_exists(recBy, :rerun) REMOVE unrecoveredAt",
        "ConditionExpression": f"{it_is_there} AND {it_runs_the_same_function}",
        "ExpressionAttributeValues": to_item({":rerun": run_attributes.id_to_bytes(rerun.id), ":function": function}),
    }
