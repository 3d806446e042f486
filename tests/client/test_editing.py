"""Functions and triggers are edited as JSON documents, and no text of a person is lost."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from fnrun.errors import Exit

from tests.builders import FUNCTION_ARN, TRIGGER_ID, a_trigger
from tests.client.cli import Fnrun
from tests.client.faults import ANSWER_LOST
from tests.client.server import Api


class Editor:
    """A person's editor: it does to the document what the test says, and keeps what it was shown."""

    def __init__(self, directory: Path) -> None:
        self._script, self._seen = directory / "editor.py", directory / "seen.json"
        self.path = directory / "path"
        self.command = f"{sys.executable} '{self._script}'"
        self.does("")

    def does(self, code: str) -> None:
        """`d` is the document, `text` what is saved instead of it."""
        self._script.write_text(
            "import json, os, pathlib, sys\n"
            "assert 'FNRUN_TOKEN' not in os.environ\n"
            f"path = pathlib.Path(sys.argv[1]); shown = path.read_text(); d = json.loads(shown); text = None\n"
            f"pathlib.Path({str(self._seen)!r}).write_text(shown)\n"
            f"pathlib.Path({str(self.path)!r}).write_text(f'{{path}} {{path.stat().st_mode:o}}')\n"
            f"{code}\n"
            "path.write_text(json.dumps(d) if text is None else text)\n"
        )

    @property
    def seen(self) -> Any:
        return json.loads(self._seen.read_text())


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Editor:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    made = Editor(tmp_path)
    monkeypatch.setenv("EDITOR", made.command)
    monkeypatch.delenv("VISUAL", raising=False)
    return made


@pytest.fixture(autouse=True)
def with_params(api: Api) -> None:
    api.world.has_registered(a_trigger(), params=b'{"region":"eu"}')


def kept(stderr: str) -> Path:
    found = re.search(r"--file (\S+)\n", stderr)
    assert found
    return Path(found[1])


def puts(api: Api) -> list[Any]:
    return [each.json for each in api.requests if each.method == "PUT"]


def test_the_editor_shows_all_that_can_be_changed_in_a_file_of_its_owner_only(
    as_alice: Fnrun, api: Api, editor: Editor
) -> None:
    unchanged = as_alice("triggers", "edit", "import now")
    assert (unchanged.code, unchanged.stderr) == (Exit.DONE, "Nothing was changed.\n")
    assert editor.seen == {
        "name": "import now",
        "enabled": True,
        "triggerMetadata": {"params": {"region": "eu"}},
        "retryPolicy": {"maxRetries": 0},
        "version": 1,
    }
    path, mode = editor.path.read_text().split()
    assert mode == "100600"
    assert not Path(path).exists()
    assert puts(api) == []


def test_what_is_saved_is_sent_with_the_version_that_was_read(as_alice: Fnrun, api: Api, editor: Editor) -> None:
    editor.does("d['triggerMetadata']['params']['region'] = 'us'; d['retryPolicy'] = {'maxRetries': 2}")
    changed = as_alice("triggers", "edit", "import now")
    assert (changed.code, changed.stderr) == (Exit.DONE, "")
    assert '"region": "us"' in changed.stdout
    assert "retries   2, the first after 10 s" in changed.stdout
    assert puts(api)[0]["version"] == 1
    editor.does("d['retryPolicy'] = {'maxRetries': 0}")
    assert "retries" not in as_alice("triggers", "edit", "import now").stdout


def test_what_is_left_out_stays_and_that_is_said(as_alice: Fnrun, api: Api, editor: Editor) -> None:
    editor.does("del d['triggerMetadata']; d['name'] = 'later'")
    changed = as_alice("triggers", "edit", "import now", "-o", "json")
    assert changed.stderr == "triggerMetadata was left out, and stays as it is.\n"
    assert changed.document["triggerMetadata"] == {"params": {"region": "eu"}}
    assert changed.document["name"] == "later"


def test_a_function_is_edited_likewise(as_alice: Fnrun, editor: Editor) -> None:
    editor.does(
        f"d['ignoreDifferences'] = ['/at']; d['captureFailures'] = {{'triggerId': '{TRIGGER_ID}'}}; d['name'] = 'orders'"
    )
    changed = as_alice("functions", "edit", "orders import", "-o", "json").document
    assert editor.seen == {
        "name": "orders import",
        "functionArn": FUNCTION_ARN,
        "ignoreDifferences": [],
        "captureFailures": {},
        "version": 1,
    }
    assert (changed["name"], changed["ignoreDifferences"]) == ("orders", ["/at"])
    assert changed["captureFailures"] == {"triggerId": TRIGGER_ID}
    editor.does("d['captureFailures'] = {}; d['ignoreDifferences'] = []")
    ended = as_alice("functions", "edit", "orders", "-o", "json").document
    assert "captureFailures" not in ended


