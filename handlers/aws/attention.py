"""The *attention* index: what the watchdog should look at, by the moment from which on it should."""

from collections.abc import Iterator
from itertools import islice

from handlers.aws.table import Item, Table, to_item


def attention_pages(table: Table, partition: str, *, before: str, size: int) -> Iterator[list[Item]]:
    """The entries of one of its partitions whose moment is past, a page at a time as they are asked for.

    The index is eventually consistent: the item itself says whether it is overdue still.
    """
    walk = table.walk(
        page_size=size,
        IndexName="attention",
        KeyConditionExpression="attention = :partition AND attentionAt < :before",
        ExpressionAttributeValues=to_item({":partition": partition, ":before": before}),
    )
    while page := list(islice(walk, size)):
        yield page
