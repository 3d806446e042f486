"""`fnrun functions`: register, list, show and remove. How they are edited: test_editing."""

import pytest
from fnrun.errors import Exit

from tests.builders import FUNCTION_ARN, FUNCTION_ID, a_function
from tests.client.cli import Fnrun
from tests.client.failing import answers
from tests.client.server import Api


def test_a_function_is_registered_with_what_does_not_count(as_alice: Fnrun, api: Api) -> None:
    ignored = ["--ignore-differences", "/at", "--ignore-differences", "/items/*/id"]
    api.world.catalogue.timeouts[f"{FUNCTION_ARN}:live"] = 30
    added = as_alice("functions", "add", "orders", f"{FUNCTION_ARN}:live", *ignored)
    assert (added.code, added.stderr) == (Exit.DONE, "")
    assert f"ARN      {FUNCTION_ARN}:live\n" in added.stdout
    assert "ignored  /at /items/*/id\n" in added.stdout
    shown = as_alice("functions", "show", "orders", "-o", "json").document
    assert (shown["name"], shown["ignoreDifferences"]) == ("orders", ["/at", "/items/*/id"])


def test_what_cannot_be_registered_is_said_in_one_line(as_alice: Fnrun) -> None:
    refused = as_alice("functions", "add", "orders", "no-arn")
    assert refused.code == Exit.REFUSED
    assert refused.stderr.startswith("fnrun: functionArn")
    assert refused.stderr.count("\n") == 1


def test_functions_are_listed_and_names_do_not_drive_the_terminal(as_alice: Fnrun, api: Api) -> None:
    api.world.registry.functions["f"] = a_function(id="f", name="\x1b[2Jorders")
    listed = as_alice("functions", "list", "--utc")
    assert listed.stdout.splitlines()[0].split() == ["ID", "NAME", "CAPTURES", "FAILURES", "CHANGED", "ARN"]
    assert f"{FUNCTION_ID}  orders import" in listed.stdout
    assert "\\u001b[2Jorders" in listed.stdout
    assert "\x1b" not in listed.stdout
    names = [each["name"] for each in as_alice("functions", "list", "-o", "json").document]
    assert sorted(names) == ["\x1b[2Jorders", "orders import"]


def test_where_there_is_none_the_next_step_is_said(as_alice: Fnrun, api: Api) -> None:
    api.world.registry.functions.clear()
    listed = as_alice("functions", "list")
    assert (listed.stdout, "fnrun functions add NAME ARN" in listed.stderr) == ("", True)
    assert as_alice("functions", "list", "-o", "json").document == []


def test_a_name_that_is_nearly_right_is_suggested(as_alice: Fnrun) -> None:
    wrong = as_alice("functions", "show", "orders imprt")
    assert wrong.code == Exit.USAGE
    assert "is it 'orders import'?" in wrong.stderr


def test_removing_says_what_depends_on_it_and_asks(as_alice: Fnrun, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, "n\n")
    refused = as_alice("functions", "remove", "orders import")
    assert refused.code == Exit.NOT_WELL
    assert "remove them first: " in refused.stderr
    assert "import now" in refused.stderr
    assert FUNCTION_ID in api.world.registry.functions
    answers(monkeypatch, "y\n")
    assert as_alice("functions", "remove", "orders import").code == Exit.DONE
    assert FUNCTION_ID not in api.world.registry.functions
