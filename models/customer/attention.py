"""What waits for an answer, and how often we came to them this week."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from models.durations import DAY
from models.features.readers import is_open, open_since
from profiles.traces.mementos import Memento, mementos_of
from profiles.types import Profile

__all__ = ["Attention", "Contact", "Contacts", "OpenTicket", "Said", "Told", "attention_of"]


@dataclass(frozen=True, slots=True)
class OpenTicket:
    """A ticket that was opened or reopened, and not solved since."""

    id: str
    since: float
    days: float
    reopened: bool


@dataclass(frozen=True, slots=True)
class Told:
    """Something that a customer told us."""

    count: int  # ever
    last: float
    days: float  # since the last


@dataclass(frozen=True, slots=True)
class Said:
    """Something that they said, one by one."""

    at: float
    topic: str
    product: str


@dataclass(frozen=True, slots=True)
class Contact:
    """How often we came to them in a week, by whom and how."""

    department: str
    channel: str
    count: int


@dataclass(frozen=True, slots=True)
class Contacts:
    """Our contacts of the ISO week."""

    each: list[Contact]
    count: int
    double: bool  # by two departments or more


@dataclass(frozen=True, slots=True)
class Attention:
    """What needs attention."""

    tickets: list[OpenTicket]  # the oldest first; of the latest 16 tickets
    complaint: Told | None  # None: never
    inquiry: Told | None
    complaints: list[Said]  # the latest eight, the latest first
    inquiries: list[Said]
    contacts: Contacts


def attention_of(profile: Profile, now: float, zone: tzinfo = UTC) -> Attention:
    """What of a customer needs attention."""
    waiting = sorted(
        (ticket for ticket in profile.tickets if is_open(ticket)), key=lambda each: (open_since(each), each.id)
    )
    return Attention(
        [OpenTicket(each.id, since := open_since(each), _days(since, now), each.reopened > 0) for each in waiting],
        _told(profile, "complaint", now),
        _told(profile, "inquiry", now),
        _said(profile, "complaint"),
        _said(profile, "inquiry"),
        _contacts(profile, now, zone),
    )


def _said(profile: Profile, kind: str) -> list[Said]:
    return [Said(float(each.at), each.what, each.more) for each in reversed(_kept(profile, kind))]


def _contacts(profile: Profile, now: float, zone: tzinfo) -> Contacts:
    """Of the week from Monday on, by the clocks of a zone."""
    week = datetime.fromtimestamp(now, zone).isocalendar()[:2]
    counts = Counter(
        (each.what, each.more)
        for each in _kept(profile, "contact")
        if datetime.fromtimestamp(each.at, zone).isocalendar()[:2] == week
    )
    found = [Contact(department, channel, count) for (department, channel), count in sorted(counts.items())]
    departments = {each.department for each in found if each.department}
    return Contacts(found, counts.total(), len(departments) > 1)


def _kept(profile: Profile, kind: str) -> list[Memento]:
    return mementos_of(profile.traces.kept.get(kind, b"")) if profile.traces is not None else []


def _told(profile: Profile, role: str, now: float) -> Told | None:
    tally = profile.roles.get(role)
    return None if tally is None else Told(tally.count, tally.last, _days(tally.last, now))


def _days(since: float, now: float) -> float:
    return max(now - since, 0.0) / DAY
