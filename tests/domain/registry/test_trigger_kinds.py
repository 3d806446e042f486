from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from handlers.domain.errors import InvalidRequest
from handlers.domain.registry.schedules import OneTimeSchedule
from handlers.domain.registry.trigger_kinds import read_metadata
from handlers.domain.registry.trigger_metadata import TriggerMetadata
from handlers.domain.runs.run import ExecutionType
from tests.as_shown import as_shown
from tests.builders import NOW, WORKSPACE
from tests.domain.triggering import CRON, KINDS, METADATA, ONCE, change, create
from tests.fakes import FakeClock, World


def read(kind: str, **metadata: Any) -> TriggerMetadata:
    return read_metadata(ExecutionType(kind), WORKSPACE, metadata)[0]


def refused(kind: str, **metadata: Any) -> str:
    """The field that the refusal names."""
    with pytest.raises(InvalidRequest) as refusal:
        read(kind, **metadata)
    assert type(refusal.value) is InvalidRequest
    assert len(refusal.value.message) < 500
    return refusal.value.field.removeprefix("triggerMetadata.")


def test_an_interval_is_one_of_whole_minutes() -> None:
    schedule = read("scheduled", scheduleType="interval", interval=60)
    assert schedule.document() == {"scheduleType": "interval", "interval": 60}


@pytest.mark.parametrize("interval", [0, -60, 59, 90, 61, 366 * 24 * 3600 + 60, 10**30, True, "60", 60.0, [], None])
def test_an_interval_that_no_scheduler_keeps_is_refused(interval: Any) -> None:
    assert refused("scheduled", scheduleType="interval", interval=interval) == "interval"


@pytest.mark.parametrize(
    "cron",
    [
        "0 9 ? * MON-FRI *",
        "0/15 * * * ? *",
        "0 0 L * ? *",
        "0 10 1,15 * ? 2026-2030",
        "30 8 ? * 2#1 *",
        "0 9 ? * mon *",
    ],
)
def test_a_cron_expression_of_aws_s_is_kept_as_it_is(cron: str) -> None:
    schedule = read("scheduled", scheduleType="cron", cronExpression=cron)
    assert schedule.document() == {"scheduleType": "cron", "cronExpression": cron, "timezone": "UTC"}


@pytest.mark.parametrize(
    "cron",
    [
        *("", " ", "x", "0 9 * * *", "0 9 ? * MON", "0 9 * * * *", "0 9 ? * ? *", "60 9 ? * MON *", "0 24 ? * MON *"),
        *("0 9 ? * MON-FRI * *", "cron(0 9 ? * MON-FRI *)", "rate(1 minute)", "0 9 ? 13 MON *", "0 9 ? * 8 *"),
        *("0  9 ? * MON *", " 0 9 ? * MON *", "0 9 ? * MON * ", "0\t9 ? * MON *", "0 9 ? * MON *\n", "0\n9 ? * MON *"),
        *("0 9 ? * MON *\x00", "\x000 9 ? * MON *", "0 9 ? * MON \x1b", "0\u00a09 ? * MON *", "0\u20039 ? * MON *"),
        *("\u0660 9 ? * MON *", "\uff10 9 ? * MON *", "0 \u0669 ? * MON *", "0 9 ? * MON \u00b2", "0 9 ? * MO\u212a *"),
        *("x" * 10_000, "0 9 ? * MON *" + " " * 10_000, "0" * 10_000 + " 9 ? * MON *", "0 9 ? * MON *\x00" * 800),
    ],
    ids=lambda cron: ascii(cron)[:24],
)
def test_a_cron_expression_that_no_scheduler_reads_is_refused(cron: str) -> None:
    assert refused("scheduled", scheduleType="cron", cronExpression=cron) == "cronExpression"


