"""Membership: from when to when a customer belongs to a company, as the events that name companies tell.

Each company has only the time of the first such event, of the last, and of the latest that says the customer has left.
So the order in which events come does not show, and a merge is two minima and maxima.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from math import inf

from profiles.types import Member, Profile

__all__ = ["Spans", "companies_at", "only_company", "spans_of"]

Spans = Mapping[str, tuple[float, float]]
"""Company → [from, to) of the membership; infinite where it has no such end."""


def spans_of(members: Mapping[str, Member]) -> Spans:
    """From when to when a customer belongs to each company.

    A membership lasts until the customer leaves, or until another company is named for the first time and this one
    never again; whoever goes on to be named with both belongs to both. What was before anybody said where a customer
    belongs is of the company that was named first.
    """
    begins = sorted(member.first for member in members.values())
    spans: dict[str, tuple[float, float]] = {}
    for company, member in members.items():
        following = bisect_right(begins, member.last)
        end = begins[following] if following < len(begins) else inf
        if member.left and member.left >= member.last:
            end = min(end, float(member.left))
        spans[company] = -inf if member.first == begins[0] else member.first, end
    return spans


def companies_at(profile: Profile, time: float) -> frozenset[str]:
    """The companies that a customer belonged to at a time."""
    if profile.affiliation is None:
        return frozenset()
    spans = spans_of(profile.affiliation.members)
    return frozenset(company for company, (since, until) in spans.items() if since <= time < until)


def only_company(spans: Spans, time: float) -> str | None:
    """The company that a customer belonged to at a time; None for none, and for several."""
    found = [company for company, (since, until) in spans.items() if since <= time < until]
    return found[0] if len(found) == 1 else None
