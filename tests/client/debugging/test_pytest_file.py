"""The file that is exported is a pytest file of its own: it runs without fnrun, and ruff has nothing to say."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fnrun.debugging.pytest_file import pytest_file

ORDERS = """
def handler(order, context):
    paid = [item for item in order["items"] if item["price"]]
    return {"id": context.aws_request_id, "average": sum(item["price"] for item in paid) / len(paid)}
"""
FIXED = ORDERS.replace("/ len(paid)", "/ len(paid) if paid else 0")


def exported(folder: Path, code: str, *, ignored: list[str] | None = None, **changes: Any) -> Path:
    run = {"id": "43b603bd-1111", "status": "failure", "errorCode": "ZeroDivisionError"} | changes
    text = pytest_file(
        name="run_43b603bd",
        fixture="run_43b603bd.json",
        run=run,
        handler="app.handler",
        redacted={},
        ignored=ignored or [],
    )
    fixture = {
        "runId": "r-1",
        "handler": "app.handler",
        "functionArn": "arn",
        "functionName": "orders",
        "functionVersion": "3",
        "custom": {},
        "parameters": {"items": [{"price": 0}]},
        "timeoutSeconds": 0.5,
        "ignored": ignored,
        "result": changes.get("result"),
    }
    (folder / "tests").mkdir(exist_ok=True)
    (folder / "app.py").write_text(code)
    (folder / "tests" / "run_43b603bd.json").write_text(json.dumps(fixture))
    file = folder / "tests" / "test_run_43b603bd.py"
    file.write_text(text)
    return file


def outcome_of_pytest(folder: Path) -> tuple[int, str]:
    """In an interpreter that has pytest, and nothing of fnrun's on its path."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "tests"]
    environment = {"PYTHONDONTWRITEBYTECODE": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def test_of_a_failed_run_it_fails_until_the_function_is_fixed(tmp_path: Path) -> None:
    exported(tmp_path, ORDERS)
    status, said = outcome_of_pytest(tmp_path)
    assert status == 1
    assert "ZeroDivisionError: division by zero" in said
    (tmp_path / "app.py").write_text(FIXED)
    assert outcome_of_pytest(tmp_path)[0] == 0


@pytest.mark.parametrize("status", ["failure", "timeout"])
def test_where_the_code_is_not_it_says_so_and_another_missing_module_is_named(tmp_path: Path, status: str) -> None:
    exported(tmp_path, "import not_there\n", status=status)
    assert "ModuleNotFoundError: No module named 'not_there'" in outcome_of_pytest(tmp_path)[1]
    (tmp_path / "app.py").unlink()
    failed, said = outcome_of_pytest(tmp_path)
    assert failed == 1
    assert "cannot import app: run this in the folder of the code" in said
    assert "Traceback" not in said
    assert "ModuleNotFoundError" not in said


def test_of_a_completed_run_it_asserts_the_result_but_for_what_differs_each_time(tmp_path: Path) -> None:
    recorded = {"id": "another", "average": 0}
    exported(tmp_path, FIXED, status="completed", errorCode=None, result=recorded)
    status, said = outcome_of_pytest(tmp_path)
    assert status == 1
    assert "'id': 'another'" in said
    exported(tmp_path, FIXED, ignored=["/id"], status="completed", errorCode=None, result=recorded)
    assert outcome_of_pytest(tmp_path)[0] == 0
    exported(tmp_path, FIXED, ignored=["/id"], status="completed", errorCode=None, result={"id": "", "average": 1})
    assert outcome_of_pytest(tmp_path)[0] == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [("threading.Event().wait()", 1), ("raise ValueError", 1), ("return None", 0)],
)
def test_of_a_run_that_timed_out_it_fails_until_the_function_ends_in_time(
    tmp_path: Path, body: str, status: int
) -> None:
    code = f"import threading\ndef handler(event, context):\n    {body}\n"
    exported(tmp_path, code, status="timeout", errorCode="Sandbox.Timedout")
    assert outcome_of_pytest(tmp_path)[0] == status


def test_of_a_result_that_was_no_json_it_fails_until_it_is(tmp_path: Path) -> None:
    for code, status in (("def handler(e, c): return {1}", 1), ("def handler(e, c): return [1]", 0)):
        exported(tmp_path, code, errorCode="Runtime.MarshalError")
        assert outcome_of_pytest(tmp_path)[0] == status


HOSTILE = "'''\\N{x}\"\"\"\n import os"


@pytest.mark.parametrize("status", ["failure", "completed", "timeout"])
@pytest.mark.parametrize("ignored", [[], ["/id"]])
def test_ruff_has_nothing_to_say_and_no_name_breaks_out_of_its_text(
    tmp_path: Path, status: str, ignored: list[str]
) -> None:
    run = {"id": HOSTILE, "status": status, "errorCode": HOSTILE}
    file = tmp_path / "test_run_a.py"
    file.write_text(
        pytest_file(
            name="run_a", fixture="run_a.json", run=run, handler="src/app.handler",
            redacted={f"/{HOSTILE}": 1, "/b": 2}, ignored=ignored,
        )
    )  # fmt: skip
    ruff = [sys.executable, "-m", "ruff"]
    strict = ["--select", "ALL", "--ignore", "D,S101,INP001,COM812,CPY,E501"]
    for command in (
        [*ruff, "check", "--isolated", str(file)],
        [*ruff, "check", "--isolated", *strict, str(file)],
        [*ruff, "format", "--isolated", "--check", str(file)],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    compile(file.read_text(), "x", "exec", dont_inherit=True)
    assert "\nimport os" not in file.read_text()
