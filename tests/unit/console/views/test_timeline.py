"""Latest events as they are shown: claims among them, confirmed or not, and never many."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from console.views.timeline import timeline_view
from plan import load_plan
from profiles.state import Limits, apply
from profiles.types import Claim, Event, Profile
from tests import REPOSITORY

PLAN = load_plan(REPOSITORY / "tracking_plan.yaml", {})
LIMITS = Limits(timeline=8)


def happened(time: float, source: str, name: str, role: str, subject: str = "") -> Event:
    claimed = Claim(role, named=True) if source == "web" and role == "purchase" else None
    return Event("p", f"{time}{source}", source, "track", name, "" if claimed else role, time, time,
                 [("user_id", "42")], subject=subject, claim=claimed)  # fmt: skip


def order(time: float, source: str, number: str) -> Event:
    return happened(time, source, "Order Completed", "purchase", number)


def shown(events: list[Event], limit: int = 8) -> list[tuple[float, str | None]]:
    profile = Profile("p")
    for event in events:
        apply(profile, event, "EUR", LIMITS)
    return [(event.time, event.claimed) for event in timeline_view(profile, limit, PLAN)]


def test_a_claim_is_confirmed_by_the_same_role_and_subject() -> None:
    """Not by another order, nor by a checkout of the same number, which anybody can send."""
    checkout = happened(1, "web", "Checkout Started", "checkout", "o1")
    events = [checkout, order(2, "web", "o1"), order(3, "web", "o2"), order(4, "purchase", "o2")]

    assert shown(events) == [(4, None), (3, "confirmed"), (2, "unconfirmed"), (1, None)]


def test_what_confirms_a_claim_need_not_be_shown_itself() -> None:
    assert shown([order(1, "purchase", "o1"), order(2, "web", "o1"), order(3, "purchase", "o2")], limit=2) == [
        (3, None), (2, "confirmed"),
    ]  # fmt: skip


def test_a_claim_about_nothing_is_never_confirmed() -> None:
    assert shown([order(1, "web", ""), order(2, "purchase", "")]) == [(2, None), (1, "unconfirmed")]


@pytest.mark.parametrize("limit", [4, 8])
def test_of_a_flood_of_claims_few_are_shown(limit: int) -> None:
    """What happened stays in sight."""
    flood = [order(100 + number, "web", f"x{number}") for number in range(50)]
    events = [happened(number, "support", "Ticket Opened", "ticket_opened", f"{number}") for number in range(8)]

    times = [time for time, claimed in shown([*events, *flood], limit) if claimed]
    assert times == [149 - number for number in range(limit // 4)]


def test_what_is_older_than_what_could_confirm_it_is_not_shown() -> None:
    """So an order that was confirmed does not become a mere claim when events push its proof out."""
    visits = [happened(10 + number, "web", "Signed In", "login") for number in range(8)]

    seen = [*((17 - number, None) for number in range(7)), (2, None)]
    assert shown([order(1, "web", "o1"), order(2, "purchase", "o1"), *visits]) == seen
    later = [order(30 + number, "purchase", f"p{number}") for number in range(99)]
    ticket = happened(0, "support", "Ticket Opened", "ticket_opened")
    seen = shown([order(2, "purchase", "o1"), order(3, "web", "o1"), ticket, *later])
    assert seen[-1] == (3, "confirmed")  # the ledger still knows it
    more = [order(30 + number, "purchase", f"p{number}") for number in range(999)]
    seen = shown([order(2, "purchase", "o1"), order(3, "web", "o1"), ticket, *more])
    assert [claimed for _, claimed in seen] == [None] * 8


def test_a_page_called_like_an_order_is_none() -> None:
    """Anybody can name a page so: it is shown as behaviour, and confirms no claim of the same number."""
    page = Event("p", "page", "web", "page", "Order Completed", "", 1, 1, [("user_id", "42")], subject="o1")
    profile = Profile("p")
    for event in (page, order(2, "web", "o1"), order(3, "purchase", "o2")):
        apply(profile, event, "EUR", LIMITS)

    assert [(event.role, event.claimed) for event in timeline_view(profile, 8, PLAN)] == [
        ("purchase", None), ("purchase", "unconfirmed"), (None, None),
    ]  # fmt: skip


def test_a_further_report_of_an_order_is_folded_and_a_refund_is_not() -> None:
    """The earliest of an order counts; two at the very same moment are one and a further one."""
    refunds = [happened(time, "purchase", "Order Refunded", "refund", "o1") for time in (6, 7)]
    web = [happened(time, "web", "Signed In", "login", "o1") for time in (1, 2)]
    events = [order(3, "purchase", "o1"), order(5, "purchase", "o1"), order(4, "purchase", "o2"), *web, *refunds]
    profile = Profile("p")
    for event in events[::-1]:
        apply(profile, event, "EUR", LIMITS)

    assert [event.time for event in timeline_view(profile, 8, PLAN) if event.folded] == [5]
    apply(profile, msgspec.structs.replace(events[2], id="again"), "EUR", LIMITS)
    assert [event.time for event in timeline_view(profile, 8, PLAN) if event.folded] == [5, 4]


def test_a_refund_that_another_sender_tells_is_folded(tmp_path: Path) -> None:
    """Of the same amount and order, within a day; not a second one of the same sender."""
    times = [(1.0, "purchase"), (2.0, "purchase"), (3.0, "support")]
    profile = Profile("p")
    for time, source in times:
        refund = happened(time, source, "Order Refunded", "refund", "o1")
        apply(profile, msgspec.structs.replace(refund, amount=500, currency="EUR"), "EUR", LIMITS)

    text = (REPOSITORY / "tracking_plan.yaml").read_text()
    (tmp_path / "plan.yaml").write_text(
        text.replace(
            "- name: Order Refunded\n    sources: [purchase]",
            "- name: Order Refunded\n    sources: [purchase, support]",
        )
    )
    plan = load_plan(tmp_path / "plan.yaml", {})
    assert [(event.source, event.folded) for event in timeline_view(profile, 8, plan)] == [
        ("support", True), ("purchase", False), ("purchase", False),
    ]  # fmt: skip


def test_no_report_is_folded_where_each_counts() -> None:
    """The lines of an order, say, though its refunds know whose they are."""
    profile = Profile("p")
    for event in (order(3, "purchase", "o1"), order(5, "purchase", "o1")):
        apply(profile, event, "EUR", Limits(on_repeat={"purchase": "each"}))

    assert [event.folded for event in timeline_view(profile, 8, PLAN)] == [False, False]


def test_an_order_that_has_left_the_timeline_still_confirms_a_claim() -> None:
    """What is counted is known by its subject."""
    flood = [happened(10 + number, "support", "Ticket Opened", "ticket_opened", f"{number}") for number in range(40)]
    late = order(100, "web", "o1")

    assert (100, "confirmed") in shown([order(1, "purchase", "o1"), *flood, late])
    assert (100, "unconfirmed") in shown([order(1, "purchase", "o2"), *flood, late])
