"""The how-to page's snippet for Powertools Idempotency, executed by runs of every kind against the library itself."""

import base64
import json
import time
from types import SimpleNamespace
from typing import Any

import pytest
from aws_lambda_powertools.utilities import idempotency
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyItemAlreadyExistsError,
    IdempotencyItemNotFoundError,
)
from aws_lambda_powertools.utilities.idempotency.persistence.base import BasePersistenceLayer
from aws_lambda_powertools.utilities.idempotency.persistence.datarecord import DataRecord

from handlers.aws.function_invoker import _client_context
from handlers.domain.errors import EffectKeyUnknown
from handlers.domain.runs.execution import execute
from handlers.domain.runs.outcome import Outcome
from handlers.domain.runs.run import Content, FunctionRun, Pin, Status
from handlers.domain.starting.retry import retry
from infra import ROOT
from tests.as_shown import as_shown
from tests.builders import RUN_ID, a_pin, a_run, a_trigger, an_id
from tests.docs.pages import blocks
from tests.domain.starting.rerunning import request, rerun
from tests.domain.starting.retrying import a_policy
from tests.fakes import FakeClock, World

PAGE = ROOT / "docs" / "how-to" / "make-effects-happen-once.md"
ORDER = b'{"card":"4242","amount":7,"email":"ada@example.org"}'


