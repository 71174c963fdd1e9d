"""Segments on a terminal: a table of all, and the card of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from console.terminal.figures import COLOURS, minute, money, percent
from console.terminal.listing import Listing

__all__ = ["render_list", "render_segment", "sparkline"]

BARS = "▁▂▃▄▅▆▇█"
SHOWN = 6  # rows of one kind on a card
_LATEST = 8  # censuses in a trend of the list
_NUMBERS = ("now", "today", "share", "risk")
_GIVE_WAY: tuple[set[int], ...] = (set(), {6}, {2, 6})
"""Which columns are left out for want of room: none, the course of the risk, today as well."""

NOT_YET = "The customers have not been counted yet: that happens soon after the first have come."


def sparkline(values: Sequence[float | None]) -> str:
    """A line of bars from the least to the greatest; a blank where there is no value."""
    known = [value for value in values if value is not None]
    if not known:
        return ""
    low, span = min(known), max(known) - min(known)
    heights = [None if v is None else (v - low) / span * (len(BARS) - 1) if span else 3 for v in values]
    return "".join(" " if height is None else BARS[round(height)] for height in heights)


def render_list(rows: list[dict[str, Any]]) -> RenderableType:
    """The documents of `/v1/segments`."""
    cells = []
    counted = None
    for row in rows:
        census = row["census"]
        counted = census["at"] if census else counted
        share = percent(census["share"]) if census else ""
        risk = percent(census["risk"]) if census else ""
        sizes = Text(sparkline(census["sizes"][-_LATEST:]) if census else "", "cyan")
        risks = Text(sparkline(census["risks"][-_LATEST:]) if census else "", "yellow")
        about = Text(row["learned"] or row["description"] or "", "dim")
        cells.append(
            (Text(row["name"], "bold"), f"{row['size']:,}", _today(row["moves"]), share, sizes, risk, risks, about)
        )
    return Group(
        _List(cells), Text(f"share, trend and risk: census of {minute(counted)}" if counted else NOT_YET, "dim")
    )


class _List:
    """A table of segments; without the course of the risk, and then what changed today, where there is no room."""

    def __init__(self, cells: Sequence[Sequence[str | Text]]) -> None:
        self._cells = cells

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The table."""
        headings = ("segment", "now", "today", "share", "trend", "risk", "", "what it is")
        for left_out in _GIVE_WAY:
            rows = [
                [cell for place, cell in enumerate(row) if place not in left_out] for row in (headings, *self._cells)
            ]
            table = Listing([str(cell) for cell in rows[0]], rows[1:], right=_NUMBERS, prose=True)
            if table.least <= options.max_width:
                break
        yield table


def _today(moves: dict[str, Any]) -> str:
    return f"+{moves['entered'][-1]:,} −{moves['left'][-1]:,}"


def _moves(moves: dict[str, Any]) -> RenderableType:
    lines = [Text(f"today {moves['entered'][-1]:,} entered, {moves['left'][-1]:,} left")]
    for label, key, colour in (("in ", "entered", "green"), ("out", "left", "red")):
        if any(moves[key]):
            line = (sparkline(moves[key]), colour)
            lines.append(Text.assemble(f"{label} ", line, (f"  {sum(moves[key]):,} within 30 days", "dim")))
    return Group(*lines)


def render_segment(document: dict[str, Any]) -> RenderableType:
    """The document of `/v1/segments/{name}`."""
    persona = document["persona"]
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    rows: list[tuple[str, RenderableType | None]] = [
        ("Who", Text(document["description"]) if document["description"] else None),
        ("Size", Text(f"{document['size']:,} now")),
        ("In and out", _moves(document["moves"])),
    ]
    if document["learned"]:
        rows.append(("Learned", _learned(document["learned"])))
    if persona:
        rows += [
            ("Census", Text(f"{persona['size']:,}, {persona['share']:.1%} of all, at {minute(persona['at'])}")),
            ("Trend", _trend(persona["trend"])),
            ("Typical", _marks([mark for mark in persona["marks"] if mark["lift"] > 1])),
            ("Untypical", _marks([mark for mark in persona["marks"] if mark["lift"] <= 1])),
            ("On average", _contrasts(persona["contrasts"], persona["value"]["revenue"]["currency"])),
            ("Value", _value(persona)),
            ("Risk", _risk(persona["risk"])),
            ("Stages", _shares(persona["stages"])),
            ("Buys", _shares(persona["categories"])),
            ("Comes by", _shares(persona["sources"])),
            ("Also in", _shares(persona["overlaps"])),
        ]
    else:
        rows.append(("Census", Text(NOT_YET, "dim")))
    for label, value in rows:
        if value is not None:
            grid.add_row(label, value)
    return Panel(grid, title=Text(document["name"], "bold"), border_style="dim")


