"""Which versions are named by runs, in any workspace: read from the index that has every run in it."""

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice

from handlers.aws import run_items
from handlers.aws.run_attributes import read_arn, version_arn
from handlers.aws.table import SCHEMA, Item, Table, key_of, readable_of, to_item
from handlers.domain.clock import iso
from handlers.domain.function_arns import base_arn
from handlers.sweep_versions.sweep import UnreadableRun, VersionReference

PAGE = 100
_INDEX = "byWorkspace"


class VersionReferences:
    def __init__(self, table: Table, *, report: Callable[[Exception], None]) -> None:
        """`report` receives the errors of functions that cannot be read: their versions stay."""
        self._table = table
        self._report = report

    def functions(self) -> set[str]:
        pages = self._pages("begins_with(byWorkspace, :kind)", {":kind": "FUNCTIONS#"}, ["functionArn"])
        return set(readable_of((item for page in pages for item in page), _function_arn, self._report))

    def by_runs(self, *, since: datetime | None = None) -> Iterator[list[VersionReference]]:
        condition, values = "begins_with(pk, :kind)", {":kind": "RUN#"}
        if since is not None:
            condition, values = f"{condition} AND #position >= :since", values | {":since": iso(since)}
        for page in self._pages(condition, values, ["fn", "v", "schema"]):
            yield [use for use in map(_use, page) if use is not None]

    def _pages(self, condition: str, values: dict[str, str], attributes: list[str]) -> Iterator[list[Item]]:
        """What the index leads to and is kept, read consistently: the index alone may be late, and knows no expiry."""
        names = {"#position": "position"} if "#position" in condition else {}
        entries = self._table.scan(
            IndexName=_INDEX,
            FilterExpression=condition,
            ExpressionAttributeValues=to_item(values),
            **({"ExpressionAttributeNames": names} if names else {}),
        )
        read = {f"#{name}": name for name in ("pk", "sk", "expiresAt", *attributes)}
        while page := list(islice(entries, PAGE)):
            keys = [key_of(entry) for entry in page]
            options = {"ProjectionExpression": ", ".join(read), "ExpressionAttributeNames": read}
            yield list(self._table.get_many(keys, **options).values())


def _function_arn(item: Item) -> str:
    """Of a registered function."""
    return base_arn(item["functionArn"]["S"])


def _use(item: Item) -> VersionReference | None:
    """None of a run that has no version yet. Raises UnreadableRun."""
    try:
        function_arn = base_arn(read_arn(item["fn"]["S"]))
    except KeyError as missing:
        raise UnreadableRun(run_items.run_id(item)) from missing
    if item.get("schema") != {"N": str(SCHEMA)}:
        # A newer release may name it elsewhere.
        return VersionReference(function_arn, None)
    if "v" not in item:
        return None
    version: str | None = item["v"].get("S")
    return VersionReference(function_arn, None if version is None else version_arn(function_arn, version))
