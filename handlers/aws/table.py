"""The table's wire: what every store does with DynamoDB, whatever it stores."""

import random
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer

from handlers.aws import aws_errors
from handlers.aws.keys import Key
from handlers.domain import clock
from handlers.domain.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Item = dict[str, Any]
"""An item in DynamoDB's own notation, `{"name": {"S": "text"}}`."""

SCHEMA = 1
"""Every item says by which version of its form it was written."""

Read = TypeVar("Read")

_serialise = TypeSerializer().serialize
_deserialise = TypeDeserializer().deserialize


def to_item(plain: dict[str, Any]) -> Item:
    return {name: _serialise(value) for name, value in plain.items()}


def from_item(item: Item) -> dict[str, Any]:
    plain = {name: _deserialise(value) for name, value in item.items()}
    # types-boto3 does not know Binary.__bytes__
    return {name: bytes(value) if isinstance(value, Binary) else value for name, value in plain.items()}  # type: ignore[call-overload]


def size_of(item: Item) -> int:
    """In bytes, as DynamoDB counts: the names of attributes and their values.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    return sum(len(name.encode()) + _value_size(*value.items()) for name, value in item.items())


def _value_size(kind_and_value: tuple[str, Any]) -> int:
    kind, value = kind_and_value
    if kind == "N":
        return len(value.lstrip("-0.").rstrip("0")) // 2 + 2
    if kind in ("S", "B"):
        return len(value.encode() if isinstance(value, str) else bytes(value))
    if kind == "M":
        return 3 + len(value) + size_of(value)
    return 1


def key_of(item: Item) -> Key:
    """Of an item, or of its entry in an index."""
    return {"pk": item["pk"]["S"], "sk": item["sk"]["S"]}


def readable(item: Item, read: Callable[[Item], Read], report: Callable[[Exception], None]) -> Read | None:
    """What `read` makes of the item. One that cannot be read, written by a newer release perhaps, is reported.

    Whatever it raises: the item is not what we know, and no list of errors would be complete. `read` asks AWS nothing.
    """
    try:
        return read(item)
    except Exception as unreadable:  # noqa: BLE001
        report(unreadable)
        return None


def readable_of(
    items: Iterable[Item], read: Callable[[Item], Read], report: Callable[[Exception], None]
) -> Iterator[Read]:
    """What `read` makes of each item that can be read: one that cannot hides no other."""
    each_read = (readable(item, read, report) for item in items)
    return (found for found in each_read if found is not None)


_ATTEMPTS = 12
# What one BatchGetItem takes.
_MOST_READ = 100
_CONDITION_FAILED = "ConditionalCheckFailed"
# Why a transaction was not made, and may be at the next attempt. An action that was not to blame has the reason None.
_PASSING = frozenset({"None", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})


def pause(attempt: int) -> None:
    """Full jitter, 20 ms doubling to 640 ms: a dozen attempts stay within an API call's patience."""
    time.sleep(random.uniform(0, min(0.02 * 2**attempt, 0.64)))


class ConditionFailed(Exception):
    """An update whose condition failed."""

    def __init__(self, item: Item) -> None:
        self.item = item
        """As it is, so far as ReturnValuesOnConditionCheckFailure asked for it and it exists."""
        super().__init__("the condition of the update failed")


class TransactionCanceled(Exception):
    """A transaction some of whose conditions failed."""

    def __init__(self, reasons: dict[str, Any]) -> None:
        """`reasons` are DynamoDB's, by the names of the actions."""
        self._reasons = reasons
        super().__init__("a condition of the transaction failed")

    def by(self, name: str) -> bool:
        """Whether it was the condition of this action that failed."""
        return bool(self._reasons.get(name, {}).get("Code") == _CONDITION_FAILED)

    def item(self, name: str) -> dict[str, Any] | None:
        """The item that failed its condition, if ReturnValuesOnConditionCheckFailure asked for it and it exists."""
        found = self._reasons[name].get("Item")
        return from_item(found) if found else None


