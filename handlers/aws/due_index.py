"""The *due* index: what somebody has to look at, by the moment from which on they should.

OPEN#{shard}     runs that are open, or whose end is not published      the watchdog
OBJECTS#{shard}  objects in the bucket                                  housekeeping
UNFINISHED       triggers whose change has not come to its end          the watchdog
ERASURES         runs whose content is to be erased, or looked for again  the watchdog
BATCHES          batches that nobody takes on, or that are to begin       the watchdog; steps count those at work
"""

from collections.abc import Iterator
from itertools import islice

from handlers.aws.table import Item, Table, to_item


def due_pages(table: Table, partition: str, *, before: str, size: int) -> Iterator[list[Item]]:
    """The entries of one of its partitions whose moment is past, a page at a time as they are asked for.

    The index is eventually consistent, and may name an earlier moment than the item: the item itself says whether it
    is due.
    """
    walk = table.walk(
        page_size=size,
        IndexName="due",
        KeyConditionExpression="due = :partition AND dueAt < :before",
        ExpressionAttributeValues=to_item({":partition": partition, ":before": before}),
    )
    while page := list(islice(walk, size)):
        yield page
