"""Every feature by name: what it says, in what unit, and the group that a reason speaks of."""

from __future__ import annotations

from hashlib import blake2b
from typing import NamedTuple

from profiles.types import HALF_LIVES, ORDER_HALF_LIVES, SPEND_HALF_LIVES

__all__ = ["COLUMN", "LATELY", "NAMES", "SCHEMA", "TABLE", "WEEK", "Feature"]

WEEK = 7 * 86400.0

# (role, index of its half-life in HALF_LIVES, group). The roots of decayed counts enter.
LATELY: tuple[tuple[str, int, str], ...] = (
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


def _of_role(role: str, half_life: float, group: str) -> Feature:
    weeks = _in_weeks(half_life)
    meaning = f"events of role `{role}`, each halving in worth every {weeks} weeks"
    return Feature(f"{role}_{weeks}w", group, "√events", meaning)


TABLE: tuple[Feature, ...] = (
    Feature("recency", "silence", "weeks", "time since the last order"),
    Feature("log_recency", "silence", "log(1 + weeks)", "time since the last order, compressed"),
    Feature("tenure", "tenure", "weeks", "time since the first order"),
    Feature("log_tenure", "tenure", "log(1 + weeks)", "time since the first order, compressed"),
    Feature("orders", "habit", "occasions", "orders ever; those within 12 hours of each other count once"),
    Feature("log_orders", "habit", "log(occasions)", "orders ever, compressed"),
    Feature("recency_share", "silence", "share", "recency as a share of tenure + 1 week"),
    Feature("usual_gap", "habit", "weeks", "mean gap between orders, with a prior of two gaps of ten weeks"),
    Feature("gap_ratio", "silence", "usual gaps", "recency in units of the usual gap"),
    Feature("log_gap_ratio", "silence", "log(1 + usual gaps)", "recency in units of the usual gap, compressed"),
    Feature("last_gap", "habit", "weeks", "gap between the last two occasions, 0 for one order"),
    Feature("gap_spread", "habit", "usual gaps", "standard deviation of the gaps, in usual gaps; 0 below two gaps"),
    Feature("mean_order", "spend", "100 minor units", "revenue per occasion"),
    Feature("log_revenue", "spend", "log(1 + 100 minor units)", "revenue ever"),
    Feature("last_order", "spend", "100 minor units", "amount of the last order"),
    Feature("mean_items", "spend", "items", "items per occasion"),
    Feature("order_rate", "habit", "orders a week", "(repeat orders + ½) / (tenure + 10 weeks)"),
    Feature("one_order", "habit", "0 or 1", "there was one occasion only"),
    Feature("recency_x_orders", "silence", "", "log_recency × log_orders"),
    Feature("tenure_x_orders", "tenure", "", "log_tenure × log_orders"),
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
    *(_of_role(role, HALF_LIVES[i], group) for role, i, group in LATELY),
    Feature("low_csat", "opinion", "points", "3 − the last CSAT answer, halving every 8 weeks; 0 without one"),
    Feature("low_nps", "opinion", "points", "7 − the last NPS answer, halving every 8 weeks; 0 without one"),
    Feature("open_tickets", "support", "tickets", "tickets opened or reopened and not solved, at most 5"),
    Feature("subscribed", "subscription", "0 or 1", "the last subscription event was a start"),
    Feature("cancelled", "subscription", "0 or 1", "the last subscription event was a cancellation"),
    _of_role("contact_made", HALF_LIVES[1], "contact"),
    _of_role("payment_failed", HALF_LIVES[1], "payments"),
    Feature("csat_drop", "opinion", "points", "mean − last CSAT answer, halving every 8 weeks"),
    Feature("nps_drop", "opinion", "points", "mean − last NPS answer, halving every 8 weeks"),
    Feature("low_review", "opinion", "points", "3 − the last rating of a review, halving every 8 weeks; 0 without one"),
    Feature("contact_answered", "contact", "share", "opened or clicked / (messages + 1), all halving every 8 weeks"),
    Feature("cart_share", "shopping", "share", "carts / (carts + orders + 1), all halving every 8 weeks"),
    Feature("cart_left", "shopping", "0 to 1", "1 if no order followed the last cart, halving every 2 weeks"),
    Feature("visit_decline", "visits", "share", "1 − rate of visits by 2 weeks' half-life / by 8 weeks', at least −1"),
    Feature("login_decline", "use", "share", "1 − rate of logins by 2 weeks' half-life / by 8 weeks', at least −1"),
    Feature("use_decline", "use", "share", "1 − rate of uses by 2 weeks' half-life / by 8 weeks', at least −1"),
    Feature("resolution", "support", "log(1 + days)", "mean time from opening to solving of the latest tickets"),
    Feature("oldest_open", "support", "log(1 + days)", "how long the oldest open ticket has been open"),
    Feature("refund_share", "refunds", "share", "refunds / revenue ever, at most 2"),
    Feature("log_subscribed", "subscription", "log(1 + weeks)", "time since the subscription began, while it lasts"),
    Feature("categories", "mix", "categories", "number of categories bought from, at most 16"),
    Feature("concentration", "mix", "share", "Σ (share of a category in the orders)²; 0 without categories"),
    Feature("visits_missed", "visits", "log(1 + visits)", "visits missed since the last, at the rate until then"),
    Feature("logins_missed", "use", "log(1 + logins)", "logins missed since the last, at the rate until then"),
    Feature("uses_missed", "use", "log(1 + events)", "uses of features missed since the last, at the rate until then"),
    Feature("log_unseen", "visits", "log(1 + weeks)", "time since the last visit, view, cart, login, use or order"),
    Feature("unseen_share", "visits", "share", "time since anything was seen of them, as a share of recency + 1 week"),
)  # fmt: skip
"""Every feature in order; `docs/models.md` shows this table."""

NAMES: tuple[str, ...] = tuple(feature.name for feature in TABLE)
"""The names of the columns of `features.matrix`."""

COLUMN: dict[str, int] = {name: j for j, name in enumerate(NAMES)}

_VERSION = 1  # raise when a definition changes and no name does
SCHEMA: str = blake2b(f"{_VERSION}\0{','.join(NAMES)}".encode(), digest_size=4).hexdigest()
"""Eight hex digits that stand for the definitions; examples of another schema are never learned."""
