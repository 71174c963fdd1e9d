"""The guide for who is new: three steps, each noted for an account when it has really been done."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from console.access.scopes import Viewer
from console.demo.b2b.firms import EXAMPLE_KEY
from console.demo.people import EXAMPLE
from console.services.ports import ApiDeps
from console.views.label import label
from plan import EventRule, Plan
from profiles.types import Profile

__all__ = ["FirstSteps", "Guide"]

_EXAMPLES = (str(EXAMPLE), f"{EXAMPLE_KEY}.2")
"""Whom the demos are told about: who slowly leaves."""

_ME = "me"  # the user id of an event of one's own
_ROLES = ("view", "login", "visit")  # of the event that is sent, those first; and one of something before others
_AWAY, _LOOKED, _SENT, _POINTED = "away", "looked", "sent", "pointed"


class Guide(NamedTuple):
    """The three steps, and which of them are done."""

    example: str | None  # profile id of who is to be looked at; None: whoever there is
    user: str  # their user id
    called: str  # as lists call them
    looked: bool
    sent: bool
    me: str | None  # profile id of who sent an event of their own
    pointed: bool
    waits: bool  # what is sent now waits until the past has been gone through
    command: str  # sends an event
    snippet: str  # points an SDK here

    @property
    def done(self) -> bool:
        """Whether all is."""
        return self.looked and self.sent and self.pointed


class FirstSteps:
    """Keeps the guide of each account: of those who look after what comes in.

    Args:
        deps: of the console.
    """

    def __init__(self, deps: ApiDeps) -> None:
        self._deps = deps

    async def of(self, viewer: Viewer, address: str) -> Guide | None:
        """The guide of somebody; None if it is not for them, or they have put it away.

        Args:
            viewer: who looks.
            address: of this console, by which they reach it.
        """
        deps = self._deps
        if not viewer.may("pipeline:read"):
            return None
        noted = await deps.access.first_steps(viewer.name)
        if _AWAY in noted:
            return None
        user, example = await self._example()
        me = await self._known(_ME)
        if me is not None and _SENT not in noted:
            await deps.access.note_first_step(viewer.name, _SENT)
        to = address.rstrip("/") if deps.collects else "http://COLLECTOR:8000"
        event, properties, key = _event(deps.plan)
        return Guide(
            example=example.id if example else None,
            user=user,
            called=label(example, deps.plan, masked=not viewer.sees_names) if example else "",
            looked=_LOOKED in noted,
            sent=_SENT in noted or me is not None,
            me=me.id if me else None,
            pointed=_POINTED in noted,
            waits=(await deps.clocks.state()).phase not in ("new", "live"),
            command=_command(to, key, event, properties),
            snippet=_snippet(to, key, event, properties),
        )

    async def looked(self, viewer: Viewer, profile: str) -> None:
        """Somebody has the page of a customer before them."""
        if viewer.may("pipeline:read") and _LOOKED not in await self._deps.access.first_steps(viewer.name):
            _, example = await self._example()
            if example is None or example.id == profile:
                await self._deps.access.note_first_step(viewer.name, _LOOKED)

    async def put_away(self, viewer: Viewer) -> None:
        """Somebody wants to see it no more."""
        await self._deps.access.note_first_step(viewer.name, _AWAY)

    async def follow(self, viewer: Viewer, wake: Callable[[], None]) -> None:
        """Note that an SDK sends as soon as one does, and tell; of those only for whom there is a guide."""
        if not viewer.may("pipeline:read"):
            return
        if _POINTED not in await self._deps.access.first_steps(viewer.name):
            await self._deps.sdks.first()
            await self._deps.access.note_first_step(viewer.name, _POINTED)
            wake()

    async def _example(self) -> tuple[str, Profile | None]:
        for user in _EXAMPLES:
            if (found := await self._known(user)) is not None:
                return user, found
        return "", None

    async def _known(self, user: str) -> Profile | None:
        reader = self._deps.reader
        return await reader.profile(await reader.resolve(("user_id", user)))


def _event(plan: Plan) -> tuple[str, dict[str, Any], str]:
    """An event of the plan that is easily sent, its least properties, and the key to send it with."""
    found = min(
        (rule for rule in plan.rules if rule.type == "track" and _least(rule) is not None),
        key=lambda rule: (_ROLES.index(rule.role) if rule.role in _ROLES else len(_ROLES), not rule.spec.facts.subject),
        default=None,
    )
    source = plan.sources[found.sources[0]] if found else next(iter(plan.sources.values()))
    key = source.write_key.get_secret_value()
    properties = _least(found) if found else None
    return found.name if found else "Tried It", properties or {}, key if key.startswith("dev-") else "WRITE_KEY"


def _least(rule: EventRule) -> dict[str, Any] | None:
    """The properties that it must have, made up; None if that is not so easy."""
    wanted = {name: one for name, one in rule.spec.properties.items() if one.required}
    if any(one.type not in ("id", "string") or one.format or one.pattern or one.enum for one in wanted.values()):
        return None
    return dict.fromkeys(wanted, "P101")


def _command(to: str, key: str, event: str, properties: dict[str, Any]) -> str:
    body = json.dumps({"userId": _ME, "event": event, **({"properties": properties} if properties else {})})
    quoted = body.replace("'", "'\\''")
    return f"curl -u {key}: -H 'Content-Type: application/json' \\\n  -d '{quoted}' \\\n  {to}/v1/track"


def _snippet(to: str, key: str, event: str, properties: dict[str, Any]) -> str:
    return (
        "# pip install segment-analytics-python\n"
        "from segment.analytics import Client\n\n"
        f"client = Client({json.dumps(key)}, host={json.dumps(to)})\n"
        f'client.track("ada", {json.dumps(event)}, {json.dumps(properties)})\n'
        "client.shutdown()"
    )
