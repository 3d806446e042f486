from contextlib import nullcontext
from typing import Any

import pytest

from handlers.domain.errors import InvalidRequest, NameTaken, NotFound, TooLarge, TriggerUnreadable, Unavailable
from handlers.domain.registry.entities import ComputeFunction
from handlers.domain.registry.functions import (
    RegisterFunction,
    change_function,
    delete_function,
    find_function,
    register_function,
)
from handlers.domain.registry.triggers import CreateTrigger, create_trigger, delete_trigger, show_trigger
from tests.as_shown import as_shown
from tests.builders import FUNCTION_ARN, FUNCTION_ID, NOW, TRIGGER_ID, WORKSPACE, an_act, an_id, nested
from tests.fakes import World


def a_registration(**body: Any) -> RegisterFunction:
    return RegisterFunction.read({"name": "orders import", "functionArn": FUNCTION_ARN} | body)


def a_creation(**body: Any) -> CreateTrigger:
    defaults = {"name": "import nightly", "functionId": FUNCTION_ID, "executionType": "on-demand"}
    return CreateTrigger.read(defaults | body)


def test_a_function_is_registered_under_the_workspace_s_name_for_it(world: World) -> None:
    function = register_function(WORKSPACE, a_registration(), world.registry_deps, act=an_act())
    assert find_function(WORKSPACE, function.id, world.registry) == function
    assert (function.workspace, function.name, function.function_arn) == (WORKSPACE, "orders import", FUNCTION_ARN)
    assert function.created_at == function.updated_at == NOW


def test_a_name_is_taken_once_in_each_workspace(world: World) -> None:
    world.invokable = type(world.invokable)({"*": [FUNCTION_ARN]}, own_functions="")
    register_function(WORKSPACE, a_registration(), world.registry_deps, act=an_act())
    register_function("another", a_registration(), world.registry_deps, act=an_act())
    with pytest.raises(NameTaken, match="A function of this name already exists in the workspace"):
        register_function(WORKSPACE, a_registration(), world.registry_deps, act=an_act())
    assert len(world.registry.functions) == 2


def test_a_name_is_free_again_once_its_function_is_deleted(world: World) -> None:
    function = register_function(WORKSPACE, a_registration(), world.registry_deps, act=an_act())
    delete_function(WORKSPACE, function.id, world.registry, act=an_act())
    assert register_function(WORKSPACE, a_registration(), world.registry_deps, act=an_act()).id != function.id


