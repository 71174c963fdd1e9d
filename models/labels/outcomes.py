"""What becomes of customers, for every definition of churn: who can leave, and whether they still are.

A definition by events (`no`, `disuse`) ends when none of them comes within the horizon; each is a *sign of life*, and a
label asks whether one came. A definition by a state (`subscription`, `mrr`) ends when the state does; a label asks
whether it still held at the end of the horizon. So for all of them the answer 1 is good news, and models learn alike.

A profile keeps the time of a role's latest event only. So the first sign of life after each waiting snapshot is kept
beside it (`profiles.doings`): exact in any order of events, and as bounded as the snapshots are.
"""

from __future__ import annotations

from math import inf
from typing import Literal

import msgspec

from models.config import ChurnConfig, Definition, EndsBy
from models.features.readers import begun, lasting_of
from profiles.doings import Signs
from profiles.state import subscriptions_of
from profiles.subscriptions.terms import paid_until, told_end
from profiles.types import Churn, Number, Profile, Subscription

__all__ = [
    "Stage", "can_leave", "contract_of", "first_sign", "held", "holds", "keep", "last_sign", "move", "next_change",
    "signs_of", "stage", "stayed", "waited",
]  # fmt: skip

_PURCHASE, _FEATURE = "purchase", "feature_use"

Stage = Literal["", "active", "at_risk", "ended"]
"""Of a definition; "" of who cannot leave."""


def held(profile: Profile, config: ChurnConfig) -> Profile | Churn:
    """Where a customer's score and snapshots of a definition are: the plan's own are the profile's.

    Of who has none, what would be there; to change it, `keep` it.
    """
    if config.definition is None:
        return profile
    return (profile.churns or {}).get(config.name) or Churn()


def keep(profile: Profile, config: ChurnConfig) -> Profile | Churn:
    """The same, to be changed."""
    if config.definition is None:
        return profile
    if profile.churns is None:
        profile.churns = {}
    return profile.churns.setdefault(config.name, Churn())


def move(profile: Profile, now: float, config: ChurnConfig) -> None:
    """Bring the stage of a further definition up to date."""
    churn = keep(profile, config)
    found = stage(profile, now, config)
    if found != churn.stage:
        churn.stage, churn.stage_since = found, now


def contract_of(churn: ChurnConfig) -> ChurnConfig | None:
    """The definition of churn by which contracts have ended: one that knows the paid period comes before one that waits
    for a cancellation, else the first. None if no definition is about contracts."""
    contracts = [each for each in churn.each()[1:] if each.lasts]
    return next((each for each in contracts if (by := _ends_by(each)) and by.period is not None), (*contracts, None)[0])


def can_leave(profile: Profile, now: float, config: ChurnConfig) -> bool:
    """Whether a definition is about this customer: who has ordered, done or used it ever, or whose state lasts."""
    if (definition := config.definition) is None:
        return profile.purchases.orders > 0
    if definition.ends_by.lasts:
        return holds(profile, now, definition.ends_by) is True
    return last_sign(profile, config) > 0


def last_sign(profile: Profile, config: ChurnConfig) -> float:
    """When the latest sign of life was; 0 for never. Of a state, when anything was seen of the customer."""
    ends_by = _ends_by(config)
    if ends_by is None or ends_by.no == _PURCHASE:
        return float(profile.purchases.last) if profile.purchases.orders else 0.0
    if ends_by.lasts:
        return profile.updated
    asked = ends_by.disuse or (ends_by.no or "",)
    roles = [profile.roles[name].last for name in asked if name in profile.roles]
    return float(max([*roles, *(profile.used.get(name, 0) for name in asked)], default=0.0))


def first_sign(profile: Profile, config: ChurnConfig) -> float:
    """When the first sign of life was, of features when any was used first; of a state when it began; 0 for never."""
    ends_by = _ends_by(config)
    if ends_by is None or ends_by.no == _PURCHASE:
        return float(profile.purchases.first) if profile.purchases.orders else 0.0
    if ends_by.lasts:
        began = [each.first or each.started or begun(each) or each.renewed for each in subscriptions_of(profile)]
    else:
        asked = {name if name in profile.roles else _FEATURE for name in ends_by.disuse or (ends_by.no or "",)}
        began = [profile.roles[name].first for name in asked if name in profile.roles]
    return float(min(filter(None, began), default=0.0))


