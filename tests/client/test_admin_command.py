"""What `fnrun admin` refuses before it asks AWS."""

import sys
from pathlib import Path

import pytest
from fnrun.connection import local_stack
from fnrun.errors import Exit

from tests.client.cli import Fnrun


@pytest.mark.parametrize(
    ("grant", "says"),
    [
        ("*:*", "is not a grant. Next: WORKSPACE/RESOURCE:ACTION"),
        ("*/*:*", "is not a grant"),
        (f"{'w' * 63}/{'r' * 60}:{'a' * 20}", "128 characters at most"),
    ],
)
def test_what_is_no_grant_is_given_to_nobody(fnrun: Fnrun, grant: str, says: str) -> None:
    answer = fnrun("admin", "grant", "a@example.com", "acme/*:*", grant)
    assert answer.code == Exit.USAGE
    assert says in answer.stderr


def test_without_the_aws_sdk_it_says_what_to_install(
    fnrun: Fnrun, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(local_stack, "checkouts", lambda: iter([tmp_path]))
    monkeypatch.setitem(sys.modules, "boto3", None)
    answer = fnrun("admin", "user", "list")
    assert answer.code == Exit.USAGE
    assert "pip install 'fnrun[aws]'" in answer.stderr
