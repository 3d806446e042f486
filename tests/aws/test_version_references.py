from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from handlers.aws import keys
from handlers.aws.registry_store import RegistryStore
from handlers.aws.run_recorder import RunRecorder
from handlers.aws.table import Table
from handlers.domain import clock
from handlers.domain.clock import iso
from handlers.domain.runs.run import FunctionRun, Part
from handlers.sweep_versions.sweep import UnreadableRun, VersionReference
from handlers.sweep_versions.version_references import PAGE, VersionReferences
from tests.builders import a_function, a_pin, a_run
from tests.fakes.versions import FakeUses
from tests.faults.client import injected

PARTS = {Part.PARAMETERS: b"sealed"}
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:used"
REPORTED: list[Exception] = []


@pytest.fixture
def table(dynamodb: Any, table: Table) -> Iterator[Table]:
    """Like the stack's table, but with nothing in it."""
    name = f"used-{uuid4().hex[:8]}"
    found = dynamodb.describe_table(TableName=table._name)["Table"]
    index = {"IndexName", "KeySchema", "Projection"}
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=found["AttributeDefinitions"],
        KeySchema=found["KeySchema"],
        GlobalSecondaryIndexes=[{key: each[key] for key in index} for each in found["GlobalSecondaryIndexes"]],
    )
    yield Table(dynamodb, name)
    dynamodb.delete_table(TableName=name)


@pytest.fixture
def references(table: Table) -> VersionReferences:
    REPORTED.clear()
    return VersionReferences(table, report=REPORTED.append)


def recorded(runs: RunRecorder, **changes: Any) -> FunctionRun:
    at = changes.pop("created_at", clock.now())
    literals = {"id": str(uuid4()), "function_arn": FUNCTION, "pin": version(1), "created_at": at}
    run = a_run(**literals | {"expires_at": clock.now() + timedelta(days=90)} | changes)
    assert runs.record(run, PARTS)
    return run


def version(number: int) -> Any:
    return a_pin(number, function_version_arn=f"{FUNCTION}:{number}")


def damage(dynamodb: Any, table: Table, run: FunctionRun, options: Callable[[Any], object]) -> None:
    item = table.get(keys.run(run.id))
    options(item)
    dynamodb.put_item(TableName=table._name, Item=item)


def actual(references: VersionReferences, **options: Any) -> list[VersionReference]:
    return sorted(use for page in references.by_runs(**options) for use in page)


def test_runs_of_all_workspaces_and_kinds_are_told_with_the_version_they_name(
    references: VersionReferences, runs: RunRecorder
) -> None:
    recorded(runs, pin=version(1))
    recorded(runs, pin=version(2), workspace="other", function_arn=f"{FUNCTION}:live")
    recorded(runs, pin=version(3), execution_source="captured")
    recorded(runs, status="pending", pin=None)
    assert actual(references) == [VersionReference(FUNCTION, f"{FUNCTION}:{number}") for number in (1, 2, 3)]


def test_what_has_expired_names_nothing(references: VersionReferences, runs: RunRecorder) -> None:
    recorded(runs, expires_at=clock.now() - timedelta(seconds=1))
    assert actual(references) == []


def test_the_newest_can_be_asked_for_alone(references: VersionReferences, runs: RunRecorder) -> None:
    at = clock.now()
    recorded(runs, pin=version(1), created_at=at - timedelta(milliseconds=1))
    recorded(runs, pin=version(2), created_at=at)
    recorded(runs, pin=version(3), created_at=at + timedelta(days=1))
    assert [use.version_arn for use in actual(references, since=at)] == [f"{FUNCTION}:2", f"{FUNCTION}:3"]


def test_runs_come_in_pages(references: VersionReferences, runs: RunRecorder, dynamodb: Any) -> None:
    for _ in range(PAGE + 1):
        recorded(runs)
    with injected(dynamodb.meta.events, "dynamodb.BatchGetItem") as reads:
        assert [len(page) for page in references.by_runs()] == [PAGE, 1]
    assert len(reads) == 2


def test_a_scan_of_several_pages_is_read_to_its_end(table: Table, runs: RunRecorder) -> None:
    expected = {recorded(runs).id for _ in range(5)}
    found = table.scan(IndexName="byWorkspace", Limit=2)
    assert {item["pk"]["S"].removeprefix("RUN#") for item in found} == expected


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(lambda item: item.update(v={"N": "7"}), id="a version of another shape"),
        pytest.param(lambda item: item.update(schema={"N": "2"}), id="a newer schema"),
        pytest.param(lambda item: item.pop("schema"), id="no schema"),
    ],
)
def test_an_unreadable_run_keeps_every_version_of_its_function(
    references: VersionReferences, runs: RunRecorder, dynamodb: Any, table: Table, options: Any
) -> None:
    damage(dynamodb, table, recorded(runs), options)
    assert actual(references) == [VersionReference(FUNCTION, None)]


def test_a_run_that_does_not_tell_its_function_ends_it_all(
    references: VersionReferences, runs: RunRecorder, dynamodb: Any, table: Table
) -> None:
    damage(dynamodb, table, recorded(runs), lambda item: item.pop("fn"))
    with pytest.raises(UnreadableRun):
        actual(references)


def test_functions_of_all_workspaces_are_told_once_without_their_alias(
    references: VersionReferences, runs: RunRecorder, table: Table
) -> None:
    registry = RegistryStore(table, report=lambda _: None)
    for workspace, arn in {"acme": FUNCTION, "other": f"{FUNCTION}:live", "third": f"{FUNCTION}-too"}.items():
        registry.add_function(a_function(id=str(uuid4()), workspace=workspace, function_arn=arn))
    recorded(runs)
    assert references.functions() == {FUNCTION, f"{FUNCTION}-too"}


def test_a_function_that_cannot_be_read_is_reported(references: VersionReferences, dynamodb: Any, table: Table) -> None:
    key = {"S": "FUNCTION#damaged"}
    item = {"pk": key, "sk": key, "byWorkspace": {"S": "FUNCTIONS#acme"}, "position": {"S": iso(clock.now())}}
    dynamodb.put_item(TableName=table._name, Item=item)
    assert references.functions() == set()
    assert [type(fault) for fault in REPORTED] == [KeyError]


def test_the_fake_tells_what_the_table_tells(references: VersionReferences, runs: RunRecorder) -> None:
    fake = FakeUses()
    at = clock.now()
    fake.runs = [
        recorded(runs),
        recorded(runs, pin=version(2), created_at=at - timedelta(days=1), function_arn=f"{FUNCTION}:live"),
        recorded(runs, pin=None, status="pending"),
        recorded(runs, pin=version(3), expires_at=at - timedelta(days=1)),
    ]
    for since in (None, at):
        assert actual(references, since=since) == sorted(use for page in fake.by_runs(since=since) for use in page)