def stayed(profile: Profile, after: float, until: float, config: ChurnConfig) -> bool | None:
    """Whether a snapshot's customer was still there: a sign of life in (after, until], or the state at `until`; None
    if the profile no longer knows.

    Args:
        profile: as it is now, not long after `until`.
        after: the time of the snapshot.
        until: the end of the horizon.
        config: of the definition.
    """
    ends_by = _ends_by(config)
    if ends_by is None or ends_by.no == _PURCHASE:
        return _ordered(profile, after, until)
    if ends_by.lasts:
        return holds(profile, until, ends_by, since=after, judged=True)
    churn = held(profile, config)
    sign = churn.signs.get(after, 0.0) if isinstance(churn, Churn) else 0.0
    return after < sign <= until


def waited(profile: Profile, after: float, until: float, config: ChurnConfig) -> float:
    """Seconds from a snapshot to the first sign of life in (after, until]; 0 if there was none, or nobody knows when.

    The arguments are those of `stayed`. Of a state nothing comes in between.
    """
    ends_by = _ends_by(config)
    if ends_by is None or ends_by.no == _PURCHASE:
        bought = profile.purchases
        if bought.orders > len(bought.recent) and bought.recent[0] > after:
            return 0.0  # an earlier one may be forgotten
        first = min((time for time in bought.recent if after < time <= until), default=after)
    elif ends_by.lasts:
        return 0.0
    else:
        churn = held(profile, config)
        first = churn.signs.get(after, after) if isinstance(churn, Churn) else after
    return float(first - after) if after < first <= until else 0.0


def holds(profile: Profile, at: float, ends_by: EndsBy, since: float = 0.0, *, judged: bool = False) -> bool | None:
    """Whether a state lasted at a time that is not long past: what came after it is left out.

    A paid period that is over and was not renewed: while its grace lasts nobody knows, so the state holds. Who judges
    once that is over knows whether it was renewed; if not, the state ended with the paid period.

    Args:
        profile: as it is now.
        at: the time.
        ends_by: which state.
        since: an earlier time at which it lasted; 0 if none is known.
        judged: the grace of whatever was over by `at` is over, too.

    Returns:
        None if the profile no longer knows.
    """
    asked = [(each, found) for each in subscriptions_of(profile) if (found := _as_of(each, at, since)) is not None]
    known = [found for _, found in asked]
    lasting = None if ends_by.period is not None else lasting_of(known)
    answers = set[bool | None]()
    for each, found in asked:
        told = told_end(found, at) is not None
        lasts = (
            _paid(each, found, known, at, ends_by, judged=judged)
            if lasting is None
            else any(found is one for one in lasting)
        )
        hidden = each.renewed > at or (each.started > at and (lasting is None or each.ended <= since))
        hidden = hidden and (lasting is not None or not told)  # an end that was told before says all
        priced = _priced(each, at) if ends_by.mrr is not None else True
        if lasts or (hidden and not _is_new(each, at)):
            answers.add(priced if lasts or not priced else None)
    return True if True in answers else None if None in answers else False


def _as_of(subscription: Subscription, at: float, since: float) -> Subscription | None:
    """A subscription as it was known at a time.

    A start or renewal that came later hides the one before. Of several starts the first is known, and of either when a
    price was told. What was renewed later had lasted unless it had ended; what had ended before `since`, lasted then.
    """

    def until(time: Number) -> Number:
        return time if time <= at else 0

    ended, renewed, started = map(until, (subscription.ended, subscription.renewed, subscription.started))
    started = started or until(subscription.first)
    if told_end(subscription, at) is not None:
        pass  # which is what counts, whatever a later renewal hides
    elif subscription.renewed > at and not _is_new(subscription, at) and ended <= max(started, since):
        renewed = at
    elif subscription.renewed > at or subscription.started > at:
        renewed = max(renewed, *(second for second, _ in subscription.prices if second <= at), 0)
    changed = until(subscription.changed)
    if not (ended or renewed or started or changed or until(subscription.paused)):
        return None
    return msgspec.structs.replace(subscription, started=started, ended=ended, renewed=renewed, changed=changed)


