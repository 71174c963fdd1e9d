"""How two profiles become one.

Merging is what applying the loser's events to the winner would have given: sums add, minima and maxima meet, the
later write wins, decayed sums are brought to their common latest time. It commutes, so the order of merges does
not show.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import structs

from profiles.cases.joining import join_cases
from profiles.consent import is_consent
from profiles.daily.noting import merge_days
from profiles.doings import merge_doings
from profiles.ledger.counting import latest_orders, most_frequent
from profiles.ledger.entries import (
    KEYS,
    KINDS,
    accounts_of,
    adds_up,
    count_anew,
    entries_of,
    forget_parts,
    join_all,
    mark_of,
    marks_of,
    settle,
    write_entries,
)
from profiles.state import (
    Limits,
    both_starts,
    is_known,
    largest,
    latest_subscriptions,
    latest_tickets,
    latest_told,
    latest_used,
    subscriptions_of,
)
from profiles.timeline import merge_timelines
from profiles.traces.taking import join_traces
from profiles.types import (
    HALF_LIVES,
    OPEN,
    ORDER_HALF_LIVES,
    SPEND_HALF_LIVES,
    Activity,
    Alert,
    Claims,
    Entry,
    Identity,
    Ledger,
    Number,
    Opinion,
    Profile,
    Purchases,
    Settled,
    Splitting,
    Subscription,
    Tally,
    Ticket,
)

__all__ = ["add_identities", "later", "merge", "merge_ledgers", "merge_matters", "weight"]


def merge(winner: Profile, loser: Profile, limits: Limits) -> None:
    """Take the loser's state into the winner, in place.

    The loser's pending labels are dropped: its features were those of a fragment, not of a customer. Score and segments
    are recomputed by whoever scores the winner next. Of two alerts of one rule the open one stays, else the later. The
    memory of repeats stays where the events arrive, at the loser's tombstone.
    """
    for profile in (winner, loser):
        if not profile.narrowed.keys() <= limits.parts:
            forget_parts(profile, limits.parts)
    for kind, values in loser.identities.items():
        add_identities(winner, [((kind, value), since) for value, since in values.items()])
    _merge_traits(winner.traits, loser.traits, limits.traits)
    for source, theirs in loser.activity.items():
        _merge_activity(winner.activity.setdefault(source, Activity(0, theirs.first, theirs.last)), theirs)
    _merge_tallies(winner.roles, {role: t for role, t in loser.roles.items() if role not in KINDS}, limits)
    _merge_tallies(winner.narrowed, {part: t for part, t in loser.narrowed.items() if not adds_up(part)}, limits)
    _merge_subscriptions(winner, loser, limits)  # while the roles are still those of each
    _merge_ledgers(winner, loser, limits)
    _merge_tickets(winner, loser, limits)
    _merge_used(winner, loser, limits)
    for role, opinion in loser.opinions.items():
        _merge_opinion(winner.opinions.setdefault(role, Opinion()), opinion)
    merge_timelines(winner, loser, limits.timeline)
    winner.traces = join_traces(winner.traces, loser.traces)
    _merge_claims(winner, loser, limits)
    merge_matters(winner, loser)
    winner.score = winner.score or loser.score
    for churn in (winner.churns or {}).values():  # what the loser did is no sign of life in what waits there
        churn.snapshots, churn.signs = [], {}
    merge_doings(winner, loser)
    merge_days(winner, loser)
    if loser.created is not None:
        winner.created = loser.created if winner.created is None else min(winner.created, loser.created)
    winner.updated = max(winner.updated, loser.updated)
    winner.splits = sorted({*winner.splits, *loser.splits})
    winner.treated_at = max(winner.treated_at, loser.treated_at)
    _merge_cutovers(winner, loser)
    if limits.companies is not None:
        limits.companies.merge(winner, loser)


def merge_matters(winner: Profile, loser: Profile) -> None:
    """Take what people have to do with the loser into the winner, in place: alerts and the case."""
    for rule, alert in loser.alerts.items():
        held = winner.alerts.get(rule, alert)
        winner.alerts[rule] = later(held, alert) if held.id == alert.id else max(held, alert, key=weight)
    winner.case = join_cases(winner.case, loser.case)


def weight(alert: Alert) -> tuple[bool, float, str]:
    """Of the alerts of one rule that come together, the one that weighs most stays: the open one, else the later."""
    return alert.state in OPEN, alert.opened, alert.id


def later(one: Alert, other: Alert) -> Alert:
    """The later of two states of an alert; the first if they are the same."""
    return max(one, other, key=lambda alert: (alert.changed, alert.state not in OPEN))


def add_identities(profile: Profile, identities: Sequence[tuple[Identity, float]]) -> None:
    """Add identities with the time each was first seen; the earlier time stays."""
    for (kind, value), since in identities:
        values = profile.identities.setdefault(kind, {})
        values[value] = min(since, values.get(value, since))


def _merge_traits(
    ours: dict[str, tuple[Any, float, bytes]], theirs: dict[str, tuple[Any, float, bytes]], cap: int
) -> None:
    for name, (value, time, digest) in theirs.items():
        held = ours.get(name)
        if held is None and len(ours) >= cap and not is_consent(name):
            continue
        if held is None or (time, digest) > (held[1], held[2]):
            ours[name] = (value, time, digest)


def _merge_claims(winner: Profile, loser: Profile, limits: Limits) -> None:
    """Of both, once the identities are: what was claimed of a browser does not count for whom it turns out to be."""
    theirs = loser.claims
    if theirs is not None:
        ours = winner.claims = winner.claims or Claims()
        _merge_traits(ours.traits, theirs.traits, limits.claimed)
        for kind, time in theirs.unlinked.items():
            ours.unlinked[kind] = max(time, ours.unlinked.get(kind, time))
        merge_timelines(ours, theirs, limits.timeline)
    if winner.claims is not None:
        winner.claims.known = is_known(winner, limits)


def _merge_activity(ours: Activity, theirs: Activity) -> None:
    ours.count += theirs.count
    ours.first = min(ours.first, theirs.first)
    ours.last = max(ours.last, theirs.last)


def _merge_tallies(ours: dict[str, Tally], theirs: Mapping[str, Tally], limits: Limits) -> None:
    for role, tally in theirs.items():
        held = ours.setdefault(role, Tally(0, tally.first, tally.last))
        _merge_tally(held, tally, limits.windows.get(role, 0))


def _merge_tally(ours: Tally, theirs: Tally, kept: int) -> None:
    first, second = _merge_decayed(ours.decayed, ours.last, theirs.decayed, theirs.last, HALF_LIVES)
    ours.decayed = (first, second)
    ours.recent = largest(ours.recent, theirs.recent, kept) if kept else []
    ours.count += theirs.count
    ours.first = min(ours.first, theirs.first)
    ours.last = max(ours.last, theirs.last)


def _merge_decayed(
    ours: Sequence[float], our_time: float, theirs: Sequence[float], their_time: float, half_lives: Sequence[float]
) -> list[Number]:
    at = max(our_time, their_time)
    return [
        mine * 2.0 ** ((our_time - at) / half_life) + other * 2.0 ** ((their_time - at) / half_life)
        for mine, other, half_life in zip(ours, theirs, half_lives, strict=True)
    ]


def merge_ledgers(profile: Profile, ledgers: Sequence[Ledger], limits: Limits) -> None:
    """Count for a profile what all of these know: what several know of one order is one order."""
    ours = profile.ledger = Ledger()
    entries = _not_settled(ledgers)
    for theirs in ledgers:
        if theirs.settled is not None:
            settled = ours.settled = ours.settled or Settled()
            _merge_purchases(settled.purchases, theirs.settled.purchases, limits)
            _merge_tallies(settled.roles, theirs.settled.roles, limits)
            _merge_tallies(settled.narrowed, theirs.settled.narrowed, limits)
            settled.keys = (settled.keys + theirs.settled.keys)[-KEYS:]
    write_entries(ours, join_all(entries, limits.on_repeat))
    count_anew(profile, limits)
    settle(profile, limits)


def _merge_ledgers(winner: Profile, loser: Profile, limits: Limits) -> None:
    theirs = accounts_of(loser)
    if theirs is not None:
        merge_ledgers(winner, [accounts_of(winner) or Ledger(), theirs], limits)


def _not_settled(ledgers: Sequence[Ledger]) -> list[Entry]:
    """The entries of all that are in the sums of no other."""
    settling: dict[bytes, int] = {}  # mark → whose, by place; -1 of several
    for place, ledger in enumerate(ledgers):
        for mark in marks_of(ledger):
            settling[mark] = place if settling.get(mark, place) == place else -1
    return [
        entry
        for place, ledger in enumerate(ledgers)
        for entry in entries_of(ledger)
        if settling.get(mark_of(entry), place) == place
    ]


def _merge_purchases(ours: Purchases, theirs: Purchases, limits: Limits) -> None:
    ours.refund_count += theirs.refund_count
    for currency, amount in theirs.refunds.items():
        ours.refunds[currency] = ours.refunds.get(currency, 0) + amount
    ours.converted_back += theirs.converted_back
    if not theirs.orders:
        return
    ours.converted += theirs.converted
    if not ours.orders:
        ours.first, ours.last, ours.last_amount = theirs.first, theirs.last, theirs.last_amount
    ours.decayed = _merge_decayed(ours.decayed, ours.last, theirs.decayed, theirs.last, ORDER_HALF_LIVES)
    ours.spend = _merge_decayed(ours.spend, ours.last, theirs.spend, theirs.last, SPEND_HALF_LIVES)
    if theirs.last > ours.last:
        ours.last_amount = theirs.last_amount
    elif theirs.last == ours.last:
        ours.last_amount = max(ours.last_amount, theirs.last_amount)
    ours.orders += theirs.orders
    ours.items += theirs.items
    ours.first = min(ours.first, theirs.first)
    ours.last = max(ours.last, theirs.last)
    for currency, amount in theirs.revenue.items():
        ours.revenue[currency] = ours.revenue.get(currency, 0) + amount
    ours.recent, ours.amounts = latest_orders(ours.recent, ours.amounts, theirs.recent, theirs.amounts, limits.recent)
    for category, orders in theirs.mix.items():
        ours.mix[category] = ours.mix.get(category, 0) + orders
    ours.mix = most_frequent(ours.mix, limits.categories)


def _merge_subscriptions(winner: Profile, loser: Profile, limits: Limits) -> None:
    by_id = {subscription.id: subscription for subscription in subscriptions_of(winner)}
    for theirs in subscriptions_of(loser):
        ours = by_id.setdefault(theirs.id, Subscription(theirs.id))
        ours.first, ours.started = both_starts(ours.first, ours.started, theirs.first, theirs.started)
        ours.ended = max(ours.ended, theirs.ended)
        ours.renewed, ours.paused = max(ours.renewed, theirs.renewed), max(ours.paused, theirs.paused)
        ours.changed = max(ours.changed, theirs.changed)
        ours.prices = latest_told(ours.prices, theirs.prices, limits.prices)
        ours.ends = latest_told(ours.ends, theirs.ends, limits.prices)
        ours.seats = latest_told(ours.seats, theirs.seats, limits.prices)
        ours.mrr = latest_told(ours.mrr, theirs.mrr, limits.prices)
        ours.interval = latest_told(ours.interval, theirs.interval, 1)
    winner.subscriptions = latest_subscriptions(list(by_id.values()), limits.subscriptions)


def _merge_used(winner: Profile, loser: Profile, limits: Limits) -> None:
    for feature, second in loser.used.items():
        winner.used[feature] = max(second, winner.used.get(feature, second))
    winner.used = latest_used(winner.used, limits)


def _merge_tickets(winner: Profile, loser: Profile, limits: Limits) -> None:
    by_id = {ticket.id: ticket for ticket in winner.tickets}
    for theirs in loser.tickets:
        ours = by_id.setdefault(theirs.id, Ticket(theirs.id))
        ours.opened = max(ours.opened, theirs.opened)
        ours.solved = max(ours.solved, theirs.solved)
        ours.reopened = max(ours.reopened, theirs.reopened)
    winner.tickets = latest_tickets(list(by_id.values()), limits.tickets)


def _merge_opinion(ours: Opinion, theirs: Opinion) -> None:
    if ours.count == 0 or (theirs.time, theirs.last) > (ours.time, ours.last):
        ours.last, ours.time = theirs.last, theirs.time
    ours.count += theirs.count
    ours.total += theirs.total


def _merge_cutovers(winner: Profile, loser: Profile) -> None:
    """What may still be on its way from before a split is as old to the winner as it was to the loser."""
    if loser.splitting is not None:
        ours = winner.splitting or Splitting(loser.splitting.split, {}, {}, done=True)
        cutovers = {
            home: max(cutover, ours.cutovers.get(home, cutover)) for home, cutover in loser.splitting.cutovers.items()
        }
        winner.splitting = structs.replace(ours, cutovers=ours.cutovers | cutovers)
