"""`rapport plan`: check the tracking plan, compare two versions of it, write it out as a page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from console.clients.reach import default_plan
from console.terminal.figures import counted
from console.terminal.frame import group
from console.terminal.output import AsJson, print_json, say, warn
from plan import Change, Plan, PlanError, diff_plans, load_plan, render_html, render_markdown
from profiles.errors import WrongUse

__all__ = ["app"]

_ONE = {"identities": "identity"}  # where it is not the same without its s

app = group("plan", "The tracking plan: what is collected, why, and what it means.")

PlanArgument = Annotated[
    Path | None,
    typer.Argument(
        metavar="[FILE]",
        help="The plan. Without it: RAPPORT_PLAN, else ./tracking_plan.yaml, else the plan that comes with Rapport.",
        show_default=False,
    ),
]


@app.command()
def check(file: PlanArgument = None, as_json: AsJson = False) -> None:
    """Check a plan, and list every problem with its file, line and path.

    Exits with 1 if the plan cannot be used. Warnings do not count.

    Example: rapport plan check tracking_plan.yaml
    """
    path = file or default_plan()
    try:
        plan = load_plan(path)
    except PlanError as error:
        if as_json:
            print_json(
                {"ok": False, "file": str(path), "problems": [p.as_dict() for p in error.problems], "warnings": []}
            )
        else:
            count = counted(len(error.problems), "problem")
            say(f"{error}\n\n{count}; the plan cannot be used.", err=True)
        raise typer.Exit(1) from None
    if as_json:
        warnings = [warning.as_dict() for warning in plan.warnings]
        print_json({"ok": True, "file": str(path), **_counts(plan), "problems": [], "warnings": warnings})
        return
    for warning in plan.warnings:
        warn(str(warning))
    counts = ", ".join(
        f"{number} {_ONE.get(what, what[:-1]) if number == 1 else what}"
        for what, number in _counts(plan).items()
        if what not in ("name", "version")
    )
    say(f"{path} is fine: {plan.name}, version {plan.version}: {counts}.")


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="The plan as it was.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="The plan as it shall be.")],
    as_json: AsJson = False,
) -> None:
    """Compare two versions of a plan, and say of each change whether it breaks something.

    Breaking is what may turn accepted events away (a new required property, a narrower type, range or list of
    values), takes away what others rely on (an event, a segment), or changes what a name means (a role, an identity's
    limit). Exits with 1 if there is a breaking change, with 2 if a plan cannot be read.

    Example, before a merge: git show main:tracking_plan.yaml > old.yaml; rapport plan diff old.yaml new.yaml
    """
    before, after = load_plan(old), load_plan(new)
    changes = diff_plans(before, after)
    breaking = [change for change in changes if change.breaking]
    if as_json:
        print_json(
            {
                "breaking": bool(breaking),
                "old_version": before.version,
                "new_version": after.version,
                "changes": [change.as_dict() for change in changes],
            }
        )
    else:
        _print_changes(changes, before, after)
    if breaking:
        raise typer.Exit(1)


@app.command()
def docs(
    file: PlanArgument = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Where to write: a .html or .md file. Without it: Markdown on stdout."),
    ] = None,
) -> None:
    """Write a readable page of what is collected and why: events, owners, personal data, identities, segments, alerts.

    Example: rapport plan docs --output plan.html
    """
    if output is not None and output.suffix not in (".html", ".htm", ".md"):
        raise WrongUse(f"{output}: name a file that ends in .html or .md")
    plan = load_plan(file or default_plan())
    if output is None:
        say(render_markdown(plan), nl=False)
        return
    text = render_markdown(plan) if output.suffix == ".md" else render_html(plan)
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise WrongUse(f"{output}: cannot be written: {error.strerror}") from error
    say(f"Wrote {output}.")


def _counts(plan: Plan) -> dict[str, int | str]:
    return {
        "name": plan.name,
        "version": plan.version,
        "sources": len(plan.sources),
        "events": len(plan.rules),
        "traits": len(plan.traits),
        "identities": len(plan.identities),
        "segments": len(plan.segments),
        "alerts": len(plan.alerts),
    }


def _print_changes(changes: list[Change], before: Plan, after: Plan) -> None:
    if not changes:
        say("No change.")
        return
    for title, wanted in (("Breaking", True), ("Not breaking", False)):
        group = [change for change in changes if change.breaking is wanted]
        if group:
            say(f"{title} ({len(group)}):")
            for change in group:
                say(f"  {change}")
    if after.version <= before.version:
        was = f"{after.version}, after {before.version}"
        stands = f"still {after.version}" if after.version == before.version else was
        say(f"The version is {stands}; raise it, so that events tell which plan they obeyed.")
