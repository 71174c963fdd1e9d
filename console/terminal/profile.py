"""A customer on a terminal."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from console.terminal.cases import case_in_short
from console.terminal.figures import COLOURS, counted, minute, money, percent
from console.terminal.listing import Listing
from console.terminal.outlook import expected
from profiles.cases.joining import STANDING

__all__ = ["render", "render_found"]

TRENDS = {"new": "no trend yet", "rising": "rising ↑", "falling": "falling ↓", "steady": "steady"}
WIDTH = 30
_TREND = 43_200.0  # seconds between two scores of which days can be said


def render(document: dict[str, Any], events: list[dict[str, Any]]) -> RenderableType:
    """A panel of the support API's document of a customer and their latest events."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for label, value in (
        ("Known as", _identities(document)),
        ("Traits", _traits(document)),
        ("Stage", _stage(document)),
        ("Churn risk", _risk(document)),
        *((defined["name"].replace("_", " ").capitalize(), _defined(defined)) for defined in document["churns"]),
        ("Consent", _consent(document["consent"])),
        ("Claimed", _claims(document["claims"])),
        ("Case", _case(document["case"])),
        ("Alerts", _alerts(document)),
        ("Segments", _segments(document)),
        ("Orders", _orders(document["purchases"])),
        ("Subscriptions", _subscriptions(document["subscriptions"])),
        ("Support", _support(document["support"])),
        ("Figures", _figures(document["figures"]) if "figures" in document else None),
        ("Activity", _activity(document)),
        ("Latest", _events(events)),
    ):
        if value is not None:
            grid.add_row(label, value)
    return Panel(
        grid, title=Text(document["label"] or "a visitor", "bold"), subtitle=Text(document["id"]), border_style="dim"
    )


def render_found(document: dict[str, Any]) -> RenderableType:
    """Who was found, each with what of theirs was meant."""
    rows = [
        [
            f"profile_id:{row['profile']}" if row["company"] is None else f"company:{row['company']}",
            row["label"] or "a visitor",
            f"{row['matched']['kind']} {row['matched']['value_masked']}",
            row["stage"] or "",
            "" if row["risk"] is None else f"{row['risk']:.0%} {row['band']}",
        ]
        for row in document["data"]
    ]
    if not rows:
        late = document["timed_out"]
        return Text("The search was not done in time: ask again." if late else "Nobody is found by this.", "dim")
    listing = Listing(["customer", "name", "found by", "stage", "risk"], rows, right=["risk"])
    return Group(listing, Text("There are more: type more of it.", "dim")) if document["more"] else listing


def _identities(document: dict[str, Any]) -> RenderableType:
    by_type: dict[str, list[str]] = {}
    for identity in document["identities"]:
        by_type.setdefault(identity["type"], []).append(f"{identity['value']}{' (hashed)' * identity['hashed']}")
    return Text("\n".join(f"{kind} {_few(values)}" for kind, values in by_type.items()))


def _few(values: list[str]) -> str:
    return ", ".join(values[-3:]) + (f" and {len(values) - 3} more" if len(values) > 3 else "")


def _traits(document: dict[str, Any]) -> RenderableType | None:
    shown = [
        f"{name} {figure['value']}{' (claimed)' * figure['claimed']}"
        for name, figure in document["traits"].items()
        if not isinstance(figure["value"], dict)
    ]
    return Text(", ".join(shown)) if shown else None


def _stage(document: dict[str, Any]) -> RenderableType | None:
    stage = document["lifecycle"]
    return Text(f"{stage['stage'].replace('_', ' ')} since {_day(stage['since'])}") if stage else None


def _defined(document: dict[str, Any]) -> RenderableType:
    """By a further definition of churn."""
    stage = Text(f"{document['words']} since {_day(document['since'])}")
    return Group(stage, _bar(document["churn"])) if document["churn"] else stage


def _risk(document: dict[str, Any]) -> RenderableType:
    churn = document["churn"]
    if document["withheld"]:
        return Text(f"withheld: the customer does not allow {document['withheld']}", "dim")
    if churn is None:
        return Text("not scored yet", "dim")
    return _bar(churn)


