"""Everything that is known about one customer, for that customer: the events, too, with what each was collected for."""

from __future__ import annotations

from typing import Any

from plan import Plan
from profiles.times import rfc3339
from profiles.types import Event, Profile, profile_id
from streams.identity.history import Incomplete, events_until_now
from streams.settings import Settings

__all__ = ["Exporter"]


class Exporter:
    """Collects what is known."""

    def __init__(self, settings: Settings, plan: Plan) -> None:
        self._settings = settings
        self._plan = plan

    async def events(self, profile: Profile) -> tuple[list[dict[str, Any]], str | None]:
        """All events of a customer, the oldest first, and what is missing, if anything is."""
        identities = [(kind, value) for kind, values in profile.identities.items() for value in values]
        homes = {profile.id, *(profile_id(self._plan.namespace, identity) for identity in identities)}
        try:
            found = await events_until_now(self._settings, homes)
        except Incomplete as error:
            return [], f"events cannot be listed: {error}"
        return [self._event(event) for event in sorted(found, key=lambda event: event.time)], None

    def _event(self, event: Event) -> dict[str, Any]:
        name = event.name if event.type in ("track", "page", "screen") else ""
        rule = self._plan.event(event.source, event.type, name)
        return {
            "time": rfc3339(event.time),
            "received": rfc3339(event.received),
            "source": event.source,
            "type": event.type,
            "name": event.name,
            "message_id": event.id,
            "properties": event.properties or event.traits,
            "context": event.context,
            "description": rule.description if rule else None,
            "purpose": rule.why if rule else None,
            "owner": rule.owner if rule else None,
        }

    def traits(self, profile: Profile) -> list[dict[str, Any]]:
        """What each trait is, why it is collected and who answers for it."""
        answer = []
        for name, (value, at, _) in sorted(profile.traits.items()):
            rule = self._plan.traits.get(name)
            if value is not None:
                answer.append(
                    {
                        "name": name,
                        "value": value,
                        "since": rfc3339(at),
                        "pii": rule.pii if rule else None,
                        "description": rule.description if rule else None,
                        "purpose": rule.why if rule else None,
                        "owner": rule.owner if rule else None,
                    }
                )
        return answer
