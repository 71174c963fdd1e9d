"""Customers for tests of what people see: made by the real state functions, kept in the store in memory."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

from models.config import Bands
from profiles.search.terms import Searchable, members_of, terms_of
from profiles.state import Limits, apply
from profiles.store import Changes
from profiles.stores.memory import MemoryStore
from profiles.types import Alert, Event, Identity, Profile, Reason, Score, Stay, partition_of, profile_id

__all__ = ["DAY", "NAMESPACE", "NOW", "customer", "forget_all", "happened", "hostile", "keep", "store"]

NAMESPACE = uuid.UUID("3b8f4c1e-90d7-5a5b-8a3e-6f1f2c7d9e10")
DAY = 86400.0
NOW = 1_767_225_600.0  # 2026-01-01
PARTITIONS = 4


def store() -> MemoryStore:
    """An empty one."""
    return MemoryStore(NAMESPACE, PARTITIONS)


def forget_all(held: MemoryStore) -> None:
    """Make a store empty again."""
    held.__init__(NAMESPACE, PARTITIONS)  # type: ignore[misc]


def happened(profile: Profile, days_ago: float, name: str, role: str = "", **parts: Any) -> None:
    """Something happens to a customer."""
    count = sum(activity.count for activity in profile.activity.values())
    event = Event(
        profile=profile.id,
        id=f"m{count}",
        source=parts.pop("source", "web"),
        type=parts.pop("type", "track"),
        name=name,
        role=role,
        time=NOW - days_ago * DAY,
        received=NOW,
        **parts,
    )
    apply(profile, event, "EUR", Limits())


def customer(identity: Identity = ("user_id", "42"), risk: float | None = 0.8) -> Profile:
    """A customer with a history: three orders, a refund, a ticket, a survey; scored, in segments, with an alert."""
    profile = Profile(id=profile_id(NAMESPACE, identity))
    happened(profile, 90, "", type="identify", identities=[identity], traits={"firstName": "Ada", "plan": None})
    for days, amount in ((80, 1999), (50, 4001), (20, 500)):
        happened(profile, days, "Order Completed", "purchase", source="purchase", identities=[identity],
                 amount=amount, currency="EUR", quantity=2.0, subject=f"o{days}")  # fmt: skip
    happened(profile, 15, "Order Refunded", "refund", source="purchase", amount=500, currency="EUR", subject="o20")
    happened(profile, 10, "Ticket Opened", "ticket_opened", source="support", subject="T1")
    happened(profile, 9, "CSAT Answered", "csat", source="support", rating=2.0)
    if risk is not None:
        reasons = [Reason("open_tickets", 0.5, 1.0), Reason("recency", -1.25, 20.0)]
        profile.score = Score(risk, Bands().of(risk), NOW - DAY, "hazard-7", reasons, risk - 0.1)
        profile.segments = {"at_risk": Stay(NOW - 3 * DAY), "repeat_buyer": Stay(NOW - 50 * DAY)}
        alert = Alert(f"alert-{identity[1]}", "high_churn_risk", "open", NOW - 3 * DAY, NOW - 3 * DAY, risk,
                      reasons=reasons, model="hazard-7")  # fmt: skip
        profile.alerts = {"high_churn_risk": alert}
    profile.stage, profile.stage_since, profile.stages = "at_risk", NOW - 3 * DAY, [("active", NOW - 80 * DAY)]
    return profile


def hostile(number: int) -> Profile:
    """A customer whose name, events and tickets say what could harm who shows them: HTML, turned lines, 100 kB."""
    found = customer(("user_id", str(number)))
    name = "<img src=x onerror=alert(1)>\u202e[x](javascript:alert(1))\x00" + "W" * 100_000
    traits = {"firstName": name, "lastName": "'\"><script>alert(2)</script>"}
    happened(found, 1, "", type="identify", traits=traits)
    happened(found, 0.5, "<b hx-get=/x>\u2067*bold*" + "E" * 100_000, source="support", subject="<i>" + "T" * 100_000)
    happened(found, 0.2, "Ticket Opened", "ticket_opened", source="support", subject="</section>\u202e`T`")
    return found


def keep(held: MemoryStore, *profiles: Profile) -> None:
    """Commit profiles, as a worker does."""

    async def commit() -> None:
        for profile in profiles:
            partition = partition_of(profile.id, PARTITIONS)
            loaded = await held.load(partition, [profile.id])
            before, profile.terms = loaded.profiles.get(profile.id), terms_of(profile, Searchable())
            changes = Changes(
                version=loaded.version,
                profiles=[profile],
                entered=[(name, profile.id, stay.since) for name, stay in profile.segments.items()],
                alerts=[(profile.id, alert) for alert in profile.alerts.values()],
                unfound=members_of(profile.id, before.terms if before is not None else None),
                found=members_of(profile.id, profile.terms),
            )
            await held.commit(partition, changes)

    asyncio.run(commit())
