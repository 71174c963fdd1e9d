"""Each cause by its own feature: what it comes to on small histories, in any order, merged, and at any later time."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import pytest

from models.features.table import NAMES
from profiles.merge import merge
from profiles.types import Event, Profile
from tests.build import KINDS_COUNT, customer, event, row

ROOT = math.sqrt(0.5)  # what a root of a count comes to after its half-life


def seen(history: Sequence[Event], day: float) -> dict[str, float]:
    """The features that are not zero, whatever came first and wherever it arrived: all ways must agree."""
    shuffled = random.Random(1).sample(history, len(history))
    winner, loser = of(shuffled[::2]), of(shuffled[1::2], "cd" * 16)
    merge(winner, loser, KINDS_COUNT)
    plain, *others = (row(profile, day).tolist() for profile in (of(history), of(shuffled), winner))
    for other in others:
        assert other == pytest.approx(plain, rel=1e-9, abs=1e-9)
    return {name: value for name, value in zip(NAMES, plain, strict=True) if value}


def of(history: Sequence[Event], id_: str = "ab" * 16) -> Profile:
    return customer(*history, id=id_, limits=KINDS_COUNT)


def kind(role: str, day: float, *kinds: str, **facts: object) -> Event:
    """An event of these kinds of its role."""
    return event(role, day, properties={"of": kinds}, **facts)


def test_what_a_complaint_is_about_is_told_apart_and_counted_once() -> None:
    """With tickets of the kind; the rest is the support's."""
    x = seen([
        kind("complaint", 5, "price", id="1"), kind("complaint", 5, "price", id="2"),
        kind("complaint", 5, "delivery", id="3"), kind("ticket_opened", 5, "delivery", id="4"),
        kind("complaint", 5, id="5"), kind("ticket_opened", 5, id="6"),
    ], 5 + 56)  # fmt: skip

    assert (x["price_complaints_8w"], x["delivery_complaints_8w"]) == (pytest.approx(1.0), pytest.approx(1.0))
    assert (x["complaint_8w"], x["ticket_opened_8w"]) == (pytest.approx(ROOT), pytest.approx(ROOT))
    assert "product_complaints_8w" not in x
    only = seen([kind("complaint", 5, "product")], 5)
    assert (only["product_complaints_8w"], "complaint_8w" in only) == (1.0, False)


def test_trouble_with_deliveries_is_one_cause_whoever_tells_it() -> None:
    x = seen([
        event("delivery_late", 1), event("undelivered", 1), kind("delivered", 1, "late"), kind("delivered", 1, id="d"),
        kind("return", 1, "delivery"), kind("return", 1, id="r"),
    ], 1)  # fmt: skip

    assert x["delivery_trouble_8w"] == pytest.approx(2.0)
    assert x["return_8w"] == pytest.approx(1.0)
    assert seen([kind("delivered", 1)], 1) == {}


def test_who_is_used_to_discounts_and_gets_none_any_more() -> None:
    """An order that two systems tell is one, and of the kind that either says."""
    history = [
        kind("purchase", day, *["discount"] * (day < 30), amount=1000, subject=f"o{day}") for day in (0, 10, 20, 30, 40)
    ]
    history.append(event("purchase", 0, amount=1000, subject="o0", id="again"))
    x = seen(history, 48)
    lately = [2 ** ((day - 48) / 56) for day in (0, 10, 20)]

    assert x["discount_habit"] == pytest.approx(0.6)
    assert x["log_discounted"] == pytest.approx(math.log(1 + 4))
    assert x["discount_share"] == pytest.approx(sum(lately) / (x["orders_8w"] + 0.5))
    assert not {"discount_habit", "log_discounted", "discount_share"} & seen([event("purchase", 0, amount=1)], 9).keys()


def test_a_ticket_is_overdue_by_what_is_usual() -> None:
    """Four days of waiting are long for whom a day was usual, and not for who always waits as long."""
    quick = [event("ticket_opened", 0, subject="a"), event("ticket_solved", 1, subject="a")]
    slow = [event("ticket_opened", 0, subject="a"), event("ticket_solved", 6, subject="a")]
    waits = event("ticket_opened", 20, subject="b")

    assert seen([*quick, waits], 25)["overdue"] == pytest.approx(math.log(6) - math.log(2))
    assert "overdue" not in seen([*slow, waits], 25)
    assert "overdue" not in seen(quick, 25)
    assert seen([*slow, waits], 35)["overdue"] == pytest.approx(math.log(16) - math.log(7))


def test_baskets_and_early_life() -> None:
    """The latest three orders against those before; tenure only at first."""
    days = (0, 10, 70, 80, 90)
    x = seen([event("purchase", day, amount=1000 if day < 60 else 500) for day in days], 150)

    assert x["basket_trend"] == pytest.approx(math.log(0.5))
    assert x["early"] == pytest.approx(0.5 ** (150 / 56))
    few = seen([event("purchase", day, amount=1000) for day in days[:4]], 150)
    assert "basket_trend" not in few


@pytest.mark.parametrize("role", ["coupon_denied", "order_cancelled", "uninstalled"])
def test_what_happens_to_few(role: str) -> None:
    x = seen([event(role, 3)], 3 + 56)

    assert (x[f"{role}_8w"], len(x)) == (pytest.approx(ROOT), 2 if role == "coupon_denied" else 1)


def test_effort_is_an_opinion() -> None:
    assert seen([event("ces", 3, rating=7.0), event("ces", 5, rating=2.0)], 5)["low_ces"] == 3


def test_trouble_of_the_last_weeks_by_cause() -> None:
    """Halving every two weeks; each counts for one cause."""
    x = seen([
        kind("complaint", 5, "price", id="1"), event("coupon_denied", 5), kind("ticket_opened", 5, "delivery", id="2"),
        event("undelivered", 5), kind("ticket_opened", 5, id="3"), event("ticket_reopened", 5),
        kind("complaint", 5, id="4"), kind("complaint", 5, "product", id="5"),
    ], 5 + 14)  # fmt: skip

    assert x["price_trouble_2w"] == pytest.approx(1.0)
    assert x["delivery_trouble_2w"] == pytest.approx(1.0)
    assert x["support_trouble_2w"] == pytest.approx(math.sqrt(1.5))


def test_how_long_the_latest_ticket_took() -> None:
    tickets = [("a", 0, 1), ("b", 10, 16), ("c", 12, 15)]
    history = [event(f"ticket_{what}", day, subject=id_) for id_, *days in tickets
               for what, day in zip(("opened", "solved"), days, strict=True)]  # fmt: skip

    assert seen(history, 16 + 56)["last_resolution"] == pytest.approx(math.log(7) / 2)
