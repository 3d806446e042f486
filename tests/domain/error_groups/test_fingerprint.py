"""Failures are alike if function, error type and frames are: of every runtime's errors, and of whatever is made up."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.domain.error_groups.fingerprint import INNERMOST, group_id
from handlers.domain.error_groups.noting import FailureGrouping
from handlers.domain.errors import Unavailable
from handlers.domain.json_document import MAX_INLINE_BYTES
from handlers.domain.runs.finish import ERASED, EXECUTION_LOST
from handlers.domain.runs.frames import frames_of
from handlers.domain.runs.outcome import Outcome
from handlers.domain.runs.run import ErrorSource, Status
from handlers.domain.seal import KeyRefused, SealBroken
from tests.builders import FUNCTION_ID, a_run, an_id
from tests.domain.error_groups import library_samples
from tests.domain.error_groups.samples import SAMPLES, Json, Sample, java, python
from tests.fakes import World

SECRET = b"the stack's"


def group_of(document: Json | bytes, *, secret: bytes = SECRET, **run: Any) -> str | None:
    payload = document if isinstance(document, bytes) else json.dumps(document).encode()
    return groups(secret).group_of(a_run(**run), Outcome.of_failed_invocation(payload))


def groups(secret: bytes | Exception = SECRET) -> FailureGrouping:
    def read() -> bytes:
        if isinstance(secret, Exception):
            raise secret
        return secret

    world = World()
    return FailureGrouping(world.groups, world.bus, read)


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_a_runtimes_errors_are_grouped_by_type_and_frames(sample: Sample) -> None:
    assert_grouped(sample)
    assert frames_of(json.dumps(sample.document).encode())[:INNERMOST] == sample.frames


@pytest.mark.parametrize("sample", library_samples.SAMPLES.values(), ids=library_samples.SAMPLES)
def test_errors_of_libraries_are_grouped_by_the_code_around_them_and_their_causes(sample: Sample) -> None:
    assert_grouped(sample)


def assert_grouped(sample: Sample) -> None:
    group = group_of(sample.document)
    assert group is not None
    assert [group_of(each) for each in sample.alike] == [group] * len(sample.alike)
    others = [group_of(each) for each in sample.others]
    assert len({group, *others}) == 1 + len(others)


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_the_same_error_of_another_function_is_another_group(sample: Sample) -> None:
    assert group_of(sample.document, function_id=an_id(2)) != group_of(sample.document)


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_only_who_has_the_secret_can_find_out_frames_from_an_id(sample: Sample) -> None:
    is_same = group_of(sample.document, secret=b"another stack's") == group_of(sample.document)
    assert is_same == (not sample.frames)


@pytest.mark.parametrize(
    "changes", [{"execution_source": "rerun", "is_rerun": True}, {"retry_attempt": 2}, {}], ids=str
)
def test_a_rerun_and_an_automatic_retry_that_fail_alike_are_in_the_same_group(changes: dict[str, Any]) -> None:
    other = {"id": an_id(8), "trigger_id": an_id(9), "pin": None}
    assert group_of(python("handler"), **other | changes) == group_of(python("handler"))


def test_an_experiment_is_in_no_group() -> None:
    assert group_of(python("handler"), execution_source="experiment") is None


@pytest.mark.parametrize("outcome", [Outcome(Status.COMPLETED), Outcome(Status.CANCELLED)], ids=str)
def test_what_has_not_failed_is_in_no_group(outcome: Outcome) -> None:
    assert groups().group_of(a_run(), outcome) is None


@pytest.mark.parametrize("outcome", [EXECUTION_LOST, ERASED, Outcome.of_error("FunctionAccessDenied", "No.")], ids=str)
def test_an_error_of_the_service_is_grouped_by_its_name_without_a_secret(outcome: Outcome) -> None:
    found = groups(Unavailable()).group_of(a_run(), outcome)
    assert found == groups()._replace(secret=None).group_of(a_run(), outcome) is not None
    of_function = group_of({"errorType": outcome.error_code})
    assert found != of_function, "both have names for errors, and they may be the same"


@pytest.mark.parametrize("fault", [Unavailable(), KeyRefused(), SealBroken()], ids=repr)
def test_while_no_secret_can_be_had_a_failure_is_in_no_group_and_nothing_raises(fault: Exception) -> None:
    outcome = Outcome.of_failed_invocation(json.dumps(python("handler")).encode())
    assert groups(fault).group_of(a_run(), outcome) is None
    without_frames = Outcome.of_failed_invocation(b'{"errorType": "errorString"}')
    assert groups(fault).group_of(a_run(), without_frames) is not None


def test_an_error_that_is_too_large_to_be_kept_is_grouped_as_any_other() -> None:
    assert group_of(python("handler", message="x" * MAX_INLINE_BYTES)) == group_of(python("handler"))


def test_an_error_without_frames_is_keyed_too_if_it_names_its_causes() -> None:
    caused = java(error="com.acme.OrderFailed", cause=java(error="com.acme.Declined"))
    assert group_of(caused) != group_of(caused, secret=b"another stack's")


_NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20).filter(lambda name: not name.isspace())
_LINES = st.integers(1, 10**6)


@given(
    st.lists(st.sampled_from(["a", "b", "handler", "Card.charge", "<lambda>"]), max_size=9),
    st.tuples(_LINES, _LINES),
    st.tuples(st.text(), st.text()),
    st.text(),
)
def test_neither_message_nor_lines_nor_input_change_the_group(
    functions: list[str], lines: tuple[int, int], messages: tuple[str, str], parameters: str
) -> None:
    first, second = (
        python(*functions, line=line, message=message) for line, message in zip(lines, messages, strict=True)
    )
    other = a_run(id=an_id(3), rerun_reason=parameters[:512] or None, effect_key=an_id(4))
    outcome = Outcome.of_failed_invocation(json.dumps(second).encode(), logs=parameters.encode(errors="replace"))
    assert groups().group_of(other, outcome) == group_of(first)


@given(
    st.sampled_from([FUNCTION_ID, an_id(1)]),
    st.sampled_from(ErrorSource),
    st.sampled_from(["a", "ab", "", "é"]),
    st.lists(st.sampled_from(["a", "b", "ab", "", "\ud800"]), max_size=INNERMOST),
)
def test_whatever_differs_of_function_source_type_and_frames_makes_another_group(
    function_id: str, source: ErrorSource, code: str, frames: list[str]
) -> None:
    parts: tuple[Any, ...] = (function_id, source, code, frames)
    seen = _SEEN.setdefault(group_id(function_id, source, code, frames, SECRET), parts)
    assert seen == parts


_SEEN: dict[str, tuple[Any, ...]] = {}


@given(st.binary() | st.dictionaries(_NAMES, st.text()).map(lambda document: json.dumps(document).encode()))
def test_whatever_a_function_answers_has_a_group(payload: bytes) -> None:
    group = group_of(payload)
    assert group is not None
    assert len(group) == 32
    assert int(group, 16) >= 0
