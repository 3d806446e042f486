"""An error group: the failures of one function that have one cause, as far as type and frames can say so."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, Protocol

from handlers.domain.audit.act import Act
from handlers.domain.clock import Timestamp
from handlers.domain.document import Document
from handlers.domain.paging import Page, position_of
from handlers.domain.runs.run import ErrorSource, FunctionRun

MAX_VERSIONS = 20
# `last_failure_at` is written so often at most, so that a failure seldom writes to its group.
NOTED_EVERY = timedelta(days=1)
# Of each index, newest first: what is beyond is not counted.
MAX_COUNTED = 10_000


class GroupState(StrEnum):
    OPEN = "open"
    RESOLVED = "resolved"
    """Opened again by a new failure."""
    IGNORED = "ignored"
    """Whatever fails: it stays so until somebody changes it."""


class ErrorGroup(Document):
    """A group as it is stored. How many failures it has is counted from the runs, when asked."""

    id: str
    """32 hexadecimal digits."""
    workspace: str
    function_id: str
    error_code: str
    error_source: ErrorSource
    state: GroupState = GroupState.OPEN
    version: int = 1
    """Counts changes of the state: who changes it says which version was read."""
    first_seen_at: Timestamp
    opened_at: Timestamp
    """When it was last opened or reopened."""
    reopened: int = 0
    resolved_in_version: str | None = None
    """The version of the function that fixes it: failures of older ones do not reopen it."""
    changed_at: Timestamp | None = None
    changed_by: str | None = None
    function_versions: tuple[str, ...] = ()
    """Those that failed so, the newest first, at most 20."""
    sample_run_id: str
    """The run that opened or reopened it."""
    last_failure_at: Timestamp
    """The end of its newest failure, up to a day behind (`NOTED_EVERY`)."""
    publishing: str | None = None
    """The run that has opened it and has still to publish that."""
    expires_at: Timestamp
    """Later than any of its runs does."""

    @property
    def position(self) -> str:
        return position_of(self.opened_at, self.id)


class GroupStore(Protocol):
    """Every method raises Unavailable when AWS does not answer."""

    def read(self, workspace: str, group_id: str) -> ErrorGroup | None: ...

    def create(self, group: ErrorGroup) -> bool:
        """False if there is one."""

    def replace(self, before: ErrorGroup, after: ErrorGroup, act: Act | None = None) -> bool:
        """Store what differs. False if its state, or who publishes it, has changed since it was read, or it is gone."""

    def list(self, workspace: str, function_id: str | None, page: Page) -> tuple[list[ErrorGroup], str | None]:
        """The newest opened first, and the position to go on from."""


class Counts(NamedTuple):
    """Of the failures of a group among the runs that were created in a time, newest first."""

    failures: int = 0
    """Re-runs that failed so included."""
    unrecovered: int = 0
    """Originals that no re-run has recovered yet."""
    failures_capped: bool = False
    unrecovered_capped: bool = False
    """Whether there are more than were counted."""
    hours: tuple[tuple[datetime, int], ...] = ()
    """Hours (UTC) with failures among those counted, the oldest first."""
    last_seen_at: datetime | None = None
    sample_run_id: str | None = None
    """The newest that is not recovered, or else the newest of all."""


class GroupCounts(Protocol):
    def count(self, workspace: str, group_id: str, since: datetime, until: datetime) -> Counts:
        """At most MAX_COUNTED of each kind. Raises Unavailable."""


class GroupBus(Protocol):
    def publish_group(self, group: ErrorGroup, run: FunctionRun) -> bool:
        """Publish that this run has opened or reopened the group. False if the bus did not take it."""
