"""The kinds of a role's events that features tell apart: a complaint about the price, an order with a discount.

The plan says of an event by a `where` when it is of a kind (`kinds`). A profile keeps a tally of each kind that it has
ever had, beside those of what conditions narrow: few customers have any.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["KINDS", "part_of"]

KINDS: Mapping[str, tuple[str, ...]] = {
    "purchase": ("discount",),
    "complaint": ("price", "delivery", "product"),
    "ticket_opened": ("price", "delivery", "product"),
    "return": ("delivery",),
    "delivered": ("late",),
}
"""By role. What is of none of its kinds is of the role all the same: a complaint about the service, about anything."""


def part_of(role: str, kind: str) -> str:
    """The name of the tally of a kind of a role's events; no narrowing of a condition has such a name."""
    return f"{role}?:{kind}"
