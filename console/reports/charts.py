"""The plots of a backtest's page, each as a plotly figure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from models.backtest.evaluation import calibration, lift, precision_recall, roc
from models.backtest.playback import Judged, Moved
from models.backtest.verdict import Verdict

__all__ = ["CHARTS", "COLOURS"]

COLOURS = {
    "champion": "#111827", "hazard": "#2563eb", "ftrl": "#0891b2", "direct": "#7c3aed", "bgnbd": "#d97706",
    "recency": "#059669", "base_rate": "#9ca3af", "rules": "#db2777", "gbm": "#dc2626",
    "btyd": "#65a30d", "stack": "#92400e", "survival": "#be123c",
}  # fmt: skip
"""One colour for a model, on every plot and in the table."""

_OTHER = "#6b7280"
_GROUPS = ("#2563eb", "#d97706", "#059669", "#dc2626", "#7c3aed", "#0891b2", "#db2777", "#65a30d", "#92400e", "#6b7280")
_HEIGHT = 380


def _models(judged: Judged) -> Iterable[tuple[str, Any, Any]]:
    """Name, truth and risks of every model that said anything, the champion last so that it lies on top."""
    names = [name for name in judged.risks if name != "champion"] + ["champion"]
    for name in names:
        said = np.isfinite(judged.risks[name])
        if said.any():
            yield name, judged.y[said], judged.risks[name][said]


def _line(name: str) -> dict[str, Any]:
    return {"color": COLOURS.get(name, _OTHER), "width": 3 if name == "champion" else 1.5}


def _layout(figure: go.Figure, x: str, y: str, **more: Any) -> go.Figure:
    figure.update_layout(
        template="plotly_white", height=_HEIGHT, margin={"l": 60, "r": 16, "t": 8, "b": 48},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "traceorder": "reversed"},
        font={"family": "system-ui, sans-serif", "size": 13}, hovermode="closest", **more,
    )  # fmt: skip
    figure.update_xaxes(title={"text": x, "font": {"size": 13}}, hoverformat=".3~f")
    figure.update_yaxes(title={"text": y, "font": {"size": 13}}, hoverformat=".3f")
    return figure


def _calibration(judged: Judged, verdict: Verdict) -> go.Figure:
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"color": "#d1d5db", "dash": "dot"}, name="exact", showlegend=False,
        hoverinfo="skip",
    )  # fmt: skip
    for name, y, p in _models(judged):
        said, came, error = calibration(y, p)
        bars = {"type": "data", "array": 1.96 * error, "thickness": 1} if name == "champion" else None
        figure.add_scatter(
            x=said, y=came, mode="lines+markers", name=name, line=_line(name), error_y=bars,
            hovertemplate="said %{x:.3f}, came %{y:.3f}<extra>" + name + "</extra>",
        )  # fmt: skip
    return _layout(figure, "mean risk that was said", "share that churned")


def _roc(judged: Judged, verdict: Verdict) -> go.Figure:
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"color": "#d1d5db", "dash": "dot"}, showlegend=False, hoverinfo="skip"
    )
    for name, y, p in _models(judged):
        false, true = roc(y, p)
        figure.add_scatter(x=false, y=true, mode="lines", name=name, line=_line(name))
    return _layout(figure, "share of those who stayed", "share of those who churned")


def _precision(judged: Judged, verdict: Verdict) -> go.Figure:
    figure = go.Figure()
    figure.add_hline(y=verdict.churn, line={"color": "#d1d5db", "dash": "dot"})
    for name, y, p in _models(judged):
        recall, precision = precision_recall(y, p)
        figure.add_scatter(x=recall, y=precision, mode="lines", name=name, line=_line(name))
    return _layout(figure, "recall", "precision")


def _lift(judged: Judged, verdict: Verdict) -> go.Figure:
    figure = go.Figure()
    tenths = [f"{i + 1}" for i in range(10)]
    for name, y, p in _models(judged):
        values = lift(y, p)
        if name == "champion":
            figure.add_bar(x=tenths, y=values, name=name, marker={"color": COLOURS[name]}, opacity=0.85)
        else:
            figure.add_scatter(x=tenths, y=values, mode="lines+markers", name=name, line=_line(name))
    figure.add_hline(y=1.0, line={"color": "#9ca3af", "dash": "dot"})
    return _layout(figure, "tenth by risk, 1 the highest", "churn, in times the average")


def _weekly(judged: Judged, verdict: Verdict) -> go.Figure:
    titles = ("AUC", "log loss", "bias: mean risk less churn")
    figure = make_subplots(rows=3, cols=1, shared_xaxes=True, vertical_spacing=0.06, subplot_titles=titles)
    for name, _, _ in _models(judged):
        weekly = verdict.weekly[name]
        for row, values in enumerate((weekly.auc, weekly.log_loss, weekly.bias), start=1):
            figure.add_scatter(
                x=verdict.weeks, y=values, mode="lines", name=name, line=_line(name), legendgroup=name,
                showlegend=row == 1, row=row, col=1,
            )  # fmt: skip
    figure.add_hline(y=0.0, line={"color": "#9ca3af", "dash": "dot"}, row=3, col=1)
    _layout(figure, "", "")
    figure.update_xaxes(title="week of the log", row=3, col=1)
    figure.update_layout(hovermode="x unified", height=760, legend={"y": 1.04}, margin={"t": 40})
    return figure


def _moved(judged: Judged, verdict: Verdict) -> go.Figure:
    figure = go.Figure()
    weeks = [moved.week for moved in judged.moved]
    for colour, group in zip(_GROUPS, _strongest(judged.moved), strict=False):
        figure.add_scatter(
            x=weeks, y=[moved.groups[group] for moved in judged.moved], name=group, mode="lines", stackgroup="all",
            line={"color": colour, "width": 1}, text=[moved.model for moved in judged.moved],
            hovertemplate="week %{x}: %{y:.2f} (%{text})<extra>" + group + "</extra>",
        )  # fmt: skip
    return _layout(figure, "week of the log", "mean size of the contribution, log-odds")


def _strongest(moved: list[Moved]) -> list[str]:
    groups = moved[0].groups if moved else {}
    sizes = {group: float(np.mean([each.groups[group] for each in moved])) for group in groups}
    return [group for group, size in sorted(sizes.items(), key=lambda item: -item[1]) if size > 1e-4]


CHARTS = (
    (
        "calibration", "Calibration", _calibration,
        "Fifteen groups of equal size by risk: what was said, and what came. On the dotted line a risk of 70 % means "
        "that 70 of 100 such customers churned. Bars: 95 % of the sampling error of the champion.",
    ),
    (
        "roc", "ROC", _roc,
        "How many of those who churned are found (up) at the price of how many who stayed (right). The dotted line is "
        "guessing.",
    ),
    (
        "precision", "Precision and recall", _precision,
        "Of those called at risk, how many churned, against how many of all who churned were called. The dotted line "
        "is the share that churned.",
    ),
    (
        "lift", "Lift by tenth", _lift,
        "How many times as often as the average each tenth of the customers churned.",
    ),
    (
        "weekly", "Quality over time", _weekly,
        "By the week in which a score was said; it was judged a horizon later. A score before a change of behaviour "
        "cannot know it.",
    ),
    (
        "moved", "What moved the scores", _moved,
        "How much each group of features moved the champion's scores, on average over the customers.",
    ),
)  # fmt: skip
"""(id, title, figure of (judged, verdict), what it shows), in the order of the page."""
