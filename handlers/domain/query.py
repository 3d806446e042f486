"""Parameters of a query: read strictly, and refused by naming them."""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from handlers.domain import clock
from handlers.domain.errors import InvalidRequest
from handlers.domain.ids import required_id

Query = dict[str, str]
Choice = TypeVar("Choice", bound=StrEnum)

OF_PAGES = ("limit", "cursor")


def refuse_unknown(query: Query, known: Collection[str]) -> None:
    """Raises InvalidRequest for a parameter that is neither known nor one of pages."""
    unknown = query.keys() - {*known, *OF_PAGES}
    if unknown:
        raise InvalidRequest(min(unknown)[:100], "is not a filter of this list.")


def optional_choice(query: Query, name: str, choices: type[Choice]) -> Choice | None:
    """Raises InvalidRequest."""
    text = query.get(name)
    try:
        return None if text is None else choices(text)
    except ValueError:
        raise InvalidRequest(name, f"must be one of {', '.join(choices)}.") from None


def optional_id(query: Query, name: str) -> str | None:
    """Raises InvalidRequest."""
    text = query.get(name)
    return None if text is None else required_id(text, field=name)


def period(query: Query) -> tuple[datetime | None, datetime | None]:
    """`from` and `to`. Raises InvalidRequest."""
    since, until = _moment(query, "from"), _moment(query, "to")
    if since and until and until < since:
        raise InvalidRequest("to", "is earlier than from.")
    return since, until


def _moment(query: Query, name: str) -> datetime | None:
    text = query.get(name)
    if text is None:
        return None
    moment = clock.moment_of(text, or_day=True)
    if moment is None:
        raise InvalidRequest(name, "must be a day or a moment, like 2026-11-22 or 2026-11-22T09:30:00Z.")
    return moment
