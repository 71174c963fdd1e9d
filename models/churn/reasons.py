"""Why the risk is what it is, in words for the person who talks to the customer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from models.durations import DAY
from models.features.features import SIGNS_OF_LIFE, TABLE, is_open, occasions, open_since
from models.features.pace import FORTNIGHT, MONTH, before, within
from profiles.money import format_minor
from profiles.types import Profile, Reason

__all__ = ["Explanation", "ago", "count", "explain"]

GROUP_OF = {feature.name: feature.group for feature in TABLE}


@dataclass(frozen=True, slots=True)
class Explanation:
    """One reason, ready to be shown."""

    feature: str  # the feature that says most of it
    text: str
    effect: Literal["raises", "lowers"]
    contribution: float  # log-odds of the risk
    value: float  # of the feature, in its own unit


def explain(profile: Profile, reasons: list[Reason] | None = None) -> list[Explanation]:
    """The reasons of the profile's score, or of an alert about it, the strongest first.

    Ages are as of the score, which the reader sees beside its time. An alert outlives its score when profiles merge;
    its reasons then have the names of their features in place of words.
    """
    score = profile.score
    if reasons is None:
        reasons = score.reasons if score is not None else []
    return [
        Explanation(
            feature=reason.feature,
            text=_WORDS[GROUP_OF[reason.feature]](profile, score.at, reason)
            if score is not None and reason.feature in GROUP_OF
            else reason.feature,
            effect="raises" if reason.contribution > 0 else "lowers",
            contribution=reason.contribution,
            value=reason.value,
        )
        for reason in reasons
    ]


def _silence(profile: Profile, at: float, reason: Reason) -> str:
    bought = profile.purchases
    text = f"Last order {ago(at - bought.last)}"
    times = occasions(profile)
    if times < 2:
        return f"{text}, the only one so far"
    gap = _span((bought.last - bought.first) / (times - 1))
    return f"{text}, usually every {gap}" if times > 2 else f"{text}, {gap} after the first"


def _tenure(profile: Profile, at: float, reason: Reason) -> str:
    return f"Customer for {_span(at - profile.purchases.first)}"


def _habit(profile: Profile, at: float, reason: Reason) -> str:
    orders = profile.purchases.orders
    since = _span(at - profile.purchases.first)
    return f"{count(orders, 'order')} in {since} as a customer"


def _spend(profile: Profile, at: float, reason: Reason) -> str:
    bought = profile.purchases
    if reason.feature == "mean_items":
        return f"{bought.items / max(bought.orders, 1):.1f} items an order"
    spent = max(bought.revenue.items(), key=lambda item: item[1], default=None)
    if spent is None:
        return "Nothing spent so far"
    return f"Spent {format_minor(spent[1], spent[0])} on {count(bought.orders, 'order')}"


def _mix(profile: Profile, at: float, reason: Reason) -> str:
    mix = profile.purchases.mix
    if not mix:
        return "No category of what was bought is known"
    most = min(mix, key=lambda category: (-mix[category], category))
    if len(mix) == 1:
        return f"Bought only {most} so far"
    return f"Bought from {len(mix)} categories, mostly {most}"


def _visits(profile: Profile, at: float, reason: Reason) -> str:
    if "unseen" in reason.feature:
        times = [profile.roles[role].last for role in SIGNS_OF_LIFE if role in profile.roles]
        return f"Last seen {ago(at - max([*times, profile.purchases.last]))}"
    return _pace(profile, at, "visit", "visit", "Visited")


def _use(profile: Profile, at: float, reason: Reason) -> str:
    if reason.feature.startswith("login"):
        return _pace(profile, at, "login", "login", "Logged in")
    return _pace(profile, at, "feature_use", "use of the app", "Used the app")


def _shopping(profile: Profile, at: float, reason: Reason) -> str:
    if reason.feature in ("cart_left", "cart_share"):
        cart = profile.roles.get("cart")
        if cart is None:
            return "No cart so far"
        left = cart.last > profile.purchases.last
        return f"Cart of {ago(at - cart.last)} not ordered" if left else f"Last cart {ago(at - cart.last)}, ordered"
    words = {"view": "product viewed", "search": "search", "cart": "cart", "checkout": "checkout"}
    role = reason.feature.rsplit("_", 1)[0]
    return _last(profile, at, role, words.get(role, role))


def _support(profile: Profile, at: float, reason: Reason) -> str:
    if reason.feature in ("open_tickets", "oldest_open"):
        waiting = [at - open_since(ticket) for ticket in profile.tickets if is_open(ticket)]
        if len(waiting) == 1:
            return f"Waiting {_span(waiting[0])} for an answer to a ticket"
        return f"{len(waiting)} open tickets, one for {_span(max(waiting))}" if waiting else "No open tickets"
    if reason.feature == "resolution":
        took = [ticket.solved - ticket.opened for ticket in profile.tickets
                if not is_open(ticket) and ticket.solved >= ticket.opened > 0]  # fmt: skip
        return f"Tickets took {_span(sum(took) / len(took))} to be solved" if took else "No ticket solved so far"
    if reason.feature in ("ticket_opened_8w", "ticket_reopened_8w"):
        verb = reason.feature.split("_")[1]
        times = [getattr(ticket, verb) for ticket in profile.tickets]  # only these can be told exactly
        recent = sum(at - MONTH < time <= at for time in times)
        return (
            f"{count(recent, 'ticket')} {verb} in the last 30 days"
            if recent
            else _last(profile, at, f"ticket_{verb}", "ticket" if verb == "opened" else "reopened ticket")
        )
    role = reason.feature.rsplit("_", 1)[0]
    return _lately(profile, at, role, role, "")


def _opinion(profile: Profile, at: float, reason: Reason) -> str:
    kind = reason.feature.removeprefix("low_").removesuffix("_drop")
    held = profile.opinions.get(kind)
    name, scale = ("Review", 5) if kind == "review" else (kind.upper(), 10 if kind == "nps" else 5)
    if held is None or not held.count:
        return "No review so far" if kind == "review" else f"No {name} answer yet"
    given = f"{held.last:g} of {scale}" if 0 <= held.last <= scale else f"{held.last:g}"
    text = f"Reviewed with {given}" if kind == "review" else f"Answered {name} {given}"
    usual = f", on average {held.total / held.count:.1f}" if reason.feature.endswith("_drop") else ""
    return f"{text}, {ago(at - held.time)}{usual}"


def _refunds(profile: Profile, at: float, reason: Reason) -> str:
    if reason.feature == "refund_share" and reason.value > 0:
        return f"{min(reason.value, 1):.0%} of the money spent was refunded"
    return _lately(profile, at, "refund", "refund", "")


def _payments(profile: Profile, at: float, reason: Reason) -> str:
    return _lately(profile, at, "payment_failed", "payment", "refused")


def _subscription(profile: Profile, at: float, reason: Reason) -> str:
    starts, ends = profile.roles.get("subscription_start"), profile.roles.get("subscription_cancel")
    if ends is not None and (starts is None or ends.last >= starts.last):
        return f"Subscription cancelled {ago(at - ends.last)}"
    return f"Subscribed for {_span(at - starts.last)}" if starts is not None else "No subscription"


def _contact(profile: Profile, at: float, reason: Reason) -> str:
    if reason.feature == "unsubscribe_8w":
        tally = profile.roles.get("unsubscribe")
        return f"Unsubscribed {ago(at - tally.last)}" if tally is not None else "Has not unsubscribed"
    if reason.feature == "contact_made_8w":
        return _lately(profile, at, "contact_made", "message", "sent by us")
    if reason.feature == "contact_answered" and "contact_clicked" not in profile.roles:
        return _last(profile, at, "contact_opened", "opening of our messages")
    return _last(profile, at, "contact_clicked", "click in our messages")


_WORDS: dict[str, Callable[[Profile, float, Reason], str]] = {
    "silence": _silence, "tenure": _tenure, "habit": _habit, "spend": _spend, "mix": _mix, "visits": _visits,
    "use": _use, "shopping": _shopping, "support": _support, "opinion": _opinion, "refunds": _refunds,
    "payments": _payments, "subscription": _subscription, "contact": _contact,
}  # fmt: skip


def _last(profile: Profile, at: float, role: str, noun: str) -> str:
    tally = profile.roles.get(role)
    return f"Last {noun} {ago(at - tally.last)}" if tally is not None else f"No {noun} so far"


def _pace(profile: Profile, at: float, role: str, noun: str, verb: str) -> str:
    """How often of late, against before."""
    tally = profile.roles.get(role)
    if tally is None or tally.count < 3:
        return _last(profile, at, role, noun)
    usual = round(before(tally, at))
    if tally.last <= at - FORTNIGHT:
        habit = f", before that about {usual} in two weeks" if usual else ""
        return f"{_last(profile, at, role, noun)}{habit}"
    times, exact = within(tally, at, FORTNIGHT)
    text = f"{verb} {'' if exact else 'about '}{count(times, 'time')} in the last two weeks"
    if tally.first > at - 2 * FORTNIGHT:
        return text
    return f"{text}, before that {f'about {usual}' if usual else 'hardly ever'}"


def _lately(profile: Profile, at: float, role: str, noun: str, verb: str) -> str:
    """How often in the last 30 days: exactly where that can be known."""
    tally = profile.roles.get(role)
    if tally is None:
        return f"No {noun}{verb and ' '}{verb} so far"
    times, exact = within(tally, at, MONTH)
    if not times:
        return f"Last {noun}{verb and ' '}{verb} {ago(at - tally.last)}"
    text = f"{'' if exact else 'About '}{count(times, noun)}{verb and ' '}{verb} in the last 30 days"
    return text if times == 1 else f"{text}, the last {ago(at - tally.last)}"


def count(number: int, noun: str) -> str:
    """`count(2, "inquiry") == "2 inquiries"`."""
    plural = f"{noun[:-1]}ies" if noun.endswith("ry") else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"


def ago(seconds: float) -> str:
    """How long ago, in whole days, months or years: "today", "yesterday", "3 days ago"."""
    days = int(max(seconds, 0.0) // DAY)
    return "today" if days == 0 else "yesterday" if days == 1 else f"{_span(seconds)} ago"


def _span(seconds: float) -> str:
    """Days up to three months, then months, then years."""
    days = max(round(seconds / DAY), 1)
    if days < 91:
        return count(days, "day")
    if days < 730:
        return count(round(days / 30.44), "month")
    return f"{days / 365.25:.1f} years"
