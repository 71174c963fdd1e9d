"""What the models see of a customer: one definition for scoring, learning and backtests.

`raws` reads each profile once; `matrix` computes the features of many customers at any later time from that, without
another look at the profiles. Every feature has an exact path when time passes and nothing happens, so the hazard can
be rolled forward. A source that is missing gives zeros. There are no calendar features: in a first year the week of
the year is a clock, and a model that has one extrapolates along it.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from hashlib import blake2b
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from profiles.types import HALF_LIVES, ORDER_HALF_LIVES, SPEND_HALF_LIVES, Opinion, Profile, Tally

__all__ = [
    "NAMES",
    "RAW",
    "SCHEMA",
    "TABLE",
    "Feature",
    "matrix",
    "occasions",
    "pack",
    "raws",
    "rolled",
    "unpack",
    "usual_gap",
]

Array = NDArray[np.float64]

WEEK = 7 * 86400.0
SAME_OCCASION = 0.5 * 86400.0
"""An order within this of the one before belongs to the same occasion, seconds."""

OPINION_HALF_LIFE = 8 * WEEK
"""Half-life of what an answer to a survey says, seconds."""

PRIOR_GAP, PRIOR_WEIGHT = 10.0, 2.0
"""The usual gap of a customer nobody knows yet: ten weeks, worth two gaps of their own."""

_LIMIT = 1e9  # keeps every feature finite, whatever was sent
_LONGEST = 5200.0  # weeks

# (role, index of its half-life in HALF_LIVES, group). The roots of decayed counts enter.
_LATELY: tuple[tuple[str, int, str], ...] = (
    ("visit", 0, "visits"),
    ("visit", 1, "visits"),
    ("view", 1, "shopping"),
    ("search", 1, "shopping"),
    ("cart", 0, "shopping"),
    ("checkout", 0, "shopping"),
    ("login", 0, "use"),
    ("login", 1, "use"),
    ("feature_use", 0, "use"),
    ("feature_use", 1, "use"),
    ("ticket_opened", 1, "support"),
    ("ticket_reopened", 1, "support"),
    ("complaint", 1, "support"),
    ("inquiry", 1, "support"),
    ("refund", 1, "refunds"),
    ("contact_clicked", 1, "contact"),
    ("unsubscribe", 1, "contact"),
)


class Feature(NamedTuple):
    """One column: its group is what a reason speaks of."""

    name: str
    group: str
    unit: str
    meaning: str


def _in_weeks(seconds: float) -> str:
    return f"{seconds / WEEK:.0f}"


TABLE: tuple[Feature, ...] = (
    Feature("recency", "silence", "weeks", "time since the last order"),
    Feature("log_recency", "silence", "log(1 + weeks)", "the same, compressed"),
    Feature("tenure", "habit", "weeks", "time since the first order"),
    Feature("log_tenure", "habit", "log(1 + weeks)", "the same, compressed"),
    Feature("orders", "habit", "occasions", "orders ever; those within 12 hours of each other count once"),
    Feature("log_orders", "habit", "log(occasions)", "the same, compressed"),
    Feature("recency_share", "silence", "share", "recency as a share of tenure + 1 week"),
    Feature("usual_gap", "habit", "weeks", "mean gap between orders, with a prior of two gaps of ten weeks"),
    Feature("gap_ratio", "silence", "usual gaps", "recency in units of the usual gap"),
    Feature("log_gap_ratio", "silence", "log(1 + usual gaps)", "the same, compressed"),
    Feature("last_gap", "habit", "weeks", "gap between the last two occasions, 0 for one order"),
    Feature("gap_spread", "habit", "usual gaps", "standard deviation of the gaps, in usual gaps; 0 below two gaps"),
    Feature("mean_order", "spend", "100 minor units", "revenue per occasion"),
    Feature("log_revenue", "spend", "log(1 + 100 minor units)", "revenue ever"),
    Feature("last_order", "spend", "100 minor units", "amount of the last order"),
    Feature("mean_items", "spend", "items", "items per occasion"),
    Feature("order_rate", "habit", "orders a week", "(repeat orders + ½) / (tenure + 10 weeks)"),
    Feature("one_order", "habit", "0 or 1", "there was one occasion only"),
    Feature("recency_x_orders", "silence", "", "log_recency × log_orders"),
    Feature("tenure_x_orders", "habit", "", "log_tenure × log_orders"),
    *(
        Feature(
            f"orders_{_in_weeks(half_life)}w",
            "silence" if half_life <= 8 * WEEK else "habit",
            "orders",
            f"orders, each halving in worth every {_in_weeks(half_life)} weeks",
        )
        for half_life in ORDER_HALF_LIVES
    ),
    *(
        Feature(
            f"spend_{_in_weeks(half_life)}w",
            "spend",
            "log(1 + 100 minor units)",
            f"revenue, halving in worth every {_in_weeks(half_life)} weeks",
        )
        for half_life in SPEND_HALF_LIVES
    ),
    *(
        Feature(
            f"{role}_{_in_weeks(HALF_LIVES[i])}w",
            group,
            "√events",
            f"events of role `{role}`, each halving in worth every {_in_weeks(HALF_LIVES[i])} weeks",
        )
        for role, i, group in _LATELY
    ),
    Feature("low_csat", "opinion", "points", "3 − the last CSAT answer, halving every 8 weeks; 0 without one"),
    Feature("low_nps", "opinion", "points", "7 − the last NPS answer, halving every 8 weeks; 0 without one"),
    Feature("open_tickets", "support", "tickets", "tickets opened or reopened and not solved, at most 5"),
    Feature("subscribed", "subscription", "0 or 1", "the last subscription event was a start"),
    Feature("cancelled", "subscription", "0 or 1", "the last subscription event was a cancellation"),
)
"""Every feature in order; `docs/models.md` shows this table."""

NAMES: tuple[str, ...] = tuple(feature.name for feature in TABLE)
"""The names of the columns of `matrix`."""

_VERSION = 1  # raise when a definition changes and no name does
SCHEMA: str = blake2b(f"{_VERSION}\0{','.join(NAMES)}".encode(), digest_size=4).hexdigest()
"""Eight hex digits that stand for the definitions; examples of another schema are never learned."""

# The places of what `raws` returns: eight numbers, what fades, since when (opinions and roles only), the rest.
_N, _FIRST, _LAST, _LAST_GAP, _SPREAD, _REVENUE, _LAST_AMOUNT, _ITEMS = range(8)
_FADING = 8
_ROLES = _FADING + len(ORDER_HALF_LIVES) + len(SPEND_HALF_LIVES)
_CSAT, _NPS = _ROLES + len(_LATELY), _ROLES + len(_LATELY) + 1
_SINCE = _NPS + 1
_TO_SINCE = _SINCE - _ROLES
_OPEN, _SUBSCRIBED, _CANCELLED = range(_SINCE + _TO_SINCE, _SINCE + _TO_SINCE + 3)
RAW = _CANCELLED + 1
"""How many numbers `raws` returns for a customer."""

_ORDER_ROWS = _ROLES - _FADING
_SPEND_ROWS = slice(len(ORDER_HALF_LIVES), _ORDER_ROWS)
_RATES = np.array(
    [-WEEK / half_life for half_life in (*ORDER_HALF_LIVES, *SPEND_HALF_LIVES)]
    + [-0.5 * WEEK / HALF_LIVES[i] for _, i, _ in _LATELY]  # a root fades half as fast
    + [-WEEK / OPINION_HALF_LIFE] * 2
)[:, None]
"""Of what fades, in powers of two a week."""

_PLACES: dict[str, list[tuple[int, int]]] = {
    role: [(_ROLES + k, i) for k, (name, i, _) in enumerate(_LATELY) if name == role] for role, _, _ in _LATELY
}
_NOTHING = [0.0] * RAW
_pack_row = struct.Struct(f"<{RAW}d").pack


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
    for profile in profiles:
        recent = profile.purchases.recent
        times += recent
        lengths.append(len(recent))
        rows.append(_pack_row(*_read(profile, currency)))
    out = np.frombuffer(bytearray(b"".join(rows)), dtype="<f8").reshape(-1, RAW)
    if times:
        _read_gaps(out, np.array(times), np.array(lengths))
    np.nan_to_num(out, copy=False, nan=0.0, posinf=_LIMIT, neginf=-_LIMIT)
    out[:, _REVENUE:_ROLES] = out[:, _REVENUE:_ROLES].clip(0.0, _LIMIT)
    out[:, _ROLES:_CSAT] = np.sqrt(out[:, _ROLES:_CSAT].clip(0.0, _LIMIT))
    out[:, _CSAT:_SINCE] = out[:, _CSAT:_SINCE].clip(-10.0, 10.0)
    out[:, _OPEN] = np.minimum(out[:, _OPEN], 5.0)
    return out


def _read(profile: Profile, currency: str) -> list[float]:
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
    for ticket in profile.tickets:
        if ticket.opened > ticket.solved or ticket.reopened > ticket.solved:
            values[_OPEN] += 1.0
    if profile.opinions:
        _read_opinion(values, _CSAT, profile.opinions.get("csat"), 3.0)
        _read_opinion(values, _NPS, profile.opinions.get("nps"), 7.0)
    if "subscription_start" in roles or "subscription_cancel" in roles:
        _read_subscription(values, roles.get("subscription_start"), roles.get("subscription_cancel"))
    return values


def _read_opinion(values: list[float], place: int, opinion: Opinion | None, neutral: float) -> None:
    if opinion is not None and opinion.count:
        values[place] = neutral - opinion.last
        values[place + _TO_SINCE] = opinion.time


def _read_subscription(values: list[float], start: Tally | None, cancel: Tally | None) -> None:
    started = start.last if start is not None else 0.0
    cancelled = cancel.last if cancel is not None else 0.0
    values[_SUBSCRIBED if started > cancelled else _CANCELLED] = 1.0


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
    """The features at `at` (n,) and, if nothing happens, `ahead` (steps,) seconds later: (len(NAMES), steps, n).

    An event after `at` counts as happening at `at`.
    """
    cols = np.ascontiguousarray(raws.T)
    n, first, last, last_gap, spread, revenue, last_amount, items = cols[:_FADING]
    has = (n > 0) * 1.0
    some = np.maximum(n, 1.0)  # so that a customer without orders divides by one
    later = ahead / WEEK
    silence = _weeks_since(last, at) * has
    recency = silence + later[:, None] * has
    tenure = _weeks_since(first, at) * has + later[:, None] * has
    k = some - 1.0
    gap = (np.minimum((last - first) / WEEK, _LONGEST) + PRIOR_GAP * PRIOR_WEIGHT) / (k + PRIOR_WEIGHT)
    ratio = recency / gap
    log_recency, log_tenure, log_n = np.log(1.0 + recency), np.log(1.0 + tenure), np.log(some)
    rows: tuple[Array, ...] = (
        recency, log_recency, tenure, log_tenure, n, log_n, recency / (tenure + 1.0), gap * has, ratio,
        np.log(1.0 + ratio), last_gap, spread / np.maximum(gap, 0.1), revenue / some, np.log(1.0 + revenue),
        last_amount, items / some, (k + 0.5) * has / (tenure + 10.0), (n == 1.0) * 1.0,
        log_recency * log_n, log_tenure * log_n,
    )  # fmt: skip
    out = np.empty((len(NAMES), len(ahead), len(raws)))
    for j, row in enumerate(rows):
        out[j] = row
    fading = out[len(rows) : len(rows) + _SINCE - _FADING]
    age = np.empty((len(fading), len(raws)))
    age[:_ORDER_ROWS] = silence
    age[_ORDER_ROWS:] = _weeks_since(cols[_SINCE:_OPEN], at)
    now = cols[_FADING:_SINCE] * np.exp2(age * _RATES)
    np.multiply(now[:, None], np.exp2(later * _RATES)[:, :, None], out=fading)
    fading[_SPEND_ROWS] = np.log(1.0 + fading[_SPEND_ROWS])
    out[len(rows) + len(fading) :] = cols[_OPEN:, None]
    return out


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


def pack(row: Array) -> bytes:
    """A row of `matrix` as it is kept until its label is known: float32, little-endian."""
    return row.astype("<f4").tobytes()


def unpack(x: bytes) -> Array:
    """The row that `pack` kept."""
    return np.frombuffer(x, dtype="<f4").astype(np.float64)
