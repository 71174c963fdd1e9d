"""From when to when somebody belongs to a company."""

from __future__ import annotations

from math import inf

from profiles.companies.affiliation import only_company, spans_of
from profiles.types import Member, Profile


def member(first: float, last: float, left: float = 0) -> Member:
    return Member(first, last, Profile(""), left)


def test_who_is_named_with_another_company_from_then_on_has_moved() -> None:
    """The first company also has what was before; nobody was told that it ended."""
    spans = spans_of({"acme": member(10, 20), "bolt": member(30, 40)})

    assert spans == {"acme": (-inf, 30), "bolt": (30, inf)}
    assert [only_company(spans, time) for time in (0, 29, 30, 99)] == ["acme", "acme", "bolt", "bolt"]


def test_who_is_named_with_both_belongs_to_both() -> None:
    """Then an event that names none counts for neither."""
    spans = spans_of({"acme": member(10, 50), "bolt": member(30, 40)})

    assert spans == {"acme": (-inf, inf), "bolt": (30, inf)}
    assert [only_company(spans, time) for time in (29, 35, 60)] == ["acme", None, None]


def test_who_has_left_belongs_to_none_until_named_again() -> None:
    """A word of before the last event that names the company says nothing."""
    assert only_company(spans_of({"acme": member(10, 20, left=20)}), 25) is None
    assert only_company(spans_of({"acme": member(10, 30, left=20)}), 25) == "acme"
