"""Which features can be told as a reason, and in which direction: words agree with the sign, or nothing is told.

Trouble can only be told as what raises a risk, what is good only as what lowers it. What is compared (silence, visits,
use, habit) is told in the direction in which the comparison comes out: silence against the customer's own gap, visits
and use against the weeks before, habit and spending against the average customer. What nobody did is no reason: "no
payment refused so far" is told in neither direction.

Features that speak of one fact are told once, for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.durations import DAY, WEEK
from models.features.feature import Array
from models.features.table import COLUMN, NAMES, TABLE

__all__ = ["CAUSES", "FACTS", "Tones", "tellable"]

Flags = NDArray[np.bool_]

_DAYS = WEEK / DAY
_LATELY = 2.0  # weeks: who was seen within them is not silent
_FELL, _HELD = 0.25, 0.1  # less than before by so much is a fall, by so little is none
_NEW, _OLD = 8.0, 26.0  # weeks as a customer
_FRESH = 0.5  # of what fades: an event of sixteen weeks ago
_POINT = 0.3  # of an answer below or above what is neither good nor bad
_AVERAGE: Mapping[str, float] = {"usual_gap": 10.0, "log_revenue": 4.0, "mean_items": 2.0}  # until a model knows better

_TROUBLES: Mapping[str, float] = {
    **dict.fromkeys(
        ("ticket_opened_8w", "ticket_reopened_8w", "complaint_8w", "price_complaints_8w", "delivery_complaints_8w",
         "product_complaints_8w", "delivery_trouble_8w", "return_8w", "refund_8w", "order_cancelled_8w",
         "coupon_denied_8w", "uninstalled_8w", "payment_failed_8w", "unsubscribe_8w"), _FRESH),
    **dict.fromkeys(("csat_drop", "nps_drop", "low_csat", "low_nps", "low_ces", "low_review"), _POINT),
    **dict.fromkeys(("open_tickets", "oldest_open", "overdue", "reopened_share", "refund_share", "cancelled", "paused"),
                    0.0),
    **dict.fromkeys(("price_trouble_2w", "delivery_trouble_2w", "support_trouble_2w"), 0.3),
    **dict.fromkeys(("resolution", "last_resolution"), float(np.log(3.5))),
    "price_rise": 0.005, "discount_share": 0.05, "discount_habit": 0.05,
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

    def __getitem__(self, name: str) -> Array:
        column: Array = self._columns[COLUMN[name]]
        return column

    def average(self, name: str) -> float:
        """Of a feature."""
        return _AVERAGE[name] if self._average is None else float(self._average[COLUMN[name]])


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


def _pace(role: str, fall: str) -> _Tone:
    """Less often than before, or as often."""

    def tone(seen: _Seen) -> tuple[Flags, Flags]:
        ever, fell, silent = seen[f"{role}_8w"] > 0, seen[fall], seen["log_unseen"] > np.log1p(_LATELY)
        return ever & ((fell > _FELL) | silent), ever & (fell < _HELD) & ~silent

    return tone


def _unseen(seen: _Seen) -> tuple[Flags, Flags]:
    """Where it is not the last order that was the last sign of them: that is told as silence."""
    weeks = np.expm1(seen["log_unseen"])
    other = (weeks > 0) & (weeks < seen["recency"] - 1.0 / _DAYS)
    return other & (weeks > _LATELY), other & (weeks < _LATELY / 2)


def _breadth(seen: _Seen) -> tuple[Flags, Flags]:
    fell, used = seen["breadth_fall"] > _FELL, seen["breadth"]
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
    (_pace("visit", "visit_decline"), ("visit_2w", "visit_8w", "visit_decline", "visits_missed")),
    (_pace("login", "login_decline"), ("login_2w", "login_8w", "login_decline", "logins_missed")),
    (_pace("feature_use", "use_decline"), ("feature_use_2w", "feature_use_8w", "use_decline", "uses_missed")),
    (_unseen, ("log_unseen", "unseen_share")),
    (_breadth, ("breadth", "breadth_fall")),
    (_mix, ("categories", "concentration")),
)  # fmt: skip
_USE: Flags = np.array([FACTS[COLUMN[name]] in {"visits", "logins", "uses", "breadth"} for name in NAMES])
_PLACES = [(tone, np.array([COLUMN[name] for name in names])) for tone, names in _COMPARED]


def tellable(values: Array, average: Array | None) -> Tones:
    """How the features of customers can be told.

    Args:
        values: rows of `features.matrix`.
        average: of the features, as the model that scores has them; None if it has none.
    """
    raises = values > _RAISES_ABOVE
    lowers = (values > _LOWERS_ABOVE) | (values < _LOWERS_BELOW)
    seen = _Seen(values, average)
    for tone, columns in _PLACES:
        up, down = tone(seen)
        raises[:, columns], lowers[:, columns] = up[:, None], down[:, None]
    here = seen["log_unseen"] < np.log1p(_LATELY)
    return Tones(raises, lowers, raises & (_CAUSES | (_USE & here[:, None])))
