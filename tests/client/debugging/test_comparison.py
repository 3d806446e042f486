"""An outcome here agrees with the recorded one by the service's own rules."""

from typing import Any

import pytest
from fnrun.debugging.comparison import Comparison, compare, frames_of
from fnrun.debugging.outcome import Outcome

from handlers.domain.comparing.agreement import Ignored, result_fingerprint
from handlers.domain.json_document import compact


def recorded(status: str = "completed", error_code: str | None = None, **more: Any) -> dict[str, Any]:
    run = {"status": status, "errorCode": error_code, "errorSource": None, "resultOmitted": False, "erasedAt": None}
    return run | more


def an_error(*frames: tuple[str, str], message: str = "m") -> dict[str, Any]:
    trace = [f'  File "{file}", line {at}, in {name}\n    code\n' for at, (file, name) in enumerate(frames, 1)]
    return {"errorType": "KeyError", "errorMessage": message, "stackTrace": trace}


HANDLER = ("/var/task/app.py", "handler")
TOTAL = ("/opt/python/shop/totals.py", "total")


@pytest.mark.parametrize(
    ("here", "there"),
    [
        (True, 1),
        (False, 0),
        (1, 1.0),
        (1e0, 1),
        (0.1, 0.1),
        (1e300, 10**300),
        (10**30, 1e30),
        ("1", 1),
        (None, False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"a": [True]}, {"a": [1]}),
        ({"a": [1, 2]}, {"a": [2, 1]}),
        ([], {}),
        ({"id": 1, "a": 1}, {"id": 2, "a": 1}),
        ({"id": 1}, {}),
        ({"items": [{"at": 1, "n": 1}, {"at": 2}]}, {"items": [{"at": 3, "n": 1}, {}]}),
        ({"last": [1, 2, 3]}, {"last": [1, 2]}),
        ({"last": [1, 2]}, {"last": [3, 4]}),
    ],
)
def test_results_agree_as_the_service_s_results_agree(here: Any, there: Any) -> None:
    pointers = ["/id", "/items/*/at", "/last/1", "/last/2"]
    fingerprints = [result_fingerprint(compact(each).encode(), Ignored(pointers)) for each in (here, there)]
    compared = compare(Outcome("completed", result=here), recorded(result=there), ignored=pointers)
    assert compared.agrees is (fingerprints[0] == fingerprints[1])


def test_how_it_ended_comes_first_then_the_type_then_the_frames() -> None:
    run = recorded("failure", "KeyError", error=an_error(HANDLER, TOTAL, message="another"))
    same = an_error(("/var/task/app.py", "handler"), ("/opt/python/shop/totals.py", "total"))
    assert compare(Outcome("failure", "KeyError", error=same), run) == Comparison(agrees=True)
    assert compare(Outcome("completed", result=1), run).differs == ("status",)
    assert compare(Outcome("timeout", "Sandbox.Timedout"), run).differs == ("status",)
    assert compare(Outcome("failure", "ValueError", error=same), run).differs == ("errorCode",)
    assert compare(Outcome("failure", "KeyError", error=an_error(HANDLER)), run).differs == ("frames",)
    assert compare(Outcome("completed", result=2), recorded(result=1)).differs == ("result",)


def test_without_what_is_content_only_the_rest_is_compared_and_that_is_said() -> None:
    outcome = Outcome("failure", "KeyError", error=an_error(HANDLER))
    for hidden in (recorded("failure", "KeyError"), recorded("failure", "KeyError", error="cut …")):
        assert compare(outcome, hidden) == Comparison(agrees=True, not_compared=("frames",))
    for hidden in (recorded(), recorded(result=None, resultOmitted=True), recorded(result=None, erasedAt="2026-01-01")):
        assert compare(Outcome("completed", result=1), hidden) == Comparison(agrees=True, not_compared=("result",))


@pytest.mark.parametrize("status", ["pending", "running", "cancelled"])
def test_a_run_without_an_outcome_of_its_function_agrees_with_nothing(status: str) -> None:
    assert compare(Outcome("completed"), recorded(status)).agrees is None
    assert compare(Outcome("completed"), recorded("failure", "ExecutionLost", errorSource="service")).agrees is None


def test_frames_are_the_function_s_by_file_and_name_wherever_it_is_unpacked() -> None:
    frames = [
        ("/var/lang/lib/python3.13/importlib/__init__.py", "import_module"),
        ("<frozen importlib._bootstrap>", "_gcd_import"),
        HANDLER,
        HANDLER,
        ("/var/lang/lib/python3.13/site-packages/boto3/session.py", "client"),
        ("/home/me/.venv/lib/python3.13/site-packages/boto3/session.py", "client"),
        ("/var/runtime/botocore/client.py", "call"),
        ("/usr/lib/python3.13/json/decoder.py", "decode"),
        TOTAL,
    ]
    assert [tuple(frame) for frame in frames_of(an_error(*frames))] == [
        ("shop/totals.py", "total"),
        ("botocore/client.py", "call"),
        ("boto3/session.py", "client"),
        ("app.py", "handler"),
    ]


@pytest.mark.parametrize("error", [None, {}, {"stackTrace": "x"}, {"stackTrace": [None, 1, "text", ["a"]]}])
def test_a_trace_that_is_none_has_no_frames(error: Any) -> None:
    assert frames_of(error) == ()
