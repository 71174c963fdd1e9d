"""The history of one customer, for that customer."""

from __future__ import annotations

from plan import Plan
from profiles.types import Event, Profile
from profiles.units import LinkStore
from streams.companies.erasing import unnaming
from streams.identity.history import History, Incomplete
from streams.identity.suppressed import Suppressed

__all__ = ["Exporter"]


class Exporter:
    """Collects a customer's events from the archive and from Kafka; of companies that were erased they say nothing."""

    def __init__(self, history: History, plan: Plan, links: LinkStore) -> None:
        self._history = history
        self._plan = plan
        self._erased = Suppressed(links, plan.pii_key)
        self._unname = unnaming(plan, self._erased.drops)

    async def events(self, profile: Profile) -> tuple[list[Event], str | None]:
        """All events of a customer, in no order, and why there are none, if they cannot be had."""
        identities = [(kind, value) for kind, values in profile.identities.items() for value in values]
        homes = {profile.id, *map(self._plan.home, identities)}
        try:
            await self._erased.refresh()
            return list(map(self._unname, await self._history.until_now(homes))), None
        except Incomplete as error:
            return [], f"events cannot be listed: {error}"
