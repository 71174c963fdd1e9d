"""Cases on a terminal: whose they are, what is at risk, why, and what has happened to them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from console.terminal.figures import COLOURS, minute, money, percent

__all__ = ["case_in_short", "happenings", "render_case", "render_cases", "render_happening"]

_STATES = ("new", "acknowledged", "snoozed", "done")
_NAME = 24  # columns of a name, at most
_ROOM = 56  # columns below which a row is written below itself


def render_cases(page: dict[str, Any]) -> RenderableType:
    """A page of cases: two lines each, what is at risk first."""
    if not page["data"]:
        return Group(_counts(page["counts"]), Text("There is no case like that."))
    parts: list[RenderableType] = [_counts(page["counts"]), _Rows(page["data"])]
    if page["next"]:
        parts.append(Text(f"There are more: --cursor {page['next']}", "dim"))
    return Group(*parts)


def render_case(document: dict[str, Any], case: dict[str, Any]) -> RenderableType:
    """A customer's case, what it was made of, and what has happened to it.

    Args:
        document: of the customer or company.
        case: theirs.
    """
    worth, outcome = case["value_at_risk"], case["outcome"]
    opened = f" when it opened, {minute(case['as_of'])}" if case["as_of"] else ""
    churn = document["churn"]
    rules = "\n".join(_rule(rule) for rule in case["rules"])
    lines = [
        ("State", f"{_state(case)}{f': {_words(outcome)}' if outcome else ''}"),
        ("With", _with(case)),
        ("At risk", f"{money(worth['money'])}, {worth['formula']}" if worth else ""),
        ("Risk", f"{percent(churn['risk'])} {churn['band']} now" if churn else ""),
        ("", f"{percent(case['risk'])}{opened}" if case["risk"] is not None else ""),
        ("Why it opened", "\n".join(case["reasons"])),
        ("Alerts", rules),
        ("Notes", "\n".join(f"{minute(note['at'])} {note['by'] or ''}: {note['text']}" for note in case["notes"])),
        ("History", "\n".join(f"{minute(each['at'])} {_happened(each)}" for each in case["history"])),
    ]  # fmt: skip
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in lines:
        if text:
            table.add_row(name, text)
    kind = "to win back" if case["kind"] == "win_back" else "to keep"
    head = Text.assemble((document["label"] or "a visitor", "bold"), f"  {kind}, {case['severity'] or 'no severity'}")
    known = f"profile_id:{document['id']}" if case["company"] is None else f"company:{case['company']}"
    return Group(head, table, Text(f"{known}  {case['id']}", "dim"))


def case_in_short(case: dict[str, Any]) -> str:
    """Its state, whose it is, and what is at risk."""
    worth = f", {_worth(case)} at risk" if case["value_at_risk"] else ""
    return f"{_state(case)}, {_with(case)}{worth}"


def happenings(before: dict[str, Any] | None, now: dict[str, Any]) -> list[dict[str, Any]]:
    """What has happened to a case, notes included, since it was as before; of one that is new, what did last."""
    entries = sorted([*now["history"], *now["notes"]], key=lambda each: str(each["at"]))
    if before is None:
        return entries[-1:]
    known = [*before["history"], *before["notes"]]
    return [each for each in entries if each not in known]


def render_happening(label: str, entry: dict[str, Any], case: dict[str, Any], *, whole: bool = False) -> RenderableType:
    """One line about a case; with `whole`, as of one that is new, also what is at risk, whose it is, and why."""
    line = Text.assemble(
        (entry["at"][11:19], "dim"), "  ", (label or "a visitor", "bold"), f"  {_happened(entry)}",
    )  # fmt: skip
    if not whole:
        return line
    figures = [percent(case["risk"]) if case["risk"] is not None else "", _worth(case), _with(case)]
    line.append("  " + "  ".join(filter(None, figures)))
    return Group(line, *_below(case["reasons"][:1]))


def _counts(counts: dict[str, Any]) -> Text:
    told = []
    for state in _STATES:
        worth = counts[state]["value_at_risk"]
        told.append(f"{counts[state]['count']:,} {state}" + (f" ({money(worth)})" if worth["minor"] else ""))
    return Text(" · ".join(told), "dim")


class _Rows:
    """Cases one below another; each in columns where they fit."""

    def __init__(self, rows: Iterable[dict[str, Any]]) -> None:
        self._rows = list(rows)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if options.max_width < _ROOM:
            for row in self._rows:
                yield Text.assemble((row["label"] or "a visitor", "bold"), " ", _risk(row))
                yield from _below([" · ".join(filter(None, (_worth(row), row["state"], _with(row)))), *_why(row)])
            return
        cells = [
            (_name(row), _risk(row), Text(_worth(row)), Text(row["state"]), Text(_with(row))) for row in self._rows
        ]
        widths = [max(row[at].cell_len for row in cells) for at in range(4)]
        for row, (name, risk, worth, state, who) in zip(self._rows, cells, strict=True):
            worth.pad_left(widths[2] - worth.cell_len)
            for cell, width in ((name, widths[0]), (risk, widths[1]), (state, widths[3])):
                cell.pad_right(width - cell.cell_len)
            line = Text("  ").join((name, risk, worth, state, who))
            line.truncate(options.max_width, overflow="ellipsis")
            yield line
            yield from _below(_why(row))


def _name(row: dict[str, Any]) -> Text:
    name = Text(row["label"] or "a visitor", "bold")
    name.truncate(_NAME, overflow="ellipsis")
    return name


def _below(lines: Iterable[str]) -> Iterable[RenderableType]:
    for line in lines:
        yield Padding(Text(line, "dim"), (0, 0, 0, 2), expand=False)


def _why(row: dict[str, Any]) -> list[str]:
    rules = ", ".join(rule["name"] for rule in row["rules"])
    slept = f" · {_state(row)}" if row["state"] == "snoozed" else ""
    severity = f"{row['severity']}: " if row["severity"] else ""
    return [f"{severity}{rules} · since {row['opened'][:10]}{slept}", *row["reasons"][:1]]


def _risk(row: dict[str, Any]) -> Text:
    if row["risk_now"] is None:
        return Text("–")
    return Text(f"{percent(row['risk_now'])} {row['band'] or ''}".rstrip(), COLOURS.get(row["band"] or "", ""))


def _worth(case: dict[str, Any]) -> str:
    return money(case["value_at_risk"]["money"]) if case["value_at_risk"] else ""


def _state(case: dict[str, Any]) -> str:
    if case["state"] != "snoozed":
        return str(case["state"])
    until = [f"until {minute(case['until'])}"] if case["until"] else []
    return f"snoozed {' or '.join([*until, *(['until worse'] if case['until_worse'] else [])])}"


def _with(case: dict[str, Any]) -> str:
    """The person who has it, and the team."""
    return ", ".join(dict.fromkeys(filter(None, (case["assignee"], case["owner"])))) or "nobody"


def _rule(rule: dict[str, Any]) -> str:
    told = f"{rule['name']} ({rule['severity'] or 'not in the plan any more'}) since {minute(rule['since'])}"
    return f"{told}: {rule['description']}" if rule["description"] else told


def _happened(entry: dict[str, Any]) -> str:
    action = "given to" if entry["action"] == "assigned" else entry["action"]
    text = _words(entry["text"]) if entry["action"] == "resolved" else entry["text"]
    who = f"(by {entry['by']})" if entry["by"] else ""
    if entry["action"] == "assigned" and not text:
        text = "nobody"
    return " ".join(filter(None, (action, text, who)))


def _words(outcome: str | None) -> str:
    return (outcome or "").replace("_", " ")
