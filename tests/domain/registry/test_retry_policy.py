from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.domain.errors import InvalidRequest
from handlers.domain.registry.retry_policy import MAX_DELAY_SECONDS, read_retry_policy
from tests.as_shown import as_shown
from tests.domain.starting.retrying import POLICY, a_policy
from tests.domain.triggering import change, create
from tests.fakes import World


def test_only_the_number_of_retries_has_to_be_said() -> None:
    policy = read_retry_policy({"maxRetries": 3})
    assert policy is not None
    assert policy.model_dump(by_alias=True) == {
        "maxRetries": 3,
        "initialDelaySeconds": 10,
        "backoffRate": 2.0,
        "maxDelaySeconds": 3600,
        "jitter": "full",
        "nonRetryableErrors": [],
        "retryManualReruns": False,
    }


def test_no_retries_is_no_policy() -> None:
    assert read_retry_policy({"maxRetries": 0}) is None


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"maxRetries": -1}, "maxRetries"),
        ({"maxRetries": 101}, "maxRetries"),
        ({"maxRetries": "3"}, "maxRetries"),
        ({"maxRetries": None}, "maxRetries"),
        ({"initialDelaySeconds": -1}, "initialDelaySeconds"),
        ({"initialDelaySeconds": 1.5}, "initialDelaySeconds"),
        ({"backoffRate": 0.9}, "backoffRate"),
        ({"backoffRate": 11}, "backoffRate"),
        ({"backoffRate": True}, "backoffRate"),
        ({"maxDelaySeconds": MAX_DELAY_SECONDS + 1}, "maxDelaySeconds"),
        ({"jitter": "some"}, "jitter"),
        ({"nonRetryableErrors": "KeyError"}, "nonRetryableErrors"),
        ({"nonRetryableErrors": ["a b"]}, "nonRetryableErrors.0"),
        ({"nonRetryableErrors": ["a\n"]}, "nonRetryableErrors.0"),
        ({"nonRetryableErrors": ["E"] * 51}, "nonRetryableErrors"),
        ({"retryManualReruns": 1}, "retryManualReruns"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_what_is_no_policy_is_refused_by_the_name_of_its_flaw(change: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_retry_policy(POLICY | change)
    assert refused.value.field == f"retryPolicy.{field}"


def test_a_policy_without_a_number_of_retries_is_refused() -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_retry_policy({})
    assert refused.value.field == "retryPolicy.maxRetries"


def test_pauses_grow_until_they_are_as_long_as_they_may_be() -> None:
    policy = a_policy(maxRetries=6, initialDelaySeconds=10, backoffRate=3, maxDelaySeconds=200)
    assert [policy.delay(n).total_seconds() for n in range(1, 6)] == [10, 30, 90, 200, 200]


@given(
    attempt=st.integers(1, 100),
    initial=st.integers(0, MAX_DELAY_SECONDS),
    rate=st.floats(1, 10),
    longest=st.integers(0, MAX_DELAY_SECONDS),
)
def test_no_pause_is_longer_than_it_may_be_and_none_with_jitter_is_longer_than_without(
    attempt: int, initial: int, rate: float, longest: int
) -> None:
    options = {"initialDelaySeconds": initial, "backoffRate": rate, "maxDelaySeconds": longest}
    plain, jittered = a_policy(**options), a_policy(**options, jitter="full")
    pause = plain.delay(attempt)
    assert min(initial, longest) - 1e-6 <= pause.total_seconds() <= longest
    assert jittered.delay(attempt) <= pause


def test_a_trigger_tells_its_policy_and_keeps_it_through_other_changes(world: World) -> None:
    created = as_shown(create(world, "on-demand", retryPolicy=POLICY | {"backoffRate": 1.5}))
    assert created["retryPolicy"]["backoffRate"] == 1.5
    changed = as_shown(change(world, created["id"], name="another"))
    assert changed["retryPolicy"] == created["retryPolicy"]


def test_a_policy_is_replaced_whole(world: World) -> None:
    created = as_shown(create(world, "on-demand", retryPolicy=POLICY | {"backoffRate": 1.5}))
    changed = as_shown(change(world, created["id"], retryPolicy={"maxRetries": 9}))
    assert (changed["retryPolicy"]["maxRetries"], changed["retryPolicy"]["backoffRate"]) == (9, 2.0)


def test_retrying_ends_with_a_policy_of_no_retries(world: World) -> None:
    created = as_shown(create(world, "on-demand", retryPolicy=POLICY))
    assert "retryPolicy" not in as_shown(change(world, created["id"], retryPolicy={"maxRetries": 0}))


def test_a_policy_is_not_ended_by_null_and_the_answer_says_how(world: World) -> None:
    created = as_shown(create(world, "on-demand", retryPolicy=POLICY))
    with pytest.raises(InvalidRequest, match="maxRetries"):
        change(world, created["id"], retryPolicy=None)


def test_a_trigger_can_be_put_back_as_it_was_read(world: World) -> None:
    created = as_shown(create(world, "on-demand", retryPolicy=POLICY))
    again = {name: value for name, value in created.items() if name != "version"}
    assert as_shown(change(world, created["id"], **again))["retryPolicy"] == created["retryPolicy"]
