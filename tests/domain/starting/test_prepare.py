"""What `prepare` gives: all that can be shown of a re-run before it is started, and nothing is written for it."""

from typing import Any

from handlers.domain.runs.run import Part
from handlers.domain.starting.idempotency import request_key
from handlers.domain.starting.rerun import prepare
from handlers.domain.starting.start import NewRun, Started, commit
from tests.builders import FUNCTION_ID, RUN_ID, TRIGGER_ID, WORKSPACE
from tests.domain.starting.rerunning import PARAMETERS, nothing_happened, request
from tests.fakes import World


def prepared_of(world: World, **body: Any) -> NewRun:
    prepared = prepare(request(**body), world.rerun_deps)
    assert isinstance(prepared, NewRun)
    return prepared


def test_a_prepared_rerun_shows_what_it_is_of_and_what_it_will_be(installed: World) -> None:
    prepared = prepared_of(installed, reason="Testing fix")
    run = prepared.run
    assert (run.source_run_id, run.trigger_id, run.function_id) == (RUN_ID, TRIGGER_ID, FUNCTION_ID)
    assert run.rerun_reason == "Testing fix"
    assert prepared.contents == {Part.PARAMETERS: PARAMETERS}


def test_a_prepared_rerun_has_its_overrides_merged(installed: World) -> None:
    prepared = prepared_of(installed, overrideParams={"order": 2})
    assert prepared.contents == {
        Part.PARAMETERS: b'{"order":2,"customer":{"name":"Ada","id":1.0}}',
        Part.OVERRIDES: b'{"order":2}',
    }


def test_nothing_is_written_before_it_is_committed(installed: World) -> None:
    prepared = prepared_of(installed, overrideParams={"order": 2})
    assert nothing_happened(installed)
    assert commit(prepared, installed.start_deps) == Started(prepared.run, is_new=True)
    assert installed.run(RUN_ID).rerun_count == 1


def test_of_a_request_that_was_sent_before_there_is_only_what_it_has_started(installed: World) -> None:
    keyed = request()._replace(key=request_key("once", WORKSPACE, "user-123", {}))
    first = prepare(keyed, installed.rerun_deps)
    assert isinstance(first, NewRun)
    started = commit(first, installed.start_deps)
    assert prepare(keyed, installed.rerun_deps) == Started(started.run, is_new=False)
