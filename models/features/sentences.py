"""The sentences that tell a customer's features as reasons: exact where the profile can tell, else "about".

What a sentence says agrees with the sign of its reason: "Last order 65 days ago, usually every 9 days" raises a risk.
It is empty where nothing can be said that agrees, as when the customer has gone on since: it is not told then.
"""

from __future__ import annotations

import math

from models.durations import DAY
from models.features.feature import Say
from models.features.formulas import SIGNS_OF_LIFE
from models.features.kinds import part_of
from models.features.orders import occasions, season_of, usual_gap
from models.features.pace import FORTNIGHT, MONTH, before, within
from models.features.readers import USED, begun, is_open, lasting, open_since, price_change, subscriptions_of
from profiles.money import format_minor
from profiles.types import Profile, Reason

__all__ = [
    "ago", "answer", "basket", "breadth", "cart", "contact_answered", "count", "dearer", "discounts", "habit", "items",
    "last", "lately", "mix", "overdue", "pace", "paused", "refunded", "reopened", "resolution", "season",
    "silence", "solved", "spend", "subscription", "tenure", "tickets", "told", "unseen", "unsubscribed", "waiting",
]  # fmt: skip


def silence(profile: Profile, at: float, reason: Reason) -> str:
    """`Last order 12 days ago, usually every 9 days`: that raises a risk, the opposite lowers it.

    Against what is expected of somebody with few orders, `already 12 days ago` and `only 12 days ago`.
    """
    bought = profile.purchases
    times, since = occasions(profile), at - bought.last
    if times < 2:
        if reason.contribution > 0:
            return f"Only one order so far, {ago(since)}" if since > 7 * DAY else ""
        return f"First order only {ago(since)}" if since < usual_gap(profile) else ""
    gap = (bought.last - bought.first) / (times - 1)
    usual = f"usually every {_span(gap)}" if times > 2 else f"{_span(gap)} after the first"
    if _agrees(since, gap, reason):
        return f"Last order {ago(since)}, {usual}"
    if _agrees(since, usual_gap(profile), reason):
        return f"Last order {'already' if reason.contribution > 0 else 'only'} {ago(since)}"
    return ""


