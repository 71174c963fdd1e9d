"""The page of a backtest: one HTML file that needs nothing else, neither a server nor the network."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from console.reports.charts import CHARTS, COLOURS
from models.backtest.evaluation import FIGURES
from models.backtest.playback import Judged
from models.backtest.verdict import Verdict

__all__ = ["render"]

_TITLES = {"auc": "AUC", "pr_auc": "PR AUC", "log_loss": "log loss", "brier": "Brier", "ece": "ECE"}
_LARGER_IS_BETTER = {"auc", "pr_auc"}
_WORDS = {
    "champion": "what customers would have been shown: the model that spoke at the time",
    "hazard": "online, orders within the label horizon, rolled forward",
    "ftrl": "the same, learned by FTRL-proximal",
    "direct": "online, orders within the whole horizon",
    "bgnbd": "BG/NBD, from order times alone",
    "btyd": "BTYD, from order times and visits",
    "stack": "hazard, direct and BTYD together, with learned weights",
    "recency": "online, silence alone",
    "base_rate": "the share that churned so far",
    "rules": "weights set by hand, nothing learned",
    "gbm": "gradient boosting in batch, trained every 4 weeks on all that was known",
}


def render(document: dict[str, Any], judged: Judged, verdict: Verdict) -> str:
    """The page as HTML.

    Args:
        document: of `console.reports.document`.
        judged: the rows, for the plots.
        verdict: their figures.
    """
    pages = Environment(loader=PackageLoader("console.reports", "."), autoescape=True, undefined=StrictUndefined)
    pages.filters["span"] = _span
    plots = [
        (id_, title, text, Markup(draw(judged, verdict).to_html(
            full_html=False, include_plotlyjs=False, div_id=f"plot-{id_}",
            config={"displaylogo": False, "responsive": True, "displayModeBar": False},
        )))
        for id_, title, draw, text in CHARTS
    ]  # fmt: skip
    return pages.get_template("page.html").render(
        document=document,
        plotly=Markup(get_plotlyjs()),
        plots=plots,
        titles=_TITLES,
        rows=[_row(name, document) for name in document["models"]],
    )


def _span(horizon: str) -> str:
    """26w as "26 weeks"."""
    unit = {"w": " weeks", "d": " days", "s": " seconds"}.get(horizon[-1], horizon[-1])
    return f"{horizon[:-1]}{unit}"


def _row(name: str, document: dict[str, Any]) -> dict[str, Any]:
    """One model of the table."""
    figures = document["models"][name]
    intervals, differences = document["intervals"].get(name, {}), document["differences"].get(name, {})
    cells = []
    for key in FIGURES:
        low_high, difference = intervals.get(key), differences.get(key)
        cells.append(
            {
                "value": "–" if figures[key] is None else f"{figures[key]:.4f}",
                "interval": f"{low_high[0]:.4f} to {low_high[1]:.4f}" if low_high else "",
                "difference": _interval(difference),
                "verdict": _verdict(key, difference),
            }
        )
    return {
        "name": name,
        "words": _WORDS.get(name, ""),
        "colour": COLOURS.get(name, "#6b7280"),
        "rows": f"{figures['rows']:,}",
        "cells": cells,
    }


def _interval(difference: tuple[float, float] | None) -> str:
    if difference is None:
        return ""
    return f"{difference[0]:+.4f} to {difference[1]:+.4f}" if any(difference) else "no difference"


def _verdict(key: str, difference: tuple[float, float] | None) -> str:
    """Whether a model is better or worse than the champion, beyond chance."""
    if difference is None or difference[0] <= 0 <= difference[1]:
        return ""
    return "better" if (difference[0] > 0) == (key in _LARGER_IS_BETTER) else "worse"
