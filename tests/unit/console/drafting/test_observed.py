"""What is seen of a file of events has bounds, whatever the file."""

from __future__ import annotations

import pytest

from console.drafting.observed import CALLS, FIELDS, VALUES, observe


def test_what_is_beyond_the_bounds_is_counted():
    """Names made of numbers, as of a sender that writes ids into them, fill no plan."""
    names = [{"type": "track", "event": f"Order {n}", "userId": "7"} for n in range(CALLS + 3)]
    wide = {"type": "page", "userId": "7", "properties": {f"p{n}": n for n in range(FIELDS + 5)}}
    seen = observe(("web", event) for event in [wide, *names])

    assert (seen.count, len(seen.calls), seen.left_out) == (CALLS + 4, CALLS, 4)
    assert (len(seen.calls["page", ""].fields), seen.calls["page", ""].left_out) == (FIELDS, 5)


@pytest.mark.parametrize("values", [[f"v{n}" for n in range(VALUES * 3)], ["x" * 1000], list(range(VALUES * 3))])
def test_of_a_field_a_few_short_values_are_kept(values):
    """Else a file of a million ids would be held in memory."""
    seen = observe(("web", {"type": "page", "userId": "7", "properties": {"p": value}}) for value in values)
    field = seen.calls["page", ""].fields["p"]

    assert (field.count, field.many) == (len(values), True)
    assert len(field.values) <= VALUES


def test_the_currency_is_that_of_most_amounts():
    """In any case; what is no currency says nothing."""
    said = ["gbp", "GBP", "EUR", "???", "???", "???"]
    seen = observe(("web", {"type": "page", "userId": "7", "properties": {"currency": code}}) for code in said)

    assert seen.currency() == "GBP"
    assert observe([]).currency() == ""
