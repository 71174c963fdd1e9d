"""What events leave in a profile's traces."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from profiles.merge import merge
from profiles.traces.begun import code_of
from profiles.traces.counts import hours_of, months_of
from profiles.traces.mementos import mementos_of
from profiles.traces.taking import LOOKED, Tracing
from profiles.types import Claim, Event, Traces
from tests.build import LIMITS, customer, event

TRACING = Tracing(
    left={
        "contact_made": lambda event: [("contact", event.subject, event.category)],
        "csat": lambda event: [("csat", event.subject, "")],
        "purchase": lambda event: [("bought", event.category, "")],
    },
    channels=frozenset({"phone"}),
)
EVERYTHING = Tracing(
    left={
        "view": lambda event: [(LOOKED, event.subject, "")],
        "purchase": lambda event: [("bought", event.subject, ""), ("coupon", "", "")],
        "contact_made": lambda event: [("contact", "Marketing", "email")],
        "stock_alert": lambda event: [("missing", event.subject, "")],
        **{role: lambda event: [(event.role, event.subject, "")] for role in ("search", "complaint", "inquiry")},
        **{role: lambda event: [(event.role, event.subject, "Coffee")] for role in ("csat", "nps")},
    },
    begun=lambda event: code_of("direct", "web", "desktop"),
)
LIMITED = replace(LIMITS, tracing=TRACING)


def test_what_somebody_does_tells_when_they_come() -> None:
    """T0 is a Tuesday in November 2023, 22:13 UTC."""
    profile = customer(
        event("visit", 0), event("visit", 0.1), event("view", 0.2), event("contact_made", 0.3), event("login", 31),
        limits=LIMITED,
    )  # fmt: skip
    assert profile.traces is not None
    hours, days = hours_of(profile.traces.when)

    assert ({hour: count for hour, count in enumerate(hours) if count}) == {0: 1, 22: 2}
    assert days == [0, 1, 1, 0, 1, 0, 0]
    assert months_of(profile.traces.months) == [2023 * 12 + 10, 2023 * 12 + 11]


def test_contacts_are_kept_and_counted_by_channel() -> None:
    told = [("phone", 1), ("phone", 2), ("pigeon", 3), ("", 4)]
    profile = customer(
        *(event("contact_made", day, subject="Sales", category=channel) for channel, day in told), limits=LIMITED
    )
    assert profile.traces is not None

    assert profile.traces.contacts == {"phone": 2, "other": 2}
    assert [each.more for each in mementos_of(profile.traces.kept["contact"])] == ["phone", "phone", "pigeon", ""]
    assert not profile.traces.when  # it is nothing that they did


def test_an_answer_is_kept_with_its_rating() -> None:
    profile = customer(event("csat", 1, rating=4.0, subject="p1"), event("csat", 2, rating=2.5), limits=LIMITED)
    assert profile.traces is not None

    assert [(each.what, each.value) for each in mementos_of(profile.traces.kept["csat"])] == [("p1", 4), ("", 2.5)]


def test_who_only_claims_leaves_nothing() -> None:
    claimed: Event = event("", 1, claim=Claim("purchase"))

    assert customer(claimed, limits=LIMITED).traces is None


def test_nothing_is_noted_without_a_plan_that_says_how() -> None:
    assert customer(event("visit", 1)).traces is None


@pytest.mark.parametrize("cut", range(5))
def test_two_profiles_become_what_all_events_make(cut: int) -> None:
    history = [
        event("visit", 0), event("contact_made", 1, category="phone"), event("csat", 2, rating=3.0),
        event("purchase", 40, category="Tea"), event("contact_made", 41, category="post"),
    ]  # fmt: skip
    winner, loser = customer(*history[:cut], limits=LIMITED), customer(*history[cut:], limits=LIMITED)
    merge(winner, loser, LIMITED)

    assert winner.traces == customer(*reversed(history), limits=LIMITED).traces


def test_what_older_versions_have_written_is_read() -> None:
    """Traces had four parts."""
    profile = customer(event("visit", 0), event("contact_made", 1, category="phone"), limits=LIMITED)
    assert profile.traces is not None
    packed: list[object] = msgspec.msgpack.decode(msgspec.msgpack.encode(profile.traces))
    older = msgspec.msgpack.decode(msgspec.msgpack.encode(packed[:4]), type=Traces)

    assert older == profile.traces
    assert (older.begun, older.looked) == (b"", b"")


def test_a_busy_year_takes_four_kilobytes_at_most() -> None:
    """Somebody who comes and looks at four products every day, buys, searches, writes and answers every week."""
    of_day = ("visit", "login", *["view"] * 4)
    of_week = ("purchase", "search", "complaint", "inquiry", "csat", "nps", "contact_made", "stock_alert")
    profile = customer(
        *(event(role, day + n / 100, id=f"{day} {n}", subject=f"a-product-{day % 40:03}-{n}", rating=4.0)
          for day in range(365) for n, role in enumerate((*of_day, *(of_week if day % 7 == 0 else ())))),
        limits=replace(LIMITS, tracing=EVERYTHING),
    )  # fmt: skip

    assert 1_500 < len(msgspec.msgpack.encode(profile.traces)) <= 4_096
