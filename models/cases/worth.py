"""Value at risk: what a customer or a company is likely to be worth until the end of the horizon, times the risk of
losing them."""

from __future__ import annotations

from models.durations import DAY
from models.features.readers import lasting
from profiles.ledger.entries import KINDS, accounts_of, entries_of
from profiles.subscriptions.terms import latest_value
from profiles.types import Profile, is_company

__all__ = ["FORMULA", "FORMULA_OF_CONTRACTS", "expected_within", "formula_of", "net_within", "value_at_risk"]

FORMULA = "risk × net of the last horizon"
"""What is expected of the next horizon is what the last one brought: orders less refunds, in the plan's currency."""

FORMULA_OF_CONTRACTS = "risk × what its contracts bring within the horizon"
"""Of a company with contracts that last and of which is known what they bring a month."""

_MONTH = 365.25 / 12 * DAY


def value_at_risk(profile: Profile, now: float, horizon: float, currency: str) -> int | None:
    """Minor units; None without a score. Never below zero: who returned more than they bought has nothing to lose."""
    if profile.score is None:
        return None
    return round(profile.score.risk * max(expected_within(profile, now, horizon, currency), 0))


def expected_within(profile: Profile, now: float, horizon: float, currency: str) -> float:
    """What the next `horizon` seconds are expected to bring, minor units: of a company with contracts what they bring a
    month, for as many months; else what the last `horizon` seconds brought."""
    a_month = _monthly(profile)
    return net_within(profile, now, horizon, currency) if a_month is None else a_month * horizon / _MONTH


def formula_of(profile: Profile) -> str:
    """How the value at risk of a customer or a company is worked out, in words."""
    return FORMULA if _monthly(profile) is None else FORMULA_OF_CONTRACTS


def _monthly(profile: Profile) -> float | None:
    """What the contracts of a company that last bring a month, minor units; None if that is not known of any."""
    if not is_company(profile.id):
        return None
    told = [value for each in lasting(profile) if (value := latest_value(each.mrr)) is not None]
    return float(sum(told)) if told else None


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
