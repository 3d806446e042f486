"""The commands of README, tutorial and how-to pages run as they stand, on a local stack that is up.

The blocks of a page marked as tested are one shell script. Those of how-to pages continue in the shell of the tutorial.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from infra import ROOT
from infra.local.local_stack import LocalStack
from tests.docs.pages import PAGES, TESTED, blocks, name

TUTORIAL = ROOT / "docs" / "tutorial.md"
# The tutorial as far as its function and its trigger: what how-to pages continue from.
SET_UP = "".join(blocks(TUTORIAL, TESTED)[:2])
SCRIPTS = {
    page: (SET_UP if page.parent.name == "how-to" else "") + "".join(commands)
    for page in PAGES
    if (commands := blocks(page, TESTED))
}
AN_ERROR = re.compile(r'"code":"[A-Z_]+"')
# What the answers of a page say.
EXPECTED = {
    "README.md": ['"errorCode":"ZeroDivisionError"', '"status":"completed"', '"result":{', '"rerunCount":1'],
    "docs/tutorial.md": ['"errorCode":"ZeroDivisionError"', '"rerunCount":4', '"status":"cancelled"'],
    "docs/how-to/audit.md": ['"action":"execute"', '"reason":"The customer asked"', '"overridden":true'],
    "docs/how-to/captured-failures.md": ['"executionSource":"captured"'],
    "docs/how-to/code-or-world.md": ['{"pointer":"/orderId","kind":"changed","before":"o-5"', '"verdict":"same"'],
    "docs/how-to/erase-a-customers-data.md": ['"parameters":null', '"action":"erase"'],
    "docs/how-to/events.md": ['"executionSource":"event"'],
    "docs/how-to/plan-a-rerun.md": ['"codeDiffers":false', '"refusals":[]', '"message":"Re-run successfully queued.'],
    "docs/how-to/recover-from-an-outage.md": ["3 to re-run\n", "completed\n", "\n0 to re-run\n"],
    "docs/how-to/retries.md": ['"rerunCount":2', '"rerunBy":"auto-retry"'],
    "docs/how-to/schedules.md": ['"message":'],
    "docs/how-to/webhooks.md": ['"status":"queued"'],
}


@pytest.fixture
def checkout(local_stack: LocalStack, tmp_path: Path) -> Path:
    """A directory like the repository after `make up`."""
    for folder in ("handlers", "infra"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / ".local").symlink_to(local_stack.emulator.directory)
    return tmp_path


def test_every_page_with_commands_says_what_to_expect() -> None:
    assert sorted(map(name, SCRIPTS)) == sorted(EXPECTED)


@pytest.mark.parametrize("page", SCRIPTS, ids=name)
def test_the_commands_of_a_page_run_as_they_stand(page: Path, checkout: Path) -> None:
    # A workspace of the page's own: names are unique in one, and the pages of a run of tests share a stack.
    script = SCRIPTS[page].replace("acme", f"docs-{page.stem.lower()}")
    bash = shutil.which("bash")
    assert bash is not None
    done = subprocess.run(
        [bash, "-eu", "-o", "pipefail"],
        cwd=checkout,
        input=script,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert AN_ERROR.findall(done.stdout) == []
    assert [text for text in EXPECTED[name(page)] if text not in done.stdout] == []