@pytest.mark.parametrize(
    "function_arn",
    [
        "orders-import",
        f"{FUNCTION_ARN}:7",
        FUNCTION_ARN.replace("orders", "payroll"),
        "arn:aws:lambda:eu-west-1:123456789012:function:FunctionRerun-execute-runs",
        f"{FUNCTION_ARN}-2",
    ],
)
def test_what_could_not_be_run_is_not_registered(world: World, function_arn: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        register_function(WORKSPACE, a_registration(functionArn=function_arn), world.registry_deps, act=an_act())
    assert refused.value.field == "functionArn"
    assert not world.registry.functions


@pytest.mark.parametrize("pointer", ["", "/*", "/*/*", "orderId", "/a~2", "/~", "#/a", "/" + "a" * 512, 1, None])
def test_a_difference_that_no_json_pointer_names_cannot_be_ignored(world: World, pointer: Any) -> None:
    with pytest.raises(InvalidRequest) as refused:
        register_function(
            WORKSPACE, a_registration(ignoreDifferences=["/a", pointer]), world.registry_deps, act=an_act()
        )
    assert refused.value.field == "ignoreDifferences.1"
    with pytest.raises(InvalidRequest, match="ignoreDifferences"):
        a_registration(ignoreDifferences=["/a"] * 51)
    assert not world.registry.functions


def test_ignored_differences_stay_until_they_are_replaced_and_none_are_kept_as_none(world: World) -> None:
    pointers = ["/items/*/createdAt", "/a~1b/m~0n", "/"]
    function = register_function(
        WORKSPACE, a_registration(ignoreDifferences=pointers), world.registry_deps, act=an_act()
    )

    def changed(**body: Any) -> list[str] | None:
        function = find_function(WORKSPACE, next(iter(world.registry.functions)), world.registry)
        request = {"version": function.version, **body}
        return change_function(
            WORKSPACE, function.id, request, world.registry_deps, if_match=None, act=an_act()
        ).ignore_differences

    assert function.ignore_differences == changed(name="renamed") == pointers
    assert changed(ignoreDifferences=["/b"]) == ["/b"]
    assert changed(ignoreDifferences=[]) is None


@pytest.mark.parametrize("function_id", ["no-uuid", "", an_id(404), f"{{{FUNCTION_ID}}}"])
def test_an_unknown_function_is_missing(world: World, function_id: str) -> None:
    world.has_registered()
    with pytest.raises(NotFound, match=r"^Function not found\.$"):
        find_function(WORKSPACE, function_id, world.registry)


def test_another_workspace_can_neither_see_nor_delete_what_is_not_its_own(world: World) -> None:
    world.has_registered()
    with pytest.raises(NotFound):
        find_function("another", FUNCTION_ID, world.registry)
    with pytest.raises(NotFound):
        delete_function("another", FUNCTION_ID, world.registry, act=an_act())
    with pytest.raises(NotFound):
        as_shown(show_trigger("another", TRIGGER_ID, world.registry_deps))
    with pytest.raises(NotFound):
        delete_trigger("another", TRIGGER_ID, world.registry_deps, act=an_act())
    assert world.registry.functions
    assert world.registry.triggers


@pytest.mark.parametrize("changes", [1, 1000])
def test_a_deletion_takes_what_somebody_changes_meanwhile_as_it_is(
    world: World, monkeypatch: pytest.MonkeyPatch, changes: int
) -> None:
    world.has_registered()
    read, left = world.registry.read_function, iter(range(changes))

    def read_and_changed(function_id: str) -> ComputeFunction | None:
        found = read(function_id)
        if found is not None and next(left, None) is not None:
            world.registry.functions[function_id] = found.model_copy(update={"version": found.version + 1})
        return found

    monkeypatch.setattr(world.registry, "read_function", read_and_changed)
    with nullcontext() if changes == 1 else pytest.raises(Unavailable):
        delete_function(WORKSPACE, FUNCTION_ID, world.registry, act=an_act())
    assert bool(world.registry.functions) == (changes > 1)


def test_an_id_in_capitals_names_the_same_function_and_trigger(world: World) -> None:
    world.has_registered()
    assert find_function(WORKSPACE, FUNCTION_ID.upper(), world.registry).id == FUNCTION_ID
    assert as_shown(show_trigger(WORKSPACE, TRIGGER_ID.upper(), world.registry_deps))["id"] == TRIGGER_ID


def test_a_trigger_is_created_and_shown_alike(world: World) -> None:
    world.has_registered()
    params = {"region": "eu", "nested": {"a": [1.0, None]}}
    created = as_shown(
        create_trigger(WORKSPACE, a_creation(triggerMetadata={"params": params}), world.registry_deps, act=an_act())
    )
    assert created["triggerMetadata"] == {"params": params}
    assert (created["functionId"], created["executionType"], created["enabled"]) == (FUNCTION_ID, "on-demand", True)
    assert as_shown(show_trigger(WORKSPACE, created["id"], world.registry_deps)) == created


def test_a_trigger_without_params_has_none(world: World) -> None:
    world.has_registered()
    created = as_shown(create_trigger(WORKSPACE, a_creation(enabled=False), world.registry_deps, act=an_act()))
    assert (created["triggerMetadata"], created["enabled"]) == ({"params": {}}, False)


def test_a_trigger_s_params_are_sealed_under_its_own_context(world: World) -> None:
    world.has_registered()
    body = a_creation(triggerMetadata={"params": {"token": "s3cret"}})
    created = as_shown(create_trigger(WORKSPACE, body, world.registry_deps, act=an_act()))
    stored = world.registry.triggers[created["id"]]
    assert b"s3cret" not in stored.sealed_params
    assert "s3cret" not in stored.trigger.model_dump_json()
    assert stored.trigger.seal_context("params") == (WORKSPACE, f"TRIGGER#{created['id']}", "params")


@pytest.mark.parametrize("function_id", ["no-uuid", an_id(404)])
def test_a_trigger_needs_a_function_of_its_workspace(world: World, function_id: str) -> None:
    world.has_registered()
    with pytest.raises(InvalidRequest, match="functionId: names no function of this workspace"):
        as_shown(create_trigger(WORKSPACE, a_creation(functionId=function_id), world.registry_deps, act=an_act()))
    with pytest.raises(InvalidRequest, match="functionId: names no function of this workspace"):
        as_shown(create_trigger("another", a_creation(), world.registry_deps, act=an_act()))
    assert world.registry.triggers.keys() == {TRIGGER_ID}


@pytest.mark.parametrize("execution_type", ["", "ON_DEMAND", "On-demand", "cron"])
def test_a_trigger_of_a_type_that_there_is_not_is_refused(world: World, execution_type: str) -> None:
    world.has_registered()
    with pytest.raises(InvalidRequest, match="executionType: must be"):
        as_shown(create_trigger(WORKSPACE, a_creation(executionType=execution_type), world.registry_deps, act=an_act()))


@pytest.mark.parametrize(
    ("params", "error"), [({"a": "x" * 350_000}, TooLarge), (nested(101), InvalidRequest)], ids=["large", "deep"]
)
def test_params_that_cannot_be_kept_are_refused_by_name(
    world: World, params: dict[str, Any], error: type[InvalidRequest]
) -> None:
    world.has_registered()
    with pytest.raises(error) as refused:
        as_shown(
            create_trigger(WORKSPACE, a_creation(triggerMetadata={"params": params}), world.registry_deps, act=an_act())
        )
    assert refused.value.field == "triggerMetadata.params"


def test_a_trigger_s_name_is_taken_once(world: World) -> None:
    world.has_registered()
    as_shown(create_trigger(WORKSPACE, a_creation(), world.registry_deps, act=an_act()))
    with pytest.raises(NameTaken, match="A trigger of this name"):
        as_shown(create_trigger(WORKSPACE, a_creation(), world.registry_deps, act=an_act()))


def test_a_function_and_a_trigger_may_have_the_same_name(world: World) -> None:
    world.has_registered()
    assert (
        as_shown(create_trigger(WORKSPACE, a_creation(name="orders import"), world.registry_deps, act=an_act()))["name"]
        == "orders import"
    )


def test_a_function_in_use_is_deleted_and_its_triggers_and_runs_stay(world: World) -> None:
    world.has_registered()
    delete_function(WORKSPACE, FUNCTION_ID, world.registry, act=an_act())
    assert as_shown(show_trigger(WORKSPACE, TRIGGER_ID, world.registry_deps))["functionId"] == FUNCTION_ID
    with pytest.raises(NotFound):
        delete_function(WORKSPACE, FUNCTION_ID, world.registry, act=an_act())


def test_a_deleted_trigger_is_missing(world: World) -> None:
    world.has_registered()
    delete_trigger(WORKSPACE, TRIGGER_ID, world.registry_deps, act=an_act())
    with pytest.raises(NotFound, match=r"^Trigger not found\.$"):
        as_shown(show_trigger(WORKSPACE, TRIGGER_ID, world.registry_deps))


def test_a_throttled_kms_is_a_fault_that_leaves_nothing_behind(world: World) -> None:
    world.has_registered()
    world.cipher.cannot_seal = world.cipher.cannot_open = True
    with pytest.raises(Unavailable):
        as_shown(create_trigger(WORKSPACE, a_creation(), world.registry_deps, act=an_act()))
    with pytest.raises(Unavailable):
        as_shown(show_trigger(WORKSPACE, TRIGGER_ID, world.registry_deps))
    assert world.registry.triggers.keys() == {TRIGGER_ID}


def test_a_key_that_is_disabled_is_no_reason_to_delete_a_trigger(world: World) -> None:
    world.has_registered()
    world.cipher.refused = True
    with pytest.raises(Unavailable):
        show_trigger(WORKSPACE, TRIGGER_ID, world.registry_deps)
    world.cipher.refused, world.cipher.broken = False, True
    with pytest.raises(TriggerUnreadable, match="create it again"):
        show_trigger(WORKSPACE, TRIGGER_ID, world.registry_deps)


@pytest.mark.parametrize("name", ["a\nb", "\x00", "\x7f", "", "x" * 129])
def test_a_name_is_one_that_people_can_read(world: World, name: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        a_registration(name=name)
    assert refused.value.field == "name"
    assert not world.registry.functions
