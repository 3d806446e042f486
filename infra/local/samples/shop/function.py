"""Charge an order of the shop, with two bugs: a free order has no average, and a price may be written with a comma."""

from pathlib import Path
from typing import Any


class PaymentsDownError(Exception):
    pass


def handler(order: dict[str, Any], context: Any) -> dict[str, Any]:
    run_id = context.client_context.custom["functionRunId"]
    note(order, "executed", run_id)
    prices = [price_of(item) for item in order["items"]]
    total = sum(prices)
    discount = discount_of(prices)
    charge(order, total - discount, run_id)
    return {"orderId": order["orderId"], "total": total, "discount": discount}


def price_of(item: dict[str, Any]) -> float:
    return float(item["price"])


def discount_of(prices: list[float]) -> float:
    """A tenth of what a paid item costs on average."""
    paid = [price for price in prices if price > 0]
    return sum(paid) / len(paid) / 10


def charge(order: dict[str, Any], amount: float, run_id: str) -> None:
    if not (Path(order["shop"]) / "payments-are-up").exists():
        raise PaymentsDownError(f"no answer for {amount}")
    note(order, "charged", run_id)


def note(order: dict[str, Any], what: str, run_id: str) -> None:
    """The function's own record: a line for all that it does."""
    with (Path(order["shop"]) / "record").open("a") as record:
        record.write(f"{what} {order['orderId']} {run_id}\n")