@pytest.mark.parametrize("zone", ["Europe/Berlin", "UTC", "America/Argentina/Buenos_Aires"])
def test_a_cron_expression_is_of_a_time_zone(zone: str) -> None:
    schedule = read("scheduled", **CRON | {"timezone": zone})
    assert schedule.document()["timezone"] == zone


@pytest.mark.parametrize(
    "zone",
    [
        "",
        "Europe/Atlantis",
        "europe/berlin",
        "+02:00",
        "../UTC",
        "/etc/passwd",
        "UTC\n",
        "UTC\x00",
        "x" * 10_000,
        1,
        None,
    ],
    ids=lambda zone: ascii(zone)[:24],
)
def test_a_time_zone_that_there_is_not_is_refused(zone: Any) -> None:
    assert refused("scheduled", **CRON | {"timezone": zone}) == "timezone"


@pytest.mark.parametrize(
    ("at", "moment"),
    [
        ("2026-12-24T18:00:00Z", datetime(2026, 12, 24, 18, tzinfo=UTC)),
        ("2026-12-24T18:00:00+01:00", datetime(2026, 12, 24, 17, tzinfo=UTC)),
        ("2026-12-24T18:00:00.987Z", datetime(2026, 12, 24, 18, tzinfo=UTC)),
    ],
)
def test_a_moment_is_kept_in_utc_to_the_second(at: str, moment: datetime) -> None:
    schedule = read("scheduled", scheduleType="once", at=at)
    assert isinstance(schedule, OneTimeSchedule)
    assert schedule.at == moment


@pytest.mark.parametrize(
    "at",
    [
        *("", "tomorrow", "2026-12-24", "2026-12-24T18:00:00", "2026-13-24T18:00:00Z", "2026-12-24T25:00:00Z"),
        *("9999-12-31T23:59:59-10:00", "0001-01-01T00:00:00+10:00", "\u0662\u0660\u0662\u0667-01-01T00:00:00Z"),
        *("x" * 10_000, 1798135200, None, "2026-12-24T18:00:00 Europe/Berlin"),
    ],
    ids=lambda at: ascii(at)[:32],
)
def test_a_moment_that_is_none_or_has_no_offset_is_refused(at: Any) -> None:
    assert refused("scheduled", scheduleType="once", at=at) == "at"


@pytest.mark.parametrize(
    ("metadata", "field"),
    [
        ({}, "scheduleType"),
        ({"scheduleType": "hourly"}, "scheduleType"),
        ({"scheduleType": "interval"}, "interval"),
        ({"scheduleType": "cron"}, "cronExpression"),
        ({"scheduleType": "once"}, "at"),
        ({"scheduleType": "interval", "interval": 60, "at": ONCE["at"]}, "at"),
        ({"scheduleType": "interval", "interval": 60, "timezone": "UTC"}, "timezone"),
        ({"scheduleType": "interval", "interval": 60, "cronExpression": CRON["cronExpression"]}, "cronExpression"),
        (CRON | {"interval": 60}, "interval"),
        (CRON | {"at": ONCE["at"]}, "at"),
        (ONCE | {"timezone": "UTC"}, "timezone"),
        (ONCE | {"interval": 60}, "interval"),
        (ONCE | {"path": "a"}, "path"),
        (CRON | {"params": []}, "params"),
    ],
)
def test_what_does_not_fit_the_type_of_a_schedule_is_named(metadata: dict[str, Any], field: str) -> None:
    assert refused("scheduled", **metadata) == field


@pytest.mark.parametrize("moved", [timedelta(), timedelta(seconds=-1), timedelta(days=-400)])
def test_a_moment_that_has_passed_would_never_come(time: FakeClock, moved: timedelta) -> None:
    schedule = read("scheduled", scheduleType="once", at=(NOW + moved).isoformat())
    with pytest.raises(InvalidRequest, match=r"^triggerMetadata\.at: has passed\.$"):
        schedule.check_ahead()


