"""A customer, or a company, in the shapes of Segment's Profile API.

Source: https://github.com/segmentio/segment-docs/blob/develop/src/unify/profile-api.md. Everything is made of the
documents that others read (`profile_view`, `company_view`, `timeline_view`), masked before, so no figure is worked out
twice. Traits are those of the customer; segments stand beside them as booleans (class `audience`), what we work out as
`computed_trait`. Neither who sent a trait nor messageIds are kept: `source_id` and ids of messages are null.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterator, Sequence
from typing import Any, Literal, NamedTuple

from pydantic import Field

from console.views.companies import CompanyView
from console.views.document import Document, Money
from console.views.person import MembershipView, ThinIdentity
from console.views.profile import ProfileView
from console.views.timeline import EventView
from profiles.times import rfc3339

__all__ = ["Failure", "Kind", "Seen", "events_of", "external_ids", "links", "metadata", "traits"]


class _Error(Document):
    code: str = Field(examples=["not_found"])
    message: str


class Failure(Document):
    """Why there is no answer, as Segment says it."""

    error: _Error


Kind = Literal["audience", "computed_trait"]


Seen = ProfileView | CompanyView
"""A customer or a company, as somebody may see them."""


class _Trait(NamedTuple):
    value: Any
    at: float | None  # seconds; None: as of now
    kind: Kind | None  # None: an event said it


def traits(
    of: Seen, path: str, *, limit: int, after: str, include: Collection[str] | None, kind: Kind | None, verbose: bool
) -> dict[str, Any]:
    """A page of traits, by name.

    Args:
        of: a customer or company, as the caller may see them.
        path: of the request, for the cursor.
        limit: traits of a page.
        after: the cursor, as the page before gave it.
        include: only these; None: all.
        kind: only this class; None: all.
        verbose: each with its time.

    Raises:
        ValueError: the cursor is none of ours.
    """
    held = {
        name: trait
        for name, trait in sorted(_traits(of))
        if (include is None or name in include) and (kind is None or trait.kind == kind)
    }
    behind = _read(after) if after else ""
    names = [name for name in held if name > behind]
    page = names[:limit]
    shown = {
        name: {
            "value": held[name].value,
            "source_id": None,
            "updated_at": rfc3339(at) if (at := held[name].at) is not None else None,
        }
        if verbose
        else held[name].value
        for name in page
    }
    return {"traits": shown, "cursor": _cursor(path, limit, page[-1] if len(names) > limit else "")}


def _traits(of: Seen) -> Iterator[tuple[str, _Trait]]:
    """The customer's own word wins over ours where both have a name."""
    found: dict[str, _Trait] = {}
    if of.lifecycle is not None:
        found["stage"] = _Trait(of.lifecycle.stage, of.lifecycle.since, "computed_trait")
    if of.churn is not None and of.churn.risk is not None:
        found["churn_risk"] = _Trait(round(float(of.churn.risk), 4), of.churn.scored_at, "computed_trait")
        found["churn_band"] = _Trait(of.churn.band, of.churn.scored_at, "computed_trait")
    found["orders"] = _Trait(of.purchases.orders, None, "computed_trait")
    found["open_tickets"] = _Trait(of.support.open_tickets, None, "computed_trait")
    for money in of.purchases.revenue:
        found[f"revenue_{money.currency.lower()}"] = _Trait(float(money.amount), None, "computed_trait")
    for segment in of.segments:
        found[segment.name] = _Trait(True, segment.since, "audience")
    for name, figure in of.traits.items():
        found[name] = _Trait(figure.value, figure.at, None)
    yield from found.items()


def external_ids(
    identities: Sequence[ThinIdentity], collection: str, path: str, *, limit: int, include: Collection[str] | None
) -> dict[str, Any]:
    """What a customer is known by; `include`: only these types."""
    held = [one for one in identities if include is None or one.type in include]
    found = [_external(one.type, one.value, collection, getattr(one, "first_seen", None), one.hashed) for one in held]
    return {"data": found[:limit], "cursor": {**_cursor(path, limit, ""), "has_more": len(found) > limit}}


def events_of(
    happened: Sequence[EventView], profile: str, path: str, *, limit: int, include: Collection[str] | None,
    exclude: Collection[str], since: float, until: float, ascending: bool,
) -> dict[str, Any]:  # fmt: skip
    """The latest events: a profile keeps a few dozen, so there are never more than those.

    Args:
        happened: newest first, as the caller may see them.
        profile: id of whose they are.
        path: of the request.
        limit: events of a page.
        include: only these names; None: all.
        exclude: none of these.
        since, until: seconds, of [since, until).
        ascending: the oldest first.
    """
    held = [
        event
        for event in happened
        if since <= event.time < until
        and event.name not in exclude
        and (include is None or event.name in include)
        and event.claimed != "unconfirmed"
    ]
    if ascending:
        held.reverse()
    data = [
        {
            "external_ids": [],
            "context": {},
            **({"type": "track", "event": event.name} if event.name else {"type": "identify"}),
            "message_id": event.id,
            "source_id": event.source,
            "timestamp": rfc3339(event.time),
            "properties": _properties(event),
            "related": {"users": profile},
        }
        for event in held[:limit]
    ]
    return {"data": data, "cursor": _cursor(path, limit, "")}


def _properties(event: EventView) -> dict[str, Any]:
    told: dict[str, Any] = {
        one.name: float(one.value.amount) if isinstance(one.value, Money) else one.value for one in event.shown
    }
    if event.about:
        told["about"] = event.about
    if event.amount is not None:
        told |= {"amount": float(event.amount.amount), "currency": event.amount.currency}
    return told


def metadata(of: Seen) -> dict[str, Any]:
    """When it began, and when something was last known to happen."""
    return {
        "metadata": {
            "created_at": rfc3339(of.first_seen),
            "updated_at": rfc3339(of.last_seen if of.last_seen is not None else of.first_seen),
            "expires_at": None,
            "first_message_id": None,
            "first_source_id": None,
            "last_message_id": None,
            "last_source_id": None,
        }
    }


def links(companies: Sequence[MembershipView], path: str, *, limit: int) -> dict[str, Any]:
    """The companies that a customer is a member of."""
    held = [one for one in companies if one.until is None]
    data = [
        {
            "to_collection": "accounts",
            "external_ids": [_external("group_id", one.company, "accounts", one.since, hashed=False)],
        }
        for one in held[:limit]
    ]
    return {"data": data, "cursor": {**_cursor(path, limit, ""), "has_more": len(held) > limit}}


def _external(kind: str, value: str, collection: str, created: float | None, hashed: bool) -> dict[str, Any]:
    return {
        "collection": collection,
        "id": value,
        "type": kind,
        "encoding": "hashed" if hashed else "none",
        "created_at": rfc3339(created) if created is not None else None,
        "source_id": None,
        "first_message_id": None,
    }


def _cursor(path: str, limit: int, behind: str) -> dict[str, Any]:
    """Where the page ends: behind a name, "" if nothing is left."""
    following = base64.urlsafe_b64encode(behind.encode()).decode() if behind else ""
    return {"url": path, "has_more": bool(behind), "next": following, "limit": limit}


def _read(cursor: str) -> str:
    try:
        return base64.b64decode(cursor, altchars=b"-_", validate=True).decode()
    except ValueError:
        raise ValueError("`next` is not what a page before gave") from None
