"""What a workspace has of one kind, newest first."""

from itertools import islice

from handlers.aws import keys
from handlers.aws.table import Item, Table, key_of, to_item
from handlers.domain.paging import Page


def newest_first(
    table: Table, partition: str, page: Page, *, index: str = "byWorkspace"
) -> tuple[list[Item], str | None]:
    """A page of the items in one partition of an index by position, and the position to go on from."""
    walk = table.walk(
        page_size=page.size + 1,
        IndexName=index,
        KeyConditionExpression="#key = :key AND #position < :after",
        ExpressionAttributeNames={"#key": index, "#position": "position"},
        ExpressionAttributeValues=to_item({":key": partition, ":after": page.after or "~"}),
        ScanIndexForward=False,
    )
    entries = list(islice(walk, page.size + 1))
    kept = entries[: page.size]
    found = table.get_many([key_of(entry) for entry in kept])
    in_order = (found.get(keys.pair(key_of(entry))) for entry in kept)
    position = kept[-1]["position"]["S"] if len(entries) > page.size else None
    return [item for item in in_order if item is not None], position
