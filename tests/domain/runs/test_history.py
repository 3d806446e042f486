import base64
import json
import re
from datetime import timedelta

import pytest

from handlers.domain.errors import (
    InvalidRequest,
    InvalidRunId,
    NotFound,
    PartUnreadable,
    RunNotFound,
    Unavailable,
    WrongWorkspace,
)
from handlers.domain.json_document import JsonObject, compact
from handlers.domain.paging import DEFAULT_SIZE, MAX_SIZE, Page
from handlers.domain.runs.history import (
    lineage,
    parse_contents,
    read_run,
    reveal,
)
from handlers.domain.runs.outcome import pack
from handlers.domain.runs.recording import seal_context
from handlers.domain.runs.run import Content, FunctionRun, Part
from tests.as_shown import as_shown
from tests.builders import NOW, RUN_ID, WORKSPACE, a_rerun, a_run, an_id
from tests.fakes import FakeClock, World


def history(world: World, run_id: str = RUN_ID, *, limit: int = 50, cursor: str | None = None) -> JsonObject:
    return as_shown(lineage(WORKSPACE, run_id, Page.from_query(str(limit), cursor), world.runs))


def has_lineage(world: World, reruns: int) -> FunctionRun:
    original = world.has_run(a_run())
    for number in range(1, reruns + 1):
        world.has_run(a_rerun(original, id=an_id(number), created_at=NOW + timedelta(seconds=number)))
    return original


def ids(document: JsonObject) -> list[str]:
    return [entry["id"] for entry in document["reruns"]]


def test_the_history_is_the_contract_s_document(world: World) -> None:
    world.has_run(a_run())
    rerun = a_rerun(a_run(), rerun_by="user-uuid", rerun_reason="Testing fix", created_at=NOW + timedelta(hours=1))
    world.has_run(rerun)
    document = history(world)
    assert {name: document[name] for name in ("originalRunId", "rerunCount")} == {
        "originalRunId": RUN_ID,
        "rerunCount": 1,
    }
    (entry,) = document["reruns"]
    contract = ("id", "originalRunId", "isRerun", "rerunBy", "rerunReason", "status", "createdAt")
    assert [entry[name] for name in contract] == [
        rerun.id,
        RUN_ID,
        True,
        "user-uuid",
        "Testing fix",
        "completed",
        "2026-11-22T10:30:00.000Z",
    ]


def test_a_run_that_was_never_rerun_has_an_empty_history(world: World) -> None:
    world.has_run(a_run())
    assert history(world) == {"originalRunId": RUN_ID, "rerunCount": 0, "reruns": [], "nextCursor": None}


def test_the_history_is_that_of_the_original_whichever_run_of_it_is_asked_for(world: World) -> None:
    original = has_lineage(world, 2)
    rerun_of_rerun = world.has_run(
        a_rerun(a_rerun(original, id=an_id(2)), id=an_id(3), created_at=NOW + timedelta(hours=1))
    )
    expected = history(world, RUN_ID)
    assert ids(expected) == [an_id(1), an_id(2), an_id(3)]
    assert expected["reruns"][2]["sourceRunId"] == an_id(2)
    for run_id in (an_id(1), an_id(2), rerun_of_rerun.id, rerun_of_rerun.id.upper()):
        assert history(world, run_id) == expected


def test_reruns_come_oldest_first_and_those_of_one_moment_in_a_fixed_order(world: World) -> None:
    original = world.has_run(a_run())
    for number, seconds in [(1, 3), (4, 1), (2, 2), (3, 1)]:
        world.has_run(a_rerun(original, id=an_id(number), created_at=NOW + timedelta(seconds=seconds)))
    assert ids(history(world)) == [an_id(each) for each in (3, 4, 2, 1)]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8, 100])
def test_pages_follow_each_other_without_gap_or_repetition(world: World, limit: int) -> None:
    has_lineage(world, 7)
    seen: list[str] = []
    page = history(world, limit=limit)
    while True:
        assert len(page["reruns"]) <= limit
        assert page["rerunCount"] == 7
        seen += ids(page)
        if page["nextCursor"] is None:
            break
        page = history(world, limit=limit, cursor=page["nextCursor"])
    assert seen == [an_id(each) for each in range(1, 8)]


