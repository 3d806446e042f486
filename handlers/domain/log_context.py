"""Which ids belong on a log line: those of the request, and of the run that is being worked on.

The domain says which run that is as soon as it knows; `handlers.telemetry` puts the ids on every line, whoever writes
it. They are ids only, never content.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar

_ids: ContextVar[Mapping[str, str]] = ContextVar("ids")


def current_ids() -> Mapping[str, str]:
    return _ids.get({})


def log_context(**ids: str) -> AbstractContextManager[None]:
    """Lines that are written within have these ids, too. Afterwards they have those from before, whatever was added."""
    return new_log_context(**{**current_ids(), **ids})


@contextmanager
def new_log_context(**ids: str) -> Iterator[None]:
    """The same for what begins again: lines that are written within have these ids only."""
    token = _ids.set(ids)
    try:
        yield
    finally:
        _ids.reset(token)


def add_ids(**ids: str | None) -> None:
    """From here to the end of the context lines have these ids, or no more those that are None."""
    _ids.set({name: each for name, each in {**current_ids(), **ids}.items() if each is not None})


def concerns_run(run_id: str, original_run_id: str | None = None) -> None:
    """From here to the end of the context lines concern this run. Its original is not known before the run is read."""
    add_ids(runId=run_id, originalRunId=original_run_id)
