"""Who did what: the acts of a workspace."""

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from handlers.api.audit import LIST_ACTS, ActList, ActView
from handlers.api.operations import REVEAL
from handlers.api.resolver import Resolver, from_gateway
from handlers.api.responses import json_response, to_lambda
from handlers.api.views import PageMeta
from handlers.domain.audit.act import Act, Action
from handlers.domain.audit.listing import Filters, list_acts
from handlers.domain.audit.override_paths import reveal_paths
from handlers.settings import check_environment
from handlers.telemetry import entry_point
from handlers.wiring import wiring

READS = ("table_name", "input_key_arn", "audit_retention_days")
check_environment(READS)

app = Resolver()


@app.operation(LIST_ACTS)
def get_acts(workspace: str) -> Response[Any]:
    filters, page = Filters.from_query(app.query()), app.page()
    sealed, position = list_acts(workspace, filters, page, wiring.audit_log)
    acts, by = [each.act for each in sealed], app.permitted.caller
    if by.may(workspace, *REVEAL):
        showing = Act.done(Action.REVEAL_OVERRIDE_PATHS, by.subject, workspace, kept_for=wiring.acts_kept_for)
        acts = reveal_paths(sealed, showing, wiring.audit_log, wiring.input_cipher)
    overridden = {each.act.id for each in sealed if each.sealed_paths is not None}
    data = [ActView.of(act, overridden=act.id in overridden) for act in acts]
    found = ActList(data=data, meta=PageMeta.of(page, position))
    return json_response(HTTPStatus.OK, found)


@entry_point
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return to_lambda(app.resolve(from_gateway(event), context))