def test_a_rerun_made_between_two_pages_is_on_the_last(world: World) -> None:
    original = has_lineage(world, 2)
    first = history(world, limit=1)
    world.has_run(a_rerun(original, id=an_id(9), created_at=NOW + timedelta(hours=1)))
    assert ids(history(world, cursor=first["nextCursor"])) == [an_id(2), an_id(9)]


def test_a_cursor_may_stand_in_a_url(world: World) -> None:
    has_lineage(world, 2)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", history(world, limit=1)["nextCursor"])


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "=",
        "é",
        "%00",
        "../..",
        "AAAA" * 1000,
        encoded("RUN"),
        encoded("2026-11-22T09:30:00.000Z"),
        encoded(f"2026-11-22T09:30:00.000Z#{an_id(1)}#"),
        encoded(f"2026-11-22T09:30:00.000Z#{an_id(1)}\n"),
        encoded(f"~#{an_id(1)}"),
        base64.urlsafe_b64encode(b"\xff\xfe").decode(),
    ],
)
def test_a_cursor_that_was_tampered_with_is_refused(world: World, cursor: str) -> None:
    has_lineage(world, 2)
    with pytest.raises(InvalidRequest, match="cursor: is not a nextCursor of this list") as refused:
        history(world, cursor=cursor)
    assert refused.value.field == "cursor"


def test_a_cursor_of_another_lineage_shows_nothing_of_it(world: World) -> None:
    has_lineage(world, 2)
    other = world.has_run(a_run(id=an_id(50), created_at=NOW - timedelta(days=1)))
    for number in (51, 52):
        world.has_run(a_rerun(other, id=an_id(number), created_at=NOW - timedelta(hours=1)))
    cursor = history(world, other.id, limit=1)["nextCursor"]
    assert ids(history(world, cursor=cursor)) == [an_id(1), an_id(2)]


@pytest.mark.parametrize(
    ("workspace", "run_id", "refusal", "message"),
    [
        (WORKSPACE, "no-uuid", InvalidRunId, "Invalid run ID."),
        (WORKSPACE, an_id(404), RunNotFound, "Original run not found."),
        ("another", RUN_ID, WrongWorkspace, "Run does not belong to this workspace."),
        ("another", an_id(1), WrongWorkspace, "Run does not belong to this workspace."),
    ],
)
def test_a_history_is_refused_in_the_contract_s_words(
    world: World, workspace: str, run_id: str, refusal: type[Exception], message: str
) -> None:
    has_lineage(world, 1)
    with pytest.raises(refusal, match=f"^{re.escape(message)}$"):
        lineage(workspace, run_id, Page(), world.runs)


def test_a_rerun_that_has_expired_is_left_out(world: World, time: FakeClock) -> None:
    original = world.has_run(a_run())
    world.has_run(a_rerun(original, id=an_id(1), expires_at=NOW + timedelta(days=1)))
    world.has_run(a_rerun(original, id=an_id(2), created_at=NOW + timedelta(seconds=1)))
    time.advance(days=2)
    assert ids(history(world)) == [an_id(2)]


@pytest.mark.parametrize(("text", "limit"), [(None, DEFAULT_SIZE), ("1", 1), ("50", 50), ("100", MAX_SIZE)])
def test_a_limit_is_a_whole_number_up_to_a_hundred(text: str | None, limit: int) -> None:
    assert Page.from_query(text, None).size == limit


@pytest.mark.parametrize(
    "text", ["", "0", "101", "-1", "+5", "5.0", "1e1", " 5", "5\n", "\u0665", "9" * 5000, "ten", "0x5"]
)
def test_another_limit_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="limit: must be a whole number from 1 to 100") as refused:
        Page.from_query(text, None)
    assert refused.value.field == "limit"


def test_a_run_is_read_by_its_workspace_only(world: World) -> None:
    run = world.has_run(a_run())
    assert read_run(WORKSPACE, RUN_ID.upper(), world.runs) == run
    with pytest.raises(NotFound, match=r"^Run not found\.$"):
        read_run("another", RUN_ID, world.runs)
    with pytest.raises(NotFound):
        read_run(WORKSPACE, an_id(404), world.runs)
    with pytest.raises(InvalidRunId):
        read_run(WORKSPACE, "no-uuid", world.runs)


