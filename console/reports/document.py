"""The figures of a backtest as JSON types."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any

from models.backtest.playback import Judged
from models.backtest.verdict import Verdict
from models.config import ChurnConfig
from models.durations import DAY, WEEK
from streams.offline import Reading

__all__ = ["document_of"]


def document_of(
    verdict: Verdict,
    judged: Judged,
    config: ChurnConfig,
    reading: Reading,
    *,
    file: str,
    stream: str,
    notes: list[str],
) -> dict[str, Any]:
    """Everything that is known of a backtest but its rows. `models` has the figures; they are over all judged rows."""
    return {
        "models": {name: figures.as_dict() for name, figures in verdict.figures.items()},
        "intervals": verdict.intervals,
        "differences": verdict.differences,
        "active": {name: figures.as_dict() for name, figures in verdict.active.items()},
        "file": file,
        "stream": stream,
        "horizon": _words(config.horizon),
        "label_horizon": _words(config.label_horizon),
        "customers": judged.customers,
        "events": judged.events,
        "weeks": judged.weeks,
        "judged": {
            "first": verdict.weeks[0],
            "last": verdict.weeks[-1],
            "rows": len(judged.y),
            "churn": verdict.churn,
            "active_rows": int(judged.active.sum()),
            "churn_active": verdict.churn_active,
        },
        "champions": dict(Counter(judged.champions[week] for week in verdict.weeks)),
        "weekly": {
            "week": verdict.weeks,
            "champion": [judged.champions[week] for week in verdict.weeks],
            **{name: asdict(weekly) for name, weekly in verdict.weekly.items()},
        },
        "moved": [asdict(moved) for moved in judged.moved],
        "records": judged.records,
        "merged": reading.merges,
        "repeats": reading.repeats,
        "rejected": {
            reason: {"count": count, "first": reading.examples.get(reason, "")}
            for reason, count in reading.rejected.most_common()
        },
        "seconds": {what: round(seconds, 2) for what, seconds in judged.seconds.items()},
        "notes": notes,
    }


def _words(seconds: float) -> str:
    for unit, length in (("w", WEEK), ("d", DAY)):
        if seconds % length == 0:
            return f"{seconds / length:.0f}{unit}"
    return f"{seconds:g}s"