def _bar(churn: dict[str, Any]) -> RenderableType:
    colour = COLOURS.get(churn["band"], "white")
    filled = round(churn["risk"] * WIDTH)
    bar = Text.assemble(("█" * filled, colour), ("░" * (WIDTH - filled), "dim"))
    bar.append(f"  {percent(churn['risk'])} {churn['band']}", colour)
    bar.append(f", {_trend(churn)}   scored {minute(churn['scored_at'])} by {churn['model']}", "dim")
    if gone := churn.get("departure"):
        bar = Text.assemble(gone["text"], (f"   scored {minute(churn['scored_at'])} by {churn['model']}", "dim"))
    reasons = [
        Text.assemble(("+ ", "red") if reason["effect"] == "raises" else ("− ", "green"), reason["text"])
        for reason in churn["reasons"]
    ]
    return Group(
        bar,
        Text(f"  {churn['spoke']}", "dim"),
        *_leaving(churn),
        *reasons,
        *([Text(f"  {churn['remark']}", "dim")] if churn["remark"] and not churn.get("departure") else []),
        *_counterfactuals(churn),
        *expected(churn.get("outlook")),
    )


def _leaving(churn: dict[str, Any]) -> list[Text]:
    if churn.get("left") is None:
        return []
    return [Text(f"  has left: {percent(churn['left'])}; leaves soon: {percent(churn['leaving'])}", "dim")]


def _trend(churn: dict[str, Any]) -> str:
    """As in "↑ up 12 points in 8 days"."""
    if churn["previous_at"] is None:
        return TRENDS[churn["trend"]]
    then, now = (datetime.fromisoformat(churn[name]) for name in ("previous_at", "scored_at"))
    if (now - then).total_seconds() < _TREND:
        return TRENDS[churn["trend"]]
    days = counted(max(round((now - then).total_seconds() / 86400), 1), "day", "days")
    points = counted(round(abs(churn["risk"] - churn["previous"]) * 100), "point", "points")
    moved = {"rising": f"↑ up {points}", "falling": f"↓ down {points}"}
    return f"{moved.get(churn['trend'], TRENDS[churn['trend']])} in {days}"


def _counterfactuals(churn: dict[str, Any]) -> list[Text]:
    if not churn.get("would_lower"):
        return []
    by = f", by {churn['would_lower_model']}" if churn["would_lower_model"] != churn["model"] else ""
    return [
        Text(f"would lower it{by}:", "dim"),
        *(Text(f"  {counterfactual['risk']:.0%}  {counterfactual['text']}") for counterfactual in churn["would_lower"]),
    ]


def _consent(consent: dict[str, Any]) -> RenderableType:
    lines = [
        Text.assemble(
            f"{purpose} ",
            (given["status"], "red" if given["status"] == "denied" else ""),
            (f"  since {_day(given['since'])}" if given["since"] else "  by default", "dim"),
            ("  claimed" if given["source"] == "claimed" else "", "dim"),
        )
        for purpose, given in consent.items()
    ]
    return Group(*lines)


def _claims(claims: dict[str, Any] | None) -> RenderableType | None:
    """What does not count: anybody could have said it."""
    if claims is None:
        return None
    said = [f"{name} {figure['value']}" for name, figure in claims["traits"].items()]
    said += [f"an identity of type {kind} (not linked)" for kind in claims["unlinked"]]
    return Text(", ".join(said), "dim") if said else None


def _case(case: dict[str, Any] | None) -> RenderableType | None:
    return Text(case_in_short(case)) if case is not None and case["state"] in STANDING else None


def _alerts(document: dict[str, Any]) -> RenderableType | None:
    going_on = [alert for alert in document["alerts"] if alert["state"] in {"open", "acknowledged"}]
    lines = [
        f"{alert['rule']}: {alert['state']} since {minute(alert['changed'])} ({alert['id']})" for alert in going_on
    ]
    return Text("\n".join(lines), "red") if lines else None


def _segments(document: dict[str, Any]) -> RenderableType:
    lines = [
        Text.assemble(segment["name"], (f"  since {_day(segment['since'])}", "dim")) for segment in document["segments"]
    ]
    return Group(*lines) if lines else Text("none", "dim")


def _orders(purchases: dict[str, Any]) -> RenderableType:
    if not purchases["orders"]:
        return Text("none", "dim")
    text = Text(f"{purchases['orders']}, {_money(purchases['revenue'])}")
    if purchases["refund_count"]:
        refunds = counted(purchases["refund_count"], "refund", "refunds")
        text.append(f", {refunds} of {_money(purchases['refunds'])}")
    text.append(f"\nfirst {_day(purchases['first'])}, last {_day(purchases['last'])}")
    days = round(purchases["days_since_last"])
    text.append(f" ({counted(days, 'day')} ago)" if days else " (today)")
    if purchases["usual_gap_days"] is not None:
        text.append(f"; usually every {purchases['usual_gap_days']:.0f} days")
    return text


