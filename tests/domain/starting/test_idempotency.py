"""A request that is sent again under the same key starts nothing again."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.domain.errors import IdempotencyKeyReused, InvalidRequest, Unavailable
from handlers.domain.log_context import current_ids, new_log_context
from handlers.domain.runs.run import FunctionRun
from handlers.domain.starting.execute_trigger import ExecuteBody, execute_trigger
from handlers.domain.starting.idempotency import IdempotencyKey, request_key
from handlers.domain.starting.rerun import RerunBody, RerunRequest
from tests.builders import RUN_ID, TRIGGER_ID, WORKSPACE, an_act
from tests.domain.starting.receiving import has_webhook, received, webhook
from tests.domain.starting.rerunning import rerun
from tests.fakes import FakeClock, World

Send = Callable[..., FunctionRun]


def send_rerun(world: World, header: str | None = "a-key", caller: str = "alice", **body: Any) -> FunctionRun:
    options = RerunBody.read(body)
    key = request_key(header, WORKSPACE, caller, ["rerun", RUN_ID, options.model_dump()])
    return rerun(RerunRequest(WORKSPACE, RUN_ID, caller, options, key), world)


def send_execute(world: World, header: str | None = "a-key", caller: str = "alice", **body: Any) -> FunctionRun:
    request = ExecuteBody.read({"payload": body})
    key = request_key(header, WORKSPACE, caller, ["execute", TRIGGER_ID, request.model_dump()])
    return execute_trigger(
        WORKSPACE,
        TRIGGER_ID,
        request,
        world.registry,
        world.start_deps,
        invokable=world.invokable,
        key=key,
        act=an_act(),
    )


EACH = pytest.mark.parametrize("send", [send_rerun, send_execute])


def started(world: World) -> int:
    """How many runs there are, besides the one there was."""
    return len(world.runs.runs) - 1


@EACH
def test_the_same_request_is_answered_with_the_same_run(installed: World, send: Send) -> None:
    first = send(installed)
    assert send(installed).id == first.id
    assert (started(installed), len(installed.queue.pushed)) == (1, 1)


@EACH
def test_log_lines_of_both_concern_the_same_run(installed: World, send: Send) -> None:
    ids = []
    for _ in range(2):
        with new_log_context():
            run = send(installed)
            ids.append(dict(current_ids()))
    concerned = run.source_run_id or run.id
    assert ids == 2 * [{"runId": concerned, "originalRunId": run.lineage_id}]


def test_log_lines_never_concern_a_run_that_was_not_recorded(installed: World) -> None:
    has_webhook(installed, signature="none")
    sent = webhook({"idempotency-key": "a-key"})
    first = received(installed, sent)
    with new_log_context():
        assert received(installed, sent).id == first.id
        assert current_ids() == {"runId": first.id, "originalRunId": first.id}


def test_the_order_of_an_object_s_keys_says_nothing(installed: World) -> None:
    first = send_rerun(installed, overrideParams={"a": 1, "b": {"c": 2, "d": 3}})
    assert send_rerun(installed, overrideParams={"b": {"d": 3, "c": 2}, "a": 1}).id == first.id


def test_what_is_left_out_is_as_good_as_its_default(installed: World) -> None:
    assert send_rerun(installed, useLatestCode=False).id == send_rerun(installed).id


@pytest.mark.parametrize(
    "other", [{"reason": "another"}, {"overrideParams": {"a": 1.0}}, {"overrideParams": {"a": "1"}}, {}]
)
def test_another_request_under_the_same_key_is_refused_and_changes_nothing(
    installed: World, other: dict[str, Any]
) -> None:
    send_rerun(installed, overrideParams={"a": 1})
    installed.runs.writes = 0
    with pytest.raises(IdempotencyKeyReused):
        send_rerun(installed, **other)
    assert (installed.runs.writes, started(installed)) == (0, 1)


def test_a_key_belongs_to_the_request_and_not_to_its_address(installed: World) -> None:
    send_rerun(installed)
    with pytest.raises(IdempotencyKeyReused):
        send_execute(installed)


@EACH
def test_a_key_belongs_to_its_caller(installed: World, send: Send) -> None:
    assert send(installed).id != send(installed, caller="bob").id


@EACH
def test_without_a_key_every_request_starts_a_run(installed: World, send: Send) -> None:
    assert send(installed, None).id != send(installed, None).id


@EACH
def test_a_key_is_kept_for_a_day(installed: World, time: FakeClock, send: Send) -> None:
    first = send(installed)
    time.advance(hours=23, minutes=59)
    assert send(installed).id == first.id
    time.advance(minutes=1)
    assert send(installed).id != first.id


@EACH
def test_a_refused_request_does_not_use_up_its_key(installed: World, send: Send) -> None:
    installed.cipher.cannot_seal = True
    with pytest.raises(Unavailable):
        send(installed)
    installed.cipher.cannot_seal = False
    send(installed)
    assert started(installed) == 1


@EACH
def test_a_repeated_request_is_answered_even_if_it_could_not_be_made_now(installed: World, send: Send) -> None:
    first = send(installed)
    installed.registry.triggers.clear()
    installed.runs.objects_fail = True
    assert send(installed).id == first.id


@EACH
def test_of_two_at_once_one_starts_the_run_and_both_are_told_of_it(
    installed: World, monkeypatch: pytest.MonkeyPatch, send: Send
) -> None:
    record = installed.runs.record
    others: list[FunctionRun] = []

    def beaten(*recorded: Any) -> bool:
        monkeypatch.setattr(installed.runs, "record", record)
        others.append(send(installed))
        return record(*recorded)

    monkeypatch.setattr(installed.runs, "record", beaten)
    assert [send(installed).id] == [other.id for other in others]
    assert started(installed) == 1


@EACH
def test_a_disabled_kms_key_is_no_reason_to_say_that_the_request_was_another(installed: World, send: Send) -> None:
    send(installed)
    installed.cipher.refused = True
    with pytest.raises(Unavailable):
        send(installed)


def test_what_is_kept_of_a_request_tells_neither_key_nor_content(installed: World) -> None:
    send_rerun(installed, "s3cret-key", reason="s3cret reason", overrideParams={"a": "s3cret"})
    kept = repr(installed.runs.requests)
    assert "s3cret" not in kept


@pytest.mark.parametrize("header", ["", "x" * 256, "é", "a\nb", "\x7f"])
def test_what_is_no_key_is_refused_by_name(header: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        request_key(header, WORKSPACE, "alice", {})
    assert refused.value.field == "Idempotency-Key"


KEYS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=255)
PARTS = st.tuples(KEYS, st.text(max_size=10), st.text(max_size=10))


@given(one=PARTS, other=PARTS)
def test_no_two_callers_or_keys_share_a_name(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    def name(header: str, workspace: str, caller: str) -> str:
        key = request_key(header, workspace, caller, {})
        assert isinstance(key, IdempotencyKey)
        return key.name

    assert (name(*one) == name(*other)) == (one == other)


def test_a_webhook_without_an_id_of_its_own_may_bring_a_key(world: World) -> None:
    has_webhook(world, signature="none")
    headers = {"idempotency-key": "a-key"}
    first = received(world, webhook(headers, b'{"a":1}'))
    assert received(world, webhook(headers, b'{"a":1}')).id == first.id
    with pytest.raises(IdempotencyKeyReused):
        received(world, webhook(headers, b'{"a":2}'))
    assert len(world.runs.runs) == 1
