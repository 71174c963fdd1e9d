"""The history of one customer, for that customer."""

from __future__ import annotations

from plan import Plan
from profiles.types import Event, Profile
from streams.identity.history import History, Incomplete

__all__ = ["Exporter"]


class Exporter:
    """Collects a customer's events from the archive and from Kafka."""

    def __init__(self, history: History, plan: Plan) -> None:
        self._history = history
        self._plan = plan

    async def events(self, profile: Profile) -> tuple[list[Event], str | None]:
        """All events of a customer, in no order, and why there are none, if they cannot be had."""
        identities = [(kind, value) for kind, values in profile.identities.items() for value in values]
        homes = {profile.id, *map(self._plan.home, identities)}
        try:
            return await self._history.until_now(homes), None
        except Incomplete as error:
            return [], f"events cannot be listed: {error}"
