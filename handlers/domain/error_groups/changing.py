"""Change what is to become of an error group: resolved, ignored, or open again."""

from pydantic import Field

from handlers.domain import clock
from handlers.domain.audit.act import Act
from handlers.domain.error_groups.group import ErrorGroup, GroupState, GroupStore
from handlers.domain.error_groups.listing import find_group
from handlers.domain.errors import InvalidRequest, Unavailable
from handlers.domain.optimistic_locking import check_version
from handlers.domain.requests import Body, VersionNumber

MAX_REASON = 512
_ATTEMPTS = 3


class ChangeErrorGroup(Body):
    state: GroupState = Field(
        strict=False,
        description="`resolved`: a new failure opens it again. `ignored`: none does.",
    )
    resolved_in_version: VersionNumber | None = Field(
        default=None,
        description="Of `resolved`: the version of the function that fixes it. Failures of older ones do not open the "
        "group again.",
    )
    reason: str | None = Field(default=None, max_length=MAX_REASON)
    version: int | None = None


def change_group(
    workspace: str, group_id: str, request: ChangeErrorGroup, groups: GroupStore, *, act: Act, if_match: str | None
) -> ErrorGroup:
    """The changed group.

    Raises NotFound, InvalidRequest, VersionRequired, Stale or Unavailable.
    """
    if request.resolved_in_version is not None and request.state is not GroupState.RESOLVED:
        raise InvalidRequest("resolvedInVersion", "is only of a group that is resolved.")
    for _ in range(_ATTEMPTS):
        before = find_group(workspace, group_id, groups)
        check_version(before.version, request.version, if_match)
        after = before.evolve(
            state=request.state,
            resolved_in_version=request.resolved_in_version,
            version=before.version + 1,
            changed_at=clock.now(),
            changed_by=act.by,
        )
        done = act.evolve(
            error_group_id=after.id,
            error_group_state=after.state.value,
            function_id=after.function_id,
            reason=request.reason or None,
        )
        if groups.replace(before, after, done):
            return after
        # Its state has changed, and the version is stale; or only its event was published, which is no change of it.
    raise Unavailable
