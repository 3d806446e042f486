"""Help and completion load nothing that they do not use: a shell asks at every tab."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from handlers.domain.runs.outcome import Outcome
from handlers.domain.runs.run import Status
from tests.client.server import Api

_CLIENT = Path(__file__).parents[2] / "client"
_SLOW = {
    "pydantic",
    "rich",
    "httpx",
    "keyring",
    "boto3",
    "asyncio",
    "ssl",
    "function_rerun",
    "fnrun.connection.session",
}
_REPORT = """
import json, sys
from fnrun.main import run
try:
    run()
finally:
    sys.stderr.write("\\n" + json.dumps([*sys.modules]))
"""
RUN = "550e8400-e29b-41d4-a716-446655440000"
GROUP, BATCH = "1a2b3c4d" * 4, "7c0e8400-e29b-41d4-a716-446655440000"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    scope = {
        "url": "https://api.example.com",
        "workspace": "acme",
        "profile": None,
        "runs": [[RUN, "failure", "f-1", "2026-11-26T12:00:00.000Z"]],
        "functions": {"f-1": "orders-import", "f-2": "$(reboot)"},
        "triggers": {"t-1": "nightly"},
        "groups": {GROUP: "OrderInvalid in orders-import", "$(reboot)": "x"},
        "batches": {BATCH: "running 2026-11-26T12:00"},
    }
    (tmp_path / "completion.json").write_text(json.dumps({"scopes": [scope]}))
    return tmp_path


def fresh(config: Path, *arguments: str, **variables: str) -> tuple[str, set[str]]:
    """What a new interpreter prints, and which modules it has loaded."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    environment = kept | {"PYTHONPATH": str(_CLIENT), "FNRUN_CONFIG_DIR": str(config)} | variables
    ended = subprocess.run(
        [sys.executable, "-c", _REPORT, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    return ended.stdout, set(json.loads(ended.stderr.splitlines()[-1]))


def completed(config: Path, line: str, shell: str) -> tuple[str, set[str]]:
    words = line.split(" ")
    variables = {"_FNRUN_COMPLETE": f"complete_{shell}", "_TYPER_COMPLETE_ARGS": line}
    variables |= {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1), "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    return fresh(config, **variables)


def test_help_loads_nothing_slow(config: Path) -> None:
    printed, modules = fresh(config, "--help")
    assert "Usage: fnrun " in printed
    assert not modules & _SLOW


@pytest.mark.parametrize(
    "arguments",
    [
        ["runs", "--help"],
        ["rerun", "--help"],
        ["runs", "list", "--help"],
        ["replay", "--help"],
        ["errors", "--help"],
        ["batch", "--help"],
        ["batch", "start", "--help"],
    ],
)
def test_help_of_a_command_loads_nothing_that_only_the_command_uses(config: Path, arguments: list[str]) -> None:
    printed, modules = fresh(config, *arguments)
    assert f"Usage: fnrun {arguments[0]} " in printed
    assert not modules & (_SLOW - {"pydantic"})  # typer converts what was typed with it


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("fnrun re", "rerun"),
        ("fnrun runs sh", "show"),
        ("fnrun runs show 55", RUN),
        ("fnrun rerun ", RUN),
        ("fnrun execute n", "nightly"),
        ("fnrun runs list --function o", "orders-import"),
        ("fnrun runs list --status f", "failure"),
        ("fnrun rerun --effects s", "same"),
        ("fnrun rerun --ev", "--even-if-recovered"),
        ("fnrun experiment ", RUN),
        ("fnrun audit --action rer", "rerun"),
        ("fnrun runs list --group 1a", GROUP),
        ("fnrun errors sh", "show"),
        ("fnrun errors --st", "--state"),
        ("fnrun errors --state res", "resolved"),
        ("fnrun errors show ", GROUP),
        ("fnrun batch watch 7", BATCH),
        ("fnrun batch start --group ", GROUP),
        ("fnrun batch start --stop-on s", "same-error"),
    ],
)
def test_completion_offers_what_fits_and_loads_nothing_slow(config: Path, shell: str, line: str, offered: str) -> None:
    printed, modules = completed(config, line, shell)
    assert offered in printed
    assert not modules & _SLOW


def test_ids_are_offered_with_status_and_function(config: Path) -> None:
    assert completed(config, "fnrun rerun ", "fish")[0] == f"{RUN}\tfailure orders-import 2026-11-26T12:00\n"


def test_error_groups_and_batches_are_offered_with_what_is_known_of_them(config: Path) -> None:
    assert completed(config, "fnrun errors show ", "fish")[0] == f"{GROUP}\tOrderInvalid in orders-import\n"
    assert completed(config, "fnrun batch show ", "fish")[0] == f"{BATCH}\trunning 2026-11-26T12:00\n"


def test_what_a_shell_would_execute_is_not_offered(config: Path) -> None:
    assert completed(config, "fnrun runs list --function ", "bash")[0] == "orders-import\n"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"scopes": 1}', '{"scopes": [{"runs": [1]}]}', '{"scopes": [[]]}'])
def test_a_cache_that_is_none_is_as_if_it_were_empty(config: Path, content: str) -> None:
    (config / "completion.json").write_text(content)
    assert completed(config, "fnrun rerun ", "bash")[0].strip() == ""


def test_the_environment_chooses_among_workspaces(config: Path) -> None:
    variables = {"_FNRUN_COMPLETE": "complete_bash", "COMP_WORDS": "fnrun rerun ", "COMP_CWORD": "2"}
    assert fresh(config, **variables, FNRUN_WORKSPACE="acme")[0] == RUN + "\n"
    assert fresh(config, **variables, FNRUN_WORKSPACE="globex")[0].strip() == ""


def test_a_terminal_that_lacks_characters_shows_their_numbers(config: Path, api: Api) -> None:
    named = {"URL": api.url, "TOKEN": api.token(), "WORKSPACE": "acme"}
    variables = {f"FNRUN_{name}": value for name, value in named.items()} | {"PYTHONIOENCODING": "latin-1"}
    assert "\\u2026" in fresh(config, "--help", **variables)[0]
    assert "\\u251c\\u2500\\u2500 rerunCount: 0" in fresh(config, "history", RUN, **variables)[0]
    api.world.invoker.script = [Outcome(Status.COMPLETED, result='"é → 😀"'.encode())]
    with api.executing():
        shown = fresh(config, "execute", "import now", "--wait", "-o", "json", **variables)[0]
    revealed = fresh(config, "runs", "show", json.loads(shown)["id"], "--reveal", "-o", "json", **variables)[0]
    assert json.loads(revealed)["result"] == "é → 😀"
