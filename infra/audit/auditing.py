"""The steps of the audit: read everything, check it, read again what the findings are about, open some sealed parts.

The service runs on meanwhile, and a scan reads each item at another moment. So a first finding is only a suspicion: it
is reported if later, consistent reads of the items that it depends on confirm it.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from handlers.aws.part_objects import PartObjects
from handlers.aws.table import Table
from handlers.domain.seal import Cipher
from infra.audit.checks import GRACE, Terms, check
from infra.audit.findings import OF_THE_BUCKET, Finding, LookedAt, Report, Rule
from infra.audit.opening import Opener, sampled
from infra.audit.reading import Reader
from infra.audit.records import PartRecord, World

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

ALL = sys.maxsize
"""Open every part."""
# Even one query does not read all at one moment: a re-run may be recorded between the edges and the count.
LOOKS_AGAIN = 2


class NotAuditableError(RuntimeError):
    """The stack cannot be audited."""


def audit(
    dynamodb: "DynamoDBClient",
    table_name: str,
    s3: "S3Client | None" = None,
    bucket: str | None = None,
    *,
    now: datetime,
    retention_days: int,
    grace: timedelta = GRACE,
    executions: Iterable[str] | None = None,
    cipher: Cipher | None = None,
    open_parts: int = 0,
    report_progress: Callable[[str], None] = lambda _: None,
) -> Report:
    """What is wrong in table and bucket at the moment `now`.

    `executions` are ids of runs, one for each execution that the team's functions have seen. `open_parts` is how many
    sealed parts are opened with `cipher`, at random, or ALL. `report_progress` is called at each step.

    Raises NotAuditableError, ClientError, BotoCoreError, and of the domain KeyRefused and Unavailable.
    """
    counted = None if executions is None else Counter(executions)
    terms = Terms(now=now, retention=timedelta(days=retention_days), grace=grace, executions=counted)
    reader = Reader(dynamodb, table_name, s3, bucket, report_progress)
    world = reader.everything()
    if world.stored is None and any(part.object for part in world.parts):
        raise NotAuditableError("Parts of runs lie in a bucket, and the stack does not say in which (no BucketName).")
    found = _confirmed(check(world, terms), reader, terms)
    chosen = _chosen(world, now, open_parts)
    if cipher is not None:
        objects = None if s3 is None or bucket is None else PartObjects(lambda: s3, bucket)
        found += Opener(Table(dynamodb, table_name), cipher, objects, report_progress).findings(chosen)
    return Report(
        at=now,
        looked_at=_looked_at(world, now, opened=len(chosen) if cipher is not None else 0),
        findings=found,
        skipped=_skipped(world, terms, is_opened=cipher is not None and open_parts > 0),
    )


def _confirmed(suspected: list[Finding], reader: Reader, terms: Terms) -> list[Finding]:
    for _ in range(LOOKS_AGAIN):
        if not suspected:
            break
        seen = {finding.key: finding for finding in check(reader.what_decides_on(suspected), terms)}
        suspected = [seen[finding.key] for finding in suspected if finding.key in seen]
    return suspected


def _chosen(world: World, now: datetime, count: int) -> list[PartRecord]:
    return sampled(list(world.living_parts(now)), count) if count else []


def _looked_at(world: World, now: datetime, *, opened: int) -> LookedAt:
    statuses = Counter(run.status.value for run in world.living(now))
    return LookedAt(
        statuses=dict(statuses),
        expired=len(world.runs) - statuses.total(),
        lineages=sum(bool(world.living_edges(original, now)) for original in world.edges),
        reruns=sum(run.is_rerun for run in world.living(now)),
        parts=len(world.parts),
        opened=opened,
        objects=len(world.stored or ()),
    )


def _skipped(world: World, terms: Terms, *, is_opened: bool) -> dict[Rule, str]:
    skipped = {rule: "the stack has no bucket" for rule in OF_THE_BUCKET if world.stored is None}
    if terms.executions is None:
        skipped[Rule.EXECUTIONS] = "give --executions"
    if not is_opened:
        skipped[Rule.SEALS] = "give --open"
    return skipped
