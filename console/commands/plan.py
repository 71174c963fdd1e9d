"""`rapport plan`: begin a tracking plan, check it, compare two versions of it, write it out as a page."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from console.clients.reach import default_plan
from console.drafting.begin import Answers, begin
from console.terminal.figures import counted
from console.terminal.frame import group
from console.terminal.listing import Listing
from console.terminal.output import AsJson, out, print_json, say, warn
from plan import Change, Plan, PlanError, diff_plans, load_plan, render_html, render_markdown
from profiles.errors import WrongUse

if TYPE_CHECKING:
    from analysis.coverage import Missing

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
def new(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it.")] = Path("tracking_plan.yaml"),
    like: Annotated[
        Literal["shop", "b2b"] | None,
        typer.Option(
            "--like",
            help="Begin with a shipped plan: an online shop with a subscription, or B2B software with companies.",
        ),
    ] = None,
    events: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="EVENTS", help="Draft it from a file of events: JSON lines, as for `rapport send`."
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the plan, such as 'Acme shop'.", show_default=False)] = None,
    currency: Annotated[
        str | None,
        typer.Option(help="Currency of the figures and of money that names none, such as EUR.", show_default=False),
    ] = None,
    region: Annotated[
        str | None,
        typer.Option(help="Where telephone numbers without a country code are from, such as NL.", show_default=False),
    ] = None,
    source: Annotated[
        str, typer.Option(help="With --from: the source of events that name none in a `source` field.")
    ] = "server",
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Begin a plan of your own: like a shipped one, or drafted from events that you have.

    **--like** copies a shipped plan, comments and all, with a name, a currency, a region and a namespace of its own:
    then cut it down to what you collect.

    **--from** reads a file of events and writes down what is in it: sources, events and their fields with types and,
    where there are few, values; identities, traits, companies. What events mean (their roles, owner and purpose,
    personal data) it takes from the names that are usual in shops and in B2B software. What it guessed is marked
    `# guessed`.

    On a terminal it asks for what no option says; in scripts it takes what the shipped plan or the events say.

    Examples: rapport plan new --like b2b --name 'Acme' --currency USD --region US · rapport plan new acme.yaml --from
    events.jsonl
    """
    if like and events:
        raise WrongUse("a plan begins like a shipped one, or from events: say --like or --from, not both")
    if file.exists() and not force:
        raise WrongUse(f"{file} is there already; name another file, or write over it with --force")
    asks = sys.stdin.isatty()
    if like is None and events is None:
        if not asks:
            raise WrongUse("say what it begins with: --like shop, --like b2b, or --from EVENTS.jsonl")
        like = "b2b" if typer.confirm("Do you sell software to companies? (else: a shop)", err=True) else "shop"
    begun = begin(like, events, source, Answers(name, currency, region, asks))
    try:
        file.write_text(begun.text, encoding="utf-8")
    except OSError as error:
        raise WrongUse(f"{file}: cannot be written: {error.strerror}") from error
    for line in begun.left_out:
        warn(line)
    said = begun.particulars
    say(f"Wrote {file}: {said.name}, in {said.currency}, telephone numbers of {said.region}.")
    if begun.guesses:
        say(f"{counted(begun.guesses, 'guess', 'guesses')} in it, each marked so.")
    say(f"Next: edit it, then rapport plan check {file}")


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


@app.command("coverage")
def show_coverage(
    file: PlanArgument = None,
    fail_under: Annotated[
        Literal["full", "partly"] | None,
        typer.Option("--fail-under", help="Exit with 1 if an analysis is less than this: for CI."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show which analyses the events of a plan make possible, and what those lack that are not.

    Full: all its figures. Partly: which figures are missing, and what would give them. Not possible: an event or a
    property that it cannot do without is not in the plan. What is shown is what may come; whether it does, `rapport
    analyse` says.

    Examples: rapport plan coverage · rapport plan coverage tracking_plan.yaml --fail-under partly
    """
    from analysis.coverage import coverage  # noqa: PLC0415  (keeps `rapport plan` quick)

    found = coverage(load_plan(file or default_plan()))
    if as_json:
        print_json(
            [
                {
                    "analysis": each.analysis.name,
                    "state": each.state,
                    "missing": [one._asdict() for one in each.missing],
                }
                for each in found
            ]
        )
    else:
        rows = [
            (each.analysis.name, each.state, "; ".join(dict.fromkeys(_lacks(one) for one in each.missing)))
            for each in found
        ]
        out.print(Listing(("analysis", "possible", "what is missing"), rows, prose=True))
    allowed = {"full": ("full",), "partly": ("full", "partly"), None: ("full", "partly", "not possible")}[fail_under]
    if any(each.state not in allowed for each in found):
        raise typer.Exit(1)


def _lacks(missing: Missing) -> str:
    figures = f" ({', '.join(missing.figures)})" if missing.figures else ""
    return f"{missing.what}{figures}: {missing.hint}"


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
