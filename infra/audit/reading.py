"""Table and bucket → records. Sealed bytes are not transferred, and no value of an item is ever quoted."""

import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from pydantic import ValidationError

from handlers.aws import batch_items, keys
from handlers.aws import run_items as items
from handlers.aws.aws_errors import code
from handlers.aws.part_objects import KEPT, STAGING
from handlers.aws.run_attributes import FIELDS, PIN
from handlers.aws.table import Item, Table, from_item, to_item
from handlers.domain.runs.run import ExecutionSource, Part
from infra.audit.findings import Finding
from infra.audit.records import BatchRecord, EdgeRecord, ObjectRecord, PartRecord, RunRecord, UnreadableRecord, World

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

# All but `sealed`. DynamoDB reads whole items even so, but sends only these.
_OF_A_RUN = {name for table in (FIELDS, PIN) for name, _ in table.values()}
_ATTRIBUTES = sorted(
    _OF_A_RUN
    | {"pk", "sk", "rev", "runId", "object", "stagedAs", "reruns", "expiresAt"}
    | {"byWorkspace", "byFunction", "position", "due", "dueAt", "failedAt", "unrecoveredAt", "errorGroup", "batch"}
    | {"document", "chosen", "open"}
)
PROJECTION: dict[str, Any] = {
    # By other names, because some are DynamoDB's own words.
    "ProjectionExpression": ", ".join(f"#{name}" for name in _ATTRIBUTES),
    "ExpressionAttributeNames": {f"#{name}": name for name in _ATTRIBUTES},
}
_PAGE = 200


class Reader:
    """Raises ClientError, BotoCoreError or Unavailable when AWS does not answer."""

    def __init__(
        self,
        dynamodb: "DynamoDBClient",
        table_name: str,
        s3: "S3Client | None",
        bucket: str | None,
        report_progress: Callable[[str], None],
    ) -> None:
        self._dynamodb = dynamodb
        self._table_name = table_name
        self._s3 = s3
        self._bucket = bucket
        self._report_progress = report_progress

    def everything(self) -> World:
        world = World()
        scan = self._dynamodb.get_paginator("scan")
        count = 0
        for page in scan.paginate(TableName=self._table_name, ConsistentRead=True, **PROJECTION):
            count += len(page["Items"])
            for item in page["Items"]:
                remember(item, world)
            self._report_progress(f"Reading the table: {count:,} items")
        if self._s3 is not None and self._bucket is not None:
            world.stored = {}
            for prefix in (KEPT, STAGING):
                self._list(self._s3, self._bucket, prefix, world.stored)
        return world

    def _list(self, s3: "S3Client", bucket: str, prefix: str, stored: dict[str, datetime]) -> None:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            stored |= {found["Key"]: found["LastModified"] for found in page.get("Contents", [])}
            self._report_progress(f"Listing the bucket: {len(stored):,} objects")

    def what_decides_on(self, findings: Iterable[Finding]) -> World:
        """Read again: the partitions and objects that these findings are about, and nothing else."""
        findings = list(findings)
        world = World()
        table = Table(self._dynamodb, self._table_name)
        batches = sorted({batch for finding in findings for batch in finding.batches})
        runs = {run for finding in findings for run in finding.runs} | set(_members(batches, table))
        partitions = [*(keys.batch(each)["pk"] for each in batches), *(keys.run(each)["pk"] for each in sorted(runs))]
        for count, partition in enumerate(partitions, start=1):
            of_it = {"ExpressionAttributeValues": to_item({":pk": partition}), **PROJECTION}
            for item in table.walk(page_size=_PAGE, KeyConditionExpression="pk = :pk", ConsistentRead=True, **of_it):
                remember(item, world)
            self._report_progress(f"Looking a second time: {count:,} of {len(partitions):,} runs and batches")
        if self._s3 is not None and self._bucket is not None:
            objects = {key for finding in findings for key in finding.objects}
            objects |= {key for part in world.parts for key in (part.object, part.staged_as) if key}
            world.stored = {key: found for key in sorted(objects) if (found := _modified(self._s3, self._bucket, key))}
        return world


def _members(batches: Iterable[str], table: Table) -> Iterator[str]:
    """The runs that the index of batches names now."""
    for batch in batches:
        for shard in range(items.SHARDS):
            entries = table.walk(
                page_size=_PAGE,
                IndexName="batch",
                KeyConditionExpression="#batch = :batch",
                ExpressionAttributeNames={"#batch": "batch"},
                ExpressionAttributeValues=to_item({":batch": f"{keys.batch(batch)['pk']}#{shard}"}),
            )
            yield from map(items.run_id, entries)


def _modified(s3: "S3Client", bucket: str, key: str) -> datetime | None:
    try:
        return s3.head_object(Bucket=bucket, Key=key)["LastModified"]
    except ClientError as error:
        if code(error) in {"404", "NoSuchKey"}:
            return None
        raise


