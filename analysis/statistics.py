"""Intervals and tests, by statsmodels where it has them; the methods are those of rule R10 in docs/analyses.md."""

from __future__ import annotations

__all__ = ["adjusted", "against", "difference_of_shares", "share"]


def share(part: float, whole: float, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's interval of a share: lowest and highest, between 0 and 1."""
    from statsmodels.stats.proportion import proportion_confint  # noqa: PLC0415  (statsmodels takes a second and 90 MB)

    low, high = proportion_confint(part, whole, 1 - confidence, method="wilson")
    return float(low), float(high)


def difference_of_shares(
    part: float, whole: float, other_part: float, other_whole: float, confidence: float = 0.95
) -> tuple[float, float]:
    """Newcombe's hybrid score interval of the difference of two independent shares (Newcombe 1998, method 10)."""
    from statsmodels.stats.proportion import confint_proportions_2indep  # noqa: PLC0415  (as above)

    low, high = confint_proportions_2indep(
        part, whole, other_part, other_whole, method="newcomb", compare="diff", alpha=1 - confidence
    )
    return float(low), float(high)


def adjusted(p_values: list[float]) -> list[float]:
    """q-values of Benjamini and Hochberg, of all tests that were made."""
    from statsmodels.stats.multitest import multipletests  # noqa: PLC0415  (as above)

    return [float(q) for q in multipletests(p_values, method="fdr_bh")[1]] if p_values else []


def against(part: float, whole: float, before: float, of: float, confidence: float = 0.95) -> str:
    """How a share stands against another: `up` or `down` if the interval of the difference excludes 0, else `same`.

    "" where either is of nobody.
    """
    if not whole or not of:
        return ""
    low, high = difference_of_shares(part, whole, before, of, confidence)
    return "up" if low > 0 else "down" if high < 0 else "same"
