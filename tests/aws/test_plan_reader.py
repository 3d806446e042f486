"""What a plan reads besides its run, in one call; and the token that it seals."""

from datetime import timedelta
from uuid import uuid4

import pytest

from handlers.aws.cipher import Cipher
from handlers.aws.plan_reader import PlanReader
from handlers.aws.registry_store import RegistryStore
from handlers.aws.run_recorder import RunRecorder
from handlers.aws.stack_secret import StackSecret
from handlers.aws.table import Table
from handlers.domain.registry.entities import StoredTrigger
from handlers.domain.starting.plan import Surroundings
from handlers.domain.starting.plan_token import MAX_LENGTH, PlanOf, open_token, seal_token, token_of
from tests.aws.storing import new_run, nowhere
from tests.builders import a_function, a_pin, a_rerun, a_trigger


@pytest.fixture
def secret(table: Table, cipher: Cipher) -> StackSecret:
    return StackSecret(table, cipher, uuid4().hex)


@pytest.fixture
def reader(table: Table, runs: RunRecorder, secret: StackSecret) -> PlanReader:
    return PlanReader(table, runs, secret, nowhere)


def test_a_plan_finds_trigger_function_and_the_original_of_the_lineage(
    reader: PlanReader, runs: RunRecorder, registry: RegistryStore
) -> None:
    function = a_function(id=str(uuid4()), name=uuid4().hex)
    trigger = a_trigger(id=str(uuid4()), function_id=function.id, name=uuid4().hex)
    registry.add_function(function)
    registry.add_trigger(StoredTrigger(trigger, b"sealed"))
    original = new_run(trigger_id=trigger.id, function_id=function.id)
    runs.record(original, {})
    rerun = a_rerun(original, id=str(uuid4()), trigger_id=trigger.id, function_id=function.id, status="pending")
    runs.record_rerun(rerun, {})

    found = reader.read(rerun, with_reruns=True)

    assert (found.trigger, found.function) == (trigger, function)
    assert found.original is not None
    assert (found.original.id, found.original.rerun_count) == (original.id, 1)
    assert found.newest == [], "the source itself has just been read"
    others = [
        a_rerun(original, id=str(uuid4()), created_at=rerun.created_at + timedelta(seconds=each), status="pending")
        for each in (1, 2)
    ]
    for each in others:
        runs.record_rerun(each, {})
    found = reader.read(original, with_reruns=True)
    assert [each.id for each in found.newest] == [others[1].id, others[0].id, rerun.id]
    assert found.original == original, "it has just been read"
    assert reader.read(original, with_reruns=False).newest == []


def test_what_is_gone_is_none(reader: PlanReader) -> None:
    source = a_rerun(new_run(), trigger_id=str(uuid4()), function_id=str(uuid4()))
    assert reader.read(source, with_reruns=True) == Surroundings(None, None, None, [])


def test_the_secret_of_configurations_is_read_along_if_there_is_one(
    table: Table, cipher: Cipher, runs: RunRecorder
) -> None:
    purpose = uuid4().hex
    unmade = StackSecret(table, cipher, purpose)
    PlanReader(table, runs, unmade, nowhere).read(new_run(), with_reruns=False)
    assert unmade.find() is None
    made = StackSecret(table, cipher, purpose).read()
    read_along = StackSecret(table, cipher, purpose)
    PlanReader(table, runs, read_along, nowhere).read(new_run(), with_reruns=False)
    assert (read_along.unread(), read_along.find()) == ([], made)


def test_a_token_has_the_same_length_whatever_it_is_sealed_for(cipher: Cipher) -> None:
    source = new_run()
    lengths = set()
    for number in range(20):
        of = PlanOf(source.workspace, source.id, "alice", f"{number:064}")
        text = seal_token(token_of(source, a_trigger(), a_function(), a_pin(), of), of, cipher)
        assert open_token(text, of, cipher).body == of.body
        lengths.add(len(text))
    assert len(lengths) == 1
    assert max(lengths) < MAX_LENGTH
