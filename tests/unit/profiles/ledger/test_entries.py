"""What adds up counts once a subject, within bounds, and also where nothing was kept by subject yet."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profiles.documents import decode_profile, encode_profile
from profiles.ledger.entries import entries_of
from profiles.merge import merge
from profiles.money import Rates
from profiles.state import Limits, apply
from profiles.types import Event, Profile, Purchases, Tally

DAY = 86400.0
T0 = 1_700_000_000.0
LIMITS = Limits()


def told(role: str, day: float, amount: int | None = None, about: str = "o1", **facts: Any) -> Event:
    """A report; its message is one of its own unless `id` says so."""
    time = T0 + day * DAY
    money = {} if amount is None else {"amount": amount, "currency": "EUR"}
    made = {"id": f"{role}{day}{amount}{about}", "source": "purchase"} | money | facts
    return Event("p", made.pop("id"), made.pop("source"), "track", role, role, time, time, subject=about, **made)


def profile_of(*events: Event, limits: Limits = LIMITS) -> Profile:
    profile = Profile("p")
    for event in events:
        apply(profile, event, "EUR", limits)
    return profile


def test_an_order_of_web_and_server_counts_once_with_the_latest_amount() -> None:
    """Whichever of them arrives first; it counts at the earlier time."""
    web, server = told("purchase", 1, 5000, source="web"), told("purchase", 1.001, 4500, quantity=2.0)

    for profile in (profile_of(web, server), profile_of(server, web)):
        bought = profile.purchases
        assert (bought.orders, bought.revenue, bought.items) == (1, {"EUR": 4500}, 2)
        assert (bought.first, bought.last, bought.recent) == (web.time, web.time, [web.time])
        assert (bought.last_amount, bought.amounts) == (4500, [4500])
        assert profile.roles["purchase"].count == 1
        assert profile.activity["web"].count == 1  # what was sent is still to be seen


@pytest.mark.parametrize(("policy", "orders", "revenue"), [("first", 1, 5000), ("last", 1, 4000), ("each", 2, 9000)])
def test_the_plan_says_which_report_counts(policy: str, orders: int, revenue: int) -> None:
    limits = Limits(on_repeat={"purchase": policy})
    reports = [told("purchase", 1, 5000), told("purchase", 2, 4000)]

    for history in (reports, reports[::-1]):
        bought = profile_of(*history, limits=limits).purchases
        assert (bought.orders, bought.revenue) == (orders, {"EUR": revenue})


def test_a_report_that_says_less_takes_nothing_away() -> None:
    """An update without an amount, items or a category."""
    whole = told("purchase", 1, 5000, quantity=3.0, category="Games")

    bought = profile_of(whole, told("purchase", 2)).purchases
    assert (bought.revenue, bought.items, bought.mix) == ({"EUR": 5000}, 3, {"Games": 1})


def test_a_message_without_a_subject_is_known_when_it_comes_again() -> None:
    """However much lies between."""
    order = told("purchase", 1, 1000, about="")

    assert profile_of(order, told("purchase", 1, 1000, about="", id="other"), order).purchases.orders == 2


@pytest.mark.parametrize(
    ("refunds", "paid_back", "count"),
    [
        ([1500, 5000], 5000, 2),
        ([1500, None], 5000, 2),
        ([None, 1500], 5000, 1),
        ([1500, 1500], 3000, 2),
        ([5000, 5000], 5000, 1),
        ([9000], 5000, 1),
    ],
)
def test_refunds_of_an_order_never_exceed_it(refunds: list[int | None], paid_back: int, count: int) -> None:
    """Partial, full, and without an amount, which is of what is left; also when they arrive before the order."""
    order = told("purchase", 1, 5000)
    history = [told("refund", 2 + day, amount) for day, amount in enumerate(refunds)]

    for events in ([order, *history], [*history, order], [*history[::-1], order]):
        bought = profile_of(*events).purchases
        assert (bought.refunds, bought.refund_count) == ({"EUR": paid_back}, count)
        assert bought.revenue == {"EUR": 5000}


@pytest.mark.parametrize("about", ["o1", ""])
def test_of_one_refund_the_latest_report_counts(about: str) -> None:
    """Whatever its message: two exports that say what was paid back so far do not add up; two refunds do."""
    so_far = [told("refund", 2, 1000, about, refund="all"), told("refund", 2, 2500, about, refund="all")]
    other = told("refund", 4, 300, about, refund="r2")

    for history in (so_far, so_far[::-1]):
        assert profile_of(told("purchase", 1, 5000), *history).purchases.refunds == {"EUR": 2500}
        bought = profile_of(told("purchase", 1, 5000), *history, other).purchases
        assert (bought.refunds, bought.refund_count) == ({"EUR": 2800}, 2)


@pytest.mark.parametrize("policy", [{"refund": "each"}, {"purchase": "each"}, {"purchase": "each", "refund": "each"}])
def test_refunds_never_exceed_their_order_where_each_report_counts(policy: dict[str, str]) -> None:
    """Nor the sum of its lines; one without an amount is of what is left; a repeat adds nothing."""
    limits = Limits(on_repeat=policy, rates=Rates("EUR", {T0: {"USD": 0.5}}))
    lines = [told("purchase", 1, 3000, id="l1"), told("purchase", 1, 2000, id="l2")]
    lines = lines if "purchase" in policy else [told("purchase", 1, 5000)]
    for refunds, paid_back in (([9000], 5000), ([1500, None], 5000), ([1500, 2000], 3500)):
        back = [told("refund", 2 + day, amount) for day, amount in enumerate(refunds)]
        for history in ([*lines, *back], [*back, *lines], [*lines, *back, *lines, *back]):
            bought = profile_of(*history, limits=limits).purchases
            assert (bought.orders, bought.revenue) == (len(lines), {"EUR": 5000})
            assert bought.refunds == {"EUR": paid_back}

    abroad = [msgspec.structs.replace(one, currency="USD") for one in lines]
    back = told("refund", 2, 9000, currency="USD")
    bought = profile_of(*abroad, back, limits=limits).purchases
    assert (bought.refunds, bought.converted_back) == ({"USD": 5000}, 2500)


def test_a_refund_of_an_order_that_nobody_told_counts_as_it_is() -> None:
    assert profile_of(told("purchase", 1, 100), told("refund", 2, 700, about="o2")).purchases.refunds == {"EUR": 700}


def test_a_refund_in_another_currency_is_not_measured_by_the_order() -> None:
    refund = told("refund", 2, 9000, currency="USD")

    assert profile_of(told("purchase", 1, 5000), refund).purchases.refunds == {"USD": 9000}


def test_other_currencies_are_worth_what_they_were_at_the_time() -> None:
    """By the day of the order, also once it is updated; before the table's first day they are in no sum."""
    rates = Rates("EUR", {T0 + 10 * DAY: {"USD": 0.5, "JPY": 0.01}, T0 + 20 * DAY: {"USD": 0.8}})
    limits = Limits(rates=rates)
    early = told("purchase", 5, 1000, about="o1", currency="USD")
    cheap = told("purchase", 15, 1000, about="o2", currency="USD")
    dear = told("purchase", 20, 1000, about="o3", currency="USD")
    yen = told("purchase", 25, 1000, about="o4", currency="JPY")
    own = told("purchase", 26, 100, about="o5")
    other = told("purchase", 27, 1000, about="o6", currency="GBP")
    back = told("refund", 28, 9999, about="o2", currency="USD")  # of all that there was
    events = [early, cheap, dear, yen, own, other, back]

    for history in (events, events[::-1]):
        bought = profile_of(*history, limits=limits).purchases
        assert bought.revenue == {"USD": 3000, "JPY": 1000, "EUR": 100, "GBP": 1000}
        assert (bought.converted, bought.revenue_in("EUR")) == (500 + 800 + 1000, 2400)
        assert (bought.converted_back, bought.refunds_in("EUR")) == (500, 500)
        assert bought.amounts == [0, 500, 800, 1000, 100, 0]

    updated = profile_of(cheap, told("purchase", 21, 2000, about="o2", currency="USD"), limits=limits).purchases
    assert (updated.converted, updated.recent) == (1600, [cheap.time])
    winner, loser = profile_of(cheap, back, limits=limits), profile_of(dear, limits=limits)
    merge(winner, loser, limits)
    assert (winner.purchases.converted, winner.purchases.converted_back) == (1300, 500)


