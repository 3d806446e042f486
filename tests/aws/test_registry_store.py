from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from handlers.aws.registry_store import RegistryStore
from handlers.domain.errors import NameTaken, Stale
from tests.aws.registering import a_new_function


def test_of_twenty_who_register_a_name_at_once_one_gets_it(registry: RegistryStore) -> None:
    name = f"orders {uuid4()}"

    def register(_: int) -> bool:
        try:
            registry.add_function(a_new_function(name))
        except NameTaken:
            return False
        return True

    with ThreadPoolExecutor(10) as callers:
        assert list(callers.map(register, range(20))).count(True) == 1


def test_of_ten_who_change_a_version_at_once_one_does(registry: RegistryStore) -> None:
    before = a_new_function()
    registry.add_function(before)

    def change(number: int) -> bool:
        try:
            registry.change_function(
                before, before.model_copy(update={"name": f"{before.name} {number}", "version": 2})
            )
        except Stale:
            return False
        return True

    with ThreadPoolExecutor(10) as editors:
        assert list(editors.map(change, range(10))).count(True) == 1


def test_deleting_while_the_name_is_taken_anew_leaves_the_name_to_its_new_owner(registry: RegistryStore) -> None:
    old = a_new_function()
    registry.add_function(old)
    registry.delete(old)
    new = a_new_function(old.name)
    registry.add_function(new)

    registry.delete(old)

    with pytest.raises(NameTaken):
        registry.add_function(a_new_function(old.name))
    assert registry.read_function(new.id) == new


def test_deletes_and_registrations_in_parallel_answer_in_our_words(registry: RegistryStore) -> None:
    function = a_new_function()
    registry.add_function(function)

    def act(number: int) -> None:
        try:
            if number % 2:
                registry.delete(function)
            else:
                registry.add_function(a_new_function(function.name))
        except NameTaken:
            return

    with ThreadPoolExecutor(10) as callers:
        errors = [future.exception() for future in [callers.submit(act, number) for number in range(20)]]
    assert errors == [None] * 20
