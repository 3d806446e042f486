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
ERASE = ROOT / "docs" / "how-to" / "erase-a-customers-data.md"
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
    "docs/how-to/erase-a-customers-data.md": ["all 2 runs are erased\n", '"parameters":null', '"action":"erase"'],
    "docs/how-to/events.md": ['"executionSource":"event"'],
    "docs/how-to/plan-a-rerun.md": ['"codeDiffers":false', '"refusals":[]', '"message":"Re-run successfully queued.'],
    "docs/how-to/prove-a-fix.md": ['"codeDiffers":true', '"status":"completed"', '"code":true', '"verdict":"code"'],
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


def run(script: str, checkout: Path) -> subprocess.CompletedProcess[str]:
    bash = shutil.which("bash")
    assert bash is not None
    return subprocess.run(
        [bash, "-eu", "-o", "pipefail"],
        cwd=checkout,
        input=script,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_every_page_with_commands_says_what_to_expect() -> None:
    assert sorted(map(name, SCRIPTS)) == sorted(EXPECTED)


@pytest.mark.parametrize("page", SCRIPTS, ids=name)
def test_the_commands_of_a_page_run_as_they_stand(page: Path, checkout: Path) -> None:
    # A workspace of the page's own: names are unique in one, and the pages of a run of tests share a stack.
    done = run(SCRIPTS[page].replace("acme", f"docs-{page.stem.lower()}"), checkout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert AN_ERROR.findall(done.stdout) == []
    assert [text for text in EXPECTED[name(page)] if text not in done.stdout] == []


@pytest.mark.parametrize("missing", ["erase", "read"])
def test_an_erasure_that_is_refused_stops_and_says_what_is_not_erased(missing: str, checkout: Path) -> None:
    resources = ["function-triggers:*", "compute-functions:*", "audit:read", "function-runs:reveal"]
    left = {"erase", "read"} - {missing}
    grants = [*resources, *(f"function-runs:{each}" for each in left)]
    script = SCRIPTS[ERASE].replace("--grant 'acme/*:*'", " ".join(f"--grant 'acme/{each}'" for each in grants))
    done = run(script.replace("acme", f"docs-no-{missing}"), checkout)
    assert done.returncode == 1
    assert re.search(rf"\nNOT ALL IS ERASED: [A-Z]+ [-0-9a-f]{{36}}/.* 403 .*:{missing}", f"\n{done.stderr}")
    assert " erased" not in done.stdout
