"""What people type wrongly: each is answered in one line, which says what to do."""

import shlex

import pytest
from fnrun.errors import Exit

from tests.builders import RUN_ID, a_run, an_id
from tests.client.cli import Fnrun
from tests.client.failing import FAILED, a_failed_run
from tests.client.server import Api

LIST, WITH_ITEMS = an_id(6), b'{"order":{"items":[{"price":0}]}}'
WRONG = [
    # The line, how it ends, what is said, and the next step.
    ("rerunn X", 2, "No such command 'rerunn'", "fnrun --help"),
    ("run list", 2, "No such command 'run'", "fnrun --help"),
    ("runs lst", 2, "No such command 'lst'", "fnrun runs --help"),
    ("runs show", 2, "Missing argument 'RUN'", "fnrun runs show --help"),
    ("runs show orders", 2, "'orders' is not the id of a run", "fnrun runs list"),
    ("runs show 5", 2, "'5' is not the id of a run", "fnrun runs list"),
    ("runs show abcd", 2, "No run that was listed lately begins with abcd", "fnrun runs list"),
    (f"runs show {an_id(404)}", 3, "Run not found", "check id and workspace"),
    (f"runs show {RUN_ID} --include params", 2, "--include 'params' is no part of a run", "choose among parameters"),
    ("runs list --status failed", 2, "'failed' is not one of", "fnrun runs list --help"),
    ("runs list --function orderz", 2, "There is no function 'orderz'", "fnrun functions list"),
    ("runs list --function 'orders imprt'", 2, "There is no function", "is it 'orders import'?"),
    ("runs list --from lately", 2, "--from is not a time", "write --from 2h, 3d, yesterday"),
    ("runs list --from 2h --to 3h", 3, "to: ", "correct --to"),
    ("runs list --limit 99999999999999999999999", 2, "--limit", "fnrun runs list --help"),
    (f"rerun {FAILED} --yes --set a={'[' * 20_000}", 2, "nested too deep", "correct it there"),
    ("runs list --limit 0", 2, "--limit", "fnrun runs list --help"),
    ("runs list --limt 5", 2, "No such option: --limt", "fnrun runs list --help"),
    ("rerun", 2, "Missing argument 'RUN", "fnrun rerun --help"),
    (f"rerun {FAILED}", 2, "Nobody can be asked here", "add --yes"),
    ("rerun -", 2, "Nobody can be asked where the runs are read from standard input", "add --yes, or --plan"),
    ("rerun - - --yes", 2, "- is named twice", "name it once"),
    ("rerun - --params - --yes", 2, "cannot both be read from standard input", "into a file"),
    (f"rerun {FAILED} --yes --set total", 2, "--set has no =", "write --set key=value"),
    (f"rerun {FAILED} --yes --set items[0]=1", 2, "an array is replaced as a whole", "write --set 'items=[…]'"),
    (f"rerun {FAILED} --yes --set a=1 --set a.b=2", 2, "are about the same", "leave one of them out"),
    (
        f"rerun {FAILED} --yes --params none.json",
        2,
        "--params is neither a JSON object nor a file",
        "write JSON, @FILE",
    ),
    (f"rerun {FAILED} --yes --not-before soon", 2, "--not-before is not a time", "write --not-before +2h"),
    (f"rerun {FAILED} --yes --not-before 2099-01-01", 3, "notBefore: ", "correct --not-before"),
    (f"rerun {FAILED} --yes --effects none", 2, "'none' is not one of 'new', 'same'", "fnrun rerun --help"),
    (f"rerun {FAILED} --yes --timeout 5m", 2, "nothing is waited for", "add --wait"),
    (f"rerun {FAILED} --yes --wait --timeout soon", 2, "--timeout is not a duration", "write --timeout 90s"),
    (f"rerun {FAILED} {RUN_ID} --yes --idempotency-key k", 2, "--idempotency-key is for one run", "name one RUN"),
    (f"rerun {FAILED} --yes --reason {'x' * 513}", 3, "reason: ", "correct --reason"),
    (f"rerun {FAILED} --yes --idempotency-key ''", 2, "--idempotency-key is not 1 to 255", "use a UUID"),
    ("execute 'import now' --idempotency-key ké", 2, "--idempotency-key is not 1 to 255", "use a UUID"),
    (f"experiment {FAILED} --yes --idempotency-key {'k' * 256}", 2, "--idempotency-key is not 1 to 255", "use a UUID"),
    ("execute 'import now' --payload 'cut \udcff'", 2, "An argument is not UTF-8", "type it in UTF-8"),
    (f"rerun {FAILED} --yes --reason \udcff", 2, "An argument is not UTF-8", "type it in UTF-8"),
    (f"rerun {FAILED} --yes --set /items/0/price=2", 2, "is a JSON Pointer", "write --set items.0.price=…"),
    (f"rerun {LIST} --yes --set order.items.0.price=2", 2, "--set order.items.0 names one", "--set 'order.items=[…]'"),
    ("execute", 2, "Missing argument 'TRIGGER'", "fnrun execute --help"),
    ("execute nightly", 2, "There is no trigger 'nightly'", "fnrun triggers list"),
    ("execute 'import now' --payload order.json", 2, "--payload is neither a JSON object nor a file", "@FILE"),
    ("execute 'import now' --payload [1]", 2, "--payload is not a JSON object", "put the value under a key"),
    ("execute 'import now' --payload '{\"a\": }'", 2, "--payload is not JSON: line 1, column 7", "correct it there"),
    (f"execute {an_id(404)}", 3, "Trigger not found", "check id and workspace"),
    (f"cancel {RUN_ID}", 3, "The run has ended (completed)", f"fnrun runs show {RUN_ID}"),
    (f"erase {RUN_ID}", 2, "Nobody can be asked here", "add --yes"),
    ("errors shwo", 2, "No such command 'shwo'. Did you mean 'show'?", "fnrun errors --help"),
    ("errors show", 2, "Missing argument 'GROUP'", "fnrun errors show --help"),
    ("errors show orders", 2, "'orders' is not the id of an error group", "fnrun errors"),
    ("errors ignore abcd", 2, "No error group that was listed lately begins with abcd", "fnrun errors, or type"),
    (f"errors show {'ab' * 16}", 3, "rror group not found", "check id and workspace"),
    ("errors --from lately", 2, "--from is not a time", "write --from 2h, 3d, yesterday"),
    ("errors --from 2h --to 3h", 3, "to: ", "correct --to"),
    ("errors --function orderz", 2, "There is no function 'orderz'", "fnrun functions list"),
    ("errors --state closed", 2, "'closed' is not one of 'open'", "fnrun errors list --help"),
    (f"batch start {FAILED}", 2, "Nothing says why", "add --reason WHY"),
    (f"batch start {FAILED} --reason ' '", 2, "Nothing says why", "add --reason WHY"),
    ("batch start --failed-on v1 --plan", 2, "--failed-on is not the number of a version", "write --failed-on 8"),
    (f"batch start {FAILED} --start-per-second 50 --plan", 3, "is more than maxPerSecond, 10", "--start-per-second"),
    ("batch stop abcd", 2, "No such command 'stop'", "fnrun batch pause BATCH, or for good fnrun batch cancel BATCH"),
    ("batch resume abcd --latest", 2, "No such option: --latest", "fnrun batch cancel BATCH, then fnrun batch start"),
    ("errors 1a2b3c4d", 2, "No such command '1a2b3c4d'", "fnrun errors show 1a2b3c4d"),
    ("errors show e3", 2, "'e3' is not the id of an error group", "type at least 4 characters of it: fnrun errors"),
    ("errors resolve abcd --in-version abc", 2, "--in-version is not the number", "write --in-version 8"),
    ("rerun --group abcd", 2, "No such option: --group", "fnrun batch start --group GROUP"),
    ("batch start --reason x", 2, "Nothing says which runs to re-run", "name runs, or choose what failed: --group"),
    (f"batch start {FAILED} --error E --reason x", 2, "and others are chosen by options", "either name runs"),
    (f"batch start {FAILED} --reason x", 2, "Nobody can be asked here", "add --yes"),
    ("batch start - --reason x", 2, "Nobody can be asked where the runs are read from", "add --yes, or --plan"),
    ("batch start --group abcd --reason x", 2, "No error group that was listed lately", "fnrun errors"),
    (
        "batch start --error E --reason x --stop-on never",
        2,
        "--stop-on 'never' is no rule",
        "write --stop-on same-error",
    ),
    ("batch start --error E --reason x --double-every often", 2, "--double-every is not a dur", "write --double-every"),
    ("batch start --error E --reason x --timeout 5m", 2, "nothing is waited for", "add --wait"),
    ("batch start --error E --reason x --canary -1", 2, "--canary", "fnrun batch start --help"),
    ("batch start --error E --reason x --max-per-second 1000", 3, "pace.maxPerSecond: ", "correct --max-per-second"),
    ("batch start --error E --reason x --stop-on rate=2", 3, "stopWhen.failureRate: ", "correct --stop-on rate"),
    ("batch start --error E --reason x --version 8 --latest", 3, "functionVersion: ", "correct --version"),
    ("batch start --from 2h --to 3h --reason x", 3, "filter.to: ", "correct --to"),
    (f"batch watch {an_id(404)}", 3, "atch not found", "check id and workspace"),
    ("batch pause 5", 2, "'5' is not the id of a batch", "fnrun batch list"),
    (f"batch cancel {an_id(404)}", 2, "Nobody can be asked here", "add --yes"),
    (f"history {an_id(404)}", 3, "run not found", "fnrun runs list; runs are deleted"),
    (f"history {RUN_ID} --output yaml", 2, "'yaml' is not one of 'table', 'json'", "fnrun history --help"),
]


