"""Failures of one kind: list them, read one, resolve or ignore it."""

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from handlers.api.error_groups import (
    FRAMES,
    GET_ERROR_GROUP,
    LIST_ERROR_GROUPS,
    PUT_ERROR_GROUP,
    ErrorGroupList,
    ErrorGroupView,
)
from handlers.api.resolver import Resolver, from_gateway
from handlers.api.responses import json_response, to_lambda
from handlers.api.views import PageMeta
from handlers.domain.error_groups.changing import ChangeErrorGroup, change_group
from handlers.domain.error_groups.listing import CountedGroup, Filters, Period, count_group, find_group, list_groups
from handlers.domain.error_groups.sample import open_sample
from handlers.domain.errors import InvalidRequest
from handlers.domain.optimistic_locking import etag
from handlers.domain.runs.acts import on_run
from handlers.settings import RUNS, check_environment
from handlers.telemetry import entry_point
from handlers.wiring import wiring

READS = (*RUNS, "outcome_key_arn", "audit_retention_days")
check_environment(READS)

app = Resolver()


def shown(counted: CountedGroup, **more: Any) -> Response[Any]:
    return json_response(HTTPStatus.OK, ErrorGroupView.of(counted, **more), ETag=etag(counted.group.version))


@app.operation(LIST_ERROR_GROUPS)
def get_error_groups(workspace: str) -> Response[Any]:
    filters, page = Filters.from_query(app.query()), app.page()
    found, position = list_groups(workspace, filters, page, wiring.group_store, wiring.group_counts)
    data = [ErrorGroupView.of(counted) for counted in found]
    return json_response(HTTPStatus.OK, ErrorGroupList(data=data, meta=PageMeta.of(page, position)))


@app.operation(GET_ERROR_GROUP)
def get_error_group(workspace: str, error_group_id: str) -> Response[Any]:
    include, period = app.query().get("include"), Period.from_query(app.query())
    if include not in (None, FRAMES):
        raise InvalidRequest("include", f"must be {FRAMES}.")
    group = find_group(workspace, error_group_id, wiring.group_store)
    counted = count_group(group, period, wiring.group_counts)
    return shown(counted) if include is None else shown(counted, frames=revealed_frames(counted))


def revealed_frames(counted: CountedGroup) -> list[str] | None:
    group = counted.group
    app.permitted.line["parts"] = [FRAMES]
    sample = open_sample(group.workspace, counted.sample_run_id, wiring.runs, wiring.outcome_cipher)
    if sample is None:
        return None
    act = app.permitted.done(wiring.acts_kept_for).evolve(error_group_id=group.id)
    # Before anything is shown: what leaves no act is not shown.
    wiring.audit_log.write(on_run(act, sample.run, parts=(FRAMES,)))
    return None if sample.frames is None else [*sample.frames]


@app.operation(PUT_ERROR_GROUP)
def put_error_group(workspace: str, error_group_id: str) -> Response[Any]:
    request = ChangeErrorGroup.read(app.body())
    changed = change_group(
        workspace,
        error_group_id,
        request,
        wiring.group_store,
        act=app.permitted.done(wiring.acts_kept_for),
        if_match=app.header("if-match"),
    )
    return shown(count_group(changed, Period.from_query({}), wiring.group_counts))


@entry_point
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return to_lambda(app.resolve(from_gateway(event), context))
