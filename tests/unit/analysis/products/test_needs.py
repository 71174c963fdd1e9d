"""What people want and do not get, by hand."""

from __future__ import annotations

from typing import Any

from analysis.products.needs import NEEDS, Asked
from analysis.running import behind, run
from tests.analysed import archived, happened


def searched(customer: str, text: str, results: int | None = 0) -> dict[str, Any]:
    return happened(customer, "search", "03-01", text=text, results=results)


def viewed(customer: str, day: str, product: str, **facts: Any) -> dict[str, Any]:
    return happened(customer, "view", day, product=product, **facts)


def bought(customer: str, day: str, product: str, price: int = 1500) -> dict[str, Any]:
    return happened(customer, "purchase", day, amount=price, subject=f"{customer} {day}", items=[{"product": product}])


def needs(*rows: dict[str, Any], until: str = "06-01") -> dict[tuple[str, str], tuple[Any, ...]]:
    found = run(NEEDS, archived(rows, until=until), Asked()).rows
    return {(row["kind"], row["what"]): (row["customers"], row["times"], row["worth"]) for row in found}


def test_searches_without_a_result() -> None:
    five = [
        searched(name, text) for name, text in zip("ABCDE", ("Tent", "tent ", "TENT", " tent", "tent"), strict=True)
    ]
    few = [searched(name, "my name") for name in "ABCD"]
    some = [searched(name, "shoe", 3) for name in "ABCDE"] + [searched(name, "sock", None) for name in "ABCDE"]
    assert needs(*five, *few, *some, searched("A", "tent")) == {("searched", "tent"): (5, 6, None)}


def test_viewed_and_not_bought() -> None:
    rows = [
        viewed("A", "03-01", "p"), viewed("A", "03-04", "p"), bought("Z", "02-01", "p"),
        viewed("B", "03-01", "p"), viewed("B", "03-04", "p"), bought("B", "04-02", "p"),
        viewed("C", "03-01", "p"), viewed("C", "03-04", "p"), bought("C", "04-20", "p", 2500),
        viewed("D", "03-01 10:00", "p"), viewed("D", "03-01 12:00", "p"),
        viewed("E", "05-01", "p"), viewed("E", "05-20", "p"),
        viewed("F", "03-01", "q"), viewed("F", "03-02", "q"), bought("F", "02-01", "q"),
    ]  # fmt: skip
    assert needs(*rows) == {("viewed", "p"): (2, 4, 2 * 1833), ("viewed", "q"): (1, 2, 1500)}
    found = behind(NEEDS, archived(rows, until="06-01"), Asked(), {"kind": "viewed", "what": "p"}, "customers")
    assert [row["customer"] for row in found.customers] == ["C", "A"]  # C brought more


def test_what_was_out_of_stock() -> None:
    rows = [
        viewed("A", "03-01", "p", in_stock=False), viewed("B", "03-01", "p", in_stock=False), bought("B", "03-09", "p"),
        viewed("C", "03-01", "p", in_stock=True), viewed("D", "03-01", "p"),
        happened("E", "stock_alert", "03-02", product="p"),
    ]  # fmt: skip
    assert needs(*rows) == {("out_of_stock", "p"): (2, 2, 3000)}
    assert needs() == {}
