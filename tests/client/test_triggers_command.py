"""`fnrun triggers`: add, list, show, enable, rotate and remove. How they are edited: test_editing."""

import json
from pathlib import Path
from typing import Any

import pytest
from fnrun.errors import Exit

from tests.builders import FUNCTION_ID, TRIGGER_ID, a_trigger
from tests.client.cli import Ended, Fnrun
from tests.client.failing import answers
from tests.client.faults import ANSWER_LOST
from tests.client.server import Api


@pytest.fixture
def add(as_alice: Fnrun) -> Any:
    def add(*options: str) -> Ended:
        return as_alice("triggers", "add", "new", "--function", "orders import", *options)

    return add


def added(add: Any, *options: str) -> Any:
    answer = add("-o", "json", *options)
    assert answer.code == Exit.DONE, answer.stderr
    return answer.document


def test_each_kind_of_trigger_is_known_by_its_options(add: Any, api: Api, tmp_path: Path) -> None:
    def kind_and_metadata(*options: str) -> tuple[str, dict[str, Any]]:
        trigger = added(add, *options)
        del api.world.registry.triggers[trigger["id"]]
        return trigger["executionType"], trigger["triggerMetadata"]

    (tmp_path / "pattern.json").write_text('{"source": ["shop"]}')
    none: dict[str, Any] = {"params": {}}
    assert kind_and_metadata() == ("on-demand", none)
    assert kind_and_metadata("--params", '{"a": 1}') == ("on-demand", {"params": {"a": 1}})
    cron = {"scheduleType": "cron", "cronExpression": "0 3 ? * * *", "timezone": "Europe/Berlin"}
    zone = ["--timezone", "Europe/Berlin"]
    assert kind_and_metadata("--cron", "cron(0 3 ? * * *)", *zone) == ("scheduled", none | cron)
    interval = {"scheduleType": "interval", "interval": 5400}
    assert kind_and_metadata("--rate", "1h30m") == ("scheduled", none | interval)
    once = {"scheduleType": "once", "at": "2126-12-24T18:00:00.000Z"}
    assert kind_and_metadata("--at", "2126-12-24T18:00Z") == ("scheduled", none | once)
    pattern = {"eventPattern": {"source": ["shop"]}}
    assert kind_and_metadata("--event-pattern", f"@{tmp_path}/pattern.json") == ("event-driven", none | pattern)
    on_bus = ["--bus", "default", "--event-pattern", '{"source": ["shop"]}']
    assert kind_and_metadata(*on_bus) == ("event-driven", none | pattern | {"eventBusName": "default"})
    hook = {"path": "shop/new", "signature": "none", "rawBody": True}
    typed = ["--path", "/shop/new", "--signature", "none", "--raw-body", "--type", "http-trigger"]
    assert kind_and_metadata(*typed) == ("http-trigger", none | hook)


def test_retries_and_disabled_are_sent(add: Any) -> None:
    retries = ["--retries", "3", "--retry-delay", "1m", "--retry-max-delay", "2h", "--retry-backoff", "1.5"]
    more = ["--retry-jitter", "none", "--retry-not", "A", "--retry-not", "B", "--retry-manual-reruns", "--disabled"]
    trigger = added(add, *retries, *more)
    assert trigger["enabled"] is False
    assert trigger["retryPolicy"] == {
        "maxRetries": 3,
        "initialDelaySeconds": 60,
        "backoffRate": 1.5,
        "maxDelaySeconds": 7200,
        "jitter": "none",
        "nonRetryableErrors": ["A", "B"],
        "retryManualReruns": True,
    }


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--rate", "1h", "--path", "a"], "--rate and --path are for different types of triggers"),
        (["--type", "on-demand", "--path", "a"], "--path is for http-trigger, not for on-demand"),
        (["--type", "scheduled"], "A schedule is one of --cron, --rate and --at"),
        (["--cron", "0 3 ? * * *", "--rate", "1h"], "A schedule is one of --cron, --rate and --at"),
        (["--rate", "1h", "--timezone", "UTC"], "--timezone is of --cron only"),
        (["--rate", "often"], "--rate is not a duration"),
        (["--bus", "default"], "An event-driven trigger needs a pattern"),
        (["--raw-body"], "A webhook needs a path"),
        (["--retry-not", "A"], "--retry-not says nothing without --retries"),
        (["--params", "[1]"], "--params is not a JSON object"),
        (["--params", '{"secret'], "--params is not JSON: line 1, column "),
        (["--params", "@/no/such/file"], "--params: /no/such/file cannot be read"),
    ],
)
def test_options_that_do_not_fit_are_said_in_one_line_and_nothing_is_sent(
    add: Any, api: Api, options: list[str], line: str
) -> None:
    wrong = add(*options)
    assert wrong.code == Exit.USAGE
    assert wrong.stderr.startswith(f"fnrun: {line}")
    assert " Next: " in wrong.stderr
    assert wrong.stderr.count("\n") == 1
    assert not [each for each in api.requests if each.method == "POST"]


