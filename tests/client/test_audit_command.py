"""`fnrun audit`: who did what."""

import pytest
from fnrun.commands.audit import ACTIONS
from fnrun.errors import Exit

from handlers.domain.audit.act import Action
from tests.builders import FUNCTION_ID, TRIGGER_ID
from tests.client.cli import Fnrun
from tests.client.failing import FAILED, a_failed_run, reruns_of
from tests.client.server import Api


@pytest.fixture(autouse=True)
def acts(as_alice: Fnrun, api: Api) -> str:
    """A trigger executed, a run re-run: the id of the re-run."""
    a_failed_run(api)
    assert as_alice("execute", TRIGGER_ID).code == Exit.DONE
    assert as_alice("rerun", FAILED, "--yes", "--reason", "why\x1b[2J not", "--set", "note=x").code == Exit.DONE
    [rerun] = reruns_of(api)
    return rerun.id


def test_each_act_has_a_line_with_who_what_which_run_and_why(as_alice: Fnrun, acts: str) -> None:
    shown = as_alice("audit", "--utc")
    assert (shown.code, shown.stderr) == (Exit.DONE, "")
    head, rerun, execute = shown.stdout.splitlines()
    assert head.split() == ["AT", "BY", "ACTION", "ON", "DETAILS", "REASON"]
    assert f"alice  rerun    {FAILED}" in rerun
    assert f"started {acts}, overridden: /note" in rerun
    assert rerun.endswith("why\\u001b[2J not")
    assert f"alice  execute  import now ({TRIGGER_ID})" in execute


def test_json_is_an_array_of_the_apis_acts(as_alice: Fnrun) -> None:
    document = as_alice("audit", "-o", "json").document
    assert [act["action"] for act in document] == ["rerun", "execute"]
    assert document[0]["overridePaths"] == ["/note"]


def test_filters_are_those_of_the_api(as_alice: Fnrun, api: Api) -> None:
    def actions(*options: str) -> list[str]:
        return [act["action"] for act in as_alice("audit", "-o", "json", *options).document]

    assert actions("--run", FAILED) == ["rerun"]
    assert actions("--action", "execute", "--trigger", "import now") == ["execute"]
    assert actions("--by", "bob") == []
    assert actions("--to", "yesterday") == []
    assert actions("--from", "1h", "--action", "rerun") == ["rerun"]
    assert "from=" in api.requests[-1].query
    assert actions("--experiment", FUNCTION_ID) == []


def test_a_limit_says_that_there_may_be_more(as_alice: Fnrun) -> None:
    one = as_alice("audit", "--limit", "1")
    assert one.stderr == "These are the newest 1: add --limit or --all.\n"
    assert len(one.stdout.splitlines()) == 2
    assert as_alice("audit", "--limit", "1", "--all").stderr == ""


def test_where_nothing_matches_it_is_said(as_alice: Fnrun) -> None:
    none = as_alice("audit", "--by", "nobody")
    assert (none.code, none.stdout, none.stderr) == (Exit.DONE, "", "No act matches.\n")
    assert as_alice("audit", "--by", "nobody", "-o", "json").document == []


def test_an_unknown_action_is_refused_in_one_line(as_alice: Fnrun) -> None:
    refused = as_alice("audit", "--action", "dance")
    assert refused.code == Exit.REFUSED
    assert refused.stderr.startswith("fnrun: action: must be one of ")
    assert refused.stderr.count("\n") == 1


def test_a_shell_offers_the_actions_of_the_service() -> None:
    assert {*ACTIONS} == {*Action}
