"""The example of the client's README is a program that works."""

from typing import Any

import pytest

from handlers.domain import clock
from infra import ROOT
from tests.builders import a_run, an_id
from tests.client.server import Api, token
from tests.docs.pages import blocks


def test_it_reruns_what_has_failed(
    api: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = api.world.has_run(a_run(id=an_id(1), status="failure", created_at=clock.now()))
    monkeypatch.setenv("FNRUN_URL", api.url)
    monkeypatch.setenv("FNRUN_TOKEN", token())
    [example] = blocks(ROOT / "client" / "README.md", "python")
    names: dict[str, Any] = {}
    with api.executing():
        exec(compile(example, "README.md", "exec"), names)
    assert capsys.readouterr().out == f"{failed.id} completed\n"
    assert api.world.run(failed.id).recovered
