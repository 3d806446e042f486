"""A system that lives on while it is audited."""

from datetime import timedelta
from typing import Any

import pytest

from handlers.domain import clock
from handlers.domain.runs.run import Part
from handlers.domain.seal import KeyRefused
from infra.audit.auditing import ALL, NotAuditableError, audit
from infra.audit.presenting import as_json
from tests.builders import a_rerun, a_run
from tests.infra.audit.deployed import CONTENT, Deployed
from tests.infra.audit.storing import ORIGINAL, RERUN, RETENTION, Storage, a_lineage_of_today

AT = clock.now() - timedelta(hours=1)


def of_today(**changes: Any) -> Any:
    return a_run(id=ORIGINAL, created_at=AT, expires_at=AT + RETENTION, **changes)


def test_a_run_that_moved_meanwhile_is_no_finding(deployed: Deployed) -> None:
    deployed.holds(Storage().run(of_today(status="running")))
    assert deployed.found() == [("deadline", ORIGINAL)]
    ended = Storage().run(of_today(status="completed"))
    assert deployed.found(lambda: deployed.holds(ended)) == []


def test_a_rerun_that_was_recorded_while_the_table_was_scanned_is_no_finding(deployed: Deployed) -> None:
    rerun = a_rerun(of_today(), id=RERUN, created_at=AT, expires_at=AT + RETENTION)
    whole = Storage().run(of_today()).rerun(rerun)
    # The scan came by the original before, and by the re-run after it was written.
    deployed.holds(Storage().run(of_today()).run(rerun))
    assert deployed.found() == [("rerun-edge", RERUN, ORIGINAL)]
    assert deployed.found(lambda: deployed.holds(whole)) == []


def test_an_object_that_was_kept_while_the_bucket_was_listed_is_no_finding(deployed: Deployed) -> None:
    run = of_today()
    whole = Storage().run(run).large_part(run, Part.OVERRIDES, staged_as="staging/x")
    deployed.store(f"kept/{ORIGINAL}/overrides", b"")
    assert deployed.found() == [("kept-object", f"kept/{ORIGINAL}/overrides")]
    assert deployed.found(lambda: deployed.holds(whole)) == []


def test_a_part_that_was_moved_while_the_bucket_was_listed_is_no_finding(deployed: Deployed) -> None:
    run = of_today()
    storage = Storage().run(run).large_part(run, Part.OVERRIDES, staged_as="staging/x", is_moved=False)
    deployed.holds(storage)
    assert deployed.found() == [("part-object", ORIGINAL, "overrides")]
    assert deployed.found(lambda: deployed.store(f"kept/{ORIGINAL}/overrides", b"")) == []


def test_what_is_staged_too_long_is_looked_at_again_too(deployed: Deployed) -> None:
    deployed.store("staging/x", b"")
    late = clock.now() + timedelta(days=2)
    gone = {"Bucket": deployed.bucket, "Key": "staging/x"}
    assert deployed.found(now=late) == [("staged-object", "staging/x")]
    assert deployed.found(lambda: deployed.s3.delete_object(**gone), now=late) == []


def test_executions_of_a_run_are_looked_at_again_too(deployed: Deployed) -> None:
    executions = [ORIGINAL, ORIGINAL]
    assert deployed.found(executions=executions) == [("executions", ORIGINAL)]
    deployed.holds(Storage().run(of_today()))
    assert deployed.found(executions=executions) == [("executions", ORIGINAL)]
    deployed.holds(Storage().run(of_today(execution_attempts=2)))
    assert deployed.found(executions=executions) == []


def test_parts_in_a_bucket_that_the_stack_does_not_name_cannot_be_audited(deployed: Deployed) -> None:
    terms: dict[str, Any] = {"now": clock.now(), "retention_days": 90}
    deployed.holds(Storage().run(of_today()))
    report = audit(deployed.dynamodb, deployed.table, **terms)
    assert report.is_clean
    assert {rule.value for rule in report.skipped} >= {"part-object", "kept-object", "staged-object"}
    deployed.holds(Storage().large_part(of_today(), Part.OVERRIDES, staged_as="staging/x"))
    with pytest.raises(NotAuditableError):
        audit(deployed.dynamodb, deployed.table, **terms)