@pytest.mark.parametrize(
    ("code", "exit_code", "line"),
    [
        ("text = '{\"name\": '", Exit.USAGE, "The text is not JSON: line 1, column "),
        ("d['nmae'] = 1", Exit.USAGE, "'nmae' is no field of a trigger"),
        ("d['executionType'] = 'scheduled'", Exit.USAGE, "'executionType' cannot be changed"),
        ("d['retryPolicy'] = None", Exit.USAGE, "'retryPolicy' must not be null"),
        ("d['name'] = ''", Exit.REFUSED, "name"),
        ("d['retryPolicy'] = {'maxRetries': 101}", Exit.REFUSED, "retryPolicy.maxRetries"),
    ],
)
def test_what_cannot_be_sent_is_kept_and_taken_up_again(
    as_alice: Fnrun, api: Api, editor: Editor, *, code: str, exit_code: Exit, line: str
) -> None:
    editor.does(code)
    refused = as_alice("triggers", "edit", "import now")
    assert refused.code == exit_code
    assert refused.stderr.startswith(f"fnrun: {line}")
    assert refused.stderr.count("\n") == 1
    text = kept(refused.stderr)
    assert f"fnrun triggers edit 'import now' --file {text}" in refused.stderr
    text.write_text(json.dumps(editor.seen | {"name": "corrected"}))
    assert as_alice("triggers", "edit", "import now", "--file", str(text)).code == Exit.DONE
    assert api.world.registry.triggers[TRIGGER_ID].trigger.name == "corrected"
    assert text.exists()  # it is the caller's by now


def test_what_another_has_changed_meanwhile_is_not_overwritten(as_alice: Fnrun, api: Api, editor: Editor) -> None:
    editor.does("d['name'] = 'mine'; d['version'] = 0")  # as if another had changed it after it was read
    outdated = as_alice("triggers", "edit", "import now")
    assert outdated.code == Exit.REFUSED
    assert outdated.stderr.startswith("fnrun: Another has changed import now meanwhile, and nothing was overwritten")
    text = kept(outdated.stderr)
    assert f"into {text}, with version 1" in outdated.stderr
    text.write_text(text.read_text().replace('"version": 0', '"version": 1'))
    assert as_alice("triggers", "edit", "import now", "--file", str(text)).code == Exit.DONE
    assert api.world.registry.triggers[TRIGGER_ID].trigger.name == "mine"


def test_where_the_answer_is_lost_the_text_is_kept_and_it_is_not_sent_again(
    as_alice: Fnrun, api: Api, editor: Editor
) -> None:
    editor.does("d['name'] = 'mine'")
    api.inject(ANSWER_LOST, of="PUT ")
    lost = as_alice("triggers", "edit", "import now")
    assert lost.code == Exit.UNKNOWN
    assert kept(lost.stderr).exists()
    assert len(puts(api)) == 1


def test_a_file_may_hold_a_part_or_all_that_show_has_printed(as_alice: Fnrun, api: Api, tmp_path: Path) -> None:
    part, whole = tmp_path / "part.json", tmp_path / "whole.json"
    part.write_text('{"enabled": false}')
    changed = as_alice("triggers", "edit", "import now", "--file", str(part), "-o", "json")
    assert (changed.code, changed.document["enabled"], changed.document["version"]) == (Exit.DONE, False, 2)
    whole.write_text(as_alice("triggers", "show", "import now", "-o", "json").stdout)
    assert as_alice("triggers", "edit", "import now", "--file", str(whole)).stderr == "Nothing was changed.\n"
    part.write_text('{"name": ""}')
    assert as_alice("triggers", "edit", "import now", "--file", str(part)).stderr.endswith(f"correct it in {part}\n")
    whole.write_text(whole.read_text().replace('"eu"', '"us"'))
    assert as_alice("triggers", "edit", "import now", "--file", str(whole)).code == Exit.DONE
    outdated = as_alice("triggers", "edit", "import now", "--file", str(whole))
    assert f"into {whole}, with version 3" in outdated.stderr


def test_the_document_may_come_from_standard_input(
    as_alice: Fnrun, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    typed = tmp_path / "typed"
    typed.write_text('{"name": "piped"}')
    with typed.open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        assert as_alice("triggers", "edit", "import now", "--file", "-", "-o", "json").document["name"] == "piped"


def test_an_editor_that_fails_changes_nothing_and_keeps_what_was_saved(
    as_alice: Fnrun, api: Api, editor: Editor
) -> None:
    editor.does("raise SystemExit(3)")
    failed = as_alice("triggers", "edit", "import now")
    assert (failed.code, "The editor ended with 3, so nothing was changed. " in failed.stderr) == (Exit.USAGE, True)
    editor.does("path.write_text('half'); raise SystemExit(3)")
    saved = as_alice("triggers", "edit", "import now")
    assert Path(re.findall(r"your text is in (\S+)\. ", saved.stderr)[0]).read_text() == "half"
    assert puts(api) == []


@pytest.mark.parametrize("command", ["/no/such/editor --wait", "'unbalanced"])
def test_an_editor_that_is_none_is_said_in_one_line(
    as_alice: Fnrun, editor: Editor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("VISUAL", command)
    failed = as_alice("triggers", "edit", "import now")
    assert (failed.code, failed.stderr.count("\n")) == (Exit.USAGE, 1)
    assert [*tmp_path.glob("fnrun-*")] == []


def test_without_a_terminal_and_an_editor_a_file_is_asked_for(as_alice: Fnrun, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EDITOR", "VISUAL"):
        monkeypatch.delenv(name, raising=False)
    failed = as_alice("triggers", "edit", "import now")
    assert failed.code == Exit.USAGE
    assert "Next: add --file FILE" in failed.stderr
