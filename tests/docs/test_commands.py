"""The commands of README, tutorial and how-to pages run as they stand, on a local stack that is up.

The blocks of a page that are marked as tested are one shell script, or one session: commands with what they print.
Those of how-to pages begin with the sample function deployed, as the tutorial does.
"""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from infra import ROOT
from infra.local.local_stack import LocalStack
from tests.checkouts import a_checkout, environment
from tests.docs.console import Session, Step, steps
from tests.docs.pages import PAGES, TESTED, TESTED_SESSION, blocks, name, runnable

README = ROOT / "README.md"
SET_UP = "fnrun local deploy infra/local/samples/orders --handler function.handler --name orders"
AN_ERROR = re.compile(r'"code":"[A-Z_]+"|^fnrun: .*', re.MULTILINE)
# What the answers of a script say.
EXPECTED = {
    "docs/how-to/captured-failures.md": ["captured"],
    "docs/how-to/events.md": ["order-placed", "event"],
    "docs/how-to/webhooks.md": ['"status":"queued"'],
    "docs/reference/api.md": [
        '"errorCode":"ZeroDivisionError"',
        '"status":"completed"',
        '"result":{',
        '"rerunCount":1',
    ],
}


def sessions(page: Path) -> list[Step]:
    """With the scripts that stand between them, which print nothing that is shown."""
    parts = ([Step(text, [])] if info == TESTED else steps(text) for info, text in runnable(page))
    return [step for part in parts for step in part]


SESSIONS = {page: sessions(page) for page in PAGES if blocks(page, TESTED_SESSION)}
SCRIPTS = {page: "".join(script) for page in PAGES if page not in SESSIONS and (script := blocks(page, TESTED))}


class Shell:
    """In a directory like the repository after `make up`, and in a workspace of the page's own."""

    def __init__(self, checkout: Path, local_stack: LocalStack, page: Path) -> None:
        self._checkout = checkout
        # Names are unique in a workspace, and all pages share a stack. The README's reader has set nothing.
        self.workspace = "acme" if page == README else f"docs-{page.stem.lower()}"
        token = local_stack.token("alice", [f"{self.workspace}/*:*"])
        own = {} if page == README else {"FNRUN_WORKSPACE": self.workspace, "FNRUN_TOKEN": token}
        self._environment = environment(checkout, **own)

    def own(self, text: str) -> str:
        return text.replace("acme", self.workspace)

    def run(self, script: str, *options: str) -> "subprocess.CompletedProcess[str]":
        bash = shutil.which("bash")
        assert bash is not None
        return subprocess.run(
            [bash, "-u", *options],
            cwd=self._checkout, env=self._environment, input=self.own(script),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, check=False,
        )  # fmt: skip


def shell(page: Path, local_stack: LocalStack, tmp_path: Path) -> Shell:
    prepared = Shell(a_checkout(tmp_path, local_stack), local_stack, page)
    if page.parent.name == "how-to":
        done = prepared.run(SET_UP)
        assert done.returncode == 0, done.stdout
    return prepared


@pytest.mark.parametrize("page", SESSIONS, ids=name)
def test_the_commands_of_a_page_print_what_it_shows(page: Path, local_stack: LocalStack, tmp_path: Path) -> None:
    here, session = shell(page, local_stack, tmp_path), Session()
    so_far = ""
    for step in SESSIONS[page]:
        done = here.run(session.real(step.command))
        so_far += f"$ {step.command}\n{done.stdout}"
        missing = session.lines_missing([here.own(line) for line in step.shown], done.stdout)
        assert missing == [], so_far
        assert done.returncode == 0 or step.shown, so_far


def test_every_page_with_a_script_says_what_to_expect() -> None:
    assert sorted(map(name, SCRIPTS)) == sorted(EXPECTED)


@pytest.mark.parametrize("page", SCRIPTS, ids=name)
def test_the_script_of_a_page_runs_as_it_stands(page: Path, local_stack: LocalStack, tmp_path: Path) -> None:
    done = shell(page, local_stack, tmp_path).run(SCRIPTS[page], "-e", "-o", "pipefail")
    assert done.returncode == 0, done.stdout
    assert AN_ERROR.findall(done.stdout) == []
    assert [text for text in EXPECTED[name(page)] if text not in done.stdout] == []
