"""`rapport segments`: the segments there are, what their members have in common, and who would be in a new one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from heapq import nlargest
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from console.commands import personas as personas_cli
from console.commands.client import Target, with_target
from console.commands.support import Support, support
from console.terminal.output import err, explained, out, print_json
from profiles.errors import Misconfigured, NotFound

__all__ = ["app"]

app = typer.Typer(
    name="segments",
    no_args_is_help=True,
    help="Groups of customers, kept live: sizes, trends, what members have in common, and who would be in a new one.",
)
personas_cli.register(app)

_UNNAMED = "preview"

_PREVIEW = """Count and list who would be in a segment, before it is saved.

All customers are looked at as they are now; nothing is changed. With --name it says as well who would enter and who
would leave the segment of that name. docs/tracking-plan.md lists the conditions.

    rapport segments preview '{quantile: net, top: 0.1}'
    rapport segments preview '{count: ticket_opened, within: 30d, at_least: 3}' --name frequent_trouble
    rapport segments preview --file new_plan.yaml --name value_at_risk
"""


@app.command(help=_PREVIEW, no_args_is_help=True)
@with_target
def preview(
    target: Target,
    condition: Annotated[str, typer.Argument(metavar="[CONDITION]", help="As in a plan, in YAML.")] = "",
    file: Annotated[Path | None, typer.Option("--file", metavar="FILE", help="A plan that has the segment.")] = None,
    name: Annotated[str, typer.Option(help="Of the segment: in FILE, and to compare with.")] = "",
    limit: Annotated[int, typer.Option(min=0, max=100, help="Customers to list.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Figures and customers, as JSON.")] = False,
) -> None:
    with explained():
        asked = _of_file(file, name) if file else _of_condition(condition, name)
        with support(target, timeout=60.0) as api, _bar(quiet=as_json) as moved:
            found = _all_parts(api, {**asked, "limit": limit}, moved)
    if as_json:
        print_json(found)
    else:
        _print(found, compares=bool(name))


def _of_condition(condition: str, name: str) -> dict[str, Any]:
    """The request for a condition, checked as far as that goes without a plan."""
    if not condition:
        raise Misconfigured("give a condition such as '{quantile: net, top: 0.1}', or --file and --name")
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


def _all_parts(api: Support, asked: dict[str, Any], moved: Callable[[int, int], None]) -> dict[str, Any]:
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


@contextmanager
def _bar(*, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    columns = TextColumn("[progress.description]{task.description}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, TimeRemainingColumn(), console=err, transient=True, disable=quiet) as bars:
        task = bars.add_task("looking at customers", total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


def _print(found: dict[str, Any], *, compares: bool) -> None:
    title = found["name"] if compares else "This segment"
    out.print(f"[bold]{title}[/] would hold [bold]{found['inside']:,}[/] of {found['looked_at']:,} profiles", end="")
    out.print(f" ({found['share']:.1%}): {found['words']}.", soft_wrap=True, markup=False)
    if compares:
        stay = found["inside"] - found["enters"]
        out.print(f"{found['enters']:,} would enter, {found['leaves']:,} would leave, {stay:,} would stay.")
    for warning in found["warnings"]:
        err.print(f"[yellow]warning:[/] {warning}", soft_wrap=True)
    for title, rows in (("Inside, the highest risk first", found["sample"]), ("Leaving", found["leaving"])):
        if rows:
            out.print(_table(title, rows, compares=compares))


def _table(title: str, rows: list[dict[str, Any]], *, compares: bool) -> Table:
    table = Table("customer", "risk", "orders", "revenue", "last seen", title=title, title_justify="left")
    if compares:
        table.add_column("change")
    for row in rows:
        first = row["identities"][0] if row["identities"] else None
        who = row["id"] if first is None else f"{first['type']}:{'hashed:' if first['hashed'] else ''}{first['value']}"
        risk = f"{row['churn']['risk']:.0%} {row['churn']['band']}" if row["churn"] else "–"
        revenue = ", ".join(f"{money['amount']} {money['currency']}" for money in row["revenue"])
        cells = [who, risk, str(row["orders"]), revenue, row["last_seen"][:16].replace("T", " ")]
        table.add_row(*cells, *([row["change"]] if compares else []))
    return table