def test_what_the_service_refuses_is_said_in_one_line(add: Any) -> None:
    refused = add("--cron", "every day")
    assert refused.code == Exit.REFUSED
    assert refused.stderr.startswith("fnrun: triggerMetadata.cronExpression")
    assert refused.stderr.endswith(" Next: correct --cron\n")


def test_the_secret_of_a_webhook_is_shown_at_its_creation_only(add: Any, as_alice: Fnrun, api: Api) -> None:
    created = add("--path", "shop/orders")
    assert f"URL       {api.url}/workspace/acme/api/v1/http-trigger/shop/orders\n" in created.stdout
    assert "secret    whsec_" in created.stdout
    assert created.stderr.startswith("The secret is shown this once")
    shown = as_alice("triggers", "show", "new")
    assert (shown.code, "whsec_" in shown.stdout + shown.stderr) == (Exit.DONE, False)


def test_rotating_prints_the_new_secret_alone(
    add: Any, as_alice: Fnrun, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    add("--path", "shop/orders")
    rotated = as_alice("triggers", "rotate", "new")
    assert rotated.stdout.startswith("whsec_")
    assert rotated.stdout.count("\n") == 1
    assert rotated.stderr.endswith("The one before it stays valid until the next rotation.\n")
    answers(monkeypatch, "n\n")
    assert as_alice("triggers", "rotate", "new", "--drop-previous").code == Exit.NOT_WELL
    dropped = as_alice("triggers", "rotate", "new", "--drop-previous", "--yes", "-o", "json")
    assert dropped.document["secret"].startswith("whsec_")
    bodies = [each.json for each in api.requests if each.path.endswith("/rotate-secret")]
    assert bodies == [{}, {"keepPrevious": False}]


def test_triggers_are_listed_with_what_starts_them(as_alice: Fnrun, api: Api) -> None:
    for number, kind in enumerate(("scheduled", "event-driven", "http-trigger")):
        trigger = a_trigger(id=f"t{number}", name=f"\x9bm{kind}", execution_type=kind)
        api.world.has_registered(trigger)
    listed = as_alice("triggers", "list")
    assert f"{TRIGGER_ID}  import now" in listed.stdout
    assert "orders import" in listed.stdout
    assert "every 1 h\n" in listed.stdout
    assert '{"source": ["shop"]}\n' in listed.stdout
    assert "webhooks at orders, signed\n" in listed.stdout
    assert "\\u009bmscheduled" in listed.stdout
    assert len(as_alice("triggers", "list", "-o", "json").document) == 5


def test_a_trigger_is_shown_with_its_params(as_alice: Fnrun, api: Api) -> None:
    api.world.has_registered(a_trigger(), params=b'{"region":"eu\\u001b"}')
    shown = as_alice("triggers", "show", "import now")
    assert f"function  orders import ({FUNCTION_ID})\n" in shown.stdout
    assert shown.stdout.endswith('params\n{\n  "region": "eu\\u001b"\n}\n')


def test_a_trigger_is_disabled_and_enabled(as_alice: Fnrun, api: Api) -> None:
    assert "enabled   no\n" in as_alice("triggers", "disable", "import now").stdout
    assert api.world.registry.triggers[TRIGGER_ID].trigger.enabled is False
    assert as_alice("triggers", "disable", "import now").stderr == "Nothing was changed.\n"
    assert as_alice("triggers", "enable", "import now", "-o", "json").document["enabled"] is True


def test_removing_asks(as_alice: Fnrun, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    assert as_alice("triggers", "remove", "import now").code == Exit.USAGE
    answers(monkeypatch, "y\n")
    removed = as_alice("triggers", "remove", "import now")
    assert removed.code == Exit.DONE
    assert "fnrun triggers disable" in removed.stderr
    assert TRIGGER_ID not in api.world.registry.triggers
    assert json.loads(as_alice("triggers", "remove", "hook", "--yes", "-o", "json").stdout)["message"]


def test_where_an_answer_is_lost_it_is_said_how_to_find_out_and_nothing_is_sent_again(
    add: Any, as_alice: Fnrun, api: Api
) -> None:
    api.inject(ANSWER_LOST, of="POST ")
    lost = add()
    assert (lost.code, lost.stdout) == (Exit.UNKNOWN, "")
    assert lost.stderr == (
        "fnrun: It is not known whether the trigger new was added. Next: look with fnrun triggers list\n"
    )
    assert [each["name"] for each in as_alice("triggers", "list", "-o", "json").document].count("new") == 1
