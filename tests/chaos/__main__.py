"""The long form of the fault suite: `python -m tests.chaos`, about ten minutes. Exits with 1 if a promise was broken."""

import argparse
import itertools
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from handlers.telemetry import logger
from infra.local.interrupts import Interrupts
from infra.local.local_stack import bring_up
from tests.chaos.batches import STUMBLING, run_batches
from tests.chaos.books import Account
from tests.chaos.campaign import Campaign
from tests.chaos.exactly import Exact, run_exactly
from tests.faults.proxy import Seen
from tests.faults.wire import KINDS, Operation

CALLERS = 4
CALM_STARTS = 12
STARTS_PER_FAULT = 4
MIXED_STARTS = 60
MIXED_SHARE = 0.1
KILLED_STARTS = 30
EXACT_STARTS = 1000
LINEAGES = 1000
MINUTES = 10.0
# What is kept of these for the parts that come after the single faults.
MIXED_MINUTES = 3.0


class Clock:
    def __init__(self) -> None:
        self._started = time.monotonic()

    @property
    def minutes(self) -> float:
        return (time.monotonic() - self._started) / 60

    def say(self, what: str) -> None:
        print(f"{self.minutes * 60:6.0f} s  {what}", flush=True)


def run_campaign(campaign: Campaign, clock: Clock, minutes: float) -> list[str]:
    """All of the campaign; gives the faults for which there was no time."""
    operations = campaign.calm(CALM_STARTS)
    clock.say(f"the service uses {', '.join(map(str, operations))}")
    left = inject_each(campaign, operations, clock, minutes - MIXED_MINUTES)
    campaign.inject_mixed(operations, MIXED_STARTS, MIXED_SHARE)
    campaign.kill_processes(KILLED_STARTS)
    campaign.kill_processes(KILLED_STARTS, operations, MIXED_SHARE)
    return left


def inject_each(campaign: Campaign, operations: Sequence[Operation], clock: Clock, minutes: float) -> list[str]:
    # Kind by kind, so that time that runs out takes something from every operation rather than all from some.
    faults = list(itertools.product(KINDS, operations))
    for done, (kind, operation) in enumerate(faults):
        if clock.minutes > minutes:
            return [f"{operation}: {kind.value}" for kind, operation in faults[done:]]
        campaign.inject(operation, kind, STARTS_PER_FAULT)
        if operation == operations[-1]:
            campaign.mark_published(f"each operation: {kind.value}")
    return []


def table_of(seen: Seen) -> str:
    """Faults by operation and kind, and the calls that came through."""
    rows = [["", *(kind.value for kind in KINDS), "passed"]]
    for operation in seen.operations:
        injected = [str(seen.injected[operation, kind]) for kind in KINDS]
        rows.append([str(operation), *injected, str(seen.passed[operation])])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def counted(what: str, numbers: Counter[str]) -> str:
    return "\n".join([what, *(f"  {name}: {number}" for name, number in sorted(numbers.items()) if number)])


def exactly(exact: Exact) -> str:
    return (
        f"Of {EXACT_STARTS} runs, 30 % of them failing, with every event delivered twice: {exact.recorded} runs where "
        f"there must be {exact.expected}, {exact.executions} executions"
    )


def recovered(exact: Exact) -> str:
    return (
        f"Of {LINEAGES} failed lineages, {STUMBLING * 10} % of them recovered by an automatic retry only, with every event "
        f"delivered twice: {exact.recorded} runs and {exact.executions} executions, where there must be {exact.expected}"
    )


def report(account: Account, exact: Exact, batches: Exact, left: Sequence[str]) -> str:
    figures = "\n".join(f"{name}: {number}" for name, number in account.figures.items())
    parts = [
        f"Faults injected into calls to AWS, by kind\n{table_of(account.seen)}",
        counted("Processes killed", account.killed),
        counted("Passes of the watchdog until nothing was open", account.passes),
        figures,
        exactly(exact),
        recovered(batches),
    ]
    if left:
        parts.append("\n".join(["There was no time for", *(f"  {fault}" for fault in left)]))
    if found := [*account.findings, *exact.findings, *batches.findings]:
        parts.append("\n".join([f"{len(found)} broken promises", *found]))
    else:
        parts.append("Nothing was lost.")
    return "\n\n".join(parts)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=MINUTES, help="how long it may take, roughly")
    minutes = parser.parse_args().minutes
    logger.setLevel("CRITICAL")  # the faults that our own watchdog meets are counted, not shown
    clock = Clock()
    with tempfile.TemporaryDirectory() as directory, Interrupts() as interrupts:
        local_stack = bring_up(Path(directory), report=clock.say)
        try:
            with Campaign(local_stack, CALLERS, clock.say) as campaign, interrupts.at_once():
                left = run_campaign(campaign, clock, minutes)
                account = campaign.account()
            with interrupts.at_once():
                clock.say(f"{EXACT_STARTS} runs, every event delivered twice")
                exact = run_exactly(local_stack, EXACT_STARTS, callers=CALLERS)
        finally:
            local_stack.take_down()
        clock.say(f"{LINEAGES} failed lineages, recovered by batches")
        # A batch leaves half of them to other runs.
        another = bring_up(Path(directory) / "batches", context={"maxConcurrentExecutions": 20}, report=clock.say)
        try:
            with interrupts.at_once():
                batches = run_batches(another, LINEAGES, callers=CALLERS)
        finally:
            another.take_down()
    print(f"\n{report(account, exact, batches, left)}")
    return 1 if account.findings or exact.findings or batches.findings else 0


if __name__ == "__main__":
    sys.exit(main())
