"""Process an order, with a bug: an order whose every item is free has no average to divide by."""

from typing import Any


def handler(order: dict[str, Any], _: object) -> dict[str, Any]:
    print(f"processing order {order['orderId']}")
    paid = [item for item in order["items"] if item["price"] > 0]
    total = sum(item["price"] * item["quantity"] for item in paid)
    return {
        "orderId": order["orderId"],
        "total": total,
        "averagePrice": total / sum(item["quantity"] for item in paid),
        "currency": order.get("currency", "EUR"),
    }
