"""How an act stands in the table: by workspace and time, in as many partitions as runs have shards."""

from datetime import UTC, datetime
from typing import Any

from handlers.aws import keys
from handlers.aws.run_items import shard
from handlers.aws.table import SCHEMA, Item, Table, from_item
from handlers.domain.audit.act import Act, SealedAct
from handlers.domain.paging import position_of

_SAID_BY_KEYS = {"workspace", "id", "at", "expires_at"}


def of_act(sealed: SealedAct) -> dict[str, Any]:
    act = sealed.act
    said = act.model_dump(mode="json", by_alias=True, exclude_none=True, exclude=_SAID_BY_KEYS)
    paths = {} if sealed.sealed_paths is None else {"sealedPaths": sealed.sealed_paths}
    key = keys.act(act.workspace, shard(act.id), position_of(act.at, act.id))
    return key | said | paths | {"expiresAt": int(act.expires_at.timestamp()), "schema": SCHEMA}


def put_actions(table: Table, act: Act | SealedAct | None) -> dict[str, Any]:
    """What a transaction needs of it: an action, or none if nobody did anything."""
    if act is None:
        return {}
    return {"act": table.put_action(of_act(SealedAct(act) if isinstance(act, Act) else act))}


def to_act(item: Item) -> SealedAct:
    """Raises what a value that is not as it should be makes it raise."""
    plain = from_item(item)
    at, _, id_ = plain["sk"].partition("#")
    _, workspace, _ = plain["pk"].split("#")
    expires_at = datetime.fromtimestamp(int(plain["expiresAt"]), UTC)
    of_the_keys = {"id": id_, "at": at, "workspace": workspace, "expiresAt": expires_at}
    return SealedAct(Act.model_validate(plain | of_the_keys), plain.get("sealedPaths"))