def test_a_correction_below_zero_in_another_currency_stays_in_that() -> None:
    limits = Limits(rates=Rates("EUR", {T0: {"USD": 0.5}}))
    down = told("purchase", 2, -1000, currency="USD")

    assert profile_of(told("purchase", 1, 500, currency="USD"), down, limits=limits).purchases.converted == -500


def test_payments_and_subscriptions_count_once_too() -> None:
    """A subscription is taken up again: it counts once, and at the latest time."""
    profile = profile_of(
        told("payment", 1, about="p1"),
        told("payment", 2, about="p1"),
        told("subscription_start", 1, about="s1"),
        told("subscription_cancel", 5, about="s1"),
        told("subscription_start", 9, about="s1"),
    )
    tallies = {role: (tally.count, (tally.last - T0) / DAY) for role, tally in profile.roles.items()}
    assert tallies == {"payment": (1, 1), "subscription_start": (1, 9), "subscription_cancel": (1, 5)}


def test_two_homes_that_each_heard_of_an_order_have_one_when_they_merge() -> None:
    winner = profile_of(told("purchase", 1, 5000), told("purchase", 3, 100, about="o2"))
    loser = profile_of(told("purchase", 2, 4000), told("refund", 4, 9900))

    merge(winner, loser, LIMITS)

    assert winner.purchases.revenue == {"EUR": 4100}
    assert winner.purchases.refunds == {"EUR": 4000}
    assert winner.roles["purchase"].count == winner.purchases.orders == 2


Report = tuple[int, int | None, int]  # day, amount, items
reports = st.lists(
    st.tuples(st.integers(0, 6), st.none() | st.integers(0, 9), st.integers(0, 3)), min_size=1, max_size=5, unique=True
)


