"""Conditions in plain words, for pages and people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from models.conditions.comparisons import Comparison
from models.conditions.conditions import (
    All,
    Any_,
    Band,
    Cluster,
    Condition,
    Count,
    Decayed,
    GapRatio,
    HasIdentity,
    InSegment,
    Not,
    NotDone,
    OpenTickets,
    OpinionIs,
    Quantile,
    Ratio,
    Rfm,
    Risk,
    Since,
    Stage,
    Sum,
    TraitIs,
)
from models.conditions.rules import AlertRule

__all__ = ["alert_in_words", "duration_in_words", "in_words"]

_UNITS = ((7 * 86400.0, "week"), (86400.0, "day"), (3600.0, "hour"), (60.0, "minute"), (1.0, "second"))
_TOTALS = {"revenue": "revenue", "refunds": "refunds", "net": "revenue less refunds", "items": "items bought"}


def in_words(condition: Condition) -> str:
    """What a condition says: `purchase at least 5 times and the last purchase less than 8 weeks ago`."""
    match condition:
        case All(all=parts):
            return " and ".join(map(_grouped, parts))
        case Any_(any=parts):
            return " or ".join(map(_grouped, parts))
        case Not(condition=part):
            return f"not {_grouped(part)}"
        case _:
            return _leaf(condition)


def alert_in_words(rule: AlertRule) -> str:
    """When an alert opens, for whom, and when it ends."""
    parts: list[str] = []
    if rule.threshold is not None:
        parts.append(f"churn risk at least {rule.threshold:g}")
    if rule.when is not None:
        parts.append(in_words(rule.when))
    if rule.segment is not None:
        parts.append(f"in segment {rule.segment}")
    ends = "" if rule.threshold is None else f"; ends below {rule.clears_below:g}"
    return f"{' and '.join(parts)}{ends}; not again for {duration_in_words(rule.cooldown)}"


def duration_in_words(seconds: float) -> str:
    """`duration_in_words(56 * 86400.0) == "8 weeks"`."""
    for size, unit in _UNITS:
        count = seconds / size
        if count >= 1 and count == int(count):
            return f"{count:g} {unit}{'' if count == 1 else 's'}"
    return f"{seconds:g} seconds"


def _grouped(part: Condition) -> str:
    text = in_words(part)
    return f"({text})" if isinstance(part, (All, Any_)) else text


def _leaf(condition: Condition) -> str:  # noqa: PLR0912  (one branch for each kind of condition)
    match condition:
        case TraitIs():
            return _trait(condition)
        case HasIdentity(identity=kind):
            return f"known by {kind}"
        case Count(count=role, within=within):
            return f"{role} {_compared(condition)} times{_within(within)}"
        case Sum(sum=total, within=within):
            return f"{_TOTALS[total]} {_compared(condition)}{_within(within)}"
        case Ratio(ratio=(over, under)):
            return f"{_TOTALS.get(over, over)} {_compared(condition)} times {_TOTALS.get(under, under)}"
        case Quantile():
            return _quantile(condition)
        case Rfm(rfm=scores):
            axes = (("recency", scores.recency), ("frequency", scores.frequency), ("monetary", scores.monetary))
            return " and ".join(f"{axis} fifth {_either(which)}" for axis, which in axes if which)
        case Cluster(cluster=id_):
            return f"in learned cluster {id_}"
        case Decayed(decayed=role, half_life=half_life):
            return f"recent {role} {_compared(condition)} (each halves in {duration_in_words(half_life)})"
        case Since():
            return _since(condition)
        case NotDone(not_done=role, for_=span, or_never=or_never):
            return f"no {role} for {duration_in_words(span)} ({'or never' if or_never else 'but before'})"
        case Risk(risk=limits):
            return f"churn risk {_compared(limits)}"
        case Band(band=band):
            return f"churn risk is {_either(band)}"
        case Stage(stage=stage):
            return f"stage is {_either(stage)}"
        case InSegment(segment=name):
            return f"in segment {name}"
        case OpenTickets(open_tickets=limits):
            return f"open tickets {_compared(limits)}"
        case GapRatio(gap_ratio=limits):
            return f"silence {_compared(limits)} times the usual gap between orders"
        case OpinionIs(opinion=kind, last=last, average=average):
            return f"last {kind} {_compared(last)}" if last else f"average {kind} {_compared(average or Comparison())}"
    return str(condition)


def _within(seconds: float | None) -> str:
    return "" if seconds is None else f" within {duration_in_words(seconds)}"


def _quantile(condition: Quantile) -> str:
    low, high = condition.low, condition.high
    if high is None and low is not None:
        return f"in the top {100 * (1 - low):g} % by {condition.quantile}"
    if low is None:
        return f"in the bottom {100 * (high or 0.0):g} % by {condition.quantile}"
    return f"between {100 * low:g} % and {100 * (high or 0.0):g} % by {condition.quantile}"


def _trait(condition: TraitIs) -> str:
    if condition.exists is not None:
        return f"{condition.trait} is {'known' if condition.exists else 'unknown'}"
    if condition.one_of is not None:
        return f"{condition.trait} is {_either(condition.one_of)}"
    if condition.compares:
        return f"{condition.trait} {_compared(condition)}"
    return f"{condition.trait} is {_value(condition.equals)}"


def _since(condition: Since) -> str:
    what = "last event" if condition.since == "any" else f"last {condition.since}"
    limits = [
        f"{words} {duration_in_words(span)}"
        for words, span in (("more than", condition.more_than), ("less than", condition.less_than))
        if span is not None
    ]
    words = f"{what} {' and '.join(limits)} ago"
    return f"({words}, or never)" if condition.or_never else words


def _compared(limits: Comparison) -> str:
    named = (
        ("above", limits.above),
        ("below", limits.below),
        ("at least", limits.at_least),
        ("at most", limits.at_most),
    )
    return " and ".join(f"{words} {limit:g}" for words, limit in named if limit is not None)


def _either(values: str | Sequence[Any]) -> str:
    if isinstance(values, str):
        return values
    return " or ".join(map(_value, values))


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
