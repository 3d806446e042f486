"""What starts and changes a batch is read strictly: nothing that was sent is overlooked, and nothing is meant by accident."""

from typing import Any

import pytest

from handlers.domain.batches.batch import Pace, StopWhen
from handlers.domain.batches.requests import MAX_OVERRIDES_BYTES, BatchBody, ResumeBody
from handlers.domain.errors import InvalidRequest, TooLarge
from tests.builders import FUNCTION_ID, RUN_ID, an_id

OF_FUNCTION = {"filter": {"functionId": FUNCTION_ID}}
GROUP = "5f0c3f9ad1b84c0c8d2c1f6f0e7a9b34"


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({}, "filter: is required, or else runIds: one of them, and not both."),
        (OF_FUNCTION | {"runIds": [RUN_ID]}, "filter: is required, or else runIds: one of them, and not both."),
        ({"filter": {}}, "filter: must not be empty."),
        ({"filter": {"errorCode": None}}, "filter.errorCode: must not be null: leave it out."),
        ({"filter": None}, "filter: must not be null: leave it out."),
        ({"filter": {"status": "failure"}}, "filter.status: is not a field of this request."),
        ({"filter": {"errorGroupId": RUN_ID}}, "filter.errorGroupId: must be the id of an error group."),
        ({"filter": {"functionId": "orders"}}, "filter.functionId: must be an id."),
        (
            {"filter": {"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}},
            "filter.to: is earlier than from.",
        ),
        ({"runIds": []}, "runIds: must have at least 1 item, not 0."),
        ({"runIds": [an_id(number) for number in range(501)]}, "runIds: must have at most 500 items, not 501."),
        ({"runIds": [RUN_ID, RUN_ID.upper()]}, "runIds: must not name a run twice."),
        ({"runIds": [RUN_ID, "x"]}, "runIds.1: must be an id."),
        (OF_FUNCTION | {"useLatestCode": True, "functionVersion": "8"}, "functionVersion: cannot be sent with"),
        (OF_FUNCTION | {"functionVersion": "latest"}, "functionVersion: must be the number of a version, like 8."),
        (OF_FUNCTION | {"pace": {"startPerSecond": 0}}, "pace.startPerSecond: must be greater than or equal to 0.1."),
        (
            OF_FUNCTION | {"pace": {"startPerSecond": 2, "maxPerSecond": 1}},
            "pace.startPerSecond: is more than maxPerSecond, 1.",
        ),
        (OF_FUNCTION | {"pace": {"maxPerSecond": True}}, "pace.maxPerSecond: must be a valid number."),
        (OF_FUNCTION | {"canary": {"count": -1}}, "canary.count: must be greater than or equal to 0."),
        (OF_FUNCTION | {"canary": 5}, "canary: must be a JSON object."),
        (OF_FUNCTION | {"stopWhen": {"failureRate": 1.5}}, "stopWhen.failureRate: must be less than or equal to 1."),
        (OF_FUNCTION | {"stopWhen": {"failureRate": None}}, "stopWhen.failureRate: must not be null: leave it out."),
    ],
)
def test_what_is_wrong_is_refused_by_its_field(body: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        BatchBody.read(body)
    assert str(refused.value).startswith(problem)


def test_overrides_have_a_limit_of_their_own() -> None:
    fits = {"a": "x" * (MAX_OVERRIDES_BYTES - 8)}
    assert BatchBody.read(OF_FUNCTION | {"overrideParams": fits}).override_params == fits
    with pytest.raises(TooLarge, match="overrideParams"):
        BatchBody.read(OF_FUNCTION | {"overrideParams": {"a": fits["a"] + "x"}})


def test_what_is_left_out_has_its_default_and_to_send_that_is_the_same_request() -> None:
    short = BatchBody.read({"filter": {"errorGroupId": GROUP.upper()}, "reason": ""})
    long = BatchBody.read(
        {
            "filter": {"errorGroupId": GROUP},
            "canary": {"count": 5},
            "pace": {"startPerSecond": 5, "maxPerSecond": 10.0},
            "stopWhen": {"sameErrorGroup": True},
            "effects": "new",
            "overrideParams": {},
            "useLatestCode": False,
        }
    )
    assert short.normal_form() == long.normal_form()
    assert short.pace.over(Pace()) == Pace()
    assert short.stop_when.over(StopWhen()) == StopWhen()


def test_a_dry_run_is_the_same_request_and_another_time_another_one() -> None:
    def form(**more: Any) -> Any:
        return BatchBody.read({"filter": {"from": "2026-01-01T01:00:00+01:00"}} | more).normal_form()

    assert form(dryRun=True) == form() == form(filter={"from": "2026-01-01T00:00:00Z"})
    assert form() != form(filter={"from": "2026-01-01T00:00:01Z"})
    assert form() != form(filter={"to": "2026-01-01T00:00:00Z"})


@pytest.mark.parametrize(
    ("sent", "start", "highest"),
    [
        ({}, 5, 10),
        ({"maxPerSecond": 0.5}, 0.5, 0.5),
        ({"startPerSecond": 10}, 10, 10),
        ({"startPerSecond": 2, "maxPerSecond": 50}, 2, 50),
    ],
)
def test_a_first_rate_that_is_not_sent_gives_way_to_the_highest(
    sent: dict[str, float], start: float, highest: float
) -> None:
    pace = BatchBody.read(OF_FUNCTION | {"pace": sent}).pace.over(Pace())
    assert (pace.start_per_second, pace.max_per_second) == (start, highest)


def test_a_highest_rate_is_only_raised_by_who_sends_one() -> None:
    with pytest.raises(InvalidRequest, match=r"pace\.startPerSecond: is more than maxPerSecond, 10\."):
        BatchBody.read(OF_FUNCTION | {"pace": {"startPerSecond": 50}})
    body = ResumeBody.read({"pace": {"startPerSecond": 10}})
    assert body.pace is not None
    with pytest.raises(InvalidRequest, match=r"is more than maxPerSecond, 0\.2\."):
        body.pace.over(Pace(start_per_second=0.2, max_per_second=0.2))


def test_what_a_resumption_leaves_out_stays_as_it_is() -> None:
    body = ResumeBody.read({"pace": {"maxPerSecond": 5}, "stopWhen": {"failures": 3}})
    assert body.pace is not None
    assert body.stop_when is not None
    before = Pace(start_per_second=2, max_per_second=20, double_every_seconds=7)
    assert body.pace.over(before) == before.evolve(max_per_second=5)
    rules = StopWhen(failure_rate=0.1, same_error_group=False)
    assert body.stop_when.over(rules) == rules.evolve(failures=3)
    with pytest.raises(InvalidRequest, match=r"pace\.maxPerSecond"):
        ResumeBody.read({"pace": {"maxPerSecond": None}})