def _support(support: dict[str, Any]) -> RenderableType:
    parts = [
        counted(support[name], noun, many)
        for name, noun, many in (
            ("opened", "ticket", "tickets"),
            ("open_tickets", "still open", "still open"),
            ("reopened", "reopened", "reopened"),
            ("complaints", "complaint", "complaints"),
            ("inquiries", "inquiry", "inquiries"),
        )
        if support[name]
    ]
    parts += [
        f"{_opinion(kind)} {said['last']:g} (mean of {said['count']}: {said['average']:g})"
        for kind, said in support["opinions"].items()
    ]
    return Text(", ".join(parts)) if parts else Text("nothing", "dim")


def _opinion(kind: str) -> str:
    return kind if kind == "review" else kind.upper()


def _activity(document: dict[str, Any]) -> RenderableType:
    return Text(", ".join(f"{source} {seen['count']:,}" for source, seen in document["activity"].items()))


def _shown(told: dict[str, Any]) -> str:
    value = told["value"]
    if isinstance(value, dict):
        value = money(value)
    elif isinstance(value, bool):
        value = "yes" if value else "no"
    elif isinstance(value, int | float):
        value = f"{value:,} {told['unit'] or ''}".rstrip()
    return f"{told['label']} {value}"


def _events(events: list[dict[str, Any]]) -> RenderableType | None:
    return _Latest(events) if events else None


class _Latest:
    """Events below one another: in columns if they fit, else what is told of each as one text."""

    def __init__(self, events: list[dict[str, Any]]) -> None:
        self._rows = [
            (
                Text(minute(event["time"]), "dim"),
                Text(event["source"]),
                Text(event["name"]),
                Text(money(event["amount"]) if event["amount"] else ""),
                Text(event["about"] or "", "dim"),
                Text(", ".join(_shown(each) for each in event["shown"]), "dim"),
                Text(_claimed(event), "dim"),
            )
            for event in events
        ]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """A table."""
        widths = [max(cell.cell_len for cell in column) for column in zip(*self._rows, strict=True)]
        table = Table.grid(padding=(0, 2))
        if sum(widths) + 2 * (len(widths) - 1) <= options.max_width:
            for row in self._rows:
                table.add_row(*row)
        else:
            table.add_column(no_wrap=True)
            for time, *told in self._rows:
                table.add_row(time, Text("  ").join(cell for cell in told if cell.plain))
        yield table


def _subscriptions(subscriptions: list[dict[str, Any]]) -> RenderableType | None:
    if not subscriptions:
        return None
    lines = []
    for each in subscriptions:
        since = f"since {_day(each['started'])}" if each["state"] == "active" else f"ended {_day(each['ended'])}"
        until = f", paid until {_day(each['paid_until'])}" if each["paid_until"] else ""
        lines.append(f"{each['id'] or 'unnamed'} {since}{until}")
    return Text("\n".join(lines))


def _claimed(event: dict[str, Any]) -> str:
    if event["folded"]:
        return "again"
    return {"unconfirmed": "claimed", "confirmed": "claimed, confirmed"}.get(event["claimed"] or "", "")


def _money(amounts: list[dict[str, Any]]) -> str:
    return " + ".join(map(money, amounts)) or "0"


def _day(time: str) -> str:
    return time[:10]


def _figures(figures: dict[str, Any]) -> Text | None:
    """The figures of which anything is known; None without any."""
    lines = []
    if (year := figures["value"]["year"]) and year["orders"]:
        lines.append(f"12 months  {money(year['net'])} net of {counted(year['orders'], 'order')}")
    if figures["value"]["ever"]["orders"] and (profit := figures["profit"]["profit"]):
        lines.append(f"profit     {money(profit)}, estimated")
    if rfm := figures["rfm"]:
        told = " ".join(f"{name[0].upper()}{rfm[name]['fifth']}" for name in ("recency", "frequency", "monetary"))
        lines.append(f"fifths     {told}  (5 is the best)")
    satisfaction = figures["satisfaction"]
    if satisfaction["mean"] is not None:
        lines.append(f"satisfied  {satisfaction['mean']:.0f} of 100, last {satisfaction['last']:.0f}")
    if (index := figures["loyalty"]["index"]) is not None:
        known = sum(part["points"] is not None for part in figures["loyalty"]["parts"])
        lines.append(f"loyalty    {index:.0f} of 100, of {known} parts")
    habits = figures["habits"]
    if habits["gap"] is not None:
        lines.append(f"usual gap  {habits['gap']:.0f} days; {habits['elapsed']} since the last purchase")
    if (steps := (journey := figures["journey"])["steps"]) and journey["waiting"] is not None:
        way = " → ".join(step["phase"] for step in steps[-5:])
        lines.append(f"journey    {way}, {journey['waiting']:.0f} days ago{' (stuck)' * bool(journey['stuck'])}")
    return Text("\n".join(lines)) if lines else None