def _learned(cluster: dict[str, Any]) -> RenderableType:
    text = Text.assemble((cluster["name"], "bold"), f": {cluster['signs']}; since {cluster['since'][:10]}")
    if cluster["generation"] > 1:
        text.append(f" (generation {cluster['generation']})")
    history = cluster["history"]
    lines = [text]
    if history:
        last = history[-1]
        centre = f"{last['days_silent']:.0f} days silent, {last['orders']:.1f} orders, {last['spend']:,.0f} spent"
        drift = f"moved {cluster['moved']:.2f} σ, share {cluster['grown']:+.1%} since the version before"
        lines.append(Text(f"centre {centre}; {drift}", "dim"))
        lines += [
            Text.assemble(f"{label:<12}", (sparkline([moment[key] for moment in history]), "cyan"))
            for label, key in (
                ("share", "share"),
                ("days silent", "days_silent"),
                ("orders", "orders"),
                ("spend", "spend"),
            )
            if len(history) > 1
        ]
    return Group(*lines)


def _trend(points: list[dict[str, Any]]) -> RenderableType:
    if len(points) == 1:
        return Text("this is the first census", "dim")
    first, last = points[0], points[-1]
    lines = [
        Text.assemble(
            "size ",
            (sparkline([point["size"] for point in points]), "cyan"),
            f" {first['size']:,} → {last['size']:,}",
            (f"  since {minute(first['at'])}, {len(points)} censuses", "dim"),
        )
    ]
    if last["risk"] is not None:
        before = next(point["risk"] for point in points if point["risk"] is not None)
        lines.append(
            Text.assemble(
                "risk ",
                (sparkline([point["risk"] for point in points]), "yellow"),
                f" {before:.0%} → {last['risk']:.0%}",
            )
        )
    return Group(*lines)


def _marks(marks: list[dict[str, Any]]) -> RenderableType | None:
    if not marks:
        return None
    table = Table.grid(padding=(0, 2))
    for mark in marks[:SHOWN]:
        table.add_row(
            Text(mark["text"]), f"{mark['share']:.0%}", Text(f"of all {mark['base']:.0%}", "dim"),
            f"× {mark['lift']:.1f}",
            Text(f"at least {mark['lift_low']:.1f}" if mark["lift"] > 1 else f"at most {mark['lift_high']:.1f}", "dim"),
        )  # fmt: skip
    return table


def _contrasts(contrasts: list[dict[str, Any]], currency: str) -> RenderableType | None:
    if not contrasts:
        return None
    table = Table.grid(padding=(0, 2))
    for it in contrasts[:SHOWN]:
        name = it["name"].replace("_", " ")
        unit = currency if it["unit"] == "major units" else it["unit"]
        table.add_row(name, f"{it['mean']:,.1f} {unit}", Text(f"all: {it['base']:,.1f}", "dim"))
    return table


def _value(persona: dict[str, Any]) -> RenderableType:
    value = persona["value"]
    text = Text(f"{money(value['revenue'])} revenue, {money(value['net'])} net, {value['orders']:,.0f} orders")
    text.append(
        f"\neach {money(value['mean_revenue'])}, {money(value['mean_net'])} net, {value['mean_orders']:.1f} orders; "
        f"{value['buyers']:,} have ordered",
        "dim",
    )
    return text


def _risk(risk: dict[str, Any] | None) -> RenderableType:
    if risk is None:
        return Text("nobody is scored", "dim")
    text = Text(f"{risk['mean']:.0%} on average")
    for band in risk["bands"]:
        text.append(f"  {band['share']:.0%} {band['name']}", COLOURS.get(band["name"], ""))
    text.append(f"  of {risk['scored']:,} scored", "dim")
    return text


def _shares(shares: list[dict[str, Any]]) -> RenderableType | None:
    told = [
        f"{part['name'].replace('_', ' ')} {part['share']:.0%}" for part in shares[:SHOWN] if part["share"] >= 0.005
    ]
    return Text(", ".join(told)) if told else None
