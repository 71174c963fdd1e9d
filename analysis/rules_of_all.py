"""The rules that hold for every analysis, as its rows and its notes say them: who is left out, what is few, what has
changed since it was closed, and as of when customers are taken."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from analysis.base import Base
from analysis.declaration import Analysis, Column, Row, Share, Text

__all__ = ["few_of", "notes_of", "restated_of", "why_not"]

_TOLD = 6
"""Periods that a note names."""


_OF_EVENTS = ("product", "category", "channel", "campaign")
_WHY_NOT = (
    (("grain",), "counts customers only: what it asks for is known of people, not of companies"),
    (("since", "until"), "tells how things are now, so there is no period to ask for"),
    (("interval",), "has one period, so there are none to cut it into"),
    (("against",), "has no other period to be compared with"),
    (("by",), "is not broken down any further"),
    (
        _OF_EVENTS,
        "is about customers as a whole, not about single events, of which these are known; "
        "retention, ltv and loss take those of the first event or the last",
    ),
)


def why_not(analysis: Analysis[Any], names: Sequence[str]) -> list[str]:
    """Why an analysis is not asked for these of its parameters."""
    told: dict[str, list[str]] = {}
    for name in names:
        reason = analysis.reasons.get(name) or next((why for of, why in _WHY_NOT if name in of), "")
        told.setdefault(reason or "does not know it", []).append(name)
    return [f"{', '.join(asked)}: {analysis.name} {reason}" for reason, asked in told.items()]


def few_of(row: Row, resting: Sequence[Column], few: int) -> list[str]:
    """The shares and means of a row that are of few."""
    figures = (column for column in resting if row.get(column.name) is not None)
    return [column.name for column in figures if 0 < (row.get(column.whole) or 0) < few]


def restated_of(base: Base) -> list[date]:
    """The periods asked for that have changed since they were closed, by events that came late."""
    since, until = base.given.period(base.frame)
    starts = {base.frame.start_of(day, base.given.interval) for day in base.frame.late if since <= day < until}
    return sorted(starts)


def notes_of(analysis: Analysis[Any], rows: list[Row], base: Base) -> list[Text]:
    """What holds of every analysis, and then what the analysis itself has to say."""
    frame = base.frame
    notes = []
    if not rows:
        notes.append(
            Text("Nothing in this period: see what this analysis needs.", "此期间没有数据：请查看本分析所需的数据。")
        )
    if any(isinstance(each, Share) for each in analysis.measures):
        notes.append(
            Text(
                f"Shares of fewer than {frame.smallest} customers are blank; those of fewer than {frame.few} are "
                "marked as few.",
                f"少于 {frame.smallest} 位客户的占比不予显示；少于 {frame.few} 位的标为样本少。",
            )
        )
    if base.of_companies:
        notes.append(
            Text(
                "Customers are companies here: an event counts for the one it names, else for the only one that who "
                "did it belonged to on that day, as profiles by day tell; what is left is left out.",
                "此处的“客户”指公司：事件归入其注明的公司；未注明者归入行为人当日唯一所属的公司（取自每日档案）；其余不计入。",
            )
        )
    notes += _left_out(base)
    if base.asks_of_customers:
        notes.append(_as_of(base))
    if restated := restated_of(base):
        shown = ", ".join(map(str, restated[-_TOLD:]))
        more = len(restated) > _TOLD
        notes.append(
            Text(
                f"Changed since they were closed, by events that came late: {'…, ' if more else ''}{shown}.",
                f"结账后因迟到事件而变动的时期：{'…、' if more else ''}{shown}。",
            )
        )
    notes += _restated_by_people(base)
    if analysis.notes is not None:
        notes += analysis.notes(rows, base, base.given)
    return notes


def _restated_by_people(base: Base) -> list[Text]:
    """Merges and erasures that came after periods asked for had begun: they change what was told of them before."""
    frame = base.frame
    since, _ = base.given.period(frame)
    notes = []
    if frame.merged and frame.merged_on is not None and frame.merged_on > since:
        notes.append(
            Text(
                f"Merges until {frame.merged_on} count in all periods ({frame.merged:,} profiles became part of "
                "another): past numbers of people may have fallen since they were told first, sums have not.",
                f"截至 {frame.merged_on} 的合并计入所有时期（{frame.merged:,} 个档案并入其他档案）："
                "以往人数可能较当初公布时减少，合计不变。",
            )
        )
    if frame.erased and frame.erased_on is not None and frame.erased_on > since:
        notes.append(
            Text(
                f"{frame.erased:,} profiles were erased, the latest on {frame.erased_on}: they are in no period any "
                "more, so closed ones may have changed.",
                f"{frame.erased:,} 个档案已被删除，最近一次在 {frame.erased_on}：不再计入任何时期，"
                "已结束时期的数字可能变动。",
            )
        )
    return notes


def _left_out(base: Base) -> list[Text]:
    frame = base.frame
    notes = []
    if frame.objecting:
        notes.append(
            Text(
                f"{frame.objecting} who do not agree to analyses are in no figure.",
                f"{frame.objecting} 位客户不同意分析，不计入任何数字。",
            )
        )
    if frame.internal:
        told = ("counted with", "已计入") if base.given.internal else ("left out", "未计入")
        notes.append(
            Text(
                f"{frame.internal} of your own people (segment internal) are {told[0]}.",
                f"{frame.internal} 位自己人（细分 internal）{told[1]}。",
            )
        )
    return notes


def _as_of(base: Base) -> Text:
    """Which traits and segments of customers count."""
    frame, asked = base.frame, base.given
    if asked.as_of == "event":
        text = Text("Traits and segments are as they were on the day of each event", "特征与细分取各事件当日的值")
    elif (day := base.known_on) is None:
        return Text("Traits and segments are as they are now.", "特征与细分取当前值。")
    else:
        text = Text(f"Traits and segments are as they were at the end of {day}", f"特征与细分取 {day} 结束时的值")
    if not (asked.segment or asked.without or asked.company or asked.by in ("stage", "segment")):
        return Text(f"{text.en}.", f"{text.zh}。")
    if frame.snapshots is None:
        return Text(
            f"{text.en}; of segments, stages and companies nothing is known, as no profiles are archived.",
            f"{text.zh}；未归档画像，故细分、阶段与公司未知。",
        )
    return Text(
        f"{text.en}; segments, stages and companies are known from {frame.snapshots} on, when profiles were first "
        "archived (a history that is loaded counts on the day of loading): before, the first that are known.",
        f"{text.zh}；细分、阶段与公司自 {frame.snapshots} 首次归档画像起可知（一次载入的历史记在载入当日），"
        "此前取最早已知的值。",
    )
