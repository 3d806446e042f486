"""As many executions as there must be, and not one more: failed lineages recovered by batches, some after a retry.

Every event of the lifecycle bus is delivered twice, and the batches select runs that others have recovered.
"""

import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from function_rerun import Client
from function_rerun.models import BatchView

from infra.local.local_stack import LocalStack
from infra.local.waiting import PATIENCE_SECONDS
from tests.chaos.books import BatchPromise, Books, audited, read_executions, read_table
from tests.chaos.bus import Listener, delivered_twice
from tests.chaos.exactly import Exact
from tests.chaos.load import FUNCTION, Promise
from tests.chaos.watchdog import WatchdogDeps
from tests.stack.driver import TeamFunction, Workspace, created, until

# Of ten lineages, so many are recovered by the automatic retry of their re-run only.
STUMBLING = 3
BY_IDS = 500
"""As many as one batch takes by their ids."""
ENDED = ("completed", "stopped", "cancelled")
PACE = {"startPerSecond": 20, "maxPerSecond": 100, "doubleEverySeconds": 1}
# The originals fail with a ValueError, which ends their lineage until a batch comes.
RETRIED = {
    "maxRetries": 2,
    "initialDelaySeconds": 0,
    "jitter": "none",
    "nonRetryableErrors": ["ValueError"],
    "retryManualReruns": True,
}
# A re-run has the original as its source; its automatic retry has the re-run.
STUMBLES = """
    if event["stumbles"] and told["functionRunSourceId"] == told["functionRunOriginalId"]:
        raise TimeoutError("was told to stumble")
    return {"size"
"""


class Outage:
    """Lineages of one workspace whose original has failed, and has not been retried."""

    def __init__(self, workspace: Workspace, ledger: Path, callers: int) -> None:
        source = FUNCTION.replace('    return {"size"', STUMBLES.strip("\n"))
        self.function_id = workspace.register(TeamFunction(workspace.local_stack).deploy(source, timeout=30))
        trigger = {
            "name": uuid4().hex,
            "functionId": self.function_id,
            "executionType": "on-demand",
            "triggerMetadata": {"params": {"ledger": str(ledger)}},
            "retryPolicy": RETRIED,
        }
        self._trigger = created(workspace.http.post("/function-triggers", json=trigger))["id"]
        self._callers = callers
        # It sends again, under the same key, what a machine that is too busy did not answer.
        stack = workspace.local_stack
        token = stack.token("alice", [f"{workspace.name}/*:*"])
        self._client = Client(stack.api_url, workspace=workspace.name, auth=token, retry_seconds=PATIENCE_SECONDS)

    def fail(self, lineages: int) -> list[str]:
        def start(number: int) -> str:
            payload = {"fail": True, "stumbles": number % 10 < STUMBLING}
            return self._client.execute_trigger(self._trigger, payload=payload)["jobId"]

        with ThreadPoolExecutor(self._callers) as callers:
            return [*callers.map(start, range(lineages))]

    def recover(self, seconds: float, **sources: Any) -> BatchView:
        """The batch, once it has ended."""
        started = self._client.start_rerun_batch(
            override_params={"fail": False}, canary={"count": 3}, pace=PACE, reason="Chaos", **sources
        )
        batch_id = started["batchId"]
        until(lambda: self._client.get_rerun_batch(batch_id)["state"] in ENDED, seconds=seconds)
        return self._client.get_rerun_batch(batch_id)


def run_batches(local_stack: LocalStack, lineages: int, *, callers: int) -> Exact:
    """`lineages`, in tens: half of them, but at most 500, by their ids, the rest by a filter, none by a third batch."""
    expected = 2 * lineages + lineages // 10 * STUMBLING
    patience = PATIENCE_SECONDS + lineages
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        workspace = Workspace(local_stack, stack.enter_context(httpx.Client(timeout=PATIENCE_SECONDS, trust_env=False)))
        stack.enter_context(delivered_twice(local_stack))
        listener = stack.enter_context(Listener(local_stack))
        outage = Outage(workspace, directory / "executions", callers)
        watchdog = WatchdogDeps(local_stack, workspace.name, local_stack.emulator.url)
        failed = outage.fail(lineages)
        until(lambda: not watchdog.open(), seconds=patience)
        named = failed[: min(lineages // 2, BY_IDS)]
        by_filter = {"functionId": outage.function_id}
        batches = [
            outage.recover(patience, run_ids=named),
            outage.recover(patience, filter=by_filter),
            outage.recover(patience, filter=by_filter),
        ]
        until(lambda: not watchdog.open(), seconds=patience)
        executions = read_executions(directory / "executions")
        table = read_table(local_stack, workspace.name)
        books = Books(
            [Promise(run_id, "failure", "an outage") for run_id in failed],
            0,
            executions,
            table,
            listener.heard(),
            tuple(
                BatchPromise(batch["batchId"], frozenset(sources))
                for batch, sources in zip(batches, (named, failed[len(named) :], []), strict=True)
            ),
        )
        found = [*books.findings(), *audited(local_stack, set(table.runs), executions, at=watchdog.now())]
    found += _counted_wrongly(batches, [len(named), lineages - len(named), 0])
    if (len(table.runs), executions.total()) != (expected, expected):
        found.append(f"not exactly: {len(table.runs)} runs, {executions.total()} executions; there must be {expected}")
    return Exact(found, expected, len(table.runs), executions.total())


def _counted_wrongly(batches: list[BatchView], sources: list[int]) -> Iterator[str]:
    """What a batch says of itself."""
    for batch, count in zip(batches, sources, strict=True):
        progress = batch["progress"]
        seen = [batch["state"], progress["selected"], progress["started"], progress["completed"], progress["failed"]]
        if seen != ["completed", count, count, count, 0]:
            yield f"counted wrongly: {batch['batchId']} should have recovered {count}, and says {seen}"