class Table:
    """One DynamoDB table whose keys are `pk` and `sk`. Reads are consistent and leave expired items out.

    Every method raises Unavailable when AWS does not answer.
    """

    def __init__(self, client: "DynamoDBClient", name: str) -> None:
        self._client = client
        self._name = name

    def get(self, key: Key) -> Item | None:
        with aws_errors.translated():
            found = self._client.get_item(TableName=self._name, Key=to_item(key), ConsistentRead=True)
        item = found.get("Item")
        return item if item is not None and _is_alive(item) else None

    def get_many(self, keys: Sequence[Key], **options: Any) -> dict[tuple[str, str], Item]:
        """The items found, by (pk, sk). Of none, nothing is asked.

        A projection needs pk, sk and expiresAt.
        """
        parts = (keys[start : start + _MOST_READ] for start in range(0, len(keys), _MOST_READ))
        return {key: item for part in parts for key, item in self._get_part(part, options).items()}

    def _get_part(self, keys: Sequence[Key], options: Mapping[str, Any]) -> dict[tuple[str, str], Item]:
        found: dict[tuple[str, str], Item] = {}
        wanted: list[Any] = [to_item(key) for key in keys]
        for attempt in range(_ATTEMPTS):
            if not wanted:
                return found
            if attempt:
                pause(attempt)
            with aws_errors.translated():
                request: Any = {"Keys": wanted, "ConsistentRead": True, **options}
                answer = self._client.batch_get_item(RequestItems={self._name: request})
            for item in answer["Responses"].get(self._name, []):
                if _is_alive(item):
                    found[item["pk"]["S"], item["sk"]["S"]] = item
            unprocessed: Any = answer.get("UnprocessedKeys", {})
            wanted = unprocessed.get(self._name, {}).get("Keys", [])
        raise Unavailable

    def query(self, *, size: int, **options: Any) -> tuple[list[Item], Key | None]:
        """What one Query finds among so many items, expired ones included, and the key of the last that it looked at.

        That is None where nothing is left to look at.
        """
        with aws_errors.translated():
            page = self._client.query(TableName=self._name, Limit=size, **options)
        last: Item = page.get("LastEvaluatedKey", {})
        return page["Items"], key_of(last) if last else None

    def walk(self, *, page_size: int, **options: Any) -> Iterator[Item]:
        """Items of a query, expired ones included, read a page at a time as they are asked for."""
        return self._pages(self._client.query, Limit=page_size, **options)

    def scan(self, **options: Any) -> Iterator[Item]:
        """All items, or an index's entries, expired ones included, read a page at a time as they are asked for."""
        return self._pages(self._client.scan, **options)

    def _pages(self, read: Callable[..., Any], **options: Any) -> Iterator[Item]:
        start: dict[str, Any] = {}
        while True:
            with aws_errors.translated():
                page = read(TableName=self._name, **options, **start)
            yield from page["Items"]
            if "LastEvaluatedKey" not in page:
                return
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def update(self, key: Key, **options: Any) -> None:
        """Raises ConditionFailed."""
        self._write(self._client.update_item, Key=to_item(key), **options)

    def replace(self, plain: dict[str, Any], **condition: Any) -> None:
        """Put the item in the place of what is there. Raises ConditionFailed."""
        self._write(self._client.put_item, Item=to_item(plain), **condition)

    def _write(self, write: Callable[..., Any], **options: Any) -> None:
        for attempt in range(_ATTEMPTS):
            if attempt:
                pause(attempt)
            with aws_errors.translated():
                try:
                    write(TableName=self._name, **options)
                except self._client.exceptions.ConditionalCheckFailedException as failed:
                    found: Item = failed.response.get("Item", {})  # type: ignore[assignment]
                    raise ConditionFailed(found) from failed
                except self._client.exceptions.TransactionConflictException:
                    continue  # a transaction, of a re-run say, is writing the item at this moment
            return
        raise Unavailable

    def put(self, plain: dict[str, Any]) -> None:
        with aws_errors.translated():
            self._client.put_item(TableName=self._name, Item=to_item(plain))

    def put_new(self, plain: dict[str, Any]) -> None:
        """Nothing happens if there is such an item: the answer was lost, and the SDK has asked again."""
        with aws_errors.translated(), suppress(self._client.exceptions.ConditionalCheckFailedException):
            self._client.put_item(
                TableName=self._name, Item=to_item(plain), ConditionExpression="attribute_not_exists(pk)"
            )

    def put_unless_alive(self, plain: dict[str, Any]) -> bool:
        """False if there is such an item that has not expired: our own, perhaps, if an answer was lost."""
        there_is_none = "attribute_not_exists(pk)"
        it_has_expired = "expiresAt <= :now"
        with aws_errors.translated():
            try:
                self._client.put_item(
                    TableName=self._name,
                    Item=to_item(plain),
                    ConditionExpression=f"{there_is_none} OR {it_has_expired}",
                    ExpressionAttributeValues=to_item({":now": int(clock.now().timestamp())}),
                )
            except self._client.exceptions.ConditionalCheckFailedException:
                return False
        return True

    def delete(self, key: Key) -> None:
        with aws_errors.translated():
            self._client.delete_item(TableName=self._name, Key=to_item(key))

    def put_action(self, plain: dict[str, Any], **condition: Any) -> dict[str, Any]:
        return {"Put": {"TableName": self._name, "Item": to_item(plain), **condition}}

    def update_action(self, key: Key, **options: Any) -> dict[str, Any]:
        return {"Update": {"TableName": self._name, "Key": to_item(key), **options}}

    def check_action(self, key: Key, **condition: Any) -> dict[str, Any]:
        return {"ConditionCheck": {"TableName": self._name, "Key": to_item(key), **condition}}

    def delete_action(self, key: Key, **condition: Any) -> dict[str, Any]:
        return {"Delete": {"TableName": self._name, "Key": to_item(key), **condition}}

    def transact(self, actions: dict[str, Any]) -> None:
        """All of it or nothing. Raises TransactionCanceled, which knows the actions by their names here.

        Another transaction on the same items is no reason to fail, only to come again; the token makes a repetition
        after a lost answer write nothing twice.
        """
        token = str(uuid.uuid4())
        for attempt in range(_ATTEMPTS):
            if attempt:
                pause(attempt)
            with aws_errors.translated():
                try:
                    self._client.transact_write_items(TransactItems=list(actions.values()), ClientRequestToken=token)
                except self._client.exceptions.TransactionInProgressException:
                    continue  # it is being done, by the call whose answer was lost
                except self._client.exceptions.TransactionCanceledException as canceled:
                    reasons: list[Any] = list(canceled.response.get("CancellationReasons", []))
                    codes = {reason.get("Code") for reason in reasons}
                    if not codes <= _PASSING | {_CONDITION_FAILED}:
                        raise
                    if _CONDITION_FAILED in codes:
                        raise TransactionCanceled(dict(zip(actions, reasons, strict=False))) from canceled
                    continue
            return
        raise Unavailable


def _is_alive(item: Item) -> bool:
    """DynamoDB deletes what has expired within days: until then it is as good as gone.

    What has an expiry of another form than ours lives on, as it does for DynamoDB: its reader checks its form.
    """
    try:
        return float(item["expiresAt"]["N"]) > clock.now().timestamp()
    except KeyError:
        return True
