"""What a re-run is given: its source's parameters, and overrides laid over them."""

import json
from typing import Any

import pytest

from handlers.domain.errors import (
    InvalidRequest,
    TooLarge,
)
from handlers.domain.json_document import MAX_BYTES
from handlers.domain.runs.recording import seal_context
from handlers.domain.runs.run import Content, Part
from handlers.domain.seal import SealBroken
from tests.builders import RUN_ID, a_run, nested
from tests.domain.starting.rerunning import nothing_happened, request, rerun
from tests.fakes import World


@pytest.mark.parametrize(
    "parameters",
    [
        b'{ "spaced" : 1.50, "big": 100000000000000000000000000000001, "e": 1E5, "u": "\\u00e9", "minus": -0.0 }',
        b"[1,2]",
        b"null",
        b"not even JSON \xff",
    ],
)
@pytest.mark.parametrize("overrides", [{}, {"overrideParams": {}}])
def test_without_overrides_the_parameters_are_the_source_s_byte_for_byte(
    world: World, parameters: bytes, overrides: dict[str, Any]
) -> None:
    world.has_registered()
    world.has_run(a_run(), parameters)
    new = rerun(request(**overrides), world)
    assert world.opened(new, Content.PARAMETERS) == parameters
    assert world.opened(new, Content.OVERRIDES) is None


def test_overrides_are_merged_and_kept_and_the_source_stays_as_it_was(installed: World) -> None:
    before = installed.runs.parts[RUN_ID, Part.PARAMETERS]
    override = {"customer": {"name": "Grace"}, "debugMode": True}
    new = rerun(request(overrideParams=override), installed)
    parameters = installed.opened(new, Content.PARAMETERS)
    assert parameters == b'{"order":1,"customer":{"name":"Grace","id":1.0},"debugMode":true}'
    assert json.loads(installed.opened(new, Content.OVERRIDES) or b"") == override
    assert installed.runs.parts[RUN_ID, Part.PARAMETERS] == before


def test_overrides_of_a_rerun_are_laid_over_what_that_rerun_had(installed: World) -> None:
    first = rerun(request(overrideParams={"order": 2}), installed)
    second = rerun(request(first.id, overrideParams={"customer": None}), installed)
    assert installed.opened(second, Content.PARAMETERS) == b'{"order":2,"customer":null}'
    assert installed.opened(second, Content.OVERRIDES) == b'{"customer":null}'


def test_what_is_sealed_opens_for_the_new_run_only(installed: World) -> None:
    new = rerun(request(overrideParams={"a": 1}), installed)
    sealed = {part: stored.sealed for (run_id, part), stored in installed.runs.parts.items() if run_id == new.id}
    assert sealed.keys() == {Part.PARAMETERS, Part.OVERRIDES}
    for part, text in ((Part(name), text) for name, text in sealed.items()):
        assert installed.cipher.open(text, seal_context(new, part))
        with pytest.raises(SealBroken):
            installed.cipher.open(text, seal_context(installed.run(RUN_ID), part))


def test_no_parameter_stands_in_the_run_or_in_the_message(installed: World) -> None:
    new = rerun(request(overrideParams={"token": "s3cret"}), installed)
    assert "s3cret" not in new.model_dump_json()
    assert "s3cret" not in repr(installed.queue.pushed)
    assert b"s3cret" not in b"".join(stored.sealed for stored in installed.runs.parts.values())


@pytest.mark.parametrize(
    ("override", "error"), [({"a": "x" * MAX_BYTES}, TooLarge), (nested(101), InvalidRequest)], ids=["large", "deep"]
)
def test_overrides_that_cannot_be_kept_are_refused_by_name(
    installed: World, override: dict[str, Any], error: type[InvalidRequest]
) -> None:
    with pytest.raises(error) as refused:
        rerun(request(overrideParams=override), installed)
    assert refused.value.field == "overrideParams"
    assert nothing_happened(installed)


@pytest.mark.parametrize("reveals", [True, False])
def test_what_is_too_large_together_is_refused_too(world: World, reveals: bool) -> None:
    world.has_registered()
    world.has_run(a_run(), json.dumps({"a": "x" * (MAX_BYTES // 2)}).encode())
    with pytest.raises(TooLarge, match="overrideParams"):
        rerun(request(overrideParams={"b": "x" * (MAX_BYTES // 2)})._replace(reveals=reveals), world)
    assert nothing_happened(world)


def test_large_parameters_are_replaced_by_large_ones_for_who_may_see_them(world: World) -> None:
    world.has_registered()
    world.has_run(a_run(), json.dumps({"a": "x" * (MAX_BYTES // 2)}).encode())
    replaced = request(overrideParams={"a": "y" * (MAX_BYTES // 2)})
    with pytest.raises(TooLarge, match="overrideParams"):
        rerun(replaced, world)
    assert nothing_happened(world)
    new = rerun(replaced._replace(reveals=True), world)
    assert len(world.opened(new, Content.PARAMETERS) or b"") == MAX_BYTES // 2 + len('{"a":""}')
