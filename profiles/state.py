"""What one event does to a profile.

Order-free: a profile is a function of the *set* of its events. Everything here is a sum, a minimum or maximum, the
largest few by time, the last write by event time, or a decayed sum kept at its latest time, so late events,
replays and merges need no special case. What is bounded (`LIMITS`) is order-free up to its bound.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec.structs import asdict

from profiles.calendar.local_time import LocalTime
from profiles.consent import is_consent
from profiles.daily.noting import note_day
from profiles.doings import Signs, note_doing, note_sign
from profiles.ledger.counting import count_parts, count_role
from profiles.ledger.entries import KINDS, enter, forget_parts
from profiles.money import Rates
from profiles.search.terms import Searchable
from profiles.subscriptions.terms import UNKNOWN
from profiles.timeline import add_entry, mark_of
from profiles.traces.taking import Tracing, note_traces
from profiles.types import (
    Activity,
    Claims,
    Event,
    Number,
    Opinion,
    Profile,
    Subscription,
    Terms,
    Ticket,
    TimelineEntry,
    ToldEntry,
    event_digest,
)

if TYPE_CHECKING:
    from profiles.companies.sharing import Companies

__all__ = [
    "Limits", "apply", "both_starts", "is_known", "largest", "latest_of", "latest_subscriptions", "latest_tickets",
    "latest_told", "latest_used", "remember", "subscriptions_of",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of what a profile keeps."""

    timeline: int = 24
    seen: int = 512
    tickets: int = 16
    subscriptions: int = 16
    prices: int = 4  # of a subscription; and as many of what else its events say of it
    used: int = 16  # features of the product, besides those that a definition of churn asks for
    ledger: int = 64  # entries of orders, of payments and of subscriptions that stay when the others settle
    recent: int = 32  # order times
    traits: int = 300
    claimed: int = 64  # traits that are only claimed
    categories: int = 16  # of what was bought
    windows: Mapping[str, int] = field(default_factory=dict)  # role, or part of one → how many of its latest times
    # role → what an event of it belongs to, of the parts that the plan's conditions look at; and the names of all those
    narrowed: Mapping[str, Callable[[Event], Sequence[str]]] = field(default_factory=dict)
    parts: frozenset[str] = frozenset()
    on_repeat: Mapping[str, str] = field(default_factory=dict)  # role → first or each, where not the last report counts
    rates: Rates | None = None  # of other currencies
    persons: frozenset[str] = frozenset()  # types of identities that say who somebody is
    companies: Companies | None = None  # what takes events for the companies of a plan that has any
    signs: Signs = field(default_factory=dict)  # role → the definitions of churn that its events speak against
    searchable: Searchable = field(default_factory=Searchable)  # what customers are found by
    days: LocalTime | None = None  # by which what happened on the latest of them is counted; None counts nothing
    tracing: Tracing | None = None  # what is noted of habits and wishes


def apply(  # noqa: PLR0912  (a call for each part of a profile would cost more than what it does)
    profile: Profile, event: Event, currency: str, limits: Limits, digest: bytes = b""
) -> bool:
    """Take an event into a profile. The caller has made sure that it is no repeat (`remember`).

    Args:
        profile: changed in place.
        event: what happened.
        currency: of the plan; other currencies count in `revenue` but not in decayed spend, which needs one unit.
        limits: the bounds.
        digest: `event_digest` of it, where the caller has it already.

    Returns:
        False for a further report of an order, refund… that is counted already (`profiles.ledger`), else True.
    """
    time = event.time
    note_doing(profile, event)
    if time > profile.updated:  # noqa: PLR1730  (max() is a call, and this runs for every event)
        profile.updated = time
    created = profile.created
    if created is None or time < created:
        profile.created = time
    if event.identities:
        kind, value = event.identities[0]  # the others are the linker's business, which a `Merge` brings
        values = profile.identities.setdefault(kind, {})
        if value not in values or time < values[value]:
            values[value] = time
    if event.traits:
        digest = digest or event_digest(event.source, event.id)
        for name, held in event.traits.items():
            _set_trait(profile.traits, name, held, time, digest, limits.traits)
    _note_source(profile, event.source, time)
    role, counts = event.role, True
    if role:
        if profile.narrowed and not profile.narrowed.keys() <= limits.parts:
            forget_parts(profile, limits.parts)
        if role in KINDS:
            counts = _enter(profile, event, currency, limits, digest or event_digest(event.source, event.id))
        else:
            count_role(profile.roles, role, time, limits.windows.get(role, 0) if limits.windows else 0)
            if limits.narrowed and (parts_of := limits.narrowed.get(role)) is not None:
                count_parts(profile.narrowed, parts_of(event), time, limits)
        if profile.churns and (asked := limits.signs.get(role)) is not None:
            note_sign(profile, event, asked)
        special = _BY_ROLE.get(role)
        if special is not None:
            special(profile, event, currency, limits)
    day = note_traces(profile, event, limits.tracing, digest) if limits.tracing is not None else None
    mark = mark_of(role)
    entry = TimelineEntry(time, event.source, event.name, event.amount, event.currency, event.subject, mark)
    if event.shown:
        entry = ToldEntry(**asdict(entry), shown=event.shown, end=mark)
    nothing_new = event.claim is None and (profile.claims is None or profile.claims.known)
    holder = profile if nothing_new else _note_claims(profile, event, limits, digest)
    add_entry(holder, entry, limits.timeline)
    if role and limits.days is not None:
        note_day(profile, event, limits.days, day)
    if limits.companies is not None:
        limits.companies.take(profile, event, digest or event_digest(event.source, event.id))
    return counts


