"""Callers at work: they start runs and re-run them over HTTP, and note what they were promised and nothing else."""

import itertools
import json
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import httpx

from tests.stack.driver import TeamFunction, Workspace

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
# Of the starts, those that a re-run or a look follows.
RERUN, READ = 0.5, 0.3

Body = dict[str, Any]


class Promise(NamedTuple):
    """An answer 202: this run exists and will end so."""

    run_id: str
    ends: str
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
    refusals: list[str] = field(default_factory=list)
    """Answers that blame the caller, who is not to blame."""
    unanswered: int = 0
    """Starts and re-runs that were given up: each may or may not have been recorded."""
    tried_again: int = 0

    def __post_init__(self) -> None:
        self._function = TeamFunction(self.workspace.laptop).deploy(FUNCTION, timeout=30)
        self._trigger: str | None = None
        self._starts = itertools.count()
        self._lock = threading.Lock()
        _ = self.workspace.http  # made once, before there are threads

    def run(self, starts: int, during: str) -> None:
        """So many starts, and what follows them, by several callers at once; `during` is for the report."""
        # Its newest code is not published yet: the executor has to.
        self._function.client.update_function_configuration(
            FunctionName=self._function.name, Environment={"Variables": {"CHANGE": uuid4().hex}}
        )
        self._trigger = self._register() or self._trigger
        with ThreadPoolExecutor(self.callers) as callers:
            for _ in callers.map(self._start, [during] * starts):
                pass

    def _register(self) -> str | None:
        """A trigger of its own for every load; None if nobody answered."""
        # A name is taken once: an answer that was lost may have taken it.
        function = self._ask(
            "POST", "/compute-functions", lambda: {"name": uuid4().hex, "functionArn": self._function.arn}
        )
        if function is None:
            return None
        metadata = {"params": {"ledger": str(self.executions), "seconds": self.seconds}}
        retried = {"maxRetries": RETRIES, "initialDelaySeconds": 0, "jitter": "none"}
        trigger = {
            "functionId": function["id"],
            "executionType": "on-demand",
            "triggerMetadata": metadata,
            "retryPolicy": retried,
        }
        made = self._ask("POST", "/function-triggers", lambda: {"name": uuid4().hex, **trigger})
        return str(made["id"]) if made else None

    def _start(self, during: str) -> None:
        if self._trigger is None:
            return
        number = next(self._starts)
        fails = number % FAILING == 1
        payload = {"fail": fails} | ({"filler": "x" * LARGE_BYTES} if number % LARGE == 0 else {})
        accepted = self._ask("POST", f"/function-triggers/{self._trigger}/execute", lambda: {"payload": payload})
        if accepted:
            ends, retries = ("failure", RETRIES) if fails else ("completed", 0)
            self._note(Promise(accepted["jobId"], ends, during, retries=retries))
        if random.random() < RERUN:
            self._rerun(during)
        if random.random() < READ:
            self._read()

    def _rerun(self, during: str) -> None:
        source = self._any_promise()
        if source is None:
            return
        healed = random.random() < 0.5
        body: Body = {"overrideParams": {"fail": False}, "reason": "Chaos", "useLatestCode": True} if healed else {}
        accepted = self._ask("POST", f"/function-runs/{source.run_id}/rerun", lambda: body)
        if accepted:
            original = source.rerun_of or source.run_id
            self._note(Promise(accepted["jobId"], "completed" if healed else source.ends, during, original))

    def _read(self) -> None:
        promise = self._any_promise()
        if promise is not None:
            self._ask("GET", f"/function-runs/{promise.run_id}?include=parameters,result")
            self._ask("GET", f"/function-runs/{promise.run_id}/rerun-history")

    def _any_promise(self) -> Promise | None:
        with self._lock:
            return random.choice(self.promises) if self.promises else None

    def _note(self, promise: Promise) -> None:
        with self._lock:
            self.promises.append(promise)

    def _ask(self, method: str, path: str, body: Callable[[], Body] | None = None) -> Body | None:
        """The answer, if the request was granted. Asked again as callers do: under the same key, after a while."""
        headers = {"Idempotency-Key": uuid4().hex, "Content-Type": "application/json"}
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
                    self.refusals.append(f"{method} {path}: {response.status_code} {response.text[:300]}")
                    return None
                self.tried_again += 1
            time.sleep(random.uniform(0, min(0.2 * 2**attempt, LONGEST_PAUSE_SECONDS)))
        with self._lock:
            self.unanswered += path.endswith(("/execute", "/rerun"))
        return None
