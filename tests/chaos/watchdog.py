"""Passes of the watchdog in the test's own process, each an hour after the last by a clock of its own."""

import json
import time
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch
from uuid import uuid4

from handlers.aws import run_items
from handlers.domain import clock
from handlers.domain.errors import Unavailable
from handlers.domain.upkeep.housekeeping import delete_expired
from handlers.domain.upkeep.recovery import end_undeliverable, recover_overdue
from handlers.settings import Settings
from infra.local.local_stack import LocalStack
from infra.local.waiting import PATIENCE_SECONDS
from tests.stack.lineage import Clients, Container, Later

STILL_SECONDS = 1.2


class NotSettled(AssertionError):
    pass


def _ignore(fault: Exception, _: object) -> None:
    """What a pass could not do is overdue still."""


class WatchdogDeps:
    def __init__(self, local_stack: LocalStack, workspace: str, endpoint: str) -> None:
        """Speaks to AWS by way of `endpoint`, and itself looks straight at the emulator."""
        outputs = local_stack.outputs
        self._settings = Settings(
            table_name=outputs["TableName"],
            input_key_arn=outputs["InputKeyArn"],
            outcome_key_arn=outputs["OutcomeKeyArn"],
            run_queue_url=outputs["RunQueueUrl"],
            dead_letter_queue_url=outputs["DeadLetterQueueUrl"],
            bucket_name=outputs["BucketName"],
            lifecycle_bus_name=outputs["LifecycleBusName"],
        )
        self._clients = Clients(local_stack, endpoint)
        self._dynamodb: Any = local_stack.client("dynamodb")
        self._sqs: Any = local_stack.client("sqs")
        self._workspace = workspace
        self._later = Later()
        self._ours: set[str] = set()
        self._others: set[str] = set()

    def now(self) -> datetime:
        """By its own clock."""
        return self._later()

    def sweep(self) -> None:
        """One pass over all that is overdue an hour later. A pass that breaks off is followed by the next."""
        self._later.by += timedelta(hours=1)
        # A run that nobody knows: it only has to be taken from there.
        self._sqs.send_message(
            QueueUrl=self._settings.dead_letter_queue_url, MessageBody=json.dumps({"runId": str(uuid4())})
        )
        deps = Container(self._settings, self._clients).watchdog_deps
        # As in Lambda, a pass that breaks off has failed, and the next comes all the same.
        with patch.object(clock, "now", self._later), suppress(Unavailable):
            recover_overdue(deps, has_time=lambda: True, report=_ignore)
            end_undeliverable(deps, has_time=lambda: True, report=_ignore)

    def delete_expired(self) -> None:
        """What the hours that have passed by this clock would have done: staged objects are gone after a day."""
        with patch.object(clock, "now", self._later):
            delete_expired(Container(self._settings, self._clients).expiry_deps, has_time=lambda: True, report=_ignore)

    def mark_published(self, *, at_most: int) -> int:
        """How many passes it takes until no run is open and no end untold. Raises NotSettled."""
        for taken in range(at_most + 1):
            left = self.still()
            if not left:
                return taken
            if taken < at_most:
                self.sweep()
        raise NotSettled(f"{len(left)} runs are still open after {at_most} passes: {sorted(left)[:10]}")

    def still(self) -> dict[str, str]:
        """The open runs once none of them has moved for a while, each with the moment of its deadline."""
        before, since, deadline = self.open(), time.monotonic(), time.monotonic() + PATIENCE_SECONDS
        while before and time.monotonic() - since < STILL_SECONDS and time.monotonic() < deadline:
            time.sleep(0.2)
            now = self.open()
            if now != before:
                before, since = now, time.monotonic()
        return before

    def open(self) -> dict[str, str]:
        """The workspace's runs that the watchdog has to look at some day."""
        every = self._shards("due", "OPEN#")
        if not every.keys() <= self._ours | self._others:
            self._ours = set(self._shards("byWorkspace", f"WS#{self._workspace}#"))
            self._others |= every.keys() - self._ours
        return {run: moment for run, moment in every.items() if run in self._ours}

    def _shards(self, index: str, prefix: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for shard in range(run_items.SHARDS):
            found |= self._entries(index, f"{prefix}{shard}")
        return found

    def _entries(self, index: str, key: str) -> dict[str, str]:
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._settings.table_name,
            IndexName=index,
            KeyConditionExpression=f"{index} = :key",
            ExpressionAttributeValues={":key": {"S": key}},
        )
        items = [item for page in pages for item in page["Items"]]
        return {run_items.run_id(item): item.get("dueAt", {}).get("S", "") for item in items}