@pytest.mark.parametrize(("line", "code", "said", "next_step"), WRONG, ids=[each[0][:60] for each in WRONG])
def test_a_wrong_command_is_answered_in_one_line(
    as_alice: Fnrun, api: Api, *, line: str, code: int, said: str, next_step: str
) -> None:
    a_failed_run(api)
    api.world.has_run(a_run(id=LIST, status="failure", error_code="E", error_source="function"), WITH_ITEMS)
    before = len(api.world.runs.runs)
    ended = as_alice(*shlex.split(line))
    last = ended.stderr.splitlines()[-1]
    assert (ended.code, ended.stdout) == (code, "")
    assert last.startswith("fnrun: ")
    message, _, step = last.partition(" Next: ")
    assert said in message
    assert next_step in step
    assert len(api.world.runs.runs) == before
    # Only what is asked about stands before it.
    assert ended.stderr.count("\n") == 1 or ended.stderr.startswith(("Plan of a ", "Erase for good"))


def test_whoever_is_not_logged_in_is_told_how(fnrun: Fnrun, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FNRUN_URL", api.url)
    monkeypatch.setenv("FNRUN_WORKSPACE", "acme")
    ended = fnrun("runs", "list")
    assert ended.code == Exit.NOT_PERMITTED
    assert "Nobody is logged in. Next: fnrun login " in ended.stderr
    monkeypatch.setenv("FNRUN_TOKEN", "not-a-token")
    assert fnrun("runs", "list").code == Exit.NOT_PERMITTED
    assert "Next: unset FNRUN_TOKEN, or set it to a new token" in fnrun("runs", "list").stderr
    monkeypatch.delenv("FNRUN_WORKSPACE")
    assert "No workspace is named. Next: add --workspace NAME" in fnrun("runs", "list").stderr
