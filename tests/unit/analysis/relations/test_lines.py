"""The lines of an order add up to it."""

from __future__ import annotations

from typing import Any

from analysis.base import Base
from analysis.parameters import Parameters
from analysis.relations.lines import lines
from tests.analysed import archived, happened


def item(product: str, quantity: float = 1.0, price: int | None = None, cost: int | None = None) -> dict[str, Any]:
    return {"product": product, "category": f"of {product}", "quantity": quantity, "price": price, "cost": cost}


def lines_of(*rows: dict[str, Any]) -> list[tuple[Any, ...]]:
    engine = archived(rows, until="04-01")
    found = lines(Base(engine, Parameters())).order_by("customer", "us", "product")
    names = ("product", "quantity", "revenue", "refunded", "net", "cost")
    return [tuple(row[name] for name in names) for row in engine.fetch(found).to_pylist()]


def order(amount: int, *items: dict[str, Any], **facts: Any) -> dict[str, Any]:
    return happened("A", "purchase", "03-01", amount=amount, subject="o", items=list(items) or None, **facts)


def test_what_was_paid_is_divided_by_price_and_adds_up() -> None:
    assert lines_of(order(1000, item("P1", 2, 500, 100), item("P2", 1, 500), item("P3", 1, 1500, 7))) == [
        ("P1", 2, 333, 0, 333, 200), ("P2", 1, 167, 0, 167, None), ("P3", 1, 500, 0, 500, 7),
    ]  # fmt: skip


def test_without_a_price_by_quantity_and_a_product_is_one_line() -> None:
    assert lines_of(order(1000, item("P1", 1, 500), item("P2", 2), item("P1", 1, 400))) == [
        ("P1", 2, 500, 0, 500, None), ("P2", 2, 500, 0, 500, None),
    ]  # fmt: skip


def test_a_refund_goes_to_the_products_it_names_and_the_rest_to_what_is_left() -> None:
    sold = order(1000, item("P1", 1, 400), item("P2", 1, 600))
    named = happened("A", "refund", "03-05", amount=600, subject="o", items=[item("P2", 1, 600)], refund="1")
    plain = happened("A", "refund", "03-06", amount=100, subject="o", refund="2")
    assert lines_of(sold, named, plain) == [("P1", 1, 400, 100, 300, None), ("P2", 1, 600, 600, 0, None)]
    assert lines_of(sold, plain) == [("P1", 1, 400, 40, 360, None), ("P2", 1, 600, 60, 540, None)]


def test_an_order_that_lists_nothing_and_one_of_no_worth() -> None:
    assert lines_of(order(700, product="P9", quantity=3.0, cost=5)) == [("P9", 3, 700, 0, 700, 5)]
    assert lines_of(order(700)) == [("", 1, 700, 0, 700, None)]
    assert lines_of(order(3, item("P1", 0, 0), item("P2", 0, 0))) == [
        ("P1", 0, 2, 0, 2, None),
        ("P2", 0, 1, 0, 1, None),
    ]
