"""What the models see of a customer: one definition for scoring, learning and backtests.

`raws` reads each profile once; `matrix` computes the features of many customers at any later time from that, without
another look at the profiles: every feature has an exact path when time passes and nothing happens. `rolled` gives what
is to be expected while no order comes, so that the hazard can be rolled forward. A source that is missing gives zeros.
There are no calendar features: in a first year the week of the year is a clock, and a model that has one extrapolates
along it.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from models.features.table import COLUMN, LATELY, NAMES, SCHEMA, TABLE, WEEK, Feature
from profiles.types import HALF_LIVES, ORDER_HALF_LIVES, SPEND_HALF_LIVES, Opinion, Profile, Tally, Ticket

__all__ = [
    "ENGAGED",
    "NAMES",
    "ORDERED",
    "RAW",
    "SCHEMA",
    "SIGNS_OF_LIFE",
    "TABLE",
    "Feature",
    "is_open",
    "matrix",
    "occasions",
    "open_since",
    "ordered",
    "pack",
    "raws",
    "rolled",
    "unpack",
    "usual_gap",
    "usually",
]

Array = NDArray[np.float64]

DAY = 86400.0
SAME_OCCASION = 0.5 * 86400.0
"""An order within this of the one before belongs to the same occasion, seconds."""

OPINION_HALF_LIFE = 8 * WEEK
"""Half-life of what an answer to a survey says, seconds."""

ENGAGED = 26 * WEEK
"""Half-life of the part of visits, use and shopping that is expected to go on although no order comes, seconds.

