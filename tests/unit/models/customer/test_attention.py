"""What waits for an answer."""

from __future__ import annotations

from models.customer.attention import attention_of
from models.durations import DAY
from tests.build import T0, customer, event


def test_open_tickets_the_oldest_first_with_their_age() -> None:
    profile = customer(
        event("ticket_opened", 1, subject="a"), event("ticket_solved", 2, subject="a"),
        event("ticket_opened", 3, subject="b"),
        event("ticket_opened", 0, subject="c"), event("ticket_solved", 4, subject="c"),
        event("ticket_reopened", 8, subject="c"),
        event("complaint", 5), event("complaint", 6),
    )  # fmt: skip
    found = attention_of(profile, T0 + 10 * DAY)

    assert [(each.id, round(each.days, 6), each.reopened) for each in found.tickets] == [
        ("b", 7, False),
        ("c", 2, True),
    ]
    assert found.complaint is not None
    assert (found.complaint.count, round(found.complaint.days, 6)) == (2, 4)
    assert found.inquiry is None


def test_nothing_waits() -> None:
    found = attention_of(customer(event("visit", 1)), T0)

    assert (found.tickets, found.complaint, found.inquiry) == ([], None, None)
