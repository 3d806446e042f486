"""`fnrun compare`: two runs side by side, and what differs in what they hold."""

import pytest
from fnrun.errors import Exit

from handlers.domain.runs.outcome import Outcome
from handlers.domain.runs.run import Status
from tests.builders import a_pin, a_rerun, a_run, an_id
from tests.client.cli import Fnrun
from tests.client.failing import FAILED, a_failed_run
from tests.client.server import Api

FIXED = an_id(21)


def a_fixed_rerun(api: Api, *, result: bytes = b'{"total":30}') -> str:
    """Of a failed run, on a newer version and with another order id."""
    a_failed_run(api)
    rerun = a_rerun(api.world.run(FAILED), id=FIXED, status="pending", pin=a_pin(8))
    api.world.has_run(rerun, b'{"order":{"id":"o-6","total":20},"mode":"strict"}')
    api.world.invoker.script.append(Outcome(Status.COMPLETED, result=result))
    api.execute_pending()
    return FIXED


def test_a_rerun_is_compared_with_the_run_that_it_repeats(as_alice: Fnrun, api: Api) -> None:
    shown = as_alice("compare", a_fixed_rerun(api), "--utc")
    assert (shown.code, shown.stderr) == (Exit.DONE, "")
    lines = [line.split() for line in shown.stdout.splitlines()]
    assert ["run", FAILED, FIXED] in lines
    assert ["code", "hash-of-7", "hash-of-8", "differs"] in lines
    assert ["configuration", "hash-of-the-conf…", "hash-of-the-conf…", "differs"] in lines
    assert ["status", "failure", "completed", "differs"] in lines
    assert ["error", "OrderInvalid", "differs"] in lines
    [took] = [line for line in lines if line[:1] == ["took"]]  # the second one is real time
    assert (took[1:3], took[-1]) == (["2.0", "s"], "differs")
    assert ["executions", "1", "1", "same"] in lines
    assert shown.stdout.splitlines()[-5:] == [
        "parameters: 1 difference",
        '  ~ /order/id  "o-5" → "o-6"',
        "overrides: none in both",
        "result: only after",
        "error: none in both",
    ]


def test_json_is_the_document_of_the_api(as_alice: Fnrun, api: Api) -> None:
    document = as_alice("compare", a_fixed_rerun(api), "-o", "json").document
    assert document["differs"]["status"] is True
    assert document["content"]["parameters"]["differences"][0]["after"] == "o-6"


def test_any_other_run_may_be_named_and_equal_is_said(as_alice: Fnrun, api: Api) -> None:
    a_failed_run(api)
    a_failed_run(api, an_id(22))
    shown = as_alice("compare", FAILED, an_id(22), "--exit-code")
    assert shown.code == Exit.DONE
    assert "parameters: equal\n" in shown.stdout
    assert f"run            {an_id(22)}  {FAILED}" in shown.stdout


def test_with_exit_code_a_difference_of_outcome_or_content_ends_with_one(as_alice: Fnrun, api: Api) -> None:
    fixed = a_fixed_rerun(api)
    assert as_alice("compare", fixed).code == Exit.DONE
    assert as_alice("compare", fixed, "--exit-code").code == Exit.NOT_WELL
    other = api.world.has_run(a_run(id=an_id(23)), b'{"a":1}').id
    same = api.world.has_run(a_run(id=an_id(24)), b'{"a":2}').id
    assert as_alice("compare", other, same, "--exit-code").code == Exit.NOT_WELL


def test_without_the_grant_one_line_says_which_and_nothing_of_the_content_is_shown(
    as_alice: Fnrun, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    fixed = a_fixed_rerun(api)
    monkeypatch.setenv("FNRUN_TOKEN", api.token("bob", "acme/function-runs:read"))
    shown = as_alice("compare", fixed)
    assert shown.code == Exit.DONE
    assert shown.stderr == (
        "Parameters, result and error are not compared for you. Next: ask for the grant function-runs:reveal\n"
    )
    assert "o-6" not in shown.stdout


def test_what_a_function_returns_does_not_drive_the_terminal(as_alice: Fnrun, api: Api) -> None:
    fixed = a_fixed_rerun(api, result=b'{"\\u001b[2J":"\\u202e\\u0007"}')
    again = a_rerun(api.world.run(fixed), id=an_id(25), status="pending")
    api.world.has_run(again, b'{"\\u009b1m":1}')
    api.execute_pending()
    shown = as_alice("compare", an_id(25))
    assert '  - /\\u001b[2J  "\\u202e\\u0007"' in shown.stdout
    assert "  + /\\u009b1m" in shown.stdout
    assert all(line.isprintable() for line in shown.stdout.splitlines())


def test_a_run_that_repeats_none_needs_another_one(as_alice: Fnrun, api: Api) -> None:
    a_failed_run(api)
    refused = as_alice("compare", FAILED)
    assert refused.code == Exit.REFUSED
    assert refused.stderr == (
        f"fnrun: This run repeats none that it could be compared with. Next: name another run: fnrun compare {FAILED} OTHER\n"
    )