@settings(max_examples=60, deadline=None)
@given(reports, st.lists(st.integers(0, 9), max_size=3), st.randoms(use_true_random=False))
def test_any_order_and_repetition_of_the_reports_of_an_order_give_the_same(
    orders: list[Report], refunds: list[int], random: Any
) -> None:
    """The messages are long out of the memory of repeats. What is paid back is never more than the order."""
    events = [told("purchase", day, amount, quantity=float(items)) for day, amount, items in orders]
    events += [told("refund", 3, amount) for amount in refunds]
    again = events + random.choices(events, k=6)
    random.shuffle(again)
    first, second = profile_of(*events), profile_of(*again)

    bought = first.purchases
    assert bought == second.purchases
    assert (bought.orders, first.roles) == (1, second.roles)
    said = [(day, amount) for day, amount, _ in orders if amount is not None]
    if said:
        assert bought.revenue == {"EUR": max(said)[1]}
        assert bought.refunds.get("EUR", 0) <= max(said)[1]


def test_the_oldest_orders_settle_and_stay_known() -> None:
    """Bounded, with every order in the sums; what comes of an old one again adds nothing."""
    limits = Limits(ledger=4)
    orders = [told("purchase", day, 100, about=f"o{day}") for day in range(40)]
    profile = profile_of(*orders, limits=limits)
    assert profile.ledger is not None
    assert len(entries_of(profile.ledger)) == profile.ledger.count <= 4 * 4
    bought = profile.purchases
    assert (bought.orders, bought.revenue, bought.first, bought.last) == (40, {"EUR": 4000}, T0, T0 + 39 * DAY)
    assert len(bought.recent) == limits.recent

    for order in orders:
        assert not apply(profile, order, "EUR", limits)
    assert (bought.orders, profile.roles["purchase"].count) == (40, 40)

    newest = told("purchase", 50, 900, about="o39")
    apply(profile, newest, "EUR", limits)
    assert profile.purchases.revenue == {"EUR": 4800}
    assert (profile.purchases.orders, profile.roles["purchase"].count) == (40, 40)


def test_what_is_new_about_a_settled_subject_counts() -> None:
    """The refund of an old order, the end of an old subscription; and each of them once."""
    limits = Limits(ledger=4)
    orders = [told("purchase", day, 100, about=f"o{day}") for day in range(40)]
    starts = [told("subscription_start", day, about=f"s{day}") for day in range(40)]
    profile = profile_of(*orders, *starts, limits=limits)
    late = [told("refund", 70, 100, about="o1"), told("subscription_cancel", 70, about="s1")]

    assert [apply(profile, event, "EUR", limits) for event in (*late, *late)] == [True, True, False, False]
    assert profile.purchases.refunds == {"EUR": 100}
    assert profile.roles["subscription_cancel"].count == 1


def test_an_order_that_one_of_two_has_settled_is_one_when_they_merge() -> None:
    """Whoever wins."""
    limits = Limits(ledger=4)
    many = [told("purchase", day, 100, about=f"o{day}") for day in range(40)]
    few = [told("purchase", 60, 700, about="o1"), told("purchase", 61, 50, about="new")]

    for winner, loser in ((many, few), (few, many)):
        both = profile_of(*winner, limits=limits)
        merge(both, profile_of(*loser, limits=limits), limits)
        assert (both.purchases.orders, both.purchases.revenue) == (41, {"EUR": 4050})


def test_payments_push_out_no_orders() -> None:
    limits = Limits(ledger=4)
    order = told("purchase", 0, 100)
    profile = profile_of(order, *(told("payment", day, about=f"p{day}") for day in range(40)), limits=limits)

    apply(profile, told("purchase", 60, 700), "EUR", limits)

    assert profile.purchases.revenue == {"EUR": 700}


def test_a_profile_of_before_goes_on_from_what_it_has() -> None:
    """Its orders are sums without subjects; they stay, and new ones are added."""
    old = Profile(
        "p", purchases=Purchases(3, T0, T0 + DAY, 3, {"EUR": 900}), roles={"purchase": Tally(3, T0, T0 + DAY)}
    )

    for event in (told("purchase", 5, 100), told("purchase", 6, 300)):
        apply(old, event, "EUR", LIMITS)
    assert (old.purchases.orders, old.purchases.revenue, old.purchases.first) == (4, {"EUR": 1200}, T0)
    assert old.roles["purchase"].count == 4

    other = Profile("q", purchases=Purchases(1, T0, T0, 1, {"EUR": 50}), roles={"purchase": Tally(1, T0, T0)})
    merge(old, other, LIMITS)
    assert (old.purchases.orders, old.purchases.revenue, old.roles["purchase"].count) == (5, {"EUR": 1250}, 5)


def test_an_entry_of_an_order_takes_few_bytes() -> None:
    two = profile_of(*(told("purchase", day, 4999, about=f"o{day}") for day in range(2)))

    assert two.ledger is not None
    assert len(two.ledger.entries) == 2 * 28
    assert decode_profile("p", encode_profile(two)) == two
