"""Why the risk is what it is, in words for the person who talks to the customer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from models.config import DAY, WEEK
from models.features import TABLE, occasions
from profiles.money import format_minor
from profiles.types import Profile, Reason

__all__ = ["Explanation", "explain"]

GROUP_OF = {feature.name: feature.group for feature in TABLE}


@dataclass(frozen=True, slots=True)
class Explanation:
    """One reason, ready to be shown."""

    text: str
    effect: Literal["raises", "lowers"]
    contribution: float  # log-odds of the risk
    feature: str  # the feature that says most of it


def explain(profile: Profile, reasons: list[Reason] | None = None) -> list[Explanation]:
    """The reasons of the profile's score, or of an alert about it, the strongest first; none without a score.

    Ages are as of the score, which the reader sees beside its time.
    """
    if profile.score is None:
        return []
    at = profile.score.at
    return [
        Explanation(
            _WORDS[GROUP_OF[reason.feature]](profile, at, reason) if reason.feature in GROUP_OF else reason.feature,
            "raises" if reason.contribution > 0 else "lowers",
            reason.contribution,
            reason.feature,
        )
        for reason in (profile.score.reasons if reasons is None else reasons)
    ]


def _silence(profile: Profile, at: float, reason: Reason) -> str:
    bought = profile.purchases
    text = f"Last order {_ago(at - bought.last)}"
    times = occasions(profile)
    if times < 2:
        return f"{text}, the only one so far"
    gap = _span((bought.last - bought.first) / (times - 1))
    return f"{text}, usually every {gap}" if times > 2 else f"{text}, {gap} after the first"


def _habit(profile: Profile, at: float, reason: Reason) -> str:
    orders = profile.purchases.orders
    since = _span(at - profile.purchases.first)
    return f"{_count(orders, 'order')} in {since} as a customer"


def _spend(profile: Profile, at: float, reason: Reason) -> str:
    bought = profile.purchases
    if reason.feature == "mean_items":
        return f"{bought.items / max(bought.orders, 1):.1f} items an order"
    spent = max(bought.revenue.items(), key=lambda item: item[1], default=None)
    if spent is None:
        return "Nothing spent so far"
    return f"Spent {format_minor(spent[1], spent[0])} on {_count(bought.orders, 'order')}"


def _visits(profile: Profile, at: float, reason: Reason) -> str:
    return _activity(profile, at, ("visit",), "visit")


def _use(profile: Profile, at: float, reason: Reason) -> str:
    return _activity(profile, at, ("login", "feature_use"), "use of the app")


def _shopping(profile: Profile, at: float, reason: Reason) -> str:
    words = {"view": "product viewed", "search": "search", "cart": "cart", "checkout": "checkout"}
    role = reason.feature.rsplit("_", 1)[0]
    return _activity(profile, at, (role,), words.get(role, role))


def _support(profile: Profile, at: float, reason: Reason) -> str:
    still = sum(t.opened > t.solved or t.reopened > t.solved for t in profile.tickets)
    if reason.feature == "open_tickets":
        return f"{_count(still, 'open ticket')}" if still else "No open tickets"
    words = {
        "ticket_opened_8w": ("ticket_opened", "ticket", "opened"),
        "ticket_reopened_8w": ("ticket_reopened", "ticket", "reopened"),
        "complaint_8w": ("complaint", "complaint", "made"),
        "inquiry_8w": ("inquiry", "inquiry", "made"),
    }
    role, noun, verb = words[reason.feature]
    return _lately(profile, at, role, noun, verb)


def _opinion(profile: Profile, at: float, reason: Reason) -> str:
    kind = "csat" if reason.feature == "low_csat" else "nps"
    held = profile.opinions.get(kind)
    if held is None or not held.count:
        return f"No {kind.upper()} answer yet"
    return f"Last {kind.upper()} answer {held.last:g}, {_ago(at - held.time)}"


def _refunds(profile: Profile, at: float, reason: Reason) -> str:
    return _lately(profile, at, "refund", "refund", "made")


def _subscription(profile: Profile, at: float, reason: Reason) -> str:
    starts, ends = profile.roles.get("subscription_start"), profile.roles.get("subscription_cancel")
    if ends is not None and (starts is None or ends.last >= starts.last):
        return f"Subscription cancelled {_ago(at - ends.last)}"
    return f"Subscribed for {_span(at - starts.last)}" if starts is not None else "No subscription"


def _contact(profile: Profile, at: float, reason: Reason) -> str:
    if reason.feature == "unsubscribe_8w":
        tally = profile.roles.get("unsubscribe")
        return f"Unsubscribed {_ago(at - tally.last)}" if tally is not None else "Has not unsubscribed"
    return _activity(profile, at, ("contact_clicked",), "click in our messages")


_WORDS: dict[str, Callable[[Profile, float, Reason], str]] = {
    "silence": _silence, "habit": _habit, "spend": _spend, "visits": _visits, "use": _use, "shopping": _shopping,
    "support": _support, "opinion": _opinion, "refunds": _refunds, "subscription": _subscription,
    "contact": _contact,
}  # fmt: skip


def _activity(profile: Profile, at: float, roles: tuple[str, ...], noun: str) -> str:
    times = [profile.roles[role].last for role in roles if role in profile.roles]
    return f"Last {noun} {_ago(at - max(times))}" if times else f"No {noun} so far"


def _lately(profile: Profile, at: float, role: str, noun: str, verb: str) -> str:
    """Counts that fade are told as "about n recently", since the profile keeps no window."""
    tally = profile.roles.get(role)
    if tally is None:
        return f"No {noun} so far"
    recent = round(tally.decayed[1] * 2.0 ** (min(tally.last - at, 0.0) / (8 * WEEK)))
    if recent:
        return f"{_count(recent, noun)} {verb} recently, the last {_ago(at - tally.last)}"
    return f"Last {noun} {_ago(at - tally.last)}"


def _count(number: int, noun: str) -> str:
    plural = f"{noun[:-1]}ies" if noun.endswith("ry") else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"


def _ago(seconds: float) -> str:
    days = int(max(seconds, 0.0) // DAY)
    return "today" if days == 0 else "yesterday" if days == 1 else f"{_span(seconds)} ago"


def _span(seconds: float) -> str:
    """Days up to three months, then months, then years."""
    days = max(round(seconds / DAY), 1)
    if days < 91:
        return _count(days, "day")
    if days < 730:
        return _count(round(days / 30.44), "month")
    return f"{days / 365.25:.1f} years"
