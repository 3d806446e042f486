"""Callers at work: they start runs and re-run them over HTTP, and note what they were promised and nothing else."""

import itertools
import json
import random
import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import httpx

from tests.stack.driver import TeamFunction, Workspace
from tests.stack.sources import signed

# What the team's function really did is noted by itself: whole lines, whatever becomes of the process afterwards.
FUNCTION = """
import os, time

def handler(event, context):
    told = context.client_context.custom
    line = f"{told['functionRunId']} {told['functionRunAttempt']}\\n".encode()
    ledger = os.open(event["ledger"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(ledger, line)
    os.close(ledger)
    time.sleep(event.get("seconds", 0))
    if event.get("fail"):
        raise ValueError("was told to fail")
    return {"size": len(event.get("filler", ""))}
"""
TRIES = 6
LONGEST_PAUSE_SECONDS = 2.0
# Too large for the table, so that they are kept in the bucket.
LARGE_BYTES = 600_000
RETRIES = 2
# Every so many starts there is one that fails, and one with large parameters.
FAILING, LARGE = 4, 4
# Of the starts, those that are followed by a re-run, by one that is called off, by a webhook that comes twice, by a look.
RERUN, CANCEL, WEBHOOK, READ = 0.5, 0.3, 0.3, 0.3
# A re-run that is called off is due so soon that it may be at work before a cancellation that meets a fault comes through.
DUE_IN = timedelta(seconds=1)

SOMEHOW = "somehow"

Body = dict[str, Any]


class Promise(NamedTuple):
    """An answer 202: this run exists and will end so."""

    run_id: str
    ends: str
    """Its status in the end. `SOMEHOW` if it may have been cancelled, or may have been too far for that."""
    during: str
    rerun_of: str | None = None
    retries: int = 0
    """How often it is retried by itself, should it fail. Each retry fails likewise."""


