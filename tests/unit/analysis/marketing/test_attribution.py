"""The worked examples of attribution, by hand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from analysis.marketing.attribution import ATTRIBUTION, MODELS, Asked
from analysis.running import behind, run
from tests.analysed import archived, at, happened

BOUGHT = at("06-30 12:00")


def visit(customer: str, days: float, source: str = "", **facts: Any) -> dict[str, Any]:
    """A visit so many days before BOUGHT."""
    return happened(customer, "visit", BOUGHT - timedelta(days=days), utm_source=source or None, **facts)


def click(customer: str, days: float) -> dict[str, Any]:
    return happened(customer, "contact_clicked", BOUGHT - timedelta(days=days), channel="email")


def order(customer: str, days: float, cents: int, subject: str) -> dict[str, Any]:
    return happened(customer, "purchase", BOUGHT - timedelta(days=days), amount=cents, subject=subject)


def credits(
    *rows: dict[str, Any], links: Mapping[str, str] = MappingProxyType({}), **asked: Any
) -> dict[str, tuple[int, ...]]:
    engine = archived(rows, until="09-01", links=links)
    return {row["source"]: tuple(row[name] for name in MODELS) for row in run(ATTRIBUTION, engine, Asked(**asked)).rows}


ONE = (
    visit("A", 20, "google"), click("A", 6), click("A", 6 - 10 / 1440), visit("A", 1, "meta"), visit("A", 0.1),
    order("A", 0, 10000, "1"),
)  # fmt: skip


def test_one_order_by_five_rules() -> None:
    found = credits(*ONE)
    #                          first, last, linear, position, decay
    assert found == {
        "google": (10000, 0, 3334, 4000, 865),
        "email": (0, 0, 3333, 2000, 3459),
        "meta": (0, 10000, 3333, 4000, 5676),
    }


def test_direct_counts_where_nothing_else_does_or_if_asked_for() -> None:
    assert credits(*ONE, direct="always")["direct"] == (0, 10000, 2500, 4000, 3829)
    assert credits(visit("A", 1), order("A", 0, 500, "1")) == {"direct": (500,) * 5}


def test_two_orders_one_of_them_paid_back_in_part() -> None:
    rows = [
        visit("A", 28, "meta"), order("A", 20, 6000, "1"), click("A", 5), order("A", 0, 4000, "2"),
        happened("A", "refund", "07-10", amount=2000, subject="2"),
    ]  # fmt: skip
    found = credits(*rows)
    assert found["meta"] == (6000 + 2000, 6000, 7000, 7000, 6000 + 186)
    assert found["email"] == (0, 2000, 1000, 1000, 1814)
    assert credits(*rows, reset=True)["email"] == (2000,) * 5
    found = credits(*rows, order("B", 0, 3000, "3"))
    assert found[""] == (3000,) * 5  # no touch is known
    assert [sum(found[source][model] for source in found) for model in range(5)] == [11000] * 5


def test_a_referrer_counts_where_a_session_begins_and_a_campaign_wherever_it_is() -> None:
    late = [visit("A", 1), visit("A", 1 - 5 / 1440, referrer="pay.example"), order("A", 0.99, 100, "1")]
    assert credits(*late) == {"direct": (100,) * 5}
    assert credits(visit("A", 1, referrer="news.example"), order("A", 0.99, 100, "1")) == {"news.example": (100,) * 5}
    assert credits(*late, visit("A", 1 - 2 / 1440, "ads")) == {"ads": (100,) * 5}


def test_touches_before_the_look_back_are_not_counted() -> None:
    rows = [visit("A", 30, "old"), visit("B", 30.001, "older"), order("A", 0, 100, "1"), order("B", 0, 200, "2")]
    found = credits(*rows)
    assert found["old"][0] == 100
    assert found[""] == (200,) * 5
    assert "older" not in found


def test_more_than_three_share_what_is_between() -> None:
    rows = [visit("A", 9 - place, source) for place, source in enumerate("abcde")]
    found = credits(*rows, order("A", 0, 1001, "1"))
    assert [found[source][3] for source in "abcde"] == [400, 67, 67, 67, 400]


def test_an_order_of_less_than_nothing() -> None:
    rows = [visit("A", 3, "a"), visit("A", 2, "b"), order("A", 0, 100, "1"),
            happened("A", "refund", "07-10", amount=201, subject="1")]  # fmt: skip
    found = credits(*rows)
    assert (found["a"][2], found["b"][2]) == (-51, -50)


def test_what_led_to_one_led_to_both_who_became_one() -> None:
    rows = [visit("A", 3, "a"), order("B", 0, 100, "1")]
    assert credits(*rows, links={"A": "B"}) == {"a": (100,) * 5}


def test_by_campaign_and_the_list() -> None:
    rows = [*ONE, visit("C", 2, "google", utm_campaign="spring"), order("C", 0, 50, "4")]
    assert credits(*rows, level="campaign")["spring"] == (50,) * 5
    engine = archived(rows, until="09-01")
    [google] = [row for row in run(ATTRIBUTION, engine, Asked()).rows if row["source"] == "google"]
    found = behind(ATTRIBUTION, engine, Asked(), {"by": "", "source": "google"}, "customers")
    assert (google["customers"], google["orders"]) == (2, 2)
    assert found.total == 2
    assert [row["linear"] for row in found.customers] == [3334, 50]
