"""Several senders that tell of one refund, without saying which: it counts once, and what may be another stays one."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.ledger.refunds import WITHIN, refunds_told, teller_of
from profiles.merge import merge
from profiles.state import Limits, apply
from profiles.types import Entry, Event, Profile

T0 = 1_700_000_000.0
HOUR = 3600.0
LIMITS = Limits(narrowed={"refund": lambda event: [f"refund?{event.source}"]}, parts=frozenset({"refund?web"}))
ORDER = Event("p", "order", "web", "track", "Order Completed", "purchase", T0, T0, [], subject="o", amount=9000,
              currency="EUR")  # fmt: skip


def told(source: str, hours: float, amount: int = 2000, **facts: Any) -> Event:
    """A refund of the order, as a source tells it under an id of its own."""
    time = T0 + hours * HOUR
    made = {"id": f"{source}{hours}{amount}", "subject": "o", "amount": amount, "currency": "EUR"} | facts
    return Event("p", made.pop("id"), source, "track", "Order Refunded", "refund", time, time, [], **made)


def paid_back(*events: Event, limits: Limits = LIMITS) -> tuple[int, int, list[bool]]:
    """How much and in how many refunds, and which of the events counted."""
    profile = Profile("p")
    counts = [apply(profile, event, "EUR", limits) for event in (ORDER, *events)]
    bought = profile.purchases
    assert bought.refund_count == (profile.roles["refund"].count if events else 0)
    return bought.refunds.get("EUR", 0), bought.refund_count, counts[1:]


@pytest.mark.parametrize(
    ("reports", "amount", "count"),
    [
        ([told("web", 1), told("server", 1.1)], 2000, 1),
        ([told("web", 1), told("server", 1.1), told("support", 9)], 2000, 1),
        ([told("web", 1), told("web", 1.1)], 4000, 2),
        ([told("web", 1), told("web", 1.1), told("server", 2), told("server", 2.1)], 4000, 2),
        ([told("web", 1), told("web", 1.1), told("server", 2)], 4000, 2),
        ([told("web", 1), told("server", 1.1, 2001)], 4001, 2),
        ([told("web", 1), told("server", 1.1, currency="USD")], 2000, 2),
        ([told("web", 1), told("server", 26)], 4000, 2),
        ([told("web", 1), told("server", 1.1, refund="r1"), told("server", 1.2, refund="r1")], 2000, 1),
        ([told("web", 1), told("server", 1.1, refund="r1"), told("server", 1.2, refund="r2")], 4000, 2),
        ([told("web", 1, refund="a"), told("server", 1.1, refund="b")], 4000, 2),
        ([told("web", 1, refund="a"), told("server", 1.1, refund="a"), told("support", 2)], 2000, 1),
        ([told("web", 1, subject=""), told("server", 1.1, subject="")], 4000, 2),
    ],
)  # fmt: skip
def test_what_two_senders_tell_of_one_refund_counts_once(reports: list[Event], amount: int, count: int) -> None:
    """In any order; by amount, currency, order and day. Two of one sender are two, and so are two that say which."""
    for events in permutations(reports):
        assert paid_back(*events)[:2] == (amount, count)


def test_the_further_report_is_told_as_folded_and_is_of_all_parts() -> None:
    """Whichever comes first: the refund counts at the earlier time, in what the plan asks of either."""
    web, server = told("web", 2), told("server", 1)

    assert paid_back(server, web)[2] == [True, False]
    assert paid_back(web, server)[2] == [True, False]
    profile = Profile("p")
    for event in (ORDER, web, server):
        apply(profile, event, "EUR", LIMITS)
    assert profile.roles["refund"].last == server.time
    assert profile.narrowed["refund?web"].count == 1


def test_where_each_report_counts_each_does() -> None:
    assert paid_back(told("web", 1), told("server", 1), limits=Limits(on_repeat={"refund": "each"}))[:2] == (4000, 2)


def test_two_homes_that_each_heard_of_a_refund_have_one_when_they_merge() -> None:
    one, other = Profile("p"), Profile("q")
    for profile, events in ((one, [ORDER, told("web", 1)]), (other, [told("server", 2)])):
        for event in events:
            apply(profile, event, "EUR", LIMITS)

    merge(one, other, LIMITS)

    assert (one.purchases.refunds, one.purchases.refund_count) == ({"EUR": 2000}, 1)


def test_what_was_kept_before_there_were_tellers_is_each_a_refund() -> None:
    old = [Entry(1, b"o", T0, 500, "EUR", part=part) for part in (b"a", b"b")]

    assert refunds_told([*old, msgspec.structs.replace(old[0], part=b"c", teller=teller_of("web", named=False))]) == [
        [old[0]], [old[1]], [msgspec.structs.replace(old[0], part=b"c", teller=teller_of("web", named=False))],
    ]  # fmt: skip


reports = st.builds(
    lambda hours, amount, source, named, part: Entry(
        1, b"o", T0 + hours * HOUR, amount, "EUR", part=bytes([part]), teller=teller_of(source, named=named)
    ),
    st.integers(0, 60), st.sampled_from([1, 2]), st.sampled_from("abc"), st.booleans(), st.integers(0, 255),
)  # fmt: skip


@given(st.lists(reports, max_size=8, unique_by=lambda each: each.part), st.randoms())
def test_refunds_do_not_depend_on_the_order_of_their_reports(told: list[Entry], random: Any) -> None:
    """No sender is in one refund twice, none spans more than a day, and none is lost."""
    shuffled = random.sample(told, len(told))

    refunds = refunds_told(told)

    assert refunds == refunds_told(shuffled)
    assert sorted(each.part for refund in refunds for each in refund) == sorted(each.part for each in told)
    for refund in refunds:
        assert len({each.teller[:3] for each in refund}) == len(refund)
        assert max(each.time for each in refund) - refund[0].time <= WITHIN