class InMemory(BasePersistenceLayer):
    """Powertools' records, in a dictionary: what its own layer for DynamoDB does with conditional writes."""

    def __init__(self, table_name: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.table_name = table_name
        self.records: dict[str, DataRecord] = {}

    def _get_record(self, idempotency_key: str) -> DataRecord:
        if idempotency_key not in self.records:
            raise IdempotencyItemNotFoundError
        return self.records[idempotency_key]

    def _put_record(self, data_record: DataRecord) -> None:
        kept = self.records.get(data_record.idempotency_key)
        if kept is not None and not kept.is_expired:
            raise IdempotencyItemAlreadyExistsError(old_data_record=kept)
        self.records[data_record.idempotency_key] = data_record

    def _update_record(self, data_record: DataRecord) -> None:
        self.records[data_record.idempotency_key] = data_record

    def _delete_record(self, data_record: DataRecord) -> None:
        self.records.pop(data_record.idempotency_key, None)


class Shop:
    """Invokes the snippet's handler as Lambda does, and counts its effects."""

    def __init__(self) -> None:
        self.paid: list[str] = []
        self.mail_fails = 0
        self.mails = 0
        [source] = blocks(PAGE, "python")
        self.module: dict[str, Any] = {"pay": self.pay, "send_mail": self.send_mail}
        exec(compile(source, PAGE, "exec"), self.module)

    def pay(self, card: str, amount: int, *, reference: str) -> str:
        self.paid.append(reference)
        return f"payment {len(self.paid)}: {card}, {amount}"

    def send_mail(self, _: str, __: Any) -> None:
        if self.mail_fails:
            self.mail_fails -= 1
            raise ConnectionError
        self.mails += 1

    def invoke(self, _: Pin, parameters: bytes, run: FunctionRun) -> Outcome:
        sent = json.loads(base64.b64decode(_client_context(run)))
        context = SimpleNamespace(
            client_context=SimpleNamespace(custom=sent["custom"]),
            aws_request_id="a-request",
            get_remaining_time_in_millis=lambda: 10_000,
        )
        try:
            answer = self.module["handler"](json.loads(parameters), context)
        except ConnectionError as error:
            return Outcome.of_failed_invocation(json.dumps({"errorType": type(error).__name__}).encode())
        return Outcome(Status.COMPLETED, result=json.dumps(answer).encode())


@pytest.fixture
def shop(world: World, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setenv("CHARGES_TABLE", "charges")
    monkeypatch.setattr(idempotency, "DynamoDBPersistenceLayer", InMemory)
    shop = Shop()
    world.invoker = shop  # type: ignore[assignment]
    world.has_registered(a_trigger(retry_policy=a_policy(retryManualReruns=True)))
    world.has_run(a_run(status="pending", retriable=True), ORDER)
    return shop


def executed(world: World, run_id: str) -> FunctionRun:
    execute(run_id, world.execution_deps)
    return world.run(run_id)


def rerun_of(world: World, run_id: str = RUN_ID, **body: Any) -> FunctionRun:
    return executed(world, rerun(request(run_id, **body), world).id)


def test_a_rerun_with_the_same_effects_is_answered_from_the_saved_result(world: World, shop: Shop) -> None:
    original = executed(world, RUN_ID)
    again = rerun_of(world, effects="same")
    assert shop.paid == [RUN_ID]
    assert world.opened(again, Content.RESULT) == world.opened(original, Content.RESULT)
    assert shop.mails == 2, "what is not decorated happens again"


def test_a_rerun_has_effects_of_its_own_unless_it_says_otherwise(world: World, shop: Shop) -> None:
    executed(world, RUN_ID)
    by_default, said = rerun_of(world), rerun_of(world, effects="new")
    assert shop.paid == [RUN_ID, by_default.id, said.id]


def test_of_a_rerun_with_the_same_effects_the_next_has_them_too(world: World, shop: Shop) -> None:
    executed(world, RUN_ID)
    own = rerun_of(world)
    same = rerun_of(world, own.id, effects="same")
    rerun_of(world, same.id, effects="same")
    assert shop.paid == [RUN_ID, own.id]
    assert [as_shown(world.run(each))["effectKey"] for each in (RUN_ID, own.id, same.id)] == [RUN_ID, own.id, own.id]


def test_an_automatic_retry_does_not_charge_again_what_was_charged(world: World, shop: Shop, time: FakeClock) -> None:
    shop.mail_fails = 2
    run = executed(world, RUN_ID)
    for _ in range(2):
        assert run.status is Status.FAILURE
        retry(run.id, world.runs, world.rerun_deps, world.start_deps)
        run = max(world.runs.runs.values(), key=lambda each: each.retry_attempt or 0)
        time.advance(hours=1)
        run = executed(world, run.id)
    assert (run.status, run.retry_attempt, run.effects_under) == (Status.COMPLETED, 2, RUN_ID)
    assert shop.paid == [RUN_ID]


def test_a_retry_of_a_rerun_has_that_rerun_s_key(world: World, shop: Shop, time: FakeClock) -> None:
    executed(world, RUN_ID)
    shop.mail_fails = 1
    failed = rerun_of(world)
    retry(failed.id, world.runs, world.rerun_deps, world.start_deps)
    [retried] = [run for run in world.runs.runs.values() if run.retry_attempt]
    time.advance(hours=1)
    assert executed(world, retried.id).status is Status.COMPLETED
    assert shop.paid == [RUN_ID, failed.id]


def test_powertools_forgets_after_an_hour_unless_it_is_configured_as_in_the_snippet(world: World, shop: Shop) -> None:
    executed(world, RUN_ID)
    [record] = shop.module["charges"].records.values()
    kept_for = record.expiry_timestamp - time.time()
    assert kept_for == pytest.approx(90 * 24 * 3600, abs=60)
    assert idempotency.IdempotencyConfig().expires_after_seconds == 3600


def test_a_key_that_no_function_was_given_cannot_be_had(world: World, shop: Shop) -> None:
    with pytest.raises(EffectKeyUnknown):
        rerun(request(effects="same"), world)
    captured = world.has_run(
        a_run(id=an_id(9), execution_source="captured", status="failure", execution_attempts=0, pin=a_pin()), ORDER
    )
    with pytest.raises(EffectKeyUnknown):
        rerun(request(captured.id, effects="same"), world)
    assert shop.paid == []


def test_a_key_that_was_handed_on_is_known_though_its_run_was_not_executed(world: World, shop: Shop) -> None:
    executed(world, RUN_ID)
    waiting = rerun(request(effects="same"), world)
    rerun_of(world, waiting.id, effects="same")
    assert shop.paid == [RUN_ID]
