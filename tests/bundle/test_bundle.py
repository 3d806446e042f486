"""Every entry point starts from the bundle alone, compiles nothing, and handles real events."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from infra import bundle as bundling
from infra.bundle import CODE_ROOT, build_code, compile_all
from infra.lambda_test_events import EVENTS, events_of
from infra.local.emulator.process import REGION
from infra.local.local_stack import LocalStack
from tests.bundle.runtime_api import RuntimeApi
from tests.bundle.shipped import ENTRY_POINTS, Bundle, assemble
from tests.stack.driver import Workspace

RUN = "550e8400-e29b-41d4-a716-446655440000"
UNCHECKED_HASH = 0b01  # https://peps.python.org/pep-0552/
# What a stack without any workspace answers: status and code over HTTP, else the document or a part of it.
ANSWERS: dict[str, tuple[int, str | None] | dict[str, Any]] = {
    "api_audit-reruns": (200, None),
    "api_compare-with-its-source": (404, "NOT_FOUND"),
    "api_cancel-a-run": (404, "NOT_FOUND"),
    "api_erase-a-run": (404, "NOT_FOUND"),
    "api_error_groups-open": (200, None),
    "api_error_groups-resolve": (404, "NOT_FOUND"),
    "api_experiments-on-the-latest-code": (400, "RUN_NOT_FOUND"),
    "api_openapi-describe": (200, None),
    "api_registry-create-webhook": (400, "INVALID_REQUEST"),
    "api_registry-list-functions": (200, None),
    "api_registry-get-trigger": (404, "NOT_FOUND"),
    "api_rerun-same-input": {"code": "RUN_NOT_FOUND", "message": "Original run not found."},
    "api_rerun_plan-latest-code": (400, "RUN_NOT_FOUND"),
    "api_runs-history": (400, "RUN_NOT_FOUND"),
    "api_runs-failures": (200, None),
    "api_triggers-execute": (404, "NOT_FOUND"),
    "api_webhooks-unsigned": (404, "NOT_FOUND"),
    "capture_failures-retries-exhausted": {"batchItemFailures": []},
    "execute_runs-one-run": {"batchItemFailures": []},
    "on_event-event": {"dropped": "no such trigger"},
    "on_event-schedule": {"dropped": "no such trigger"},
}

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="AWS publishes its runtime client for Linux only")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return assemble(tmp_path_factory.mktemp("bundle"))


@contextmanager
def started(bundle: Bundle, local_stack: LocalStack, module: str) -> Iterator[RuntimeApi]:
    """The entry point as Lambda starts it: by AWS's client, with the variables that the stack gives it."""
    settings = {
        "AWS_ENDPOINT_URL": local_stack.emulator.url,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_LAMBDA_FUNCTION_NAME": f"FunctionRerun-{module}",
        "_HANDLER": f"handlers.{module}.lambda_handler",
    }
    with RuntimeApi(f"arn:aws:lambda:{REGION}:000000000000:function:FunctionRerun-{module}") as api:
        environment = variables(local_stack, module) | settings | {"AWS_LAMBDA_RUNTIME_API": api.address}
        process = bundle.start("serve", settings["_HANDLER"], environment=environment, log=subprocess.DEVNULL)
        try:
            yield api
        finally:
            process.kill()
            process.communicate()


def variables(local_stack: LocalStack, module: str) -> dict[str, str]:
    """The entry point's own; of one that the context has not asked for, those of all others."""
    functions = local_stack.client("lambda").list_functions()["Functions"]
    variables = {each["FunctionName"]: each["Environment"]["Variables"] for each in functions if "Environment" in each}
    of_the_stack = {name: each for name, each in variables.items() if name.startswith("FunctionRerun-")}
    own: dict[str, str] | None = of_the_stack.get(f"FunctionRerun-{module.replace('_', '-')}")
    return own or {name: value for each in of_the_stack.values() for name, value in each.items()}


def test_every_entry_point_imports_from_the_bundle_alone_and_compiles_nothing(bundle: Bundle) -> None:
    process = bundle.start("import", *(f"handlers.{module}" for module in ENTRY_POINTS))
    out, log = process.communicate()
    assert (process.returncode, log) == (0, "")
    files = [Path(file) for file in json.loads(out)["files"]]
    ours = [file for file in files if file.is_relative_to(bundle.code)]
    theirs = [file for file in files if file.is_relative_to(bundle.layer)]
    assert {f"{module}.py" for module in ENTRY_POINTS} <= {file.name for file in ours}
    assert len(theirs) > 100
    assert not [file for file in files if "site-packages" in file.parts]


def test_a_module_without_bytecode_would_be_noticed(bundle: Bundle, tmp_path: Path) -> None:
    package = tmp_path / "handlers"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "fresh.py").write_text("x = 1\n")
    process = bundle._replace(code=tmp_path).start("import", "handlers.fresh")
    assert "compiled at the cold start" in process.communicate()[1]
    compile_all(tmp_path, CODE_ROOT)
    assert bundle._replace(code=tmp_path).start("import", "handlers.fresh").communicate()[1] == ""