def test_a_trigger_whose_moment_has_passed_is_not_created_nor_changed_to_one(world: World, time: FakeClock) -> None:
    past = {"scheduleType": "once", "at": "2026-11-22T09:29:59Z"}
    with pytest.raises(InvalidRequest, match="has passed"):
        create(world, "scheduled", past)
    assert not world.registry.triggers
    trigger = create(world, "scheduled").trigger
    with pytest.raises(InvalidRequest, match="has passed"):
        change(world, trigger.id, triggerMetadata=past)
    assert world.registry.triggers[trigger.id].trigger == trigger


@pytest.mark.parametrize("path", ["orders", "a/b/c", "a.b", "A-z_0~9", "~me/x", "x" * 200, "-", "_"])
def test_a_path_of_plain_segments_is_kept(path: str) -> None:
    webhook = read("http-trigger", path=path)
    assert webhook.document() == {"path": path, "signature": "standard-webhooks"}


@pytest.mark.parametrize(
    "path",
    [
        *("", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/..", "a/../b", "a/./b", ".env", "a/.git", "%2F", "a%2Fb"),
        *(
            "%2e%2e/a",
            "a?b",
            "a#b",
            "a b",
            "a\\b",
            "a\n",
            "\na",
            "a\x00",
            "a\x7fb",
            "a;b",
            "a:b",
            "a*",
            "{path+}",
            "a+b",
        ),
        *(
            "caf\u00e9",
            "\u0430",
            "\uff0e\uff0e/a",
            "\u202ea",
            "\U0001f4a9",
            "\ud800",
            "\u0660",
            "x" * 201,
            "x" * 10_000,
        ),
        *("a/" * 5_000, 1, None, ["a"]),
    ],
    ids=lambda path: ascii(path)[:24],
)
def test_a_path_that_could_mean_two_things_is_refused(path: Any) -> None:
    assert refused("http-trigger", path=path) == "path"


@pytest.mark.parametrize("signature", ["", "None", "hmac", "STANDARD-WEBHOOKS", None, False])
def test_a_webhook_is_signed_in_a_way_that_there_is(signature: Any) -> None:
    assert refused("http-trigger", path="a", signature=signature) == "signature"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("field", ["x", "secret", "params ", "scheduletype", "x" * 80])
def test_what_a_kind_does_not_know_is_named(kind: str, field: str) -> None:
    assert refused(kind, **METADATA[kind] | {field: 1}) == field


@pytest.mark.parametrize("kind", KINDS)
def test_params_go_with_every_kind(kind: str) -> None:
    for params in ({}, {"a": [1.0, None]}):
        assert read_metadata(ExecutionType(kind), WORKSPACE, METADATA[kind] | {"params": params})[1] == params
    assert read_metadata(ExecutionType(kind), WORKSPACE, METADATA[kind])[1] == {}


@pytest.mark.parametrize(
    ("kind", "metadata"),
    [
        *((kind, METADATA[kind]) for kind in KINDS),
        ("scheduled", CRON),
        ("scheduled", ONCE),
        ("event-driven", {"eventPattern": {"source": ["aws.s3"]}, "eventBusName": "default"}),
        ("event-driven", {"eventPattern": {}}),
        ("http-trigger", {"path": "open", "signature": "none"}),
    ],
)
def test_what_was_read_of_a_trigger_may_be_put_back(
    world: World, time: FakeClock, kind: str, metadata: dict[str, Any]
) -> None:
    created = create(world, kind, metadata | {"params": {"region": "eu"}})
    shown = as_shown(created._replace(secret=None))
    assert shown["triggerMetadata"].items() >= {"params": {"region": "eu"}}.items()
    time.advance(days=400)  # a moment that has passed meanwhile is no reason to refuse what was not changed
    changed = change(world, created.trigger.id, **shown)
    assert as_shown(changed) == shown | {"version": 2, "updatedAt": "2027-12-27T09:30:00.000Z"}
    assert changed.secret is None