@dataclass
class Load:
    """The callers of one workspace, and their notes."""

    workspace: Workspace
    executions: Path
    seconds: float
    """How long each run takes."""
    callers: int
    promises: list[Promise] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    """Answers that no caller should get."""
    unanswered: int = 0
    """Requests to start a run that were given up: each may or may not have been recorded."""
    tried_again: int = 0

    def __post_init__(self) -> None:
        self._function = TeamFunction(self.workspace.local_stack).deploy(FUNCTION, timeout=30)
        self._trigger: str | None = None
        self._webhook: Body | None = None
        self._starts = itertools.count()
        self._lock = threading.Lock()
        _ = self.workspace.http  # made once, before there are threads

    def run(self, starts: int, during: str) -> None:
        """So many starts, and what follows them, by several callers at once; `during` is for the report."""
        # Its newest code is not published yet: the executor has to.
        self._function.client.update_function_configuration(
            FunctionName=self._function.name, Environment={"Variables": {"CHANGE": uuid4().hex}}
        )
        self._register()
        with ThreadPoolExecutor(self.callers) as callers:
            for _ in callers.map(self._start, [during] * starts):
                pass

    def _register(self) -> None:
        """Triggers of its own for every load, if anybody answers."""
        function = self._create("/compute-functions", lambda: {"functionArn": self._function.arn})
        if function is None:
            return
        params = {"ledger": str(self.executions), "seconds": self.seconds}
        retried = {"maxRetries": RETRIES, "initialDelaySeconds": 0, "jitter": "none"}
        common = {"functionId": function["id"], "retryPolicy": retried}
        on_demand = {"executionType": "on-demand", "triggerMetadata": {"params": params}, **common}
        made = self._create("/function-triggers", lambda: on_demand)
        self._trigger = made["id"] if made else self._trigger
        webhook = {"executionType": "http-trigger", **common}
        self._webhook = (
            self._create(
                "/function-triggers", lambda: {"triggerMetadata": {"path": uuid4().hex, "params": params}, **webhook}
            )
            or self._webhook
        )

    def _create(self, path: str, body: Callable[[], Body]) -> Body | None:
        """A name, and a path, is taken once: an answer that was lost may have taken it."""
        return self._ask("POST", path, lambda: {"name": uuid4().hex, **body()})

    def _start(self, during: str) -> None:
        if self._trigger is None:
            return
        number = next(self._starts)
        fails = number % FAILING == 1
        payload = {"fail": fails} | ({"filler": "x" * LARGE_BYTES} if number % LARGE == 0 else {})
        accepted = self._ask("POST", f"/function-triggers/{self._trigger}/execute", lambda: {"payload": payload})
        ends, retries = ("failure", RETRIES) if fails else ("completed", 0)
        self._note(accepted, ends, during, retries=retries)
        if random.random() < RERUN:
            self._rerun(during)
        if random.random() < CANCEL:
            self._rerun_and_cancel(during)
        if random.random() < WEBHOOK:
            self._deliver_twice(during)
        if random.random() < READ:
            self._read()

    def _rerun(self, during: str) -> None:
        source = self._any_promise()
        if source is None:
            return
        healed = random.random() < 0.5
        body: Body = {"overrideParams": {"fail": False}, "reason": "Chaos", "useLatestCode": True} if healed else {}
        accepted = self._ask("POST", f"/function-runs/{source.run_id}/rerun", lambda: body)
        original = source.rerun_of or source.run_id
        self._note(accepted, "completed" if healed else source.ends, during, original)

    def _rerun_and_cancel(self, during: str) -> None:
        source = self._any_promise()
        if source is None:
            return
        body: Body = {"notBefore": (datetime.now(UTC) + DUE_IN).isoformat()}
        accepted = self._ask("POST", f"/function-runs/{source.run_id}/rerun", lambda: body)
        ends = SOMEHOW
        if accepted:
            path = f"/function-runs/{accepted['jobId']}/cancel"
            answer = self._ask("POST", path, dict, unless=[HTTPStatus.CONFLICT])
            ends = "cancelled" if answer and answer["status"] == "cancelled" else SOMEHOW
        self._note(accepted, ends, during, source.rerun_of or source.run_id)

    def _deliver_twice(self, during: str) -> None:
        """As senders of webhooks do who have missed an answer, or believe so: one run."""
        if self._webhook is None:
            return
        body, webhook_id = {"filler": "y"}, f"msg_{uuid4().hex}"
        proof = signed(self._webhook["secret"], json.dumps(body), webhook_id=webhook_id)
        path = f"/http-trigger/{self._webhook['triggerMetadata']['path']}"
        first, second = (self._ask("POST", path, lambda: body, headers=proof) for _ in range(2))
        self._note(first or second, "completed", during)
        if first and second and first["jobId"] != second["jobId"]:
            self.complaints.append(f"one webhook has started {first['jobId']} and {second['jobId']}")

    def _read(self) -> None:
        promise = self._any_promise()
        if promise is not None:
            self._ask("GET", f"/function-runs/{promise.run_id}?include=parameters,result")
            self._ask("GET", f"/function-runs/{promise.run_id}/rerun-history")

    def _any_promise(self) -> Promise | None:
        """One of which it is known how its parameters end."""
        with self._lock:
            known = [promise for promise in self.promises if promise.ends in ("completed", "failure")]
            return random.choice(known) if known else None

    def _note(
        self, accepted: Body | None, ends: str, during: str, rerun_of: str | None = None, retries: int = 0
    ) -> None:
        """What a request to start a run was promised, or that it was given up."""
        with self._lock:
            if accepted is None:
                self.unanswered += 1
            else:
                self.promises.append(Promise(accepted["jobId"], ends, during, rerun_of, retries))

    def _ask(
        self,
        method: str,
        path: str,
        body: Callable[[], Body] | None = None,
        *,
        headers: dict[str, str] | None = None,
        unless: Collection[int] = (),
    ) -> Body | None:
        """The answer, if the request was granted. Asked again as callers do: under the same key, after a while.

        There is nothing to say of a refusal with one of the statuses in `unless`.
        """
        headers = {"Content-Type": "application/json"} | (headers or {"Idempotency-Key": uuid4().hex})
        for attempt in range(TRIES):
            sent = {"content": json.dumps(body()).encode(), "headers": headers} if body else {}
            try:
                response = self.workspace.http.request(method, path, **sent)
            except httpx.TransportError:
                response = None
            if response is not None and response.is_success:
                answer: Body = response.json()
                return answer
            with self._lock:
                if response is not None and not response.is_server_error:
                    if response.status_code not in unless:
                        actual = f"{response.status_code} {response.text[:300]}"
                        self.complaints.append(f"refused without reason: {method} {path}: {actual}")
                    return None
                self.tried_again += 1
            time.sleep(random.uniform(0, min(0.2 * 2**attempt, LONGEST_PAUSE_SECONDS)))
        return None