def test_bytecode_is_never_compared_with_its_source_and_says_where_it_lies_on_lambda(tmp_path: Path) -> None:
    compiled = sorted(build_code().rglob("*.pyc"))
    assert len(compiled) == len(sorted(build_code().rglob("*.py")))
    for file in compiled:
        assert int.from_bytes(file.read_bytes()[4:8], "little") == UNCHECKED_HASH
        assert f"{CODE_ROOT}/handlers".encode() in file.read_bytes()


def test_the_same_sources_give_the_same_bytes_wherever_they_are_compiled(tmp_path: Path) -> None:
    again = tmp_path / "somewhere-else"
    for source in build_code().rglob("*.py"):
        copy = again / source.relative_to(build_code())
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(source.read_bytes())
    compile_all(again, CODE_ROOT)
    for file in build_code().rglob("*.pyc"):
        assert (again / file.relative_to(build_code())).read_bytes() == file.read_bytes()


class Pip:
    """Leaves behind what the real one does: scripts that name this interpreter, and notes on the installation."""

    def __init__(self, *, fails: bool = False) -> None:
        self.fails = fails
        self.commands: list[list[str]] = []
        self._run = subprocess.run

    def __call__(self, command: list[str], **named: Any) -> Any:
        if "pip" not in command:
            return self._run(command, **named)
        self.commands.append(command)
        target = Path(command[command.index("--target") + 1])
        for file in ("a.py", "bin/a", "a-1.dist-info/RECORD", "a-1.dist-info/INSTALLER", "a-1.dist-info/METADATA"):
            (target / file).parent.mkdir(parents=True, exist_ok=True)
            (target / file).write_text("")
        return subprocess.CompletedProcess(command, returncode=int(self.fails))


@pytest.fixture
def pip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Pip:
    fake = Pip()
    monkeypatch.setattr(bundling, "BUILD", tmp_path)
    monkeypatch.setattr(subprocess, "run", fake)
    return fake


def test_the_layer_is_built_once_for_this_python_and_keeps_nothing_of_this_machine(pip: Pip) -> None:
    layer = bundling.build_layer()
    assert bundling.build_layer() == layer
    (command,) = pip.commands
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert command[command.index("--python-version") + 1] == python
    assert {"--require-hashes", "--no-deps", "manylinux2014_aarch64"} <= set(command)
    files = {file.relative_to(layer).as_posix() for file in layer.rglob("*") if file.is_file()}
    tag = sys.implementation.cache_tag
    assert files == {"python/a.py", "python/a-1.dist-info/METADATA", f"python/__pycache__/a.{tag}.pyc"}


def test_a_layer_that_cannot_be_built_leaves_nothing_behind(pip: Pip, tmp_path: Path) -> None:
    pip.fails = True
    with pytest.raises(bundling.BundleError, match="could not be installed"):
        bundling.build_layer()
    assert list(tmp_path.iterdir()) == []


@on_linux
@pytest.mark.parametrize("module", ENTRY_POINTS)
def test_an_entry_point_handles_its_events_under_aws_s_runtime(
    bundle: Bundle, local_stack: LocalStack, module: str
) -> None:
    events = {file.stem: json.loads(file.read_text()) for file in events_of(module)}
    assert events
    with started(bundle, local_stack, module) as api:
        for stem, event in events.items():
            answer = api.invoke(event)
            assert answer.outcome == "response", answer
            check(stem, answer.document)
        if module.startswith("api_") and module not in ("api_webhooks", "api_openapi"):
            answer = api.invoke(without_token(list(events.values())))
            assert (answer.document["statusCode"], code(answer.document)) == (401, "UNAUTHENTICATED")


def check(stem: str, document: Any) -> None:
    expected = ANSWERS.get(stem, {})
    if isinstance(expected, tuple):
        assert (document["statusCode"], code(document)) == expected
    else:
        assert expected.items() <= (document or {}).items()
        assert (document or {}).get("statusCode", 200) < 500


def code(answered: dict[str, Any]) -> str | None:
    found: str | None = json.loads(answered["body"]).get("code")
    return found


def without_token(events: list[dict[str, Any]]) -> dict[str, Any]:
    """An HTTP event of the entry point. Those of the re-run's are the console's, but its route is known."""
    over_http = next((event for event in events if "requestContext" in event), None)
    if over_http is None:
        over_http = json.loads((EVENTS / "api_runs-a-run.json").read_text())
        over_http["routeKey"] = "POST /workspace/{workspace}/api/v1/function-runs/{runId}/rerun"
        over_http["requestContext"]["http"]["method"] = "POST"
    context = {name: value for name, value in over_http["requestContext"].items() if name != "authorizer"}
    return over_http | {"requestContext": context}


@on_linux
def test_a_run_is_re_run_by_the_bundle(bundle: Bundle, local_stack: LocalStack, workspace: Workspace) -> None:
    """It opens and seals: the Encryption SDK and what is compiled of it work without this environment, too."""
    trigger, _ = workspace.trigger_of()
    original = workspace.execute(trigger, payload={"orderId": "o-1"})
    workspace.ended(original)
    text = (EVENTS / "api_rerun-with-override.json").read_text()
    event = json.loads(text.replace("my-workspace", workspace.name).replace(RUN, original))
    with started(bundle, local_stack, "api_rerun") as api:
        answer = api.invoke(event)
    assert answer.outcome == "response"
    assert workspace.ended(answer.document["jobId"])["status"] == "completed"
