"""The comparison of what was promised and done with what the table says. Neither side has seen the other's notes."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from handlers.aws import run_items
from handlers.aws.table import readable_of
from infra.audit.auditing import audit
from infra.audit.stacks import AuditedStack
from infra.local.local_stack import LocalStack
from tests.chaos.load import SOMEHOW, Promise
from tests.faults.proxy import Seen

ENDED = {"completed", "failure", "timeout", "cancelled"}
# Three executions whose outcome was lost: the run says so, and its function may have done its work.
OUTCOME_LOST = "ExecutionLost"
# Of the sealed parts, so many are opened.
OPENED = 50

Run = Mapping[str, Any]


class Account(NamedTuple):
    """What came of a campaign."""

    findings: list[str]
    figures: dict[str, int]
    seen: Seen
    killed: Counter[str]
    passes: Counter[str]
    """Of the watchdog without faults, until nothing was left open, by what was before."""


class Table(NamedTuple):
    """What the service says of a workspace."""

    runs: dict[str, Run]
    edges: dict[str, list[str]]
    """The re-runs of an original, by its id."""


class BatchPromise(NamedTuple):
    """A batch that has ended: it has re-run each of these once, and nothing else."""

    batch_id: str
    sources: frozenset[str]


class Books(NamedTuple):
    promises: list[Promise]
    unanswered: int
    """Requests to start a run that nobody answered: each may have started one, or not."""
    executions: Counter[str]
    """By run, as the function itself noted them."""
    table: Table
    published: Counter[str]
    """How often the lifecycle bus told of a run's end."""
    batches: tuple[BatchPromise, ...] = ()

    def findings(self) -> list[str]:
        """Each is a broken promise of the service."""
        return [
            *self._promises(),
            *self._executions(),
            *self._ends(),
            *self._lineages(),
            *self._retries(),
            *self._batches(),
        ]

    def _promises(self) -> Iterator[str]:
        twice = [run for run, times in Counter(promise.run_id for promise in self.promises).items() if times > 1]
        yield from (f"promised twice: {run}" for run in twice)
        if len(self._unpromised()) > self.unanswered:
            yield f"started twice: {sorted(self._unpromised())} were promised to nobody; unanswered: {self.unanswered}"
        for promise in self.promises:
            run = self.table.runs.get(promise.run_id)
            if run is None:
                yield f"lost: {promise} is not in the table"
            elif run["status"] not in ENDED:
                yield f"forgotten: {promise} is {run['status']}"
            elif promise.ends not in (run["status"], SOMEHOW) and run.get("errorCode") != OUTCOME_LOST:
                yield f"ended wrongly: {promise} is {run['status']} {run.get('errorCode')}"
            elif promise.rerun_of != run.get("originalRunId"):
                yield f"led astray: {promise} has the original {run.get('originalRunId')}"

    def _executions(self) -> Iterator[str]:
        for run_id, times in self.executions.items():
            recorded = self.table.runs.get(run_id, {}).get("executionAttempts", 0)
            if times > recorded:
                yield f"executed unrecorded: {run_id} {times} times, of which the table knows {recorded}"
        for run_id, run in self.table.runs.items():
            if run["status"] == "completed" and not self.executions[run_id]:
                yield f"invented: {run_id} is completed and was never executed"

    def _ends(self) -> Iterator[str]:
        for run_id, run in self.table.runs.items():
            if run["status"] in ENDED and (run.get("eventPending") or run.get("deadline")):
                yield f"unsettled: {run_id} has ended, and the watchdog still has to look at it"
            if run["status"] in ENDED and not self.published[run_id]:
                yield f"untold: the bus did not hear of the end of {run_id}"

    def _lineages(self) -> Iterator[str]:
        reruns: dict[str, set[str]] = {}
        for run_id, run in self.table.runs.items():
            if "originalRunId" in run:
                reruns.setdefault(run["originalRunId"], set()).add(run_id)
        for run_id, run in self.table.runs.items():
            expected, edges = reruns.get(run_id, set()), self.table.edges.get(run_id, [])
            if set(edges) != expected or len(edges) != len(expected) or run["rerunCount"] != len(expected):
                yield (
                    f"miscounted: {run_id} has {len(expected)} re-runs, {len(edges)} edges "
                    f"and a count of {run['rerunCount']}"
                )

    def _retries(self) -> Iterator[str]:
        """A failure is retried as often as its trigger says, and each one of its runs once."""
        retries: dict[str, list[str]] = {}
        for run_id, run in self.table.runs.items():
            if run["executionSource"] == "retry":
                retries.setdefault(run["sourceRunId"], []).append(run_id)
        yield from (f"retried twice: {run_id} by {made}" for run_id, made in retries.items() if len(made) > 1)
        for promise in self.promises:
            chain = [promise.run_id]
            while chain[-1] in retries:
                chain.append(retries[chain[-1]][0])
            expected = promise.retries
            # What was to end well and whose outcome was lost is retried too; then it may end well.
            if len(chain) - 1 != expected and OUTCOME_LOST not in self._errors(chain):
                yield f"retried wrongly: {promise} has {len(chain) - 1} retries"

    def _batches(self) -> Iterator[str]:
        """Each source is re-run once by its batch, and is recovered."""
        for batch in self.batches:
            sources = Counter(run["sourceRunId"] for run in self._members(batch.batch_id).values())
            for source in batch.sources:
                if sources[source] != 1:
                    yield f"not re-run once: {source} has {sources[source]} re-runs by {batch.batch_id}"
                if not self.table.runs.get(source, {}).get("recoveredBy"):
                    yield f"not recovered: {source} by {batch.batch_id}"
            yield from (f"re-run unasked: {each} by {batch.batch_id}" for each in sources.keys() - batch.sources)

    def _members(self, batch_id: str) -> dict[str, Run]:
        """Its re-runs, without their automatic retries."""
        runs = self.table.runs.items()
        return {id_: run for id_, run in runs if run.get("batchId") == batch_id and run["executionSource"] != "retry"}

    def _errors(self, run_ids: Iterable[str]) -> set[Any]:
        return {self.table.runs.get(run_id, {}).get("errorCode") for run_id in run_ids}

    def _unpromised(self) -> set[str]:
        """Runs that a caller must have started, without having been told."""
        asked_for = {run_id for run_id, run in self.table.runs.items() if run["executionSource"] != "retry"}
        by_batches = {run_id for batch in self.batches for run_id in self._members(batch.batch_id)}
        return asked_for - by_batches - {promise.run_id for promise in self.promises}

    def figures(self) -> dict[str, int]:
        runs = self.table.runs
        promised = {promise.run_id for promise in self.promises}
        again = [run for run, times in self.executions.items() if times > 1]
        return {
            "runs promised": len(promised),
            "requests to start a run that were given up": self.unanswered,
            "runs recorded": len(runs),
            "  by requests that were given up": len(self._unpromised()),
            "  by automatic retries": sum(run["executionSource"] == "retry" for run in runs.values()),
            "executions": self.executions.total(),
            "runs executed more than once": len(again),
            "  more often than recorded": sum(1 for _ in self._unrecorded()),
            "runs cancelled": sum(run["status"] == "cancelled" for run in runs.values()),
            "runs failed because their outcome was lost": sum(
                run.get("errorCode") == OUTCOME_LOST for run in runs.values()
            ),
            "ends told more than once": sum(times > 1 for times in self.published.values()),
        }

    def _unrecorded(self) -> Iterator[str]:
        return (
            run
            for run, times in self.executions.items()
            if times > self.table.runs.get(run, {}).get("executionAttempts", 0)
        )


