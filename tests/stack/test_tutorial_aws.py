"""The commands of docs/tutorial-aws.md after the deployment, line by line, on the emulator."""

import shlex
from pathlib import Path

from infra import ROOT
from infra.local.local_stack import LocalStack
from tests.docs.pages import blocks
from tests.stack.driver import Workspace
from tests.stack.own_machine import Machine

PAGE = ROOT / "docs" / "tutorial-aws.md"
TEMPORARY = "Correct-horse-1"
# The emulator mails nothing. Who has logged in on AWS calls that stack from then on; here, the local one is found first.
FNRUN = f"""
[ "$1 $2 $3" != "admin user add" ] || {{ echo {TEMPORARY} | $FNRUN "$@" --password-stdin; exit; }}
[ "$1" = login ] || [ ! -e config/config.toml ] || export FNRUN_PROFILE=default
exec $FNRUN "$@"
"""


def test_the_commands_of_the_page_run_as_they_stand(
    local_stack: LocalStack, workspace: Workspace, tmp_path: Path
) -> None:
    email = f"alice-{workspace.name}@example.com"
    here = {
        "alice@example.com": email,
        "my-workspace": workspace.name,
        "https://abc123.execute-api.eu-west-1.amazonaws.com": shlex.quote(local_stack.api_url),
        "arn:aws:lambda:eu-west-1:123456789012:function:orders-new": local_stack.samples["OrdersFunctionArn"],
    }
    script = "".join(blocks(PAGE, "sh fnrun"))
    for there, replaced in here.items():
        assert there in script
        script = script.replace(there, replaced)
    machine = Machine.of(tmp_path, local_stack, email, TEMPORARY)
    done = machine.shell(script, fnrun=FNRUN)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line for line in done.stderr.splitlines() if line.startswith("fnrun:")] == []
    for expected in ("ZeroDivisionError", "completed", f"In {workspace.name}: execute"):
        assert expected in done.stdout, done.stdout + done.stderr
    assert f"May in {workspace.name}: *:*" in done.stderr
    assert "Original Run" in done.stdout