def test_an_expired_run_is_as_good_as_gone(world: World, time: FakeClock) -> None:
    world.has_run(a_run())
    time.advance(days=90)
    with pytest.raises(NotFound):
        read_run(WORKSPACE, RUN_ID, world.runs)


def test_parts_are_named_in_a_list() -> None:
    assert parse_contents("parameters") == [Content.PARAMETERS]
    assert parse_contents("result, logs,result") == [Content.RESULT, Content.LOGS]


@pytest.mark.parametrize("include", ["", ",", "parameters,", "Parameters", "parameter", "all", "parameters;logs"])
def test_a_part_that_there_is_not_is_refused(include: str) -> None:
    with pytest.raises(InvalidRequest, match="include: must be a list of parameters, overrides, result, logs, error"):
        parse_contents(include)


def has_result(world: World, content: bytes) -> FunctionRun:
    run = world.has_run(a_run(outcome_id="one"), b'{"order":1}')
    sealed = world.cipher.seal(pack({Content.RESULT: content}), seal_context(run, Part.OUTCOME))
    world.runs.transition(run, run, sealed)
    return run


def test_parts_are_shown_opened_and_null_if_there_are_none(world: World) -> None:
    run = has_result(world, b'[1.0,"x"]')
    parts = [Content.PARAMETERS, Content.RESULT, Content.ERROR]
    shown = reveal(run, parts, world.runs, world.cipher)
    assert shown == {"parameters": {"order": 1}, "result": [1.0, "x"], "error": None}


@pytest.mark.parametrize(
    ("content", "shown"), [(b"no JSON", "no JSON"), (b"\xff", "�"), (b"", ""), (b"NaN", "NaN"), (b"null", None)]
)
def test_a_result_may_be_anything_that_a_runtime_answers(world: World, content: bytes, shown: str | None) -> None:
    run = has_result(world, content)
    assert reveal(run, [Content.RESULT], world.runs, world.cipher) == {"result": shown}


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"[1e999]", id="more-than-a-double"),
        pytest.param(b"[" * 100_000 + b"]" * 100_000, id="a-hundred-thousand-levels"),
        pytest.param(b"7" * 5000, id="more-digits-than-python-reads"),
    ],
)
def test_whatever_a_function_answered_can_be_shown_as_json(world: World, content: bytes) -> None:
    # What cannot be encoded strictly dies in the Lambda runtime, or at the caller's JSON reader.
    run = has_result(world, content)
    shown = reveal(run, [Content.RESULT], world.runs, world.cipher)
    assert json.dumps(shown, ensure_ascii=False, allow_nan=False).encode()


def test_half_a_surrogate_pair_is_shown_as_the_escape_that_it_is(world: World) -> None:
    run = has_result(world, content := rb'{"cut \udead":["\ud83d"]}')
    assert compact(reveal(run, [Content.RESULT], world.runs, world.cipher)).encode() == b'{"result":' + content + b"}"


def test_a_broken_seal_is_told_by_the_part_s_name(world: World) -> None:
    run = has_result(world, b"{}")
    world.cipher.broken = True
    with pytest.raises(PartUnreadable, match=r"^Failed to decrypt the stored result\.$"):
        reveal(run, [Content.RESULT], world.runs, world.cipher)


def test_a_throttled_kms_is_no_broken_seal(world: World) -> None:
    run = has_result(world, b"{}")
    world.cipher.cannot_open = True
    with pytest.raises(Unavailable):
        reveal(run, [Content.RESULT], world.runs, world.cipher)


def test_a_part_that_was_moved_to_another_run_does_not_open(world: World) -> None:
    run = has_result(world, b"{}")
    other = world.has_run(a_run(id=an_id(2), outcome_id="one"))
    world.runs.parts[other.id, "outcome#one"] = world.runs.parts[run.id, "outcome#one"]
    with pytest.raises(PartUnreadable):
        reveal(other, [Content.RESULT], world.runs, world.cipher)
