"""The shop of the outage: what it orders, what breaks, and what its function has recorded of its own executions."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from infra.local.demo.users import DemoUser

WITH_COMMA, FREE, PAYMENTS = "ValueError", "ZeroDivisionError", "PaymentsDownError"
ORDERS = {WITH_COMMA: 20, FREE: 40, PAYMENTS: 140}
"""By the error with which they fail, in the order in which they are sent."""
ALL = sum(ORDERS.values())
_ITEMS: dict[str, list[dict[str, Any]]] = {
    WITH_COMMA: [{"price": "12,50"}],
    FREE: [{"price": 0}],
    PAYMENTS: [{"price": 12.5}],
}
_SENDERS = 8


class Record(NamedTuple):
    """What the function itself says that it has done."""

    executed: Counter[str]
    """How often, by run."""
    charged: Counter[str]
    """How often, by order."""


class Shop:
    """It sends orders to the trigger `orders`, and its function notes in `directory` what it does."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir()

    def sends_orders(self, by: DemoUser, trigger_id: str) -> None:
        for error, count in ORDERS.items():
            orders = [{"orderId": f"{error}-{number}", "items": _ITEMS[error]} for number in range(count)]
            with ThreadPoolExecutor(_SENDERS) as senders:
                [*_] = senders.map(lambda order: self._send(by, trigger_id, order), orders)

    def _send(self, by: DemoUser, trigger_id: str, order: dict[str, Any]) -> None:
        by.sends(f"/function-triggers/{trigger_id}/execute", {"payload": order | {"shop": str(self.directory)}})

    def payments_are_up(self) -> None:
        (self.directory / "payments-are-up").touch()

    def record(self) -> Record:
        lines = [*self._lines()]
        return Record(
            executed=Counter(run_id for what, _, run_id in lines if what == "executed"),
            charged=Counter(order_id for what, order_id, _ in lines if what == "charged"),
        )

    def _lines(self) -> Iterator[list[str]]:
        file = self.directory / "record"
        return (line.split() for line in file.read_text().splitlines()) if file.exists() else iter(())