def remember(item: Item, world: World) -> None:
    """What cannot be read, written by a newer release perhaps, is remembered as such. Items of others are passed by."""
    (kind, _, id_), sort = item["pk"]["S"].partition("#"), item["sk"]["S"]
    read = _READERS.get((kind, sort.split("#")[0]))
    if read is None:
        return
    # One text for all records that name the run.
    id_ = sys.intern(id_)
    try:
        read(id_, item, world)
    except (ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError) as error:
        world.unreadable.append(UnreadableRecord(id_, sort, _what_is_wrong(error)))


class _Amiss(ValueError):
    """Its text may be shown: it quotes nothing."""


def _what_is_wrong(error: Exception) -> str:
    """By names of fields only: a value may be anything."""
    if isinstance(error, _Amiss):
        return str(error)
    if isinstance(error, ValidationError):
        fields = {".".join(map(str, each["loc"])) for each in error.errors(include_input=False, include_context=False)}
        return f"{', '.join(sorted(fields))} is not as it should be"
    return f"{error} is missing" if isinstance(error, KeyError) else "a value is not as it should be"


def _remember_run(run_id: str, item: Item, world: World) -> None:
    run = items.to_run(item)
    world.runs[run_id] = RunRecord(
        id=run_id,
        status=run.status,
        created_at=run.created_at,
        expires_at=items.epoch(run),
        deadline=run.deadline,
        event_pending=run.event_pending,
        staged=run.staged,
        is_captured=run.execution_source is ExecutionSource.CAPTURED,
        is_rerun=run.is_rerun,
        original=sys.intern(run.original_run_id) if run.original_run_id else None,
        rerun_count=run.rerun_count,
        function_id=sys.intern(run.function_id),
        recovered_by=run.recovered_by,
        is_recovering=run.is_recovering,
        attempts=run.execution_attempts,
        outcome_id=run.outcome_id,
        erased_at=run.erased_at,
        misplaced=_misplaced(from_item(item), items.of_run(run)),
        batch=sys.intern(run.batch_id) if run.batch_id and run.retry_attempt is None else None,
        source=sys.intern(run.source_run_id) if run.source_run_id else None,
    )


def _misplaced(stands: dict[str, Any], belongs: dict[str, Any]) -> str | None:
    """What is wrong with its place in the indexes. In that of what is due it may be looked at earlier than it must."""
    for index, name in (("failures", "failedAt"), ("unrecovered", "unrecoveredAt"), ("groupFailures", "errorGroup")):
        if stands.get(name) != belongs.get(name):
            return f"In the index {index} it stands {stands.get(name)}, but belongs {belongs.get(name)}."
    if "due" not in belongs:
        return "It is due, and nothing is left to do." if {"due", "dueAt"} & stands.keys() else None
    partition, _, shard = str(stands.get("due")).rpartition("#")
    # The number of shards may have grown since the item was written: any of them is looked into.
    if partition != "OPEN" or shard not in map(str, range(items.SHARDS)):
        return "It is not due where the watchdog looks."
    if not str(stands.get("dueAt", "~")) <= belongs["dueAt"]:
        return f"It is due {stands.get('dueAt', 'never')}, and its deadline is {belongs['dueAt']}."
    return None


def _remember_edge(run_id: str, item: Item, world: World) -> None:
    edge = EdgeRecord(run_id, sys.intern(item["runId"]["S"]), int(item["expiresAt"]["N"]))
    if not item["sk"]["S"].endswith(f"#{edge.run}"):
        raise _Amiss("its runId is not that of its key")
    world.edges.setdefault(run_id, []).append(edge)


def _remember_part(run_id: str, item: Item, world: World) -> None:
    name = item["sk"]["S"].removeprefix(keys.SEALED)
    part = Part(name.partition("#")[0])
    at, staged_as = (item[each]["S"] if each in item else None for each in ("object", "stagedAs"))
    world.parts.append(PartRecord(run_id, part, name, int(item["expiresAt"]["N"]), at, staged_as))


def _remember_object(run_id: str, item: Item, world: World) -> None:
    record = ObjectRecord(
        run=run_id,
        part=item["sk"]["S"].removeprefix(keys.OBJECT),
        object=item["object"]["S"],
        due=item["due"]["S"],
        due_at=datetime.fromisoformat(item["dueAt"]["S"]),
    )
    if record.due_at.tzinfo is None:
        raise _Amiss("dueAt names no zone")
    world.listed[record.object] = record


def _remember_batch(batch_id: str, item: Item, world: World) -> None:
    batch = batch_items.to_batch(item)
    world.batches[batch_id] = BatchRecord(
        id=batch_id,
        created_at=batch.created_at,
        expires_at=int(batch.expires_at.timestamp()),
        started=batch.progress.started,
        is_in_step=bool(batch.chosen),
        needs_steps=batch.needs_steps,
        due_at=batch.due_at,
    )


_READERS: dict[tuple[str, str], Callable[[str, Item, World], None]] = {
    ("RUN", "RUN"): _remember_run,
    ("RUN", "RERUN"): _remember_edge,
    ("RUN", "SEALED"): _remember_part,
    ("RUN", "OBJECT"): _remember_object,
    ("BATCH", "BATCH"): _remember_batch,
}