def _is_new(subscription: Subscription, at: float) -> bool:
    """Whether it was started for the first time after `at`."""
    return subscription.started > at and not 0 < subscription.first <= at


def _paid(
    now: Subscription, then: Subscription, all_: list[Subscription], at: float, ends_by: EndsBy, *, judged: bool
) -> bool:
    """Whether a subscription is paid for, or may still be renewed; a cancelled one lasts as long as it is paid for."""
    cancelled = not lasting_of([then, *(each for each in all_ if not each.id and each is not then)])
    end = paid_until(then, at, ends_by.fixed_period)
    if end is None:
        return not cancelled
    grace = 0.0 if cancelled else ends_by.grace or 0.0
    if at < end or not judged or not grace:
        return at < end + grace
    renewals = [now.renewed, now.started, *(second for second, until in now.ends if until > end)]
    return any(at < time <= end + grace for time in renewals)


def _priced(subscription: Subscription, at: float) -> bool | None:
    """Whether what was told last by then of what it brings is not 0; None if what is still known is of later.

    What it brings a month says more than what a start or a renewal cost; before anybody told it there is only that.
    """
    first = subscription.mrr[0][0] if subscription.mrr else inf
    told = [(second, price) for second, price in subscription.prices if second < first] + subscription.mrr
    prices = [price for second, price in told if second <= at]
    if not prices:
        return None if told else False
    return prices[-1] != 0


def next_change(profile: Profile, now: float, config: ChurnConfig) -> float | None:
    """The earliest time after `now` at which the stage of a further definition can change although nothing happens."""
    ends_by = _ends_by(config)
    if ends_by is None:
        return None
    if not ends_by.lasts:
        times = [last_sign(profile, config) + config.horizon]
    elif ends_by.period is None:
        return None
    else:
        ends = [paid_until(each, now, ends_by.fixed_period) for each in subscriptions_of(profile)]
        times = [end + grace for end in ends if end is not None for grace in (0.0, ends_by.grace or 0.0)]
    return min((time for time in times if time > now), default=None)


def stage(profile: Profile, now: float, config: ChurnConfig) -> Stage:
    """Where in a definition a customer is."""
    ends_by, score = _ends_by(config), held(profile, config).score
    if not can_leave(profile, now, config):
        gone = ends_by is not None and ends_by.lasts and any(map(_ever, subscriptions_of(profile)))
        return "ended" if gone else ""
    if (ends_by is None or not ends_by.lasts) and now >= last_sign(profile, config) + config.horizon:
        return "ended"
    return "at_risk" if score is not None and score.band == "high" else "active"


def _ever(subscription: Subscription) -> bool:
    return bool(subscription.started or subscription.renewed or subscription.ended)


def signs_of(definitions: tuple[Definition, ...]) -> Signs:
    """The roles whose events are signs of life, for `Limits`."""
    found: dict[str, list[tuple[str, frozenset[str]]]] = {}
    for definition in definitions:
        ends_by = definition.ends_by
        asked = ends_by.disuse or ((ends_by.no,) if ends_by.no and ends_by.no != _PURCHASE else ())
        for role in asked:
            found.setdefault(role, []).append((definition.name, frozenset()))
        if ends_by.disuse:
            found.setdefault(_FEATURE, []).append((definition.name, frozenset(ends_by.disuse)))
    return {role: tuple(whose) for role, whose in found.items()}


def _ends_by(config: ChurnConfig) -> EndsBy | None:
    return config.definition.ends_by if config.definition is not None else None


def _ordered(profile: Profile, after: float, until: float) -> bool | None:
    """Whether there was an order in (after, until]; None if the profile no longer knows."""
    bought = profile.purchases
    if any(after < time <= until for time in bought.recent):
        return True
    forgotten = bought.orders > len(bought.recent)
    return None if forgotten and bought.recent[0] > until else False
