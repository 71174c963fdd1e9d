"""`rapport segments`: the segments there are, what their members have in common, and who would be in a new one."""

from __future__ import annotations

from heapq import nlargest
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.text import Text

from console.clients.support import Support, support
from console.clients.target import Target, with_target
from console.terminal.figures import identity, minute, money, percent
from console.terminal.frame import group
from console.terminal.listing import Listing
from console.terminal.output import AsJson, out, print_json, readable, warn
from console.terminal.output import show as write
from console.terminal.progress import Bar, progress
from console.terminal.segments import render_list, render_segment
from profiles.errors import NotFound, WrongUse

__all__ = ["app"]

app = group(
    "segments",
    "Groups of customers, kept live: sizes, trends, what members have in common, and who would be in a new one.",
)

_UNNAMED = "preview"

_PREVIEW = """Count and list who would be in a segment, before it is saved.

All customers are looked at as they are now; nothing is changed. With --name it says as well who would enter and who
would leave the segment of that name. docs/tracking-plan.md lists the conditions.

    rapport segments preview '{quantile: net, top: 0.1}'
    rapport segments preview '{count: ticket_opened, within: 30d, at_least: 3}' --name frequent_trouble
    rapport segments preview '{grain: company, when: {trait: contract_ends, within: 60d}}'
    rapport segments preview --file new_plan.yaml --name value_at_risk
"""


@app.command("list")
@with_target
def list_(target: Target, as_json: AsJson = False) -> None:
    """List the segments: how many are in each, how that moves, and how likely they leave.

    Sizes are those of this moment; share, trend and risk are of the last census.
    """
    with support(target) as api:
        rows = api.call("GET", "/v1/segments")["data"]
    write(rows, as_json, render_list)


@app.command()
@with_target
def show(
    target: Target,
    name: Annotated[str, typer.Argument(help="Of the segment; `rapport segments list` lists them.")],
    as_json: AsJson = False,
) -> None:
    """Show a segment's persona: size, what distinguishes its members, what they are worth, risk and trend.

    A trait is shown if it is more or less common than among all customers by more than chance explains.
    """
    with support(target) as api:
        document = api.call("GET", f"/v1/segments/{quote(name, safe='')}")
    write(document, as_json, render_segment)


@app.command(help=_PREVIEW)
@with_target
def preview(
    target: Target,
    condition: Annotated[str, typer.Argument(metavar="[CONDITION]", help="As in a plan, in YAML.")] = "",
    file: Annotated[Path | None, typer.Option("--file", metavar="FILE", help="A plan that has the segment.")] = None,
    name: Annotated[str, typer.Option(help="Of the segment: in FILE, and to compare with.")] = "",
    limit: Annotated[int, typer.Option(min=0, max=100, help="Customers to list.")] = 20,
    as_json: AsJson = False,
) -> None:
    asked = _of_file(file, name) if file else _of_condition(condition, name)
    with support(target, timeout=60.0) as api, progress(quiet=as_json) as bar:
        found = _all_parts(api, {**asked, "limit": limit}, bar("looking at customers"))
    if as_json:
        print_json(found)
    else:
        _print(readable(found), compares=bool(name))


def _of_condition(condition: str, name: str) -> dict[str, Any]:
    """The request for a condition, checked as far as that goes without a plan."""
    if not condition:
        raise WrongUse("give a condition such as '{quantile: net, top: 0.1}', or --file and --name")
    from plan import parse_segment  # noqa: PLC0415  (the plan's schema takes a while to import)

    rule = parse_segment(condition, "condition", name or _UNNAMED)
    return {"rule": rule.model_dump(mode="json", by_alias=True, exclude_unset=True)}


def _of_file(file: Path, name: str) -> dict[str, Any]:
    """The request for a segment of a plan, with the others it may use."""
    from models.segments.preview import used_by  # noqa: PLC0415  (the plan's schema takes a while to import)
    from plan import load_plan  # noqa: PLC0415  (same)

    rules = {rule.name: rule for rule in load_plan(file).segments}
    if name not in rules:
        raise NotFound(f"{file} has no segment {name!r}; --name takes one of {', '.join(rules)}")
    used = used_by(rules[name], list(rules.values()))
    dumped = {rule.name: rule.model_dump(mode="json", by_alias=True, exclude_unset=True) for rule in used}
    return {"rule": dumped[name], "others": list(dumped.values())}


def _all_parts(api: Support, asked: dict[str, Any], moved: Bar) -> dict[str, Any]:
    """The parts of the answer, added up; the sample keeps the riskiest of all."""
    found: dict[str, Any] = {}
    while True:
        part = api.call("POST", "/v1/segments/preview", json=asked)
        following = part.pop("next")
        if found:
            for count in ("looked_at", "inside", "enters", "leaves"):
                part[count] += found[count]
            for sample in ("sample", "leaving"):
                part[sample] = nlargest(asked["limit"], found[sample] + part[sample], key=_risk)
        found = part
        moved(found["looked_at"], max(found["total"], found["looked_at"]))
        if following is None:
            found["share"] = found["inside"] / found["looked_at"] if found["looked_at"] else 0.0
            return found
        asked = {**asked, "cursor": following}


def _risk(row: dict[str, Any]) -> tuple[float, str]:
    return (row["churn"]["risk"] if row["churn"] else -1.0), row["id"]


def _print(found: dict[str, Any], *, compares: bool) -> None:
    named = (found["name"] if compares else "This segment", "bold")
    inside = (f"{found['inside']:,}", "bold")
    share = f" of {found['looked_at']:,} profiles ({found['share']:.1%})"
    out.print(Text.assemble(named, " would hold ", inside, share, f": {found['words']}."), soft_wrap=True)
    if compares:
        stay = found["inside"] - found["enters"]
        out.print(f"{found['enters']:,} would enter, {found['leaves']:,} would leave, {stay:,} would stay.")
    for warning in found["warnings"]:
        warn(warning)
    for title, rows in (("Inside, the highest risk first", found["sample"]), ("Leaving", found["leaving"])):
        if rows:
            out.print(_table(title, rows, compares=compares))


def _table(title: str, rows: list[dict[str, Any]], *, compares: bool) -> Listing:
    cells = []
    for row in rows:
        who = identity(row["identities"][0]) if row["identities"] else row["id"]
        risk = f"{percent(row['churn']['risk'])} {row['churn']['band']}" if row["churn"] else "–"
        revenue = ", ".join(map(money, row["revenue"]))
        change = [row["change"]] if compares else []
        seen = minute(row["last_seen"]) if row["last_seen"] else "–"
        cells.append([who, risk, f"{row['orders']:,}", revenue, seen, *change])
    headings = ("customer", "risk", "orders", "revenue", "last seen", *(["change"] if compares else []))
    return Listing(headings, cells, right=("orders", "revenue"), title=title)
