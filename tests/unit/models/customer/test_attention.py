"""What waits for an answer."""

from __future__ import annotations

from dataclasses import replace

from models.customer.attention import attention_of
from models.durations import DAY
from profiles.traces.taking import Tracing
from tests.build import LIMITS, T0, customer, event


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


def test_contacts_of_the_week_by_department_and_channel() -> None:
    """T0 is a Tuesday; the Sunday before it is another week, and so is the next Monday."""
    tracing = Tracing(left={"contact_made": lambda event: [("contact", event.subject, event.category)]})
    profile = customer(
        *(
            event("contact_made", day, subject=department, category=channel)
            for day, department, channel in (
                (-2, "Sales", "phone"), (0, "Sales", "phone"), (1, "Sales", "phone"), (2, "Support", "email"),
                (3, "", "email"),
            )
        ),
        limits=replace(LIMITS, tracing=tracing),
    )  # fmt: skip
    found = attention_of(profile, T0 + 4 * DAY).contacts

    assert [(each.department, each.channel, each.count) for each in found.each] == [
        ("", "email", 1), ("Sales", "phone", 2), ("Support", "email", 1),
    ]  # fmt: skip
    assert (found.count, found.double) == (4, True)
    assert attention_of(profile, T0 + 8 * DAY).contacts.count == 0


def test_what_they_said_the_latest_first() -> None:
    tracing = Tracing(left={"complaint": lambda event: [("complaint", event.subject, "mill")]})
    profile = customer(
        event("complaint", 1, subject="late"), event("complaint", 2, subject="broken"),
        limits=replace(LIMITS, tracing=tracing),
    )  # fmt: skip

    assert [(said.topic, said.product) for said in attention_of(profile, T0).complaints] == [
        ("broken", "mill"), ("late", "mill"),
    ]  # fmt: skip
