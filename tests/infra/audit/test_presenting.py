import io
import json
from collections import Counter

from rich.console import Console

from infra.audit.findings import Finding, LookedAt, Report, Rule
from infra.audit.presenting import SHOWN, as_json, show
from tests.builders import NOW, an_id

SEEN = LookedAt(
    statuses={"completed": 1200, "pending": 1}, expired=3, lineages=2, reruns=4, parts=9, opened=0, objects=5
)


def shown(report: Report) -> list[str]:
    text = io.StringIO()
    show(report, Console(file=text, width=40))
    return text.getvalue().splitlines()


def a_report(findings: int, **more: object) -> Report:
    found = [Finding(Rule.DEADLINE, (an_id(number),), "It is [late].") for number in range(findings)]
    return Report(NOW, SEEN, found, **more)  # type: ignore[arg-type]


def test_what_was_looked_at_is_told_and_each_rule_has_a_line() -> None:
    lines = shown(a_report(0, skipped={Rule.SEALS: "give --open"}))
    assert lines[0].endswith("1,201: 1,200 completed, 1 pending; 3 expired, not looked at")
    assert Counter(line.split()[1] for line in lines[5:]) == {"ok": len(Rule) - 1, "skipped": 1}
    assert next(line for line in lines if line.startswith("seals")).endswith("(give --open)")


def test_findings_are_listed_whole_in_one_line_each() -> None:
    lines = shown(a_report(1))
    assert "deadline        1 finding" in next(line for line in lines if line.startswith("deadline"))
    assert lines[-1] == f"deadline        {an_id(0)}  It is [late]."


def test_a_long_list_is_cut_and_json_has_it_all() -> None:
    report = a_report(SHOWN + 1234)
    lines = shown(report)
    assert lines[-1].startswith("and 1,234 more")
    assert len([line for line in lines if "[late]" in line]) == SHOWN
    document = json.loads(as_json(report))
    assert len(document["findings"]) == SHOWN + 1234
    assert (document["at"], document["clean"]) == ("2026-11-22T09:30:00.000Z", False)
    assert document["checks"][1]["findings"] == SHOWN + 1234
