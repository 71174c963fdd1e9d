"""Claim: what of a public source's event does not count, because anybody could have sent it, is set apart as claimed.

So all that follows goes by what is left of the event, and cannot mistake the one for the other (`plan.trust` says what
is believed, `profiles.claims` what becomes of the rest).
"""

from __future__ import annotations

from plan import Plan
from profiles.types import Claim, Grouping
from streams.steps.intake import Each, Intake, Item

__all__ = ["claim", "set_apart"]


def claim(plan: Plan) -> Each:
    """The step that sets apart what is only claimed. It looks at no event of other sources."""
    return _OfPublicSources(plan.trust.public)


class _OfPublicSources(Each):
    """A step that does not cost the events of other sources a call."""

    def __init__(self, public: frozenset[str]) -> None:
        super().__init__("claim", set_apart)
        self._public = public

    def over(self, batch: Intake, items: list[Item]) -> list[Item]:
        """The step for some items of a batch."""
        return super().over(batch, items) if batch.source in self._public else items


def set_apart(batch: Intake, item: Item) -> None:
    """Set apart what of an item's event is only claimed, by the standing of its sender."""
    event, standing = item.event, item.standing
    assert event is not None
    if event.group is not None and not standing.signed:
        event.group = Grouping(event.group.company)  # what a company is, and who has left it, others say
    role = event.role if event.role in standing.claimed else ""
    traits = {} if standing.signed else event.traits
    if role or traits or standing.unlinked:
        event.claim = Claim(role, traits, list(standing.unlinked), standing.named)
        if role:
            event.role = ""
        if traits:
            event.traits = {}
