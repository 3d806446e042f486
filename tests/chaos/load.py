"""Callers at work: they start runs and re-run them over HTTP, and note what they were promised and nothing else."""

import json
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import httpx

from tests.stack.driver import Workspace

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
LARGE_BYTES = 250_000
CALLERS = 4
TRIES = 6
_FAILING, _LARGE, _RERUN = 0.2, 0.08, 0.5


class Promise(NamedTuple):
    """An answer 202: this run exists and will end so."""

    run_id: str
    ends: str
    during: str
    rerun_of: str | None = None


@dataclass
class Load:
    """The callers of one workspace, and their notes."""

    workspace: Workspace
    executions: Path
    promises: list[Promise] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    """Answers that were not the caller's fault, and said so."""
    given_up: int = 0
    tried_again: int = 0

    def prepare(self, *, seconds: float) -> None:
        """`seconds` is how long each run takes."""
        params = {"ledger": str(self.executions), "seconds": seconds}
        self._trigger, _ = self.workspace.trigger_of(FUNCTION, params=params, timeout=30)
        self._lock = threading.Lock()
        _ = self.workspace.http  # made once, before there are threads

    def run(self, starts: int, during: str, *, stop: threading.Event | None = None) -> None:
        """So many starts, and about half as many re-runs, by several callers at once; `during` is for the report."""
        with ThreadPoolExecutor(CALLERS) as callers:
            for _ in callers.map(lambda _: self._one(during, stop), range(starts)):
                pass

    def _one(self, during: str, stop: threading.Event | None) -> None:
        if stop is not None and stop.is_set():
            return
        self._start(during)
        if random.random() < _RERUN:
            self._rerun(during)

    def _start(self, during: str) -> None:
        fails = random.random() < _FAILING
        payload: dict[str, Any] = {"fail": fails}
        if random.random() < _LARGE:
            payload["filler"] = "x" * LARGE_BYTES
        accepted = self._ask(f"/function-triggers/{self._trigger}/execute", {"payload": payload})
        if accepted:
            self._note(Promise(accepted, "failure" if fails else "completed", during))

    def _rerun(self, during: str) -> None:
        with self._lock:
            source = random.choice(self.promises) if self.promises else None
        if source is None:
            return
        healed = random.random() < 0.5
        body = {"overrideParams": {"fail": False}, "reason": "Chaos", "useLatestCode": True} if healed else {}
        accepted = self._ask(f"/function-runs/{source.run_id}/rerun", body)
        if accepted:
            original = source.rerun_of or source.run_id
            self._note(Promise(accepted, "completed" if healed else source.ends, during, original))

    def _note(self, promise: Promise) -> None:
        with self._lock:
            self.promises.append(promise)

    def _ask(self, path: str, body: dict[str, Any]) -> str | None:
        """The job's id, if one was promised. Asked again as callers do: the same request, after a while."""
        headers = {"Idempotency-Key": uuid4().hex, "Content-Type": "application/json"}
        answer = "never"
        for attempt in range(TRIES):
            try:
                response = self.workspace.http.post(path, content=json.dumps(body).encode(), headers=headers)
            except httpx.TransportError as broken:
                answer = repr(broken)
            else:
                if response.status_code == httpx.codes.ACCEPTED:
                    return str(response.json()["jobId"])
                answer = f"{response.status_code} {response.text[:300]}"
                if response.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
                    with self._lock:
                        self.refusals.append(f"POST {path}: {answer}")
                    return None
            with self._lock:
                self.tried_again += 1
            time.sleep(random.uniform(0, min(0.2 * 2**attempt, 2)))
        with self._lock:
            self.given_up += 1
        return None
