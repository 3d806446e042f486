"""The verdict of every experiment with 2 to 5 repeats and three outcomes, and of a function that fails at random."""

import json
import random
from collections import Counter
from itertools import product
from typing import Any

import pytest

from handlers.domain.comparing.agreement import work_of
from handlers.domain.comparing.verdict import MAX_WORK, Conclusion, Observation, Observer, Reason, Verdict, conclude
from handlers.domain.json_document import MAX_BYTES
from handlers.domain.runs.run import Content
from tests.builders import NOW, a_run

A, B, C = "json a", "json b", "error c"


def concluded(
    original: Observation, pinned: list[Observation], candidate: list[Observation], **known: Any
) -> Conclusion:
    defaults: dict[str, Any] = {"pin_known": True, "candidate_versions": ["8"] * len(candidate)}
    return conclude(original, pinned, candidate, **defaults | known)


def as_the_contract_says(original: str, pinned: list[str], candidate: list[str]) -> Verdict:
    def agree(runs: list[str]) -> bool:
        return all(one == other for one in runs for other in runs)

    if not agree(pinned) or not agree(candidate):
        return Verdict.FLAKY
    if agree([original, *pinned, *candidate]):
        return Verdict.SAME
    if agree([original, *pinned]):
        return Verdict.CODE
    if agree([*pinned, *candidate]):
        return Verdict.WORLD
    return Verdict.CODE_AND_WORLD


# Of repeats: how many outcomes there are, so that 5 repeats of three do not take all day.
@pytest.mark.parametrize(("repeats", "outcomes"), [(2, 3), (3, 3), (4, 3), (5, 2)])
def test_every_experiment_has_the_verdict_that_the_contract_says(repeats: int, outcomes: int) -> None:
    cases = 0
    for original, *runs in product((A, B, C)[:outcomes], repeat=1 + 2 * repeats):
        pinned, candidate = runs[:repeats], runs[repeats:]
        expected = as_the_contract_says(original, pinned, candidate)
        assert concluded(original, [*pinned], [*candidate]) == Conclusion(expected)
        cases += 1
    assert cases == outcomes ** (1 + 2 * repeats)


@pytest.mark.parametrize(
    ("original", "pinned", "candidate", "verdict"),
    [
        (A, [A, A], [A, A], "same"),
        (A, [A, A], [B, B], "code"),
        (A, [B, B], [B, B], "world"),
        (A, [B, B], [C, C], "code-and-world"),
        (A, [B, B], [A, A], "code-and-world"),
        (A, [A, B], [A, A], "flaky"),
        (A, [A, A], [A, B], "flaky"),
    ],
)
def test_one_example_of_each(original: str, pinned: list[Any], candidate: list[Any], verdict: str) -> None:
    assert concluded(original, pinned, candidate) == Conclusion(Verdict(verdict))


def test_whatever_is_missing_in_any_run_nothing_is_said_and_all_reasons_are_given() -> None:
    """Three outcomes and each reason, at each place of an experiment with two repeats."""
    cases = 0
    of_a_run: list[Observation] = [A, B, *(reason for reason in Reason if "outcome" in reason or "executed" in reason)]
    for observations in product(of_a_run, repeat=5):
        for pin_known, versions in product([True, False], [["8", "8"], ["8", "9"]]):
            reasons = {each for each in observations if isinstance(each, Reason)}
            reasons |= set() if pin_known else {Reason.PIN_UNKNOWN}
            reasons |= {Reason.SEVERAL_CANDIDATES} if "9" in versions else set()
            conclusion = concluded(
                observations[0],
                [*observations[1:3]],
                [*observations[3:]],
                pin_known=pin_known,
                candidate_versions=versions,
            )
            assert (conclusion.verdict is Verdict.INCONCLUSIVE) == bool(reasons)
            assert conclusion.reasons == tuple(each for each in Reason if each in reasons)
            cases += 1
    assert cases == len(of_a_run) ** 5 * 4


FAILED = json.dumps(
    {"errorType": "Declined", "errorMessage": "4711", "stackTrace": ['  File "/app.py", line 3, in charge\n']}
).encode()


