"""What waits for an answer: open tickets with their age."""

from __future__ import annotations

from dataclasses import dataclass

from models.durations import DAY
from models.features.readers import is_open, open_since
from profiles.types import Profile

__all__ = ["Attention", "OpenTicket", "Told", "attention_of"]


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
class Attention:
    """What needs attention."""

    tickets: list[OpenTicket]  # the oldest first; of the latest 16 tickets
    complaint: Told | None  # None: never
    inquiry: Told | None


def attention_of(profile: Profile, now: float) -> Attention:
    """What of a customer needs attention."""
    waiting = sorted(
        (ticket for ticket in profile.tickets if is_open(ticket)), key=lambda each: (open_since(each), each.id)
    )
    return Attention(
        [OpenTicket(each.id, since := open_since(each), _days(since, now), each.reopened > 0) for each in waiting],
        _told(profile, "complaint", now),
        _told(profile, "inquiry", now),
    )


def _told(profile: Profile, role: str, now: float) -> Told | None:
    tally = profile.roles.get(role)
    return None if tally is None else Told(tally.count, tally.last, _days(tally.last, now))


def _days(since: float, now: float) -> float:
    return max(now - since, 0.0) / DAY
