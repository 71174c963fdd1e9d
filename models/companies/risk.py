"""The risk of a company: a scorecard, since no model has learned of companies.

The log-odds of leaving within the horizon are a base and a weight for each signal, set by hand and the same for
everybody. `python -m benchmarks.early_companies` judges them on simulated companies.
"""

from __future__ import annotations

import math

from models.churn.course import noted
from models.churn.scores import compared_with
from models.companies.signals import Ground, Signals, signals_of
from models.companies.words import BY_RULES, PREFIX
from models.config import Bands
from profiles.types import Profile, Reason, Score

__all__ = ["WEIGHTS", "contributions", "score_company"]

BASE = -2.6
"""Log-odds of a company of which no signal speaks."""

# signal → (log-odds for each unit, most units that count)
WEIGHTS: dict[str, tuple[float, float]] = {
    "fall": (3.0, 1.0),
    "silent": (2.0, 1.0),
    "champion_gone": (0.9, 1.0),
    "champion": (-0.5, 1.0),
    "trouble": (0.5, 3.0),
    "unhappy": (1.2, 1.0),
    "happy": (-0.5, 1.0),
    "overdue": (0.06, 10.0),
    "paused": (0.8, 1.0),
    "dearer": (2.0, 0.5),
    "ends": (0.0, 1.0),
    "runs": (-0.02, 100.0),
    "unheard": (0.02, 13.0),
}

ENDS = 0.8
"""Log-odds of a contract that ends within the horizon and does not go on by itself."""

_REASONS = 4
_FAINT = 0.05


def score_company(company: Profile, now: float, ground: Ground, bands: Bands) -> Score | None:
    """The risk of a company with its reasons, the strongest first; None of one that cannot leave.

    Args:
        company: its document; changes nothing.
        now: seconds.
        ground: what the plan calls leaving.
        bands: of the risk.
    """
    signals = signals_of(company, now, ground)
    if signals is None:
        return None
    shares = contributions(signals)
    risk = 1.0 / (1.0 + math.exp(-(BASE + sum(shares.values()))))
    told = sorted(shares, key=lambda name: -abs(shares[name]))
    # Members who fell silent are why fewer are active: what says more of it is told.
    hidden = min(("fall", "silent"), key=lambda name: shares.get(name, 0.0))
    reasons = [
        Reason(PREFIX + name, shares[name], getattr(signals, name))
        for name in told
        if abs(shares[name]) >= _FAINT and not (name == hidden and {"fall", "silent"} <= shares.keys())
    ]
    return Score(
        risk, bands.of(risk), now, BY_RULES, reasons[:_REASONS], *compared_with(company.score, now, BY_RULES),
        course=noted(company.score, now, risk, BY_RULES),
    )  # fmt: skip


def contributions(signals: Signals) -> dict[str, float]:
    """What each signal that speaks adds to the log-odds."""
    found = {name: weight * min(getattr(signals, name), most) for name, (weight, most) in WEIGHTS.items()}
    found["ends"] = ENDS if signals.ends else 0.0
    return {name: share for name, share in found.items() if share}