def test_runs_that_do_the_same_are_observed_alike() -> None:
    observe = Observer(["/at"]).observe
    completed, failed = a_run(), a_run(status="failure", error_code="Declined", error_source="function")
    timed_out = a_run(status="timeout", error_code="Sandbox.Timedout", error_source="function")
    seen = [
        observe(completed, {Content.RESULT: b'{"n": 1, "at": 5}'}),
        observe(completed, {Content.RESULT: b'{"n": 2, "at": 5}'}),
        observe(failed, {Content.ERROR: FAILED}),
        observe(failed.evolve(error_code="Refused"), {Content.ERROR: FAILED}),
        observe(failed, {Content.ERROR: FAILED.replace(b"charge", b"refund")}),
        observe(timed_out, {}),
    ]
    assert len(set(seen)) == len(seen)
    assert not any(isinstance(each, Reason) for each in seen)
    assert seen[0] == observe(completed, {Content.RESULT: b'{"at":6,"n":1.0}'})
    assert seen[2] == observe(failed, {Content.ERROR: FAILED.replace(b"4711", b"4712")})
    assert seen[5] == observe(timed_out, {Content.ERROR: b"Task timed out after 3.00 seconds"})


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        (None, "outcome-gone"),
        (a_run(), "outcome-gone"),
        (a_run(status="failure", error_code="Declined", error_source="function"), "outcome-gone"),
        (a_run(result_omitted=True), "outcome-omitted"),
        (a_run(result_omitted=True, erased_at=NOW), "outcome-erased"),
        (a_run(status="timeout", error_source="function", erased_at=NOW), "outcome-erased"),
        (a_run(status="pending"), "original-open"),
        (a_run(status="running"), "original-open"),
        (a_run(status="cancelled"), "not-executed"),
        (a_run(status="failure", error_code="RunExpired", error_source="service"), "not-executed"),
    ],
)
def test_of_a_run_without_an_outcome_of_its_own_the_reason_is_given(run: Any, reason: str) -> None:
    assert Observer().observe(run, {}) is Reason(reason)


LISTS = [json.dumps([n] * 10).encode() for n in range(3)]
WORK = work_of(LISTS[0])


def completed_with(observer: Observer, *results: bytes) -> list[Observation]:
    return [observer.observe(a_run(), {Content.RESULT: each}) for each in results]


def test_outcomes_of_the_same_bytes_are_compared_once() -> None:
    observer = Observer(max_work=2 * WORK)
    seen = completed_with(observer, *LISTS[:2], *LISTS[:2])
    assert (seen[:2], len(set(seen))) == (seen[2:], 2)


def test_a_result_an_error_and_an_error_of_another_type_are_told_apart_though_their_bytes_are_the_same() -> None:
    failed = a_run(status="failure", error_code="Declined", error_source="function")
    runs = [a_run(), failed, failed.evolve(error_code="Refused"), failed.evolve(error_code=None)]
    observer = Observer()
    assert len({observer.observe(run, {Content.RESULT: FAILED, Content.ERROR: FAILED}) for run in runs}) == 4


def test_of_outcomes_that_are_too_large_together_nothing_wrong_is_said() -> None:
    seen = completed_with(Observer(max_work=2 * WORK), *LISTS, *LISTS)
    assert [each is Reason.TOO_LARGE_TO_COMPARE for each in seen] == [False, False, True] * 2
    assert concluded(seen[0], [seen[0]] * 2, [seen[1], seen[2]]) == Conclusion(
        Verdict.INCONCLUSIVE, (Reason.TOO_LARGE_TO_COMPARE,)
    )


def test_the_work_of_one_large_outcome_is_never_too_much() -> None:
    most = [b"[" * MAX_BYTES, b"1e99," * (MAX_BYTES // 5), b"[]," * (MAX_BYTES // 3), b"," * MAX_BYTES]
    assert max(map(work_of, most)) < MAX_WORK / 2, "and two can be compared"


def chance_of(verdict: Verdict, repeats: int) -> float:
    """Of a function that does one of two things, whatever the code, with even chances."""
    a_side_agrees = 2.0 ** (1 - repeats)
    if verdict is Verdict.FLAKY:
        return 1 - a_side_agrees**2
    return a_side_agrees**2 / 4


@pytest.mark.parametrize("repeats", [2, 3, 5])
def test_how_often_a_function_that_fails_at_random_is_called_code(repeats: int) -> None:
    """6.25 %, 1.56 % and 0.1 % of experiments: 4 ** -repeats. The more repeats, the rarer."""
    toss, experiments = random.Random(20261126), 50_000
    verdicts = Counter(
        concluded(runs[0], runs[1 : 1 + repeats], runs[1 + repeats :]).verdict
        for runs in ([toss.choice([A, B]) for _ in range(1 + 2 * repeats)] for _ in range(experiments))
    )
    assert chance_of(Verdict.CODE, repeats) == 4.0**-repeats
    for verdict in (Verdict.CODE, Verdict.WORLD, Verdict.SAME, Verdict.CODE_AND_WORLD, Verdict.FLAKY):
        chance = chance_of(verdict, repeats)
        deviation = (chance * (1 - chance) / experiments) ** 0.5
        assert abs(verdicts[verdict] / experiments - chance) < 5 * deviation