In a simulated shop whose truth is known (`tests/models/world.py`), the log loss of the rolled hazard was .388 with all
of it stopping at once, .357 with none of it ever stopping and .330 so; from 26 weeks up and down it hardly changed.
"""

PRIOR_GAP, PRIOR_WEIGHT = 10.0, 2.0
"""The usual gap of a customer nobody knows yet: ten weeks, worth two gaps of their own."""

_LIMIT = 1e9  # keeps every feature finite, whatever was sent
_LONGEST = 5200.0  # weeks

# The places of what `raws` returns: eight numbers, what fades, since when (opinions and roles only), three
# figures of now; then what few customers have: more that fades, since when, and the rest.
_N, _FIRST, _LAST, _LAST_GAP, _SPREAD, _REVENUE, _LAST_AMOUNT, _ITEMS = range(8)
_FADING = 8
_ROLES = _FADING + len(ORDER_HALF_LIVES) + len(SPEND_HALF_LIVES)
_CSAT, _NPS = _ROLES + len(LATELY), _ROLES + len(LATELY) + 1
_SINCE = _NPS + 1
_TO_SINCE = _SINCE - _ROLES
_OPEN, _SUBSCRIBED, _CANCELLED = range(_SINCE + _TO_SINCE, _SINCE + _TO_SINCE + 3)
_COMMON = _CANCELLED + 1
_MADE, _FAILED, _CSAT_DROP, _NPS_DROP, _REVIEW, _OPENED, _CART = range(_COMMON, _COMMON + 7)
_TO_MORE_SINCE = 7
_RESOLUTION, _OPEN_SINCE, _REFUND_SHARE, _SUBSCRIBED_SINCE, _CATEGORIES, _CONCENTRATION = range(
    _COMMON + 2 * _TO_MORE_SINCE, _COMMON + 2 * _TO_MORE_SINCE + 6
)
RAW = _CONCENTRATION + 1
"""How many numbers `raws` returns for a customer."""

_SPEND_ROWS = slice(len(ORDER_HALF_LIVES), _ROLES - _FADING)
_ORDER_RATES = np.array([-WEEK / half_life for half_life in (*ORDER_HALF_LIVES, *SPEND_HALF_LIVES)])[:, None]
"""Of what fades, in powers of two a week."""
_ROLE_RATES = np.array(
    [-0.5 * WEEK / HALF_LIVES[i] for _, i, _ in LATELY]  # a root fades half as fast
    + [-WEEK / OPINION_HALF_LIFE] * 2
)[:, None]

_PLACES: dict[str, list[tuple[int, int]]] = {
    role: [(_ROLES + k, i) for k, (name, i, _) in enumerate(LATELY) if name == role] for role, _, _ in LATELY
}
_MORE_PLACES = {"contact_made": _MADE, "payment_failed": _FAILED, "contact_opened": _OPENED, "cart": _CART}
_MORE_RATES = (
    -WEEK
    / np.array(  # of the roots of counts, and of opinions
        [2 * HALF_LIVES[1]] * 2 + [OPINION_HALF_LIFE] * 3 + [2 * HALF_LIVES[1]] * 2
    )[:, None]
)
_CART_SINCE = next(_ROLES + k for k, (role, _, _) in enumerate(LATELY) if role == "cart") + _TO_SINCE
_FIRST_MORE = COLUMN["contact_made_8w"]
_SHOWN_MORE = 5  # of what fades more, how many are features themselves
_LASTING = (
    ("resolution", _RESOLUTION), ("refund_share", _REFUND_SHARE),
    ("categories", _CATEGORIES), ("concentration", _CONCENTRATION),
)  # fmt: skip
ORDERED = COLUMN["visit_2w"]
"""So many features, the first ones, are decided by orders and time alone."""

_ENGAGEMENT = np.array([COLUMN[feature.name] for feature in TABLE if feature.group in ("visits", "use", "shopping")])
_DECLINES = (
    ("visit", "visit_decline", "visits_missed"), ("login", "login_decline", "logins_missed"),
    ("feature_use", "use_decline", "uses_missed"),
)  # fmt: skip
_SLOW = {role: _ROLES + k for k, (role, i, _) in enumerate(LATELY) if i == 1}
SIGNS_OF_LIFE = ("visit", "view", "search", "cart", "checkout", "login", "feature_use")
_LIFE_AGES = [k for k, (role, _, _) in enumerate(LATELY) if role in SIGNS_OF_LIFE]
_LIFE = [_SINCE + k for k in _LIFE_AGES]
# By kind of survey: the place of what it says, of how it fell (of a review: what it says), and the middle of its scale.
_NEUTRAL: dict[str, tuple[int | None, int, float]] = {
    "csat": (_CSAT, _CSAT_DROP, 3.0),
    "nps": (_NPS, _NPS_DROP, 7.0),
    "review": (None, _REVIEW, 3.0),
}
_NOTHING = [0.0] * _COMMON
_pack_row = struct.Struct(f"<{_COMMON}d").pack


def raws(profiles: Sequence[Profile], currency: str) -> Array:
    """What the features need of each profile: numbers that change with its events, not with time.

    Args:
        profiles: any profiles; without orders the order features are zeros.
        currency: revenue in other currencies is left out, since sums need one unit.

    Returns:
        An array (profiles, RAW) for `matrix` and `rolled`.
    """
    times: list[float] = []
    lengths: list[int] = []
    rows: list[bytes] = []
    more: dict[int, float] = {}  # what few customers have, by its place in the whole array
    start = 0
    for profile in profiles:
        recent = profile.purchases.recent
        times += recent
        lengths.append(len(recent))
        rows.append(_pack_row(*_read(profile, currency, more, start)))
        start += RAW
    out = np.zeros((len(rows), RAW))
    out[:, :_COMMON] = np.frombuffer(b"".join(rows), dtype="<f8").reshape(-1, _COMMON)
    if more:
        out.put(list(more), list(more.values()))
    if times:
        _read_gaps(out, np.array(times), np.array(lengths))
    np.nan_to_num(out, copy=False, nan=0.0, posinf=_LIMIT, neginf=-_LIMIT)
    out[:, _REVENUE:_ROLES] = out[:, _REVENUE:_ROLES].clip(0.0, _LIMIT)
    out[:, _ROLES:_CSAT] = np.sqrt(out[:, _ROLES:_CSAT].clip(0.0, _LIMIT))
    out[:, _CSAT:_SINCE] = out[:, _CSAT:_SINCE].clip(-10.0, 10.0)
    out[:, _OPEN] = np.minimum(out[:, _OPEN], 5.0)
    if more:
        _tidy_more(out)
    return out


def _tidy_more(out: Array) -> None:
    for counts in (out[:, _MADE:_CSAT_DROP], out[:, _OPENED : _CART + 1]):
        np.sqrt(counts.clip(0.0, _LIMIT), out=counts)
    opinions = out[:, _CSAT_DROP:_OPENED]
    np.clip(opinions, -10.0, 10.0, out=opinions)
    out[:, _RESOLUTION] = np.log1p(out[:, _RESOLUTION].clip(0.0, _LIMIT))
    out[:, _REFUND_SHARE] = out[:, _REFUND_SHARE].clip(0.0, 2.0)
    out[:, _CATEGORIES] = out[:, _CATEGORIES].clip(0.0, 16.0)


def _read(profile: Profile, currency: str, more: dict[int, float], start: int) -> list[float]:
    """What most customers have, as a list; the rest into `more`, from the place `start` on."""
    values = _NOTHING.copy()
    bought = profile.purchases
    if bought.orders:
        values[:_ROLES] = (
            bought.orders, bought.first, bought.last, 0.0, 0.0, bought.revenue.get(currency, 0) * 0.01,
            bought.last_amount * 0.01, bought.items, *bought.decayed, *[0.01 * spend for spend in bought.spend],
        )  # fmt: skip
    roles = profile.roles
    for role, tally in roles.items():
        if role in _PLACES:
            for place, i in _PLACES[role]:
                values[place] = tally.decayed[i]
                values[place + _TO_SINCE] = tally.last
        if role in _MORE_PLACES:
            at = start + _MORE_PLACES[role]
            more[at], more[at + _TO_MORE_SINCE] = tally.decayed[1], tally.last
    if profile.tickets:
        _read_tickets(values, profile.tickets, more, start)
    if profile.opinions:
        _read_opinions(values, profile.opinions, more, start)
    if "subscription_start" in roles or "subscription_cancel" in roles:
        _read_subscription(values, roles.get("subscription_start"), roles.get("subscription_cancel"), more, start)
    if bought.refunds:
        revenue = bought.revenue.get(currency, 0)
        more[start + _REFUND_SHARE] = bought.refunds.get(currency, 0) / revenue if revenue > 0 else 0.0
    if bought.mix:
        orders = sum(bought.mix.values())
        more[start + _CATEGORIES] = len(bought.mix)
        more[start + _CONCENTRATION] = sum((n / orders) ** 2 for n in bought.mix.values())
    return values


def _read_tickets(values: list[float], tickets: list[Ticket], more: dict[int, float], start: int) -> None:
    oldest, took = math.inf, []
    for ticket in tickets:
        if is_open(ticket):
            values[_OPEN] += 1.0
            oldest = min(oldest, open_since(ticket))
        elif ticket.solved >= ticket.opened > 0:
            took.append(ticket.solved - ticket.opened)
    if oldest < math.inf:
        more[start + _OPEN_SINCE] = oldest
    if took:
        more[start + _RESOLUTION] = sum(took) / len(took) / DAY


def _read_opinions(values: list[float], opinions: Mapping[str, Opinion], more: dict[int, float], start: int) -> None:
    for kind, opinion in opinions.items():
        if kind not in _NEUTRAL or not opinion.count:
            continue
        place, drop, neutral = _NEUTRAL[kind]
        if place is not None:
            values[place], values[place + _TO_SINCE] = neutral - opinion.last, opinion.time
            fallen = opinion.total / opinion.count - opinion.last
        else:
            fallen = neutral - opinion.last
        more[start + drop], more[start + drop + _TO_MORE_SINCE] = fallen, opinion.time


def _read_subscription(
    values: list[float], begin: Tally | None, cancel: Tally | None, more: dict[int, float], start: int
) -> None:
    begun = begin.last if begin is not None else 0.0
    cancelled = cancel.last if cancel is not None else 0.0
    if begun > cancelled:
        values[_SUBSCRIBED] = 1.0
        more[start + _SUBSCRIBED_SINCE] = begun
    else:
        values[_CANCELLED] = 1.0


def _read_gaps(out: Array, times: Array, lengths: NDArray[np.int64]) -> None:
    """Merge orders into occasions and set the last gap and the spread of the gaps, weeks, for all rows at once."""
    rows = len(out)
    owner = np.repeat(np.arange(rows), lengths)
    begins = np.empty(len(times), dtype=bool)
    begins[0] = True
    begins[1:] = (np.diff(times) > SAME_OCCASION) | (owner[1:] != owner[:-1])
    out[:, _N] -= lengths - np.bincount(owner[begins], minlength=rows)
    starts, owner = times[begins], owner[begins]
    inner = owner[1:] == owner[:-1]
    gaps, owner = np.diff(starts)[inner] / WEEK, owner[1:][inner]
    out[owner, _LAST_GAP] = gaps  # ascending, so the last of each owner stays
    k = np.maximum(np.bincount(owner, minlength=rows), 1)
    mean = np.bincount(owner, gaps, minlength=rows) / k
    out[:, _SPREAD] = np.sqrt(np.bincount(owner, (gaps - mean[owner]) ** 2, minlength=rows) / k)


def matrix(raws: Array, at: Array) -> Array:
    """The features (n, len(NAMES)) of customers at the times `at` (n,), with no event after what `raws` saw."""
    return np.ascontiguousarray(rolled(raws, at, np.zeros(1))[:, 0].T)


def rolled(raws: Array, at: Array, ahead: Array) -> Array:
    """The features at `at` (n,) and `ahead` (steps,) seconds later if no order comes: (len(NAMES), steps, n).

    What orders say has an exact path, and so has the rest if nothing happens at all; but who does not order may well
    go on visiting. So visits, use and shopping are expected between staying as they are and their path, nearer to it
    the later (`ENGAGED`). An event after `at` counts as happening at `at`.

    Args:
        raws: rows of `raws`.
        at: times, seconds.
        ahead: seconds from there, the first 0.
    """
    cols = np.ascontiguousarray(raws.T)
    later = ahead / WEEK
    out = np.empty((len(NAMES), len(ahead), len(raws)))
    _order(out, cols, at, later)
    behaviour = out[ORDERED:]
    if not cols[_ROLES:].any():
        behaviour[:] = 0.0  # nobody here has done anything but order
        return out
    _behave(out, cols, at, later)
    fades = out[_ENGAGEMENT]
    out[_ENGAGEMENT] = fades + (fades[:, :1] - fades) * np.exp2(-ahead / ENGAGED)[:, None]
    return out


def ordered(raws: Array, at: Array, ahead: Array) -> Array:
    """The first rows of `rolled`, which orders decide: (ORDERED, steps, n). `at` may be any time after the last."""
    out = np.empty((ORDERED, len(ahead), len(raws)))
    _order(out, np.ascontiguousarray(raws.T), at, ahead / WEEK)
    return out


def usually(raws: Array) -> Array:
    """When the next order usually comes: the last one and the usual gap (n,), seconds."""
    then: Array = raws[:, _LAST] + _gap(raws.T) * WEEK
    return then


def _gap(cols: Array) -> Array:
    """The usual gap, weeks."""
    gaps = np.minimum((cols[_LAST] - cols[_FIRST]) / WEEK, _LONGEST)
    shrunk: Array = (gaps + PRIOR_GAP * PRIOR_WEIGHT) / (np.maximum(cols[_N], 1.0) - 1.0 + PRIOR_WEIGHT)
    return shrunk


def _order(out: Array, cols: Array, at: Array, later: Array) -> None:
    """The features before the first role, if no order comes."""
    n, first, last, last_gap, spread, revenue, last_amount, items = cols[:_FADING]
    has = (n > 0) * 1.0
    some = np.maximum(n, 1.0)  # so that a customer without orders divides by one
    silence = _weeks_since(last, at) * has
    recency = silence + later[:, None] * has
    tenure = _weeks_since(first, at) * has + later[:, None] * has
    k = some - 1.0
    gap = _gap(cols)
    ratio = recency / gap
    log_recency, log_tenure, log_n = np.log(1.0 + recency), np.log(1.0 + tenure), np.log(some)
    rows: tuple[Array, ...] = (
        recency, log_recency, tenure, log_tenure, n, log_n, recency / (tenure + 1.0), gap * has, ratio,
        np.log(1.0 + ratio), last_gap, spread / np.maximum(gap, 0.1), revenue / some, np.log(1.0 + revenue),
        last_amount, items / some, (k + 0.5) * has / (tenure + 10.0), (n == 1.0) * 1.0,
        log_recency * log_n, log_tenure * log_n,
    )  # fmt: skip
    for j, row in enumerate(rows):
        out[j] = row
    spent = out[len(rows) : ORDERED]
    now = cols[_FADING:_ROLES] * np.exp2(silence * _ORDER_RATES)
    np.multiply(now[:, None], np.exp2(later * _ORDER_RATES)[:, :, None], out=spent)
    spent[_SPEND_ROWS] = np.log(1.0 + spent[_SPEND_ROWS])


def _behave(out: Array, cols: Array, at: Array, later: Array) -> None:
    """The features from the first role on, if nothing happens."""
    ages = _weeks_since(cols[_SINCE:_OPEN], at)
    now = cols[_ROLES:_SINCE] * np.exp2(ages * _ROLE_RATES)
    np.multiply(now[:, None], np.exp2(later * _ROLE_RATES)[:, :, None], out=out[ORDERED : ORDERED + len(now)])
    out[ORDERED + len(now) : _FIRST_MORE] = cols[_OPEN:_COMMON, None]
    out[_FIRST_MORE:] = 0.0
    _slow_down(out, cols, ages, later)
    if cols[_COMMON:].any():  # few customers have any of this
        _trouble(out, cols, at, later)


def _slow_down(out: Array, cols: Array, ages: Array, later: Array) -> None:
    """How visits, logins and use decline, and how long nothing has been seen of the customer."""
    for role, decline, missed in _DECLINES:
        fast, slow = out[COLUMN[f"{role}_2w"]], out[COLUMN[f"{role}_8w"]]  # at a steady rate 1 to 2, as roots
        ratio = np.divide(2.0 * fast, slow, out=np.ones_like(slow), where=slow > 0) ** 2
        out[COLUMN[decline]] = 1.0 - np.minimum(ratio, 2.0)
        place = _SLOW[role]
        weeks = ages[place - _ROLES] + later[:, None]
        out[COLUMN[missed]] = np.log1p(weeks * cols[place] ** 2 * (WEEK * math.log(2.0) / HALF_LIVES[1]))
    alive = cols[_LIFE].max(axis=0)
    unseen = np.minimum(ages[_LIFE_AGES].min(axis=0) + later[:, None], out[0])
    unseen *= (alive > 0) & (cols[_N] > 0)
    out[COLUMN["log_unseen"]] = np.log1p(unseen)
    out[COLUMN["unseen_share"]] = unseen / (out[0] + 1.0)


def _trouble(out: Array, cols: Array, at: Array, later: Array) -> None:
    """What few customers have: support by time, contacts, carts, refunds, subscriptions, categories."""
    age = _weeks_since(cols[_COMMON + _TO_MORE_SINCE : _RESOLUTION], at)
    more = cols[_COMMON : _COMMON + _TO_MORE_SINCE] * np.exp2(age * _MORE_RATES)
    faded = more[:, None] * np.exp2(later * _MORE_RATES)[:, :, None]
    out[_FIRST_MORE : _FIRST_MORE + _SHOWN_MORE] = faded[:_SHOWN_MORE]
    made, opened, cart = faded[0] ** 2, faded[5] ** 2, faded[6] ** 2
    answered = np.maximum(opened, out[COLUMN["contact_clicked_8w"]] ** 2) * (cols[_MADE] > 0)
    out[COLUMN["contact_answered"]] = np.minimum(answered / (made + 1.0), 1.0)
    out[COLUMN["cart_share"]] = cart / (cart + out[COLUMN["orders_8w"]] + 1.0)
    left, weeks = cols[_CART_SINCE] > cols[_LAST], _weeks_since(cols[_CART_SINCE], at)
    out[COLUMN["cart_left"]] = np.where(left, np.exp2(-weeks / 2.0), 0.0) * np.exp2(-later / 2.0)[:, None]
    for name, since, unit in (("oldest_open", _OPEN_SINCE, DAY), ("log_subscribed", _SUBSCRIBED_SINCE, WEEK)):
        lasting = _weeks_since(cols[since], at) + later[:, None]
        out[COLUMN[name]] = np.log1p(lasting * (WEEK / unit)) * (cols[since] > 0)
    for name, place in _LASTING:
        out[COLUMN[name]] = cols[place]


def _weeks_since(then: Array, now: Array) -> Array:
    return np.minimum(np.maximum((now - then) / WEEK, 0.0), _LONGEST)


def occasions(profile: Profile) -> int:
    """The feature `orders` of one profile."""
    bought = profile.purchases
    repeats = sum(after - before <= SAME_OCCASION for before, after in pairwise(bought.recent))
    return bought.orders - repeats


def usual_gap(profile: Profile) -> float:
    """The feature `usual_gap` of one profile, seconds."""
    bought = profile.purchases
    gaps = min(bought.last - bought.first, _LONGEST * WEEK)
    return (gaps + PRIOR_GAP * PRIOR_WEIGHT * WEEK) / (max(occasions(profile) - 1, 0) + PRIOR_WEIGHT)


def is_open(ticket: Ticket) -> bool:
    """Whether a ticket was opened or reopened and not solved since."""
    return ticket.opened > ticket.solved or ticket.reopened > ticket.solved


def open_since(ticket: Ticket) -> float:
    """The time since which an open ticket has been open."""
    return min(time for time in (ticket.opened, ticket.reopened) if time > ticket.solved)


def pack(row: Array) -> bytes:
    """A row of `matrix` as it is kept until its label is known: float32, little-endian."""
    return row.astype("<f4").tobytes()


def unpack(x: bytes) -> Array:
    """The row that `pack` kept."""
    return np.frombuffer(x, dtype="<f4").astype(np.float64)
