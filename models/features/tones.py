"""Which features can be told as a reason, and in which direction: words agree with the sign, or nothing is told.

Trouble can only be told as what raises a risk, what is good only as what lowers it. What is compared (silence, visits,
use, habit) is told in the direction in which the comparison comes out: silence against the customer's own gap, visits
and use against the weeks before, habit and spending against the average customer. What nobody did is no reason: "no
payment refused so far" is told in neither direction.

A *cause*, which tells why somebody leaves, is trouble or a fall of use beyond what those have who stay: trouble that
was fresh when they were seen last and more than the average customer's by a standard deviation; use that fell by more
than chance, in all that they do together, while they were still seen.

Features that speak of one fact are told once, for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.durations import DAY, WEEK
from models.features.feature import Array, Fading, Feature
from models.features.table import COLUMN, NAMES, TABLE

__all__ = ["CAUSES", "FACTS", "Tones", "tellable"]

Flags = NDArray[np.bool_]

_DAYS = WEEK / DAY
_LATELY = 2.0  # weeks: who was seen within them is not silent
_PAUSE, _LONG = 1.0, 104.0  # weeks without a sign of them: nothing yet; after so many nothing is left of counts
_FELL, _HELD = 0.25, 0.1  # less than before by so much is a fall, by so little is none
_NARROWED = 0.2  # of the features used
_SEVERAL = 1.5  # orders
_CHANCE = 1.0  # standard deviations of a decayed count: less is chance
_NEW, _OLD = 8.0, 26.0  # weeks as a customer
_FRESH = 0.55  # of what halves every eight weeks: an event of fourteen weeks ago
_LATEST = 0.6  # of what halves every two: an event of three weeks ago
_POINT = 0.6  # of an answer below or above what is neither good nor bad
_WAITS = float(np.log(3.0))  # of how long a ticket is open: two days
_ACTIVE = ("visit", "login", "feature_use")
_FASTER, _SLOWER = ([COLUMN[f"{role}_{weeks}w"] for role in _ACTIVE] for weeks in (2, 8))
_AVERAGE: Mapping[str, float] = {"usual_gap": 10.0, "log_revenue": 4.0, "mean_items": 2.0}  # until a model knows better

_TROUBLES: Mapping[str, float] = {
    **dict.fromkeys(
        ("ticket_reopened_8w", "complaint_8w", "price_complaints_8w", "delivery_complaints_8w",
         "product_complaints_8w", "return_8w", "refund_8w", "order_cancelled_8w",
         "uninstalled_8w", "payment_failed_8w", "unsubscribe_8w"), _FRESH),
    **dict.fromkeys(("csat_drop", "low_csat", "low_review"), _POINT),
    **dict.fromkeys(("nps_drop", "low_nps", "low_ces"), 2 * _POINT),  # of more points
    "delivery_trouble_8w": 0.8, "coupon_denied_8w": 0.6,
    **dict.fromkeys(("ticket_opened_8w", "support_trouble_2w"), 1.0),  # one is a question
    **dict.fromkeys(("open_tickets", "overdue", "reopened_share", "cancelled", "paused"), 0.0), "oldest_open": _WAITS,
    **dict.fromkeys(("price_trouble_2w", "delivery_trouble_2w"), _LATEST),
    **dict.fromkeys(("resolution", "last_resolution"), float(np.log(6.0))),
    "refund_share": 0.05, "price_rise": 0.005, "discount_share": 0.2, "discount_habit": 0.2,
    "season_missed": 0.0, "cart_left": 0.3,
}  # fmt: skip
"""Told as raising a risk above these values."""

_GOOD: Mapping[str, float] = {
    **dict.fromkeys(("view_8w", "search_8w", "cart_2w", "checkout_2w", "contact_clicked_8w"), 0.7),
    "subscribed": 0.0, "log_subscribed": 0.0, "contact_answered": 0.2,
}  # fmt: skip
"""Told as lowering a risk above these values."""

_GLAD = ("low_csat", "low_nps", "low_ces", "low_review")  # answers: below minus _POINT, they lower a risk

_NO_CAUSE = {"cancelled", "paused", "uninstalled_8w", "unsubscribe_8w", "season_missed", "cart_left"}
"""Who leaves says so by some of them, or stays away: that is leaving itself, not why."""

CAUSES = frozenset(_TROUBLES) - _NO_CAUSE
"""The features that tell why somebody leaves: what went wrong for them, and what they pay."""

_CAUSES: Flags = np.array([name in CAUSES for name in NAMES])

_WHILE: Mapping[str, tuple[str, float]] = {
    "resolution": ("ticket_opened_8w", _FRESH), "reopened_share": ("ticket_reopened_8w", _FRESH),
    "refund_share": ("refund_8w", _FRESH), "open_tickets": ("oldest_open", _WAITS),
}  # fmt: skip
"""What does not fade, or begins at once, is trouble only while that is above this."""

_FACTS: Mapping[str, tuple[str, ...]] = {
    "tickets": ("ticket_opened_8w",),
    "reopened": ("ticket_reopened_8w", "reopened_share"),
    "waiting": ("open_tickets", "oldest_open", "overdue", "resolution", "last_resolution"),
    "price of late": ("price_trouble_2w",), "delivery of late": ("delivery_trouble_2w",),
    "support of late": ("support_trouble_2w",),
    "complaint": ("complaint_8w",),
    "inquiry": ("inquiry_8w",),
    "csat": ("low_csat", "csat_drop"), "nps": ("low_nps", "nps_drop"), "ces": ("low_ces",),
    "refund": ("refund_8w", "refund_share"), "return": ("return_8w",),
    "price complaint": ("price_complaints_8w",), "discount": ("discount_share", "discount_habit", "log_discounted"),
    "coupon": ("coupon_denied_8w",), "price": ("price_rise",),
    "delivery": ("delivery_complaints_8w", "delivery_trouble_8w"), "cancelled order": ("order_cancelled_8w",),
    "review": ("low_review",), "product complaint": ("product_complaints_8w",),
    "uninstalled": ("uninstalled_8w",), "breadth": ("breadth", "breadth_fall"),
    "logins": ("login_2w", "login_decline", "logins_missed"), "much login": ("login_8w",),
    "uses": ("feature_use_2w", "use_decline", "uses_missed"), "much use": ("feature_use_8w",),
    "visits": ("visit_2w", "visit_decline", "visits_missed"), "much visit": ("visit_8w",),
    "unseen": ("log_unseen", "unseen_share"),
    "cart": ("cart_left", "cart_share", "cart_2w"), "looks": ("view_8w", "search_8w", "checkout_2w"),
    "answers": ("contact_clicked_8w", "contact_answered"), "messages": ("contact_made_8w",),
    "unsubscribed": ("unsubscribe_8w",),
    "items": ("mean_items",), "basket": ("basket_trend",),
}  # fmt: skip
_FACT_OF = {name: fact for fact, names in _FACTS.items() for name in names}

FACTS: tuple[str, ...] = tuple(_FACT_OF.get(feature.name, f"all {feature.group}") for feature in TABLE)
"""The fact that each feature speaks of; all features of a group that says but one thing are one fact."""

_NEVER = np.inf
_RAISES_ABOVE = np.array([_TROUBLES.get(name, _NEVER) for name in NAMES])
_LOWERS_ABOVE = np.array([_GOOD.get(name, _NEVER) for name in NAMES])
_LOWERS_BELOW = np.array([-_POINT if name in _GLAD else -_NEVER for name in NAMES])


class _Seen:
    """A batch of customers: their features by name, and those of the average customer, if a model has them."""

    def __init__(self, values: Array, average: Array | None) -> None:
        self._columns, self._average = values.T, average
        self.here: Flags = self["log_unseen"] < np.log1p(_LATELY)
        self.weeks: Array = np.minimum(np.maximum(np.expm1(self["log_unseen"]) - _PAUSE, 0.0), _LONG)  # of silence
        self.full_price = self._full_price()
        self._active = fast, expected = self._activity()
        never = expected == 0  # of whom nothing has fallen
        self._fell = 1.0 - (fast * ~never + never) / (expected + never)
        self.less, self.faded = self._faded()

    def __getitem__(self, name: str) -> Array:
        column: Array = self._columns[COLUMN[name]]
        return column

    def average(self, name: str) -> float:
        """Of a feature."""
        return _AVERAGE[name] if self._average is None else float(self._average[COLUMN[name]])

    def _full_price(self) -> Flags:
        """Who had several discounts and has none any more: not at the last order, or they wait for one."""
        weeks, several = np.expm1(self["log_discounted"]), self["discount_habit"] * self["orders"] > _SEVERAL
        ended = (weeks > self["recency"] + 1.0 / _DAYS) | (self["gap_ratio"] > 1.0)
        found: Flags = several & ended & (weeks < _OLD)
        return found

    def _activity(self) -> tuple[Array, Array]:
        """The faster decayed counts (roles, n), and what the slower ones let expect of them at a steady rate.

        As of when they were seen last, and a week: so of who is silent, before that.
        """
        weeks = self.weeks
        known = np.maximum(self["tenure"] - weeks, 1.0)
        share = 0.25 * np.expm1(-known * np.log(2.0) / 2.0) / np.expm1(-known * np.log(2.0) / 8.0)
        fast, slow = self._columns[_FASTER] ** 2, self._columns[_SLOWER] ** 2
        return fast * np.exp2(weeks / 2.0), slow * np.exp2(weeks / 8.0) * share

    def fell(self, role: str) -> Array:
        """By which share there is less of a role than before; below 0 if there is more."""
        fell: Array = self._fell[_ACTIVE.index(role)]
        return fell

    def _faded(self) -> tuple[Flags, Flags]:
        """Whether there is less of all that they do together, and by more than chance.

        Decayed counts of what comes at random have a variance of half their mean (shot noise: Campbell 1909).
        """
        fast, expected = (sum(counts[1:], start=counts[0]) for counts in self._active)
        fall: Array = expected - fast
        return fall > 0, fall > _CHANCE * np.sqrt(expected / 2.0)


class Tones(NamedTuple):
    """How the features of customers can be told, each (customers, features)."""

    raises: Flags  # a risk
    lowers: Flags
    causes: Flags  # as why somebody leaves: what went wrong, what they pay, use that falls while they are here


_Tone = Callable[[_Seen], tuple[Flags, Flags]]
"""Of whom it can be told as raising a risk, and of whom as lowering it."""


def _silence(seen: _Seen) -> tuple[Flags, Flags]:
    """In whole days, as it is told, against the customer's own gap and against the one that is expected of them.

    Between the two, and of the only order, it can be told either way, in other words.
    """
    again, days = np.maximum(seen["orders"] - 1.0, 1.0), np.floor(seen["recency"] * _DAYS + 1e-9)
    own = np.maximum(np.rint((seen["tenure"] - seen["recency"]) / again * _DAYS), 1.0)
    once, expected = seen["orders"] <= 1, seen["usual_gap"] * _DAYS
    own = np.where(once, expected, own)
    return days > np.where(once, _DAYS, np.minimum(own, expected)), days < np.maximum(own, expected)


def _habit(seen: _Seen) -> tuple[Flags, Flags]:
    """Of who has ordered twice: how often, against the average customer. The only order is told as silence."""
    again, gap, usual = seen["orders"] > 1, seen["usual_gap"], seen.average("usual_gap")
    return again & (gap > usual), again & (gap < usual)


def _tenure(seen: _Seen) -> tuple[Flags, Flags]:
    again, tenure = seen["orders"] > 1, seen["tenure"]
    return again & (tenure < _NEW), again & (tenure > _OLD)


def _beside(name: str) -> _Tone:
    """Little, or much, against the average customer."""
    return lambda seen: (seen[name] < seen.average(name), seen[name] > seen.average(name))


def _basket(seen: _Seen) -> tuple[Flags, Flags]:
    return seen["basket_trend"] < -_HELD, seen["basket_trend"] > _HELD


def _season(seen: _Seen) -> tuple[Flags, Flags]:
    """Of who has one: it was missed, or explains the silence."""
    missed = seen["season_missed"] > 0
    return missed, ~missed & ((seen["season_due"] > 0) | (seen["season_silence"] > 0))


def _pace(role: str) -> _Tone:
    """Less often than before by more than chance, or as often; of who is silent, that they are."""

    def tone(seen: _Seen) -> tuple[Flags, Flags]:
        ever, fell = seen[f"{role}_8w"] > 0, seen.fell(role)
        raises = np.where(seen.here, (fell > _FELL) & seen.faded, True)
        return ever & raises, ever & (fell < _HELD) & seen.here & ~seen.faded

    return tone


def _unseen(seen: _Seen) -> tuple[Flags, Flags]:
    """Where it is not the last order that was the last sign of them: that is told as silence."""
    weeks = np.expm1(seen["log_unseen"])
    other = (weeks > 0) & (weeks < seen["recency"] - 1.0 / _DAYS)
    return other & (weeks > _LATELY), other & (weeks < _LATELY / 2)


def _breadth(seen: _Seen) -> tuple[Flags, Flags]:
    fell, used = (seen["breadth_fall"] > _NARROWED) & seen.less, seen["breadth"]
    return fell & (used > 0), ~fell & (used > 1.0)


def _mix(seen: _Seen) -> tuple[Flags, Flags]:
    return seen["categories"] == 1, seen["categories"] > 1


_COMPARED: tuple[tuple[_Tone, tuple[str, ...]], ...] = (
    (_silence, ("recency", "log_recency", "recency_share", "gap_ratio", "log_gap_ratio", "recency_x_orders",
                          "orders_2w", "orders_4w", "orders_8w")),
    (_habit, ("orders", "log_orders", "usual_gap", "last_gap", "gap_spread", "order_rate", "one_order", "orders_16w",
              "orders_32w")),
    (_tenure, ("tenure", "early")),
    (_beside("log_revenue"), ("mean_order", "log_revenue", "last_order", "spend_8w", "spend_26w")),
    (_beside("mean_items"), ("mean_items",)),
    (_basket, ("basket_trend",)),
    (_season, ("season_due", "season_silence")),
    (_pace("visit"), ("visit_2w", "visit_8w", "visit_decline", "visits_missed")),
    (_pace("login"), ("login_2w", "login_8w", "login_decline", "logins_missed")),
    (_pace("feature_use"), ("feature_use_2w", "feature_use_8w", "use_decline", "uses_missed")),
    (_unseen, ("log_unseen", "unseen_share")),
    (_breadth, ("breadth", "breadth_fall")),
    (_mix, ("categories", "concentration")),
)  # fmt: skip
_USE: Flags = np.array([FACTS[COLUMN[name]] in {"visits", "logins", "uses"} for name in NAMES])
_NARROWING: Flags = np.array([FACTS[COLUMN[name]] == "breadth" for name in NAMES])
_TOGETHER = {"2w": 1.0 / 4.0, "8w": 1.0 / 16.0}  # halvings a week of roots of decayed counts together, by their names


def _fades(feature: Feature) -> float:
    """How often a feature halves in a week."""
    if isinstance(feature.path, Fading):
        return WEEK / (feature.path.figure.half_life or np.inf)
    return _TOGETHER.get(feature.name[-2:], 0.0)


_RATES, _RATE = np.unique([_fades(each) if each.name in _TROUBLES else 0.0 for each in TABLE], return_inverse=True)
_COMPARABLE: Flags = np.array([name in CAUSES and not name.startswith("price_rise") for name in NAMES])
_DISCOUNTS: Flags = np.array([FACTS[COLUMN[name]] == "discount" for name in NAMES])
_TONES = [tone for tone, _ in _COMPARED]
_TOLD_BY = np.array([k for k, (_, names) in enumerate(_COMPARED) for _ in names])
_TOLD_COLUMNS = np.array([COLUMN[name] for _, names in _COMPARED for name in names])


def tellable(values: Array, average: Array | None, spread: Array | None = None) -> Tones:
    """How the features of customers can be told.

    Args:
        values: rows of `features.matrix`.
        average: of the features, as the model that scores has them; None if it has none.
        spread: their standard deviations, likewise.
    """
    seen = _Seen(values, average)
    then = values * np.exp2(np.multiply.outer(seen.weeks, _RATES))[:, _RATE]  # when they were seen last
    raises = then > _RAISES_ABOVE
    if average is not None and spread is not None:
        raises &= (then > average + spread) | ~_COMPARABLE
    lowers = (values > _LOWERS_ABOVE) | (values < _LOWERS_BELOW)
    for name, (other, least) in _WHILE.items():
        raises[:, COLUMN[name]] &= seen[other] > least
    raises[:, _DISCOUNTS] &= seen.full_price[:, None]
    tones = np.array([tone(seen) for tone in _TONES])  # (tones, raising or lowering, customers)
    raises[:, _TOLD_COLUMNS], lowers[:, _TOLD_COLUMNS] = tones[_TOLD_BY].transpose(1, 2, 0)
    return Tones(raises, lowers, raises & (_CAUSES | (_USE & seen.faded[:, None]) | _NARROWING))
