"""What is sold of each product, by hand."""

from __future__ import annotations

from typing import Any

from analysis.products.products import PRODUCTS, Asked
from analysis.running import behind, run
from tests.analysed import archived, happened


def item(product: str, quantity: float = 1.0, price: int = 1000) -> dict[str, Any]:
    return {"product": product, "category": product[0], "quantity": quantity, "price": price}


SHOP = [
    happened("A", "purchase", "03-01", amount=3000, subject="1", items=[item("p1", 2), item("q1")],
             traits='{"country": "NL"}'),
    happened("B", "purchase", "04-01", amount=2000, subject="2", items=[item("p1"), item("p2")],
             traits='{"country": "BE"}'),
    happened("B", "purchase", "04-02", amount=500, subject="3"),
    happened("A", "refund", "04-09", amount=2000, subject="1", items=[item("p1", 2)]),
]  # fmt: skip


FIGURES = ("items", "orders", "customers", "revenue", "net")


def rows(**asked: Any) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    found = run(PRODUCTS, archived(SHOP, until="05-01"), Asked(**asked)).rows
    keys = ("by", "what") if not asked.get("over_time") else ("period", "what")
    return {
        tuple(str(row[key]) for key in keys): tuple(row[name] for name in FIGURES)
        for row in found
    }  # fmt: skip


def test_by_product_items_and_net_add_up() -> None:
    found = rows()
    assert found == {
        ("", "p1"): (3, 2, 2, 3000, 1000), ("", "q1"): (1, 1, 1, 1000, 1000), ("", "p2"): (1, 1, 1, 1000, 1000),
        ("", ""): (1, 1, 1, 500, 500),
    }  # fmt: skip
    assert sum(row[4] for row in found.values()) == 3000 + 2000 + 500 - 2000


def test_by_category_an_order_counts_once_in_each() -> None:
    assert rows(level="category")["", "p"] == (4, 2, 2, 4000, 2000)
    assert rows(level="category", category="q") == {("", "q"): (1, 1, 1, 1000, 1000)}


def test_what_is_sold_by_weight_is_not_cut_to_whole_pieces() -> None:
    orders = [happened("A", "purchase", "04-01", amount=900, subject=str(number), items=[item("tea", weight)])
              for number, weight in enumerate((0.1, 0.2, 1.25))]  # fmt: skip
    row = run(PRODUCTS, archived(orders, until="05-01"), Asked()).rows[0]
    assert (row["what"], row["items"]) == ("tea", 1.55)


def test_by_country_and_by_month() -> None:
    assert rows(by="country")["NL", "p1"] == (2, 1, 1, 2000, 0)
    assert rows(over_time=True)["2026-04-01", "p1"] == (1, 1, 1, 1000, 1000)
    assert set(rows(over_time=True)) == {
        ("2026-03-01", "p1"), ("2026-03-01", "q1"), ("2026-04-01", "p1"), ("2026-04-01", "p2"), ("2026-04-01", ""),
    }  # fmt: skip


def test_shares_and_the_list() -> None:
    engine = archived(SHOP, until="05-01")
    found = run(PRODUCTS, engine, Asked()).rows
    assert sum(row["share"] for row in found) == 1
    cell = {"period": found[0]["period"], "by": "", "what": "p1"}
    listed = behind(PRODUCTS, engine, Asked(), cell, "customers").customers
    assert [row["customer"] for row in listed] == ["B", "A"], "who brought more first"
