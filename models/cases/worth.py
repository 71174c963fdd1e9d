"""Value at risk: what a customer is likely to be worth until the end of the horizon, times the risk of losing them."""

from __future__ import annotations

from profiles.ledger.entries import KINDS, accounts_of, entries_of
from profiles.types import Profile

__all__ = ["FORMULA", "net_within", "value_at_risk"]

FORMULA = "risk × net of the last horizon"
"""What is expected of the next horizon is what the last one brought: orders less refunds, in the plan's currency."""


def value_at_risk(profile: Profile, now: float, horizon: float, currency: str) -> int | None:
    """Minor units; None without a score. Never below zero: who returned more than they bought has nothing to lose."""
    if profile.score is None:
        return None
    return round(profile.score.risk * max(net_within(profile, now, horizon, currency), 0))


def net_within(profile: Profile, now: float, horizon: float, currency: str) -> int:
    """Orders less refunds of the last `horizon` seconds up to `now`, of those whose time a profile keeps: minor units
    of the plan's currency."""
    bought = profile.purchases
    orders = zip(bought.recent, bought.amounts, strict=False)
    net = sum(amount for time, amount in orders if now - horizon < time <= now)
    if bought.refund_count and (ledger := accounts_of(profile)) is not None:
        net -= sum(
            entry.amount
            for entry in entries_of(ledger)
            if entry.kind == KINDS["refund"] and entry.currency == currency and now - horizon < entry.time <= now
        )
    return net