def test_a_seal_that_does_not_open_is_found(deployed: Deployed) -> None:
    storage, rerun = a_lineage_of_today()
    deployed.holds_sealed(storage, rerun, result_as=Part.PARAMETERS)
    assert deployed.found() == []
    assert deployed.found(cipher=deployed.cipher(), open_parts=2) == [("seals", RERUN, "overrides")]
    deployed.put(storage.item(ORIGINAL, "SEALED#parameters") | {"sealed": b"damaged"})
    report = deployed.report(cipher=deployed.cipher(), open_parts=ALL)
    assert {finding.ids for finding in report.findings} == {(RERUN, "overrides"), (ORIGINAL, "parameters")}
    assert CONTENT not in as_json(report)


def test_a_part_that_was_replaced_while_it_was_opened_is_no_finding(deployed: Deployed) -> None:
    storage, rerun = a_lineage_of_today()
    deployed.holds_sealed(storage, rerun, result_as=Part.PARAMETERS)

    def actual(step: str) -> None:
        if step.startswith("Opening"):
            deployed.holds_sealed(storage, rerun)

    assert deployed.found(cipher=deployed.cipher(), open_parts=ALL, report_progress=actual) == []


def test_every_read_of_the_table_is_consistent(deployed: Deployed) -> None:
    deployed.holds(Storage().run(of_today(status="running")))
    request: list[dict[str, Any]] = []
    seen = ("provide-client-params.dynamodb", lambda params, **_: request.append(params))
    deployed.dynamodb.meta.events.register(*seen)
    assert deployed.found() == [("deadline", ORIGINAL)]
    deployed.dynamodb.meta.events.unregister(*seen)
    assert len(request) >= 3
    assert all(each["ConsistentRead"] for each in request)


def test_parts_are_opened_at_random_and_no_more_than_asked_for(deployed: Deployed) -> None:
    deployed.holds_sealed(*a_lineage_of_today())
    report = deployed.report(cipher=deployed.cipher(), open_parts=1)
    assert (report.looked_at.parts, report.looked_at.opened, report.is_clean) == (2, 1, True)


def test_a_part_that_holds_nothing_is_found_when_it_is_opened(deployed: Deployed) -> None:
    storage, rerun = a_lineage_of_today()
    deployed.holds_sealed(storage, rerun)
    del storage.item(ORIGINAL, "SEALED#parameters")["sealed"]
    deployed.put(storage.item(ORIGINAL, "SEALED#parameters"))
    assert deployed.found(cipher=deployed.cipher(), open_parts=ALL) == [("seals", ORIGINAL, "parameters")]


def test_a_key_that_opens_nothing_is_no_finding_but_an_audit_that_cannot_be_done(deployed: Deployed) -> None:
    deployed.holds_sealed(*a_lineage_of_today())
    deployed.emulator.client("kms").disable_key(KeyId=deployed.outputs["InputKeyArn"])
    with pytest.raises(KeyRefused):
        deployed.report(cipher=deployed.cipher(), open_parts=ALL)


def test_sealed_bytes_stay_in_the_table(deployed: Deployed) -> None:
    deployed.holds(Storage().run(of_today(), *Part))
    answers: list[bytes] = []
    seen = ("before-parse.dynamodb", lambda response_dict, **_: answers.append(response_dict["body"]))
    deployed.dynamodb.meta.events.register(*seen)
    report = deployed.report()
    deployed.dynamodb.meta.events.unregister(*seen)
    assert (report.looked_at.parts, report.is_clean) == (len(Part), True)
    assert answers
    assert not any(b'"sealed"' in answer for answer in answers)


def test_a_table_of_many_pages_is_read_whole(deployed: Deployed) -> None:
    filler = {"pk": "FUNCTION#x", "size": b"x" * 390_000}
    for number in range(4):
        deployed.put(filler | {"sk": f"FUNCTION#{number}"})
    deployed.holds(Storage().run(of_today()).run(of_today().evolve(id=RERUN)))
    pages: list[str] = []
    report = audit(deployed.dynamodb, deployed.table, now=clock.now(), retention_days=90, report_progress=pages.append)
    assert report.looked_at.runs == 2
    assert len(pages) > 1
