"""The latest events of a customer as people and tools read them, the claimed among the others."""

from __future__ import annotations

from collections import defaultdict
from hashlib import blake2b
from math import inf
from typing import Literal

from pydantic import Field

from console.views.document import Document, Money, Time
from plan import Plan
from profiles.ledger.entries import KINDS, ROLES, entries_of, subject_key
from profiles.ledger.refunds import refunds_told, teller_of
from profiles.timeline import latest_events, pack_entry
from profiles.types import Entry, Profile, ToldEntry

__all__ = ["EventView", "ShownView", "timeline_view"]

CLAIMED = 4
"""One in so many of the events that are shown may be only claimed: more would push out what happened."""

_KEPT = 1000  # entries of a timeline at most

Claimed = Literal["unconfirmed", "confirmed"]


class ShownView(Document):
    """A property of an event that the plan shows in timelines."""

    name: str = Field(description="Its path in the event.", examples=["products[].name"])
    label: str = Field(description="The same in short, for people.", examples=["products"])
    value: Money | bool | int | float | str = Field(
        description="A text is cut after 60 characters; of a list, the first few as one text."
    )
    type: str = Field(description="As the plan has it; `string` for what it shows no more.")
    unit: str | None = Field(description="Of a number, as the plan says.")
    description: str | None


class EventView(Document):
    """One event as an agent sees it."""

    id: str = Field(description="Tells it from other events: a digest of what is shown of it.")
    time: Time
    source: str
    name: str
    role: str | None
    amount: Money | None
    about: str | None = Field(description="Ticket, subscription or product it is about.")
    shown: list[ShownView] = Field(
        description="What the plan shows of its properties (`show`), as the plan was when it came."
    )
    member: str | None = Field(description="Of a company's events, the profile id of whose it is; else null.")
    claimed: Claimed | None = Field(
        description="Sent with a key that anybody can read, and so counted nowhere: `confirmed` once another source "
        "has said the same of the same order, ticket…, which counts; null for what counts itself."
    )
    folded: bool = Field(
        description="A further report of an order, payment or subscription that counts already: it may have changed "
        "what is known of it, and does not count by itself."
    )


def timeline_view(profile: Profile, limit: int, plan: Plan) -> list[EventView]:
    """The latest events, newest first.

    Args:
        profile: whose.
        limit: how many; a quarter of them at most are claimed.
        plan: knows the roles. A claim is confirmed by the same role and subject.
    """
    counted = _counted(profile)
    latest = latest_events(profile, limit)
    folds = _folded(latest, counted, _refunds_told_twice(profile), plan)
    shown = [_event(entry, plan, folded=folded) for entry, folded in zip(latest, folds, strict=True)]
    if profile.claims is None:
        return shown
    happened = latest_events(profile, _KEPT)
    claims = latest_events(profile.claims, max(1, limit // CLAIMED))
    said = {(plan.role_of(entry.source, entry.name), entry.about) for entry in happened if entry.about}
    # Older than this, what would confirm a claim may be gone, though something of another role is shown.
    whole_since = happened[(limit + 1) // 2 - 1].time if len(happened) > limit else -inf
    for entry in claims:
        role = plan.role_of(entry.source, entry.name, claimed=True)
        if role and ((role, entry.about) in said or _key(role, entry.about) in counted):
            shown.append(_event(entry, plan, "confirmed"))
        elif entry.time >= whole_since:
            shown.append(_event(entry, plan, "unconfirmed"))
    return sorted(shown, key=lambda event: event.time, reverse=True)[:limit]


def _counted(profile: Profile) -> dict[tuple[str, bytes], float]:
    """What the ledger has, with the time at which it counts; no orders of which each report counts, with its own."""
    entries = [] if profile.ledger is None else entries_of(profile.ledger)
    each = KINDS["purchase"]
    return {(ROLES[entry.kind], entry.key): entry.time for entry in entries if entry.kind != each or not entry.part}


def _refunds_told_twice(profile: Profile) -> set[tuple[bytes, float, bytes]]:
    """The further reports of refunds, by order, time and teller: those of senders who tell what another has told."""
    orders: defaultdict[bytes, list[Entry]] = defaultdict(list)
    for entry in [] if profile.ledger is None else entries_of(profile.ledger):
        if entry.teller:
            orders[entry.key].append(entry)
    return {
        (report.key, report.time, report.teller)
        for reports in orders.values()
        for refund in refunds_told(reports)
        for report in refund[1:]
    }


def _folded(
    events: list[ToldEntry],
    counted: dict[tuple[str, bytes], float],
    refunds: set[tuple[bytes, float, bytes]],
    plan: Plan,
) -> list[bool]:
    """Which of these are further reports."""
    folded, met = [], set()
    for entry in events:
        key = _key(plan.role_of(entry.source, entry.name), entry.about)
        if key is None or key not in counted:
            folded.append(False)
            continue
        if key[0] == "refund":  # an order may be paid back in parts
            tellers = (teller_of(entry.source, named=named) for named in (False, True))
            folded.append(any((key[1], entry.time, teller) in refunds for teller in tellers))
            continue
        folded.append(key in met or entry.time != counted[key])
        if not folded[-1]:
            met.add(key)
    return folded


def _key(role: str, about: str) -> tuple[str, bytes] | None:
    return (role, subject_key(role, about)) if about and role in KINDS else None


def _shown(entry: ToldEntry, plan: Plan) -> list[ShownView]:
    known = plan.shown_of(entry.source, entry.name)
    return [
        ShownView(
            name=path,
            label=_label(path),
            value=Money.of_minor(*value) if isinstance(value, list) else value,
            type=known[path].type if path in known else "string",
            unit=known[path].unit if path in known else None,
            description=known[path].description if path in known else None,
        )
        for path, value in entry.shown.items()
    ]


def _label(path: str) -> str:
    """The last word of a path that says something by itself: the name of a product is its product."""
    words = path.replace("[]", "").split(".")
    last = words[-2] if len(words) > 1 and words[-1] in ("name", "title", "id") else words[-1]
    return last.replace("_", " ")


def _event(entry: ToldEntry, plan: Plan, claimed: Claimed | None = None, *, folded: bool = False) -> EventView:
    return EventView(
        id=blake2b(pack_entry(entry), digest_size=8).hexdigest(),
        time=entry.time,
        source=entry.source,
        name=entry.name,
        role=plan.role_of(entry.source, entry.name, claimed=claimed is not None) or None,
        amount=Money.of_minor(entry.amount, entry.currency) if entry.currency else None,
        about=entry.about or None,
        shown=_shown(entry, plan),
        member=entry.who or None,
        claimed=claimed,
        folded=folded,
    )
