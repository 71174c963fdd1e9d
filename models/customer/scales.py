"""The scales of questions to customers."""

from __future__ import annotations

__all__ = ["REVIEW", "SURVEYS", "scaled"]

SURVEYS = {"csat": (1.0, 5.0), "nps": (0.0, 10.0), "ces": (1.0, 7.0)}
"""The questions whose answers make up satisfaction, with the least and the best answer."""

REVIEW = "review"
"""Of a product: an opinion on that."""


def scaled(kind: str, rating: float) -> float:
    """An answer from 0 to 100; what is beyond the scale is its end."""
    least, best = SURVEYS[kind]
    return 100.0 * min(max((rating - least) / (best - least), 0.0), 1.0)
