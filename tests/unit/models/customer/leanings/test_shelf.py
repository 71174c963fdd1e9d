"""What a catalogue says, as figures of customers need it."""

from __future__ import annotations

from datetime import date

from models.customer.leanings.novelty import LAUNCHES
from models.customer.leanings.shelf import Shelf, shelf_of
from plan.analysing.catalogue import Product

LONG = "a-number-that-is-longer-than-profiles-keep"


def test_products_have_the_names_that_profiles_keep() -> None:
    products = [
        Product("a", "tea", 100, launched=date(1970, 1, 11), tags=("vegan",)), Product("b", "tea", 300),
        Product(LONG, "tea", 200), Product("c", "tea"), Product("d", "gifts", 1),
    ]  # fmt: skip
    cut = LONG[:23] + "…"

    assert shelf_of(products) == Shelf(
        {"a": 1, "b": 3, cut: 2}, {"a": ("vegan",), "b": (), cut: (), "c": (), "d": ()}, {"a": 10}
    )


def test_without_tags_nothing_is_counted_and_of_launches_the_latest_are() -> None:
    products = [Product(f"p{number}", launched=date.fromordinal(730_000 + number)) for number in range(LAUNCHES + 5)]
    found = shelf_of(products)

    assert (found.tags, len(found.launched), "p4" in found.launched, "p5" in found.launched) == (
        {},
        LAUNCHES,
        False,
        True,
    )
