"""What would lower a customer's risk: the risk as it would be if something else were true of them.

Each counterfactual is tried on a copy of the profile, mostly by events that might happen now, and all copies are scored
in one call by the model that scored the customer. What cannot be undone by an event, such as a complaint, is scored as
if it had not happened. Told is only what somebody can do: a better answer to a survey is not. A counterfactual says
what the model would say, not that the customer would stay: nobody has shown that the one causes the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median_low

import msgspec
import numpy as np

from models.churn.panel import Panel
from models.churn.weights import ahead
from models.config import ChurnConfig
from models.durations import DAY, WEEK
from models.features.pace import before
from models.features.readers import is_open, subscription_state
from models.features.reading import raws
from models.features.sentences import ago, count
from models.labels.groups import groups_of
from models.labels.habits import habits
from models.labels.outcomes import can_leave, held
from profiles.state import Limits, apply
from profiles.types import Event, Profile

__all__ = ["LEAST", "MOST", "Counterfactual", "counterfactuals"]

LEAST = 0.01
"""A counterfactual lowers the risk by at least this."""

MOST = 3
"""How many counterfactuals are told."""

_LIMITS = Limits()
_RECENT = 8 * WEEK  # trouble older than this is past mending

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Profile).decode


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """Something that would lower the risk."""

    action: str  # order, solve_tickets, visit, login, use, complaint, payment, subscription, click
    text: str  # in words: what would be
    risk: float  # then


Change = Callable[[Profile], None]


def counterfactuals(
    profile: Profile, panel: Panel, now: float, config: ChurnConfig, currency: str
) -> list[Counterfactual]:
    """What would lower the risk of a customer by `LEAST` or more: the strongest first, at most `MOST`.

    Args:
        profile: stays as it is.
        panel: of the definition; its model of the kind that scored the customer answers; its champion if it has none,
            or nothing did.
        now: when it would happen.
        config: of churn, from the plan, or of a further definition (`ChurnConfig.of`).
        currency: of the plan.
    """
    if not can_leave(profile, now, config):
        return []
    tried = [found for find in _FINDERS for found in find(profile, now, currency)]
    packed = _encode(profile)
    people = [profile]
    for _, _, change in tried:
        other = _decode(packed)
        change(other)
        people.append(other)
    x = ahead(raws(people, currency), np.full(len(people), now), config)
    score = held(profile, config).score
    model = panel.kin(score.model if score is not None else "")
    said = model.risk(x, config)
    if model is panel.champion:
        more = habits(x[:, 0].T)
        groups = [[*groups_of(each, config.groups), *also] for each, also in zip(people, more, strict=True)]
        said = panel.calibrated(said, groups)
    present, *risks = said.tolist()
    helpful = [
        Counterfactual(action, text, risk)
        for (action, text, _), risk in zip(tried, risks, strict=True)
        if present - risk >= LEAST
    ]
    return sorted(helpful, key=lambda counterfactual: counterfactual.risk)[:MOST]


Found = Iterator[tuple[str, str, Change]]


def _order(profile: Profile, now: float, currency: str) -> Found:
    bought = profile.purchases
    if not bought.orders or now - bought.last < DAY:  # never, or they have
        return
    amount = median_low(bought.amounts) if bought.amounts else bought.last_amount
    items = bought.items / bought.orders
    yield "order", "An order today", _happens("purchase", now, amount=amount, currency=currency, quantity=items)


def _tickets(profile: Profile, now: float, currency: str) -> Found:
    waiting = [ticket.id for ticket in profile.tickets if is_open(ticket)]

    def solve(other: Profile) -> None:
        for id_ in waiting:
            _happens("ticket_solved", now, subject=id_)(other)

    if waiting:
        yield (
            "solve_tickets",
            "The open ticket solved" if len(waiting) == 1 else f"All {len(waiting)} open tickets solved",
            solve,
        )


def _use(profile: Profile, now: float, currency: str) -> Found:
    for action, role, noun in (("visit", "visit", "visit"), ("login", "login", "login"), ("use", "feature_use", "use")):
        tally = profile.roles.get(role)
        if tally is None:
            continue
        times = min(max(round(before(tally, now) / 2), 1), 10)
        words = f"{count(times, noun)}{' of the app' if role == 'feature_use' else ''} this week"
        yield action, f"{words}, as before" if tally.count > 2 else words, _happens(role, now, times=times)


def _complaint(profile: Profile, now: float, currency: str) -> Found:
    for action, role, words in (("complaint", "complaint", "The complaint of {} made good"),
                                ("payment", "payment_failed", "The payment refused {} made after all")):  # fmt: skip
        tally = profile.roles.get(role)
        if tally is not None and now - tally.last < _RECENT:
            yield action, words.format(ago(now - tally.last)), _not_happened(role)


def _subscription(profile: Profile, now: float, currency: str) -> Found:
    if subscription_state(profile) == "ended":
        yield "subscription", "The subscription taken up again", _happens("subscription_start", now)


def _click(profile: Profile, now: float, currency: str) -> Found:
    sent, clicked = (profile.roles.get(role) for role in ("contact_made", "contact_clicked"))
    if sent is not None and now - sent.last < _RECENT and (clicked is None or clicked.last < sent.last):
        yield "click", "A click in one of our messages", _happens("contact_clicked", now)


_FINDERS: tuple[Callable[[Profile, float, str], Found], ...] = (
    _order, _tickets, _use, _complaint, _subscription, _click,
)  # fmt: skip


def _happens(role: str, now: float, times: int = 1, **facts: object) -> Change:
    def change(other: Profile) -> None:
        for number in range(times):
            event: Event = Event(other.id, f"what if {role} {number}", "", "track", role, role, now, now, [], **facts)  # type: ignore[arg-type]
            apply(other, event, str(facts.get("currency", "")), _LIMITS)

    return change


def _not_happened(role: str) -> Change:
    """Take the latest event of a role out of what fades, and out of its kinds."""

    def change(other: Profile) -> None:
        latest = other.roles[role]
        kinds = [
            tally for key, tally in other.narrowed.items() if key.startswith(f"{role}?") and tally.last == latest.last
        ]
        for tally in (latest, *kinds):
            fast, slow = tally.decayed
            tally.decayed = (max(fast - 1.0, 0.0), max(slow - 1.0, 0.0))

    return change
