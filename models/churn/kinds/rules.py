"""The cold start: a hazard with weights set by hand, so that the first event is scored, and marked as such.

It says what everyone who keeps customers knows: silence, measured against the customer's own usual gap, is the
strongest sign; regular and engaged customers come back; trouble with support, refunds and cancellations drive people
away. Signs of trouble fade, yet slower than silence grows, so that silence always raises the risk.
"""

from __future__ import annotations

import math

import numpy as np

from models.churn.model import Kind, LearningModel
from models.churn.scaling import Scaling
from models.churn.weights import Weights, read_weights
from models.config import ChurnConfig
from models.durations import WEEK
from models.features.table import NAMES, SCHEMA

__all__ = ["KIND", "OF_STATES", "RULES", "Rules", "rules"]

RULES, OF_STATES = "rules-3", "rules-5"
"""The model id of scores that no data has taught yet; of whether a subscription lasts."""

# feature: (typical value, typical spread, weight of one spread on the log-odds of an order within four weeks).
# A typical value of 0 keeps a source that is missing from saying anything.
_SIGNS: dict[str, tuple[float, float, float]] = {
    "recency": (15.0, 15.0, -0.35),
    "log_recency": (2.0, 1.0, -0.35),
    "log_gap_ratio": (0.9, 0.6, -0.35),
    "log_orders": (0.7, 0.8, 0.45),
    "orders_16w": (0.7, 1.0, 0.15),
    "visit_2w": (0.0, 1.0, 0.15),
    "cart_2w": (0.0, 1.0, 0.15),
    "login_2w": (0.0, 1.0, 0.10),
    "feature_use_2w": (0.0, 1.0, 0.10),
    "ticket_opened_8w": (0.0, 1.0, -0.15),
    "ticket_reopened_8w": (0.0, 1.0, -0.25),
    "complaint_8w": (0.0, 1.0, -0.40),
    "price_complaints_8w": (0.0, 1.0, -0.40),
    "delivery_complaints_8w": (0.0, 1.0, -0.40),
    "product_complaints_8w": (0.0, 1.0, -0.40),
    "delivery_trouble_8w": (0.0, 1.0, -0.20),
    "return_8w": (0.0, 1.0, -0.10),
    "order_cancelled_8w": (0.0, 1.0, -0.15),
    "coupon_denied_8w": (0.0, 1.0, -0.15),
    "price_rise": (0.0, 0.2, -0.20),
    "uninstalled_8w": (0.0, 1.0, -0.30),
    "paused": (0.0, 1.0, -0.50),
    "low_ces": (0.0, 2.0, -0.10),
    "open_tickets": (0.0, 1.0, -0.25),
    "refund_8w": (0.0, 1.0, -0.25),
    "low_csat": (0.0, 1.0, -0.15),
    "low_nps": (0.0, 2.0, -0.10),
    "unsubscribe_8w": (0.0, 1.0, -0.20),
    "payment_failed_8w": (0.0, 1.0, -0.25),
    "csat_drop": (0.0, 1.0, -0.05),
    "low_review": (0.0, 1.0, -0.05),
    "visit_decline": (0.0, 0.5, -0.10),
    "login_decline": (0.0, 0.5, -0.10),
    "use_decline": (0.0, 0.5, -0.10),
    "resolution": (0.0, 1.0, -0.05),
    "oldest_open": (0.0, 1.0, -0.10),
    "refund_share": (0.0, 0.5, -0.15),
    "subscribed": (0.0, 1.0, 0.50),
    "cancelled": (0.0, 1.0, -0.80),
}
_TYPICAL = -2.2  # log-odds of an order within four weeks at typical values

# The same for what does not go by orders: whether a customer is still seen, is still subscribed. What they order says
# nothing of it, what they do, and what troubles them, does.
_BY_ORDERS = ("recency", "log_recency", "log_gap_ratio", "log_orders", "orders_16w")
_USE: dict[str, tuple[float, float, float]] = {
    **{name: sign for name, sign in _SIGNS.items() if name not in _BY_ORDERS},
    "logins_missed": (0.0, 1.0, -0.60),
    "uses_missed": (0.0, 1.0, -0.60),
    "visits_missed": (0.0, 1.0, -0.30),
    "login_decline": (0.0, 0.5, -0.20),
    "use_decline": (0.0, 0.5, -0.20),
}
_USED = 1.0  # log-odds of use within four weeks
_STAYED = 2.2  # of a subscription that lasts for half a year, when calm: a fifth end in a year
_RUNS_ON = 1 / 3
"""What signs count where a subscription is to end. It runs on for months after somebody has lost interest, and is often
held by somebody who only pays: of those who did nothing at all, about half leave."""


def rules(config: ChurnConfig) -> Weights:
    """The rules as weights for the plan's label horizon."""
    definition = config.definition
    by_orders = definition is None or definition.ends_by.no == config.role
    signs = _SIGNS if by_orders else _USE
    columns = np.array([signs.get(name, (0.0, 0.0, 0.0)) for name in NAMES])
    mean, scale, weights = columns.T.copy()
    if definition is not None and definition.ends_by.lasts:
        lasts = _STAYED - math.log(config.label_horizon / (26 * WEEK))
        return Weights(OF_STATES, SCHEMA, mean, scale, weights * _RUNS_ON, lasts, config.label_horizon)
    intercept = (_TYPICAL if by_orders else _USED) + math.log(config.label_horizon / (4 * WEEK))
    return Weights(RULES, SCHEMA, mean, scale, weights, intercept, config.label_horizon)


class Rules(LearningModel):
    """The rules, which learn nothing."""

    def __init__(self, config: ChurnConfig, scaling: Scaling) -> None:
        self.steady: Weights = rules(config)

    def export(self, config: ChurnConfig) -> Weights:
        """The rules, from the first hour."""
        return self.steady


KIND = Kind(
    name="rules",
    column=6,
    meaning="rules set by hand, for the time before anything is learned",
    basis="rules set by hand, before anything is learned",
    learns_from=(),
    read=lambda data, config: read_weights(data, config.label_horizon),
    start=Rules,
)