def _enter(profile: Profile, event: Event, currency: str, limits: Limits, digest: bytes) -> bool:
    if not profile.subscriptions and event.role in _OF_SUBSCRIPTIONS:
        profile.subscriptions = subscriptions_of(profile)  # while the event is not yet in the roles
    return enter(profile, event, currency, limits, digest)


def remember(profile: Profile, digest: bytes, cap: int) -> bool:
    """Take an event's digest into the seen-memory; False if it was there already, that is, if it is a repeat."""
    at = profile.seen.find(digest)
    while at >= 0 and at % 8:  # across two others
        at = profile.seen.find(digest, at + 1)
    if at >= 0:
        return False
    seen = profile.seen + digest
    profile.seen = seen if len(seen) <= 8 * cap else seen[-8 * cap :]
    return True


def _note_source(profile: Profile, source: str, time: float) -> None:
    activity = profile.activity.get(source)
    if activity is None:
        profile.activity[source] = Activity(1, time, time)
        return
    activity.count += 1
    if time > activity.last:
        activity.last = time
    elif time < activity.first:
        activity.first = time


def _set_trait(
    traits: dict[str, tuple[Any, float, bytes]], name: str, value: Any, time: float, digest: bytes, cap: int
) -> None:
    """The latest write wins; a removal (None) is a write too, so that an older value does not come back."""
    held = traits.get(name)
    if held is None:
        if len(traits) < cap or is_consent(name):
            traits[name] = (value, time, digest)
    elif (time, digest) > (held[1], held[2]):
        traits[name] = (value, time, digest)


def _note_claims(profile: Profile, event: Event, limits: Limits, digest: bytes) -> Profile | Claims:
    """Take in what an event claims, if anything; answers whose timeline it belongs into."""
    claims = profile.claims
    if claims is None:
        claims = profile.claims = Claims()
    claims.known = is_known(profile, limits)
    claim = event.claim
    if claim is not None:
        digest = digest or event_digest(event.source, event.id)
        for name, value in claim.traits.items():
            _set_trait(claims.traits, name, value, event.time, digest, limits.claimed)
        for kind, _ in claim.identities:
            claims.unlinked[kind] = max(event.time, claims.unlinked.get(kind, event.time))
    return claims if claim is not None and claim.role else profile


def is_known(profile: Profile, limits: Limits) -> bool:
    """Whether a profile has an identity that says who somebody is."""
    return not limits.persons.isdisjoint(profile.identities)


def _ticket(profile: Profile, event: Event, currency: str, limits: Limits) -> None:
    if not event.subject:
        return  # counted in its role; without an id it cannot be told open from solved
    tickets = profile.tickets
    ticket = next((t for t in tickets if t.id == event.subject), None)
    if ticket is None:
        ticket = Ticket(event.subject)
        tickets.append(ticket)
    if event.role == "ticket_opened":
        ticket.opened = max(ticket.opened, event.time)
    elif event.role == "ticket_solved":
        ticket.solved = max(ticket.solved, event.time)
    else:
        ticket.reopened = max(ticket.reopened, event.time)
    profile.tickets = latest_tickets(tickets, limits.tickets)


def _subscription(profile: Profile, event: Event, currency: str, limits: Limits) -> None:
    """An event that names no subscription is about one that has no name."""
    if event.role not in _OF_SUBSCRIPTIONS:
        profile.subscriptions = subscriptions_of(profile)
    held = next((each for each in profile.subscriptions if each.id == event.subject), None)
    if held is None:
        held = Subscription(event.subject)
        profile.subscriptions.append(held)
    if event.role == "subscription_start":
        held.first, held.started = both_starts(held.first, held.started, event.time)
    elif event.role == "subscription_renew":
        held.renewed = max(held.renewed, event.time)
    elif event.role == "subscription_pause":
        held.paused = max(held.paused, event.time)
    elif event.role == "subscription_cancel":
        held.ended = max(held.ended, event.time)
    else:
        held.changed = max(held.changed, event.time)
    if event.role in _PRICED and event.currency == currency:  # there is one where there is an amount, also of 0
        held.prices = latest_told(held.prices, [(int(event.time), event.amount)], limits.prices)
    if event.terms is not None:
        _terms(held, event, event.terms, currency, limits)
    profile.subscriptions = latest_subscriptions(profile.subscriptions, limits.subscriptions)


