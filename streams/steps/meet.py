"""Meet: which events carry identities of several profiles. One look-up in the store for the whole batch.

Whether those profiles are one customer is the linker's business.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from plan import Plan
from profiles.types import Identity
from streams.retry import retrying
from streams.steps.intake import Intake

__all__ = ["Links", "meet"]


class Links(Protocol):
    """Knows which identities were linked; the linker's store does."""

    async def profiles_of(self, identities: Sequence[Identity]) -> dict[Identity, str]:
        """The profile of each identity that has been linked; unlinked ones are left out."""
        ...


def meet(plan: Plan, links: Links) -> Callable[[Intake], Awaitable[None]]:
    """The step that finds the events in which several profiles meet.

    Args:
        plan: says which profile an identity is by itself.
        links: which identities belong together.
    """
    home = plan.home
    look_up = retrying(links.profiles_of)

    async def run(batch: Intake) -> None:
        several = [item for item in batch.items if len(item.identities) > 1]
        linked = await look_up(list({identity for item in several for identity in item.identities}))
        for item in several:
            profiles = {linked.get(identity) or home(identity) for identity in item.identities}
            if len(profiles) > 1 and item.event is not None:
                batch.links.append((item.event, item.identities))

    return run
