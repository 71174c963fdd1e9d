"""Products that somebody looked at, by day: a set, of which the latest stay."""

from __future__ import annotations

import random
from functools import reduce

from profiles.traces.looked import LOOKS, join_looked, looked_of, note_looked

Look = tuple[int, str]


def noted(*looks: Look) -> bytes:
    held = b""
    for day, product in looks:
        held = note_looked(held, day, product)
    return held


def test_of_one_product_on_one_day_there_is_one() -> None:
    held = noted((20_000, "P12"), (20_001, "P1"), (20_000, "P1"), (20_000, "P12"), (20_001, "茶"))

    assert looked_of(held) == [(20_000, "P1"), (20_000, "P12"), (20_001, "P1"), (20_001, "茶")]
    assert looked_of(b"") == []


def test_neither_order_nor_splits_show_and_the_latest_stay() -> None:
    """Also of products one of which begins as another does, and with whatever bytes days have."""
    draw = random.Random(11)
    products = ["P1", "P12", "P", "P123", "\x00", "é", "茶", "N P1"]
    for _ in range(50):
        looks = [(20_090 + draw.randrange(60), draw.choice(products)) for _ in range(draw.choice((3, 30, 120)))]
        told = noted(*looks)
        parts: list[list[Look]] = [[], [], []]
        for look in draw.sample(looks, len(looks)):
            parts[draw.randrange(3)].append(look)

        assert noted(*draw.sample(looks, len(looks))) == told
        assert reduce(join_looked, (noted(*part) for part in parts)) == told
        by_bytes = sorted({(day, product.encode()) for day, product in looks})[-LOOKS:]
        assert looked_of(told) == [(day, product.decode()) for day, product in by_bytes]


def test_a_year_takes_little() -> None:
    held = noted(*((20_000 + day, f"product-{day:03}-{more}") for day in range(365) for more in range(4)))

    assert len(looked_of(held)) == LOOKS
    assert len(held) < 700
