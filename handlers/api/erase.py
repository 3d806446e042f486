"""What api_erase answers."""

from http import HTTPStatus

from handlers.api.operations import Grant, Operation
from handlers.domain import errors

ERASE = Operation(
    id="erase",
    entry_point="api_erase",
    method="DELETE",
    path="/function-runs/{runId}/content",
    access=Grant("function-runs", "erase"),
    summary="Erase what a run holds",
    description="Its parameters, overrides, result, logs and error are gone for good, and those that an execution "
    "under way would bring are not kept. The run, its lineage and the audit stay. It cannot be re-run any more; one "
    "that is pending ends as `ContentErased`, unexecuted. Re-runs of it have copies: erase them, too. May be repeated.",
    responses={HTTPStatus.NO_CONTENT: None},
    refusals=(errors.InvalidRunId, errors.NotFound),
    audited="erase",
)
