"""Companies on a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from console.terminal.cases import case_in_short
from console.terminal.figures import counted, minute, money, percent
from console.terminal.listing import Listing
from profiles.cases.joining import STANDING

__all__ = ["render_companies", "render_company", "render_going"]


def render_companies(rows: list[dict[str, Any]], following: str | None = None) -> RenderableType:
    """A list of the support API's rows."""
    if not rows:
        return Text("There is no company: no event has named one since the plan has `groups`.")
    headings = ("company", "last seen", "health", "risk", "orders", "revenue", "stage", "segments")
    cells = [
        (
            _called(row),
            minute(row["last_seen"]) if row["last_seen"] else "–",
            "–" if row["health"] is None else f"{row['health']:.0f}",
            percent(row["risk"]),
            f"{row['orders']:,}",
            _sum(row["revenue"]),
            (row["stage"] or "–").replace("_", " "),
            ", ".join(row["segments"]) or "–",
        )
        for row in rows
    ]
    table = Listing(headings, cells, right=("health", "risk", "orders", "revenue"), prose=True)
    return Group(table, *_goes_on(following))


def render_company(
    document: dict[str, Any],
    members: list[dict[str, Any]],
    events: list[dict[str, Any]],
    following: str | None = None,
) -> RenderableType:
    """The support API's document of a company, some of its members and its latest events."""
    name = document["traits"].get("name", {}).get("value")
    known = [f"{trait} {figure['value']}" for trait, figure in document["traits"].items() if trait != "name"]
    stage = document["lifecycle"]
    standing = [alert["rule"] for alert in document["alerts"] if alert["state"] in ("open", "acknowledged")]
    bought, support = document["purchases"], document["support"]
    lines: list[tuple[str, str]] = [
        ("Traits", ", ".join(known)),
        ("Stage", f"{stage['stage'].replace('_', ' ')} since {minute(stage['since'])}" if stage else ""),
        ("Alerts", ", ".join(standing)),
        ("Segments", ", ".join(segment["name"] for segment in document["segments"])),
        ("Orders", f"{bought['orders']:,}, {_sum(bought['revenue'])}" if bought["orders"] else ""),
        ("Subscriptions", ", ".join(map(_subscription, document["subscriptions"]))),
        ("Support", f"{counted(support['open_tickets'], 'open ticket')} of {support['opened']:,}"),
        ("Members", _measured(document)),
        ("Risk", _risk(document)),
        ("Health", _health(document["health"])),
        ("Case", case_in_short(case) if (case := document["case"]) and case["state"] in STANDING else ""),
    ]
    for said in document["joined"]:
        why = "".join([f" by {said['by']}" if said["by"] else "", f": {said['reason']}" if said["reason"] else ""])
        lines.append(("Joined", f"{said['company']} counts for {said['into']} since {minute(said['at'])}{why}"))
    parts: list[RenderableType] = [Text(f"{name or document['company']}  ({document['company']})", "bold")]
    parts += [Text(f"{label:<14}{value}") for label, value in lines if value]
    return Group(*parts, *_members(members), *_goes_on(following), *_latest(events))


def render_going(document: dict[str, Any]) -> RenderableType:
    """Which company will be erased, and what will go, for the question."""
    name = document["traits"].get("name", {}).get("value")
    events = sum(one["count"] for one in document["activity"].values())
    joined = counted(len(document["joined"]), "link") + " with other companies"
    lines = [
        f"{name or document['company']}, seen from {minute(document['first_seen'])} to {minute(document['last_seen'])}",
        f"  will go     what {events:,} events come to for it, {counted(len(document['traits']), 'trait')}, "
        f"{counted(len(document['alerts']), 'alert')}, {joined}",
        f"  will stay   {counted(document['members'], 'customer')}, who forget that they belong to it",
        "No event that names it counts for it again, until `rapport company lift`.",
    ]
    return Text("\n".join(lines))


def _measured(document: dict[str, Any]) -> str:
    measures = document["measures"]
    said = [f"{document['members']:,}"]
    if measures["active_members"] is not None:
        moved = measures["active_change"]
        against = "" if moved is None else f" ({moved:+.0%} a week against the 12 weeks before)"
        said.append(f"{measures['active_members']:,} active within 28 days{against}")
        said.append(counted(measures["champions"], "champion"))
    if measures["champions_gone"]:
        said.append(f"{counted(measures['champions_gone'], 'champion')} gone within 8 weeks")
    if measures["seats_used"] is not None:
        said.append(f"{counted(measures['seats'], 'seat')}, {measures['seats_used']:.0%} used")
    return ", ".join(said)


def _risk(document: dict[str, Any]) -> str:
    churn = document["churn"]
    if churn is None:
        return f"none: {document['no_churn']}"
    told = [f"{churn['risk']:.0%} {churn['band']}, {document['churn_means']}, as of {minute(churn['scored_at'])}"]
    return "\n".join([*told, *(_below(reason["effect"], reason["text"]) for reason in churn["reasons"])])


def _health(health: dict[str, Any]) -> str:
    value = health["value"]
    told = [f"none: {health['why']}" if value is None else f"{value:.0f} of 100, {health['band']}"]
    for part in health["parts"]:
        points = "–" if part["points"] is None else f"{part['points']:.0f}"
        told.append(_below(f"{part['part']} {points}", part["text"]))
    return "\n".join(told)


def _below(what: str, text: str) -> str:
    return f"{'':<14}{what:<18}{text}"


def _goes_on(following: str | None) -> Iterable[RenderableType]:
    if following:
        yield Text(f"There are more: --cursor {following}", "dim")


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
            "–" if member["active_days"] is None else str(member["active_days"]),
            percent(member["stopped"]),
            percent(member["risk"]),
            f"{member['events']:,}",
        )
        for member in members
    ]
    yield Text("")
    headings = ("member", "since", "until", "last seen", "days of 28", "stopped", "risk", "events")
    yield Listing(headings, cells, right=("days of 28", "stopped", "risk", "events"))


def _latest(events: list[dict[str, Any]]) -> Iterable[RenderableType]:
    if events:
        yield Text("")
        cells = [(minute(event["time"]), event["name"], event["member"] or "–") for event in events]
        yield Listing(("latest", "event", "by"), cells)


def _called(row: dict[str, Any]) -> str:
    return f"{row['name']} ({row['company']})" if row["name"] else row["company"]


def _sum(amounts: list[dict[str, Any]]) -> str:
    return " + ".join(map(money, amounts)) or "–"
