"""How dear what somebody buys is among things of its kind."""

from __future__ import annotations

from models.customer.leanings.price_band import PriceBand, price_band_of, terciles

SHELF = [
    *((f"tea-{price}", "tea", price) for price in (100, 200, 300, 400, 500, 600)),
    *((f"pot-{number}", "pots", 9_000) for number in range(4)),
    ("alone", "gifts", 1),
]


def test_thirds_are_of_a_category_and_equal_prices_are_equal() -> None:
    thirds = terciles(SHELF)

    assert [thirds[f"tea-{price}"] for price in (100, 200, 300, 400, 500, 600)] == [1, 1, 2, 2, 3, 3]
    assert {thirds[f"pot-{number}"] for number in range(4)} == {2}  # neither cheap nor dear, whatever they cost
    assert "alone" not in thirds  # with nothing to compare it with


def test_the_mean_is_of_three_items_or_more_whose_price_is_known() -> None:
    thirds = terciles(SHELF)

    assert price_band_of(["tea-600", "tea-600", "tea-300", "unknown"], thirds) == PriceBand((3 + 3 + 2) / 3, 3)
    assert price_band_of(["tea-600", "tea-300", "unknown"], thirds) == PriceBand(None, 2)
