"""How the audit looks: the report in a terminal and as JSON, and the progress of a long one."""

import json
import time
from typing import Any

from rich.console import Console
from rich.status import Status
from rich.text import Text

from handlers.domain.clock import iso
from infra.audit.findings import Finding, Report, Rule

SHOWN = 50
SAY_EVERY_SECONDS = 5.0
_WIDTH = max(map(len, Rule)) + 2
_VERDICT_WIDTH = len("99,999 findings") + 1


def show(report: Report, console: Console) -> None:
    def say(*parts: str | tuple[str, str]) -> None:
        # Soft, so that an id stays in one piece and can be copied.
        console.print(Text.assemble(*parts), soft_wrap=True)

    for name, amount in _amounts(report).items():
        say((f"{name:<{_WIDTH}}", "dim"), amount)
    say()
    for rule in Rule:
        verdict, style, why = _verdict(rule, report)
        say(f"{rule:<{_WIDTH}}", (f"{verdict:<{_VERDICT_WIDTH}}", style), rule.sentence, (why, "dim"))
    if report.findings:
        say()
    for finding in report.findings[:SHOWN]:
        say((f"{finding.rule:<{_WIDTH}}", "red"), f"{' '.join(finding.ids)}  {finding.sentence}")
    if len(report.findings) > SHOWN:
        say(f"and {len(report.findings) - SHOWN:,} more: --json prints them all")


def _verdict(rule: Rule, report: Report) -> tuple[str, str, str]:
    """The verdict, its style, and why the rule was skipped."""
    if count := report.counts[rule]:
        return _number(count, "finding"), "bold red", ""
    if rule in report.skipped:
        return "skipped", "yellow", f" ({report.skipped[rule]})"
    return "ok", "green", ""


def _amounts(report: Report) -> dict[str, str]:
    seen = report.looked_at
    statuses = ", ".join(f"{count:,} {status}" for status, count in sorted(seen.statuses.items()))
    expired = f"; {seen.expired:,} expired, not looked at" if seen.expired else ""
    return {
        "runs": f"{seen.runs:,}{f': {statuses}' if statuses else ''}{expired}",
        "lineages": f"{seen.lineages:,} with {_number(seen.reruns, 're-run')}",
        "parts": f"{seen.parts:,} sealed, {seen.opened:,} opened",
        "objects": f"{seen.objects:,}",
    }


def _number(count: int, of: str) -> str:
    return f"{count:,} {of}{'' if count == 1 else 's'}"


def as_json(report: Report) -> str:
    seen = report.looked_at
    document = {
        "at": iso(report.at),
        "clean": report.is_clean,
        "lookedAt": {
            "runs": dict(seen.statuses),
            "expired": seen.expired,
            "lineages": seen.lineages,
            "reruns": seen.reruns,
            "parts": seen.parts,
            "opened": seen.opened,
            "objects": seen.objects,
        },
        "checks": [
            {
                "rule": rule,
                "asserts": rule.sentence,
                "findings": report.counts[rule],
                "skipped": report.skipped.get(rule),
            }
            for rule in Rule
        ],
        "findings": [_finding(finding) for finding in report.findings],
    }
    return json.dumps(document, indent=2)


def _finding(finding: Finding) -> dict[str, Any]:
    return {"rule": finding.rule, "ids": list(finding.ids), "sentence": finding.sentence}


class Progress:
    """One line that moves in a terminal; elsewhere a line every few seconds, none for a short audit."""

    def __init__(self, console: Console, status: Status) -> None:
        self._console = console
        self._status = status
        self._said_at = time.monotonic()

    def __call__(self, step: str) -> None:
        if self._console.is_terminal:
            self._status.update(step)
        elif time.monotonic() - self._said_at >= SAY_EVERY_SECONDS:
            self._said_at = time.monotonic()
            self._console.print(step)
