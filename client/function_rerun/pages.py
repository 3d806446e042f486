"""Lists page by page: only one page is held at a time."""

from collections.abc import Callable, Iterator
from typing import Any

from function_rerun.errors import InvalidAnswer

Read = Callable[[str | None], dict[str, Any]]
"""Gives the page at a cursor, without one the first. A page may be empty and still have a next one."""


def all_items(read: Read, cursor: str | None) -> Iterator[Any]:
    """Raises InvalidAnswer as `all_pages` does."""
    for page in all_pages(read, cursor):
        yield from page["data"]


def all_pages(read: Read, cursor: str | None = None) -> Iterator[dict[str, Any]]:
    """Raises InvalidAnswer for what is no page, and for one that leads back to a page before it."""
    seen = {hash(cursor)}
    while True:
        page = read(cursor)
        following = page.get("meta", page).get("nextCursor", cursor)
        if following is not None and hash(following) in seen:
            raise InvalidAnswer("What was answered is no page of a list that goes on.")
        yield page
        if following is None:
            return
        cursor = following
        seen.add(hash(cursor))