def _terms(held: Subscription, event: Event, terms: Terms, currency: str, limits: Limits) -> None:
    """What an event says of a subscription, each figure by itself: the next may say only another."""
    second, kept = int(event.time), limits.prices
    if terms.ends is not None:
        held.ends = latest_told(held.ends, [(second, terms.ends)], kept)
    if terms.seats is not None:
        held.seats = latest_told(held.seats, [(second, terms.seats)], kept)
    if terms.interval:
        held.interval = latest_told(held.interval, [(second, terms.interval)], 1)
    if terms.mrr is not None and event.currency:
        mrr = terms.mrr
        if event.currency != currency:
            mrr = limits.rates.worth(mrr, event.currency, event.time) if limits.rates is not None else 0
        held.mrr = latest_told(held.mrr, [(second, mrr if mrr or not terms.mrr else UNKNOWN)], kept)


def _use(profile: Profile, event: Event, currency: str, limits: Limits) -> None:
    feature, second = event.subject, int(event.time)
    if feature and second > profile.used.get(feature, second - 1):
        is_new = feature not in profile.used
        profile.used[feature] = second
        if is_new and len(profile.used) > limits.used:
            profile.used = latest_used(profile.used, limits)


def _opinion(profile: Profile, event: Event, currency: str, limits: Limits) -> None:
    if event.rating is None:
        return
    held = profile.opinions.get(event.role)
    if held is None:
        held = profile.opinions[event.role] = Opinion()
    if (event.time, event.rating) > (held.time, held.last) or held.count == 0:
        held.last, held.time = event.rating, event.time
    held.count += 1
    held.total += event.rating


def largest(held: list[float], more: list[float], cap: int) -> list[float]:
    """The `cap` largest of both, ascending."""
    return sorted(held + more)[-cap:]


def latest_tickets(tickets: list[Ticket], cap: int) -> list[Ticket]:
    """The tickets that something happened to last, by id among themselves, so that order does not show."""
    if len(tickets) > cap:
        tickets = sorted(tickets, key=lambda t: (max(t.opened, t.solved, t.reopened), t.id))[-cap:]
    return sorted(tickets, key=lambda t: t.id)


def both_starts(*starts: Number) -> tuple[Number, Number]:
    """The first and the latest of some starts, of which 0 is none; the first is 0 if they are the same."""
    first, latest = min(filter(None, starts), default=0), max(starts)
    return (first if first < latest else 0), latest


def latest_of(subscription: Subscription) -> Number:
    """When something happened to a subscription last."""
    return max(
        subscription.started, subscription.ended, subscription.renewed, subscription.paused, subscription.changed
    )


def latest_subscriptions(subscriptions: list[Subscription], cap: int) -> list[Subscription]:
    """The subscriptions that something happened to last, by id among themselves."""
    if len(subscriptions) > cap:
        subscriptions = sorted(subscriptions, key=lambda each: (latest_of(each), each.id))[-cap:]
    return sorted(subscriptions, key=lambda each: each.id)


Told = TypeVar("Told", int, int | float, str)


def latest_told(told: list[tuple[int, Told]], more: list[tuple[int, Told]], cap: int) -> list[tuple[int, Told]]:
    """The `cap` latest of what was told, by second, ascending; the same of the same second is one."""
    return sorted(set(told).union(more))[-cap:]


def latest_used(used: dict[str, int], limits: Limits) -> dict[str, int]:
    """The features that were used latest, those first; of equals, the first by name. Besides, those that a definition
    of churn asks for, which other features must not push out: who uses both would no longer be one who can leave."""
    asked = frozenset[str]().union(*(subjects for _, subjects in limits.signs.get("feature_use", ())))
    ordered = sorted(used.items(), key=lambda item: (-item[1], item[0]))
    others = [feature for feature, _ in ordered if feature not in asked][: limits.used]
    kept = asked.union(others)
    return {feature: second for feature, second in ordered if feature in kept}


_PRICED = frozenset({"subscription_start", "subscription_renew"})
_OF_SUBSCRIPTIONS = frozenset({"subscription_start", "subscription_cancel"})


def subscriptions_of(profile: Profile) -> list[Subscription]:
    """The latest subscriptions; of who had some before each was kept by itself, what the roles say, as one."""
    roles = profile.roles
    if profile.subscriptions or _OF_SUBSCRIPTIONS.isdisjoint(roles):
        return profile.subscriptions
    begin, cancel = roles.get("subscription_start"), roles.get("subscription_cancel")
    first, latest = both_starts(begin.first, begin.last) if begin else (0.0, 0.0)
    return [Subscription("", latest, cancel.last if cancel else 0.0, first=first)]


_BY_ROLE: dict[str, Callable[[Profile, Event, str, Limits], None]] = {
    "subscription_start": _subscription,
    "subscription_cancel": _subscription,
    "subscription_renew": _subscription,
    "subscription_pause": _subscription,
    "subscription_change": _subscription,
    "subscription_grow": _subscription,
    "subscription_shrink": _subscription,
    "feature_use": _use,
    "ticket_opened": _ticket,
    "ticket_solved": _ticket,
    "ticket_reopened": _ticket,
    "csat": _opinion,
    "nps": _opinion,
    "ces": _opinion,
    "review": _opinion,
}
