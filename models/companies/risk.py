"""The risk of a company with its reasons, by a scorecard: set by hand, or as companies have taught it."""

from __future__ import annotations

from models.churn.course import noted
from models.churn.scores import compared_with
from models.companies.scorecard import BY_HAND, Scorecard
from models.companies.signals import Ground, signals_of
from models.companies.words import PREFIX
from models.config import Bands
from profiles.types import Profile, Reason, Score

__all__ = ["score_company"]

_REASONS = 4
_FAINT = 0.05


def score_company(
    company: Profile, now: float, ground: Ground, bands: Bands, card: Scorecard = BY_HAND
) -> Score | None:
    """The risk of a company with its reasons, the strongest first; None of one that cannot leave.

    Args:
        company: its document; changes nothing.
        now: seconds.
        ground: what the plan calls leaving.
        bands: of the risk.
        card: what signals count.
    """
    signals = signals_of(company, now, ground)
    if signals is None:
        return None
    shares, risk = card.shares(signals), card.risk(signals)
    told = sorted(shares, key=lambda name: -abs(shares[name]))
    # Members who fell silent are why fewer are active: what says more of it is told.
    hidden = min(("fall", "silent"), key=lambda name: shares.get(name, 0.0))
    reasons = [
        Reason(PREFIX + name, shares[name], getattr(signals, name))
        for name in told
        if abs(shares[name]) >= _FAINT and not (name == hidden and {"fall", "silent"} <= shares.keys())
    ]
    return Score(
        risk, bands.of(risk), now, card.id, reasons[:_REASONS], *compared_with(company.score, now, card.id),
        course=noted(company.score, now, risk, card.id),
    )  # fmt: skip
