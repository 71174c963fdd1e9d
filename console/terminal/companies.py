"""Companies on a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from console.terminal.figures import counted, minute, money
from console.terminal.listing import Listing

__all__ = ["render_companies", "render_company"]


def render_companies(rows: list[dict[str, Any]]) -> RenderableType:
    """A list of the support API's rows."""
    if not rows:
        return Text("There is no company: no event has named one since the plan has `groups`.")
    headings = ("company", "last seen", "orders", "revenue", "stage", "segments")
    cells = [
        (
            _called(row),
            minute(row["last_seen"]) if row["last_seen"] else "–",
            f"{row['orders']:,}",
            _sum(row["revenue"]),
            (row["stage"] or "–").replace("_", " "),
            ", ".join(row["segments"]) or "–",
        )
        for row in rows
    ]
    return Listing(headings, cells, right=("orders", "revenue"), prose=True)


def render_company(
    document: dict[str, Any], members: list[dict[str, Any]], events: list[dict[str, Any]]
) -> RenderableType:
    """The support API's document of a company, some of its members and its latest events."""
    name = document["traits"].get("name", {}).get("value")
    known = [f"{trait} {figure['value']}" for trait, figure in document["traits"].items() if trait != "name"]
    stage = document["lifecycle"]
    standing = [alert["rule"] for alert in document["alerts"] if alert["state"] in ("open", "acknowledged")]
    bought, support = document["purchases"], document["support"]
    lines = (
        ("Traits", ", ".join(known)),
        ("Stage", f"{stage['stage'].replace('_', ' ')} since {minute(stage['since'])}" if stage else ""),
        ("Alerts", ", ".join(standing)),
        ("Segments", ", ".join(segment["name"] for segment in document["segments"])),
        ("Orders", f"{bought['orders']:,}, {_sum(bought['revenue'])}" if bought["orders"] else ""),
        ("Subscriptions", ", ".join(map(_subscription, document["subscriptions"]))),
        ("Support", f"{counted(support['open_tickets'], 'open ticket')} of {support['opened']:,}"),
        ("Members", f"{document['members']:,}"),
    )
    parts: list[RenderableType] = [Text(f"{name or document['company']}  ({document['company']})", "bold")]
    parts += [Text(f"{label:<14}{value}") for label, value in lines if value]
    return Group(*parts, *_members(members), *_latest(events))


def _subscription(each: dict[str, Any]) -> str:
    said = [f"{each['id'] or 'one'} {each['state']}"]
    said += [f"{money(each['mrr'])} a month"] if each["mrr"] else []
    said += [f"{each['seats']:,} seats"] if each["seats"] is not None else []
    said += [f"paid until {each['paid_until'][:10]}"] if each["paid_until"] else []
    return ", ".join(said)


def _members(members: list[dict[str, Any]]) -> Iterable[RenderableType]:
    cells = [
        (
            f"profile_id:{member['profile']}",
            minute(member["since"]),
            minute(member["until"]) if member["until"] else "–",
            minute(member["last_seen"]) if member["last_seen"] else "–",
            f"{member['events']:,}",
        )
        for member in members
    ]
    yield Text("")
    yield Listing(("member", "since", "until", "last seen", "events"), cells, right=("events",))


def _latest(events: list[dict[str, Any]]) -> Iterable[RenderableType]:
    if events:
        yield Text("")
        cells = [(minute(event["time"]), event["name"], event["member"] or "–") for event in events]
        yield Listing(("latest", "event", "by"), cells)


def _called(row: dict[str, Any]) -> str:
    return f"{row['name']} ({row['company']})" if row["name"] else row["company"]


def _sum(amounts: list[dict[str, Any]]) -> str:
    return " + ".join(map(money, amounts)) or "–"