def read_executions(ledger: Path) -> Counter[str]:
    lines = ledger.read_text().splitlines() if ledger.exists() else []
    return Counter(line.split()[0] for line in lines)


def read_table(local_stack: LocalStack, workspace: str) -> Table:
    pages = local_stack.client("dynamodb").get_paginator("scan").paginate(TableName=local_stack.outputs["TableName"])
    items = [item for page in pages for item in page["Items"] if item["pk"]["S"].startswith("RUN#")]
    runs = readable_of((item for item in items if item["sk"]["S"] == "RUN"), run_items.to_run, lambda _: None)
    ours: dict[str, Run] = {
        run.id: run.model_dump(mode="json", by_alias=True) for run in runs if run.workspace == workspace
    }
    edges: dict[str, list[str]] = {}
    for item in items:
        # Others put items that cannot be read into the same table.
        if item["sk"]["S"].startswith("RERUN#") and _id(item) in ours:
            edges.setdefault(_id(item), []).append(item["runId"]["S"])
    return Table(ours, edges)


def _id(item: Mapping[str, Any]) -> str:
    return str(item["pk"]["S"]).removeprefix("RUN#")


def audited(local_stack: LocalStack, runs: set[str], executions: Counter[str], *, at: datetime) -> Iterator[str]:
    """What the operator's audit finds in these runs at that moment. It knows nothing of what was promised."""
    stack = AuditedStack.on_this_machine(local_stack.emulator.directory)
    report = audit(
        local_stack.client("dynamodb"),
        local_stack.outputs["TableName"],
        local_stack.client("s3"),
        local_stack.outputs["BucketName"],
        now=at,
        retention_days=int(local_stack.outputs["RetentionDays"]),
        executions=executions.elements(),
        cipher=stack.cipher(),
        open_parts=OPENED,
    )
    for finding in report.findings:
        if not finding.runs or runs & set(finding.runs):
            yield f"audit: {finding.rule} {' '.join(finding.ids)}: {finding.sentence}"
