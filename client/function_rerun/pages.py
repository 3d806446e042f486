"""Lists page by page: only one page is held at a time."""

from collections.abc import Callable, Iterator
from typing import Any

from function_rerun.errors import InvalidAnswer


def items(read: Callable[[str | None], Any], cursor: str | None) -> Iterator[Any]:
    """`read` gives the page at a cursor, without one the first. A page may be empty and still have a next one.

    Raises InvalidAnswer if a page is its own next one.
    """
    while True:
        page = read(cursor)
        following = page["meta"]["nextCursor"]
        yield from page["data"]
        if following is None:
            return
        if following == cursor:
            raise InvalidAnswer("The list does not go on: a page names itself as the next one.")
        cursor = following