def _agrees(since: float, usual: float, reason: Reason) -> bool:
    """Whether a silence, told in whole days, is longer than is usual for what raises a risk, and shorter else."""
    over = int(max(since, 0.0) // DAY) - max(round(usual / DAY), 1)
    return over > 0 if reason.contribution > 0 else over < 0


def season(profile: Profile, at: float, reason: Reason) -> str:
    """`Orders about every 12 months, the last time 13 months ago`."""
    found = season_of(profile)
    if found is None:
        return silence(profile, at, reason)
    began, period = found
    return f"Orders about every {_span(period)}, the last time {ago(at - began)}"


def basket(profile: Profile, at: float, reason: Reason) -> str:
    """`The latest orders 40% smaller than those before`."""
    if reason.value * reason.contribution >= 0:
        return ""
    change = "larger" if reason.value > 0 else "smaller"
    return f"The latest orders {abs(math.expm1(reason.value)):.0%} {change} than those before"


def discounts(profile: Profile, at: float, reason: Reason) -> str:
    """`3 of 5 orders with a discount, the last 40 days ago`."""
    tally = profile.narrowed.get(part_of("purchase", "discount"))
    if tally is None:
        return ""
    orders = count(max(profile.purchases.orders, tally.count), "order")
    return f"{tally.count} of {orders} with a discount, the last {ago(at - tally.last)}"


def dearer(profile: Profile, at: float, reason: Reason) -> str:
    """`Renewal 20% dearer than before, 12 days ago`."""
    share, since = max(map(price_change, lasting(profile)), default=(0.0, 0.0))
    return f"Subscription {share:.0%} dearer than before, since {ago(at - since)}" if share > 0 else ""


def paused(profile: Profile, at: float, reason: Reason) -> str:
    """`Subscription paused 3 days ago`."""
    times = [each.paused for each in lasting(profile) if each.paused > max(each.started, each.renewed)]
    return f"Subscription paused {ago(at - max(times))}" if times else ""


def breadth(profile: Profile, at: float, reason: Reason) -> str:
    """`2 features used in the last four weeks, 5 in the twelve before`."""
    ages = [at - second for second in profile.used.values()]
    lately, before = sum(age <= USED for age in ages), sum(USED < age <= 4 * USED for age in ages)
    text = f"{count(lately, 'feature')} used in the last four weeks"
    if reason.contribution > 0:
        return f"{text}, {before} more in the twelve before" if before >= max(lately, 1) else ""
    return text if lately else ""


def told(*parts: str, noun: str) -> Say:
    """`Last complaint about the price 3 days ago`: of roles and of kinds of a role's events together."""

    def say(profile: Profile, at: float, reason: Reason) -> str:
        tallies = [tally for part in parts if (tally := profile.narrowed.get(part) or profile.roles.get(part))]
        if not tallies:
            return ""
        times = sum(tally.count for tally in tallies)
        last = ago(at - max(tally.last for tally in tallies))
        return f"{noun[0].upper()}{noun[1:]} {last}" if times == 1 else f"{count(times, noun)}, the last {last}"

    return say


def tenure(profile: Profile, at: float, reason: Reason) -> str:
    """`Customer for 8 months`, or `for only 12 days`."""
    return f"Customer for {'only ' * (reason.contribution > 0)}{_span(at - profile.purchases.first)}"


def habit(profile: Profile, at: float, reason: Reason) -> str:
    """`Orders less often than the average customer: 5 orders in 8 months`."""
    orders = count(profile.purchases.orders, "order")
    often = "less" if reason.contribution > 0 else "more"
    return f"Orders {often} often than the average customer: {orders} in {_span(at - profile.purchases.first)}"


def items(profile: Profile, at: float, reason: Reason) -> str:
    """`2.5 items an order, more than the average customer`."""
    bought = profile.purchases
    much = "fewer" if reason.contribution > 0 else "more"
    return f"{bought.items / max(bought.orders, 1):.1f} items an order, {much} than the average customer"


def spend(profile: Profile, at: float, reason: Reason) -> str:
    """`Spent €120.00 on 5 orders, less than the average customer`."""
    bought = profile.purchases
    spent = max(bought.revenue.items(), key=lambda item: item[1], default=None)
    if spent is None:
        return ""
    much = "less" if reason.contribution > 0 else "more"
    money = format_minor(spent[1], spent[0])
    return f"Spent {money} on {count(bought.orders, 'order')}, {much} than the average customer"


def mix(profile: Profile, at: float, reason: Reason) -> str:
    """`Bought from 3 categories, mostly Garden`."""
    bought = profile.purchases.mix
    if not bought:
        return ""
    most = min(bought, key=lambda category: (-bought[category], category))
    if reason.contribution > 0:
        return f"Bought only {most} so far" if len(bought) == 1 else ""
    return f"Bought from {len(bought)} categories, mostly {most}" if len(bought) > 1 else ""


def unseen(profile: Profile, at: float, reason: Reason) -> str:
    """`Last seen 12 days ago`."""
    times = [profile.roles[role].last for role in SIGNS_OF_LIFE if role in profile.roles]
    return f"Last seen {ago(at - max([*times, profile.purchases.last]))}"


def cart(profile: Profile, at: float, reason: Reason) -> str:
    """`Cart of 2 days ago not ordered`."""
    held = profile.roles.get("cart")
    left = held is not None and held.last > profile.purchases.last
    return f"Cart of {ago(at - held.last)} not ordered" if held is not None and left else ""


def waiting(profile: Profile, at: float, reason: Reason) -> str:
    """`Waiting 3 days for an answer to a ticket`."""
    times = [at - open_since(ticket) for ticket in profile.tickets if is_open(ticket)]
    if len(times) == 1:
        return f"Waiting {_span(times[0])} for an answer to a ticket"
    return f"{len(times)} open tickets, one for {_span(max(times))}" if times else ""


def overdue(profile: Profile, at: float, reason: Reason) -> str:
    """`Waiting 9 days for an answer to a ticket, usually 2 days`."""
    usual, waits = _took(profile), waiting(profile, at, reason)
    return f"{waits}, usually {_span(usual)}" if usual and waits else waits


def reopened(profile: Profile, at: float, reason: Reason) -> str:
    """`2 of 5 tickets reopened`."""
    times = sum(ticket.reopened > 0 for ticket in profile.tickets)
    return f"{times} of {count(len(profile.tickets), 'ticket')} reopened" if times else ""


def resolution(profile: Profile, at: float, reason: Reason) -> str:
    """`Tickets took 4 days to be solved`."""
    usual = _took(profile)
    return f"Tickets took {_span(usual)} to be solved" if usual is not None else ""


def solved(profile: Profile, at: float, reason: Reason) -> str:
    """`The latest ticket took 12 days to be solved`."""
    done = [ticket for ticket in profile.tickets if not is_open(ticket) and ticket.solved >= ticket.opened > 0]
    if not done:
        return ""
    ticket = max(done, key=lambda ticket: (ticket.solved, ticket.solved - ticket.opened))
    return f"The latest ticket took {_span(ticket.solved - ticket.opened)} to be solved, {ago(at - ticket.solved)}"


def _took(profile: Profile) -> float | None:
    """Seconds from opening to solving on average."""
    took = [ticket.solved - ticket.opened for ticket in profile.tickets
            if not is_open(ticket) and ticket.solved >= ticket.opened > 0]  # fmt: skip
    return sum(took) / len(took) if took else None


def tickets(verb: str) -> Say:
    """`2 tickets opened in the last 30 days`."""
    otherwise = last(f"ticket_{verb}", "ticket" if verb == "opened" else "reopened ticket")

    def say(profile: Profile, at: float, reason: Reason) -> str:
        times = [getattr(ticket, verb) for ticket in profile.tickets]  # only these can be told exactly
        recent = sum(at - MONTH < time <= at for time in times)
        return f"{count(recent, 'ticket')} {verb} in the last 30 days" if recent else otherwise(profile, at, reason)

    return say


def answer(kind: str, usual: bool = False) -> Say:
    """`Answered CSAT 2 of 5, 3 days ago`, and if `usual`, `on average 3.5`."""
    name, scale = ("Review", 5) if kind == "review" else (kind.upper(), {"nps": 10, "ces": 7}.get(kind, 5))

    def say(profile: Profile, at: float, reason: Reason) -> str:
        held = profile.opinions.get(kind)
        if held is None or not held.count:
            return ""
        given = f"{held.last:g} of {scale}" if 0 <= held.last <= scale else f"{held.last:g}"
        text = f"Reviewed with {given}" if kind == "review" else f"Answered {name} {given}"
        average = f", on average {held.total / held.count:.1f}" if usual else ""
        return f"{text}, {ago(at - held.time)}{average}"

    return say


def refunded(profile: Profile, at: float, reason: Reason) -> str:
    """`20% of the money spent was refunded`."""
    if reason.value > 0:
        return f"{min(reason.value, 1):.0%} of the money spent was refunded"
    return _REFUND(profile, at, reason)


def subscription(profile: Profile, at: float, reason: Reason) -> str:
    """`Subscribed for 8 months`."""
    last = lasting(profile)
    if bool(last) is (reason.contribution > 0):
        return ""
    if last:
        return f"Subscribed for {_span(at - min(map(begun, last)))}"
    ended = max((each.ended for each in subscriptions_of(profile)), default=0)
    return f"Subscription cancelled {ago(at - ended)}" if ended else ""


def unsubscribed(profile: Profile, at: float, reason: Reason) -> str:
    """`Unsubscribed 3 days ago`."""
    tally = profile.roles.get("unsubscribe")
    return f"Unsubscribed {ago(at - tally.last)}" if tally is not None else ""


def contact_answered(profile: Profile, at: float, reason: Reason) -> str:
    """`Last click in our messages 3 days ago`."""
    say = _CLICKED if "contact_clicked" in profile.roles else _OPENED
    return say(profile, at, reason)


def last(role: str, noun: str) -> Say:
    """`Last search 3 days ago`."""

    def say(profile: Profile, at: float, reason: Reason) -> str:
        tally = profile.roles.get(role)
        return f"Last {noun} {ago(at - tally.last)}" if tally is not None else ""

    return say


def pace(role: str, noun: str, verb: str) -> Say:
    """`Visited 2 times in the last two weeks, before that about 5`: less than before raises a risk."""
    otherwise = last(role, noun)

    def say(profile: Profile, at: float, reason: Reason) -> str:
        tally = profile.roles.get(role)
        if tally is None:
            return ""
        usual, silent = round(before(tally, at)), tally.last <= at - FORTNIGHT
        if reason.contribution > 0 and (silent or tally.count < 3):
            habit = f", before that about {usual} in two weeks" if usual and tally.count > 2 else ""
            return f"{otherwise(profile, at, reason)}{habit}" if silent else ""
        if silent or tally.count < 3:
            return "" if silent else otherwise(profile, at, reason)
        times, exact = within(tally, at, FORTNIGHT)
        text = f"{verb} {'' if exact else 'about '}{count(times, 'time')} in the last two weeks"
        known = tally.first <= at - 2 * FORTNIGHT
        if reason.contribution > 0:
            return f"{text}, before that about {usual}" if known and usual > times else f"{verb} less often than before"
        if known and times < 0.5 * usual:
            return ""
        if not known or usual >= times:
            return text
        return f"{text}, before that {f'about {usual}' if usual else 'hardly ever'}"

    return say


def lately(role: str, noun: str, verb: str = "") -> Say:
    """`2 complaints in the last 30 days, the last 3 days ago`: a number that is exact, or said to be about right."""
    verb = f" {verb}" if verb else ""

    def say(profile: Profile, at: float, reason: Reason) -> str:
        tally = profile.roles.get(role)
        if tally is None:
            return ""
        times, exact = within(tally, at, MONTH)
        if not times:
            return f"Last {noun}{verb} {ago(at - tally.last)}"
        text = f"{'' if exact else 'About '}{count(times, noun)}{verb} in the last 30 days"
        return text if times == 1 else f"{text}, the last {ago(at - tally.last)}"

    return say


_REFUND = lately("refund", "refund")
_OPENED, _CLICKED = last("contact_opened", "opening of our messages"), last("contact_clicked", "click in our messages")


def count(number: int, noun: str) -> str:
    """`count(2, "inquiry") == "2 inquiries"`."""
    first, *rest = noun.split(" ", 1)
    plural = f"{first[:-1]}ies" if first.endswith("ry") else f"{first}s"
    return " ".join([f"{number} {first if number == 1 else plural}", *rest])


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
