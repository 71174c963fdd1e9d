"""`rapport alerts`: whom somebody has to see to, customers and companies, why, and what people decide about it."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from console.clients.following import MOST, follow, standing
from console.clients.named import named
from console.clients.noting import os_user
from console.clients.support import Support, support
from console.clients.target import Target, with_target
from console.terminal.cases import happenings, render_case, render_cases, render_happening
from console.terminal.frame import group
from console.terminal.moment import ahead
from console.terminal.options import options_of
from console.terminal.output import AsJson, err, out, print_json, readable
from console.terminal.output import show as write
from profiles.cases.joining import STANDING
from profiles.errors import NotFound, RapportError, WrongUse
from profiles.times import rfc3339

__all__ = ["OUTCOMES", "app"]

app = group(
    "alerts",
    "Customers and companies that need somebody, one case each whichever alerts it came from: whose, what is at risk, "
    "why.",
)

_NOBODY = "nobody"

OUTCOMES = {
    "stayed": "they were kept",
    "left": "they were lost",
    "no_answer": "nobody was reached",
    "wrong": "nothing was the matter",
    "not_worth": "not worth the effort",
}

Customer = Annotated[
    list[str],
    typer.Argument(
        help="A name or the beginning of one, an e-mail address, an order, TYPE:VALUE, company:NAME, or the id of a "
        "case."
    ),
]
By = Annotated[str | None, typer.Option(help="Who decides. [default: your name on this machine]")]
Note = Annotated[str, typer.Option(help="Kept with the case.")]


def _filters(
    state: Annotated[str, typer.Option(help="new, acknowledged, snoozed or done; else all that are not done.")] = "",
    owner: Annotated[str, typer.Option(help="Only those that went to this team or person.")] = "",
    assignee: Annotated[str, typer.Option("--with", help="Only those that this person has; nobody for nobody's.")] = "",
    severity: Annotated[str, typer.Option(help="info, warning or critical: of the severest alert.")] = "",
    rule: Annotated[str, typer.Option(help="Only those that this alert belongs to.")] = "",
    segment: Annotated[str, typer.Option(help="Only customers in this segment.")] = "",
    company: Annotated[str, typer.Option(help="Only this company, as events name it, and its members.")] = "",
    grain: Annotated[str, typer.Option(help="customer, or company: only cases of these.")] = "",
    kind: Annotated[str, typer.Option(help="retention, or win_back of who has left.")] = "",
    worth: Annotated[
        float | None, typer.Option(min=0, help="Only with so much at risk or more, in the plan's currency.")
    ] = None,
) -> dict[str, Any]:
    """Which cases, as parameters of `/v1/cases`."""
    given = {
        "state": state, "owner": owner, "severity": severity, "rule": rule, "segment": segment, "company": company,
        "kind": kind, "grain": grain,
    }  # fmt: skip
    asked: dict[str, Any] = {name: value for name, value in given.items() if value}
    if assignee:
        asked["assignee"] = "" if assignee == _NOBODY else assignee
    return asked | ({} if worth is None else {"worth": f"{worth:f}"})


@app.command("list")
@with_target
@options_of(_filters)
def list_(
    asked: dict[str, Any],
    target: Target,
    newest: Annotated[bool, typer.Option("--newest", help="The newest first, not the most at risk.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=200, help="Most of them.")] = 20,
    cursor: Annotated[str, typer.Option(help="Go on behind a page: what it ends with.")] = "",
    as_json: AsJson = False,
) -> None:
    """List whom somebody has to see to, what is most at risk first.

    At risk is the risk times what the last horizon brought.

    Examples:

        rapport alerts list --severity critical --with nobody
        rapport alerts list --owner 'Customer success' --worth 500 --json
    """
    more = {"cursor": cursor} if cursor else {}
    sort = "newest" if newest else "value_at_risk"
    with support(target) as api:
        page = api.call("GET", "/v1/cases", params={**asked, "sort": sort, "limit": limit, **more})
    write(page, as_json, render_cases)


@app.command()
@with_target
def show(target: Target, customer: Customer, as_json: AsJson = False) -> None:
    """Show a customer's case.

    Whose it is, why it opened, its alerts, notes and history.

    Examples:

        rapport alerts show daan weber
        rapport alerts show user_id:42 --json
    """
    with support(target) as api:
        document, case = _case_of(api, customer)
    if as_json:
        print_json(case)
    else:
        out.print(render_case(readable(document), readable(case)))


@app.command()
@with_target
def ack(target: Target, customer: Customer, note: Note = "", by: By = None, as_json: AsJson = False) -> None:
    """Acknowledge a customer's case, and all its alerts: somebody is on it.

    Example: rapport alerts ack daan weber --note 'calls today'
    """
    _decide(target, customer, "acknowledge", {"note": note}, by, as_json=as_json)


@app.command()
@with_target
def assign(
    target: Target,
    customer: Customer,
    to: Annotated[str, typer.Option(help="A person who may sign in, a team of the plan, or nobody.")],
    note: Note = "",
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Give a customer's case to a person or a team; a team becomes its owner, and nobody has it then.

    Example: rapport alerts assign daan weber --to kim
    """
    assignee = "" if to == _NOBODY else to
    _decide(target, customer, "assign", {"assignee": assignee, "note": note}, by, as_json=as_json)


@app.command()
@with_target
def snooze(
    target: Target,
    customer: Customer,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="4h, 3d (from now), 2026-12-24, an RFC 3339 time.")
    ] = None,
    until_worse: Annotated[
        bool,
        typer.Option("--until-worse", help="Until the risk is 0.1 higher, a further alert opens, or they complain."),
    ] = False,
    note: Note = "",
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Put a customer's case off until a time, until they are worse, or whichever comes first.

    Example: rapport alerts snooze daan weber --until 3d --until-worse
    """
    if until is None and not until_worse:
        raise WrongUse("say until when: --until 3d, --until 2026-12-24, --until-worse, or two of them")
    given = {"until": rfc3339(ahead(until))} if until is not None else {}
    _decide(target, customer, "snooze", {**given, "until_worse": until_worse, "note": note}, by, as_json=as_json)


@app.command(
    help="Close a customer's case, and all its alerts, with what it came to; models learn from that.\n\n"
    + "\n".join(f"- {name}: {words}" for name, words in OUTCOMES.items())
    + "\n\nExample: rapport alerts resolve daan weber --outcome stayed --note 'took a year more'"
)
@with_target
def resolve(
    target: Target,
    customer: Customer,
    outcome: Annotated[str, typer.Option(help=f"{', '.join(OUTCOMES)}.")],
    note: Note = "",
    by: By = None,
    as_json: AsJson = False,
) -> None:
    said = outcome.strip().lower().replace(" ", "_").replace("-", "_")
    if said not in OUTCOMES:
        known = "; ".join(f"{name}, {words}" for name, words in OUTCOMES.items())
        raise WrongUse(f"{outcome!r} is no outcome; there are {known}")
    _decide(target, customer, "resolve", {"outcome": said, "note": note}, by, as_json=as_json)


@app.command()
@with_target
@options_of(_filters)
def tail(asked: dict[str, Any], target: Target, as_json: AsJson = False) -> None:
    """Show what happens to cases as it happens: new ones, decisions, notes, ends. Ctrl-C ends it.

    With --json one document a line: `at`, `action`, `by`, `text`, and the `case` as it is then.

    Example: rapport alerts tail --severity critical
    """
    if asked.get("state") not in (None, *STANDING):
        raise WrongUse(
            "tail follows what is open: --state new, acknowledged or snoozed; `list --state done` shows the rest"
        )
    try:
        with support(target) as api:
            held = standing(api, asked)
            more = ", the newest; narrow them to follow all" if len(held) >= MOST else ""
            err.print(f"{len(held):,} open{more}. What happens from now on:", style="dim")
            for before, now in follow(api, asked, held, lambda text: err.print(text, style="dim")):
                for entry in happenings(before, now):
                    if as_json:
                        print_json({**entry, "case": now}, indent=False)
                    else:
                        told = map(readable, (now["label"], entry, now))
                        out.print(render_happening(*told, whole=before is None or "opened" in entry["action"]))
    except KeyboardInterrupt:
        return


def _case_of(api: Support, customer: list[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The document of the customer who is meant, and their case.

    Raises:
        NotFound: they never had one.
    """
    document = named(api, " ".join(customer))
    if document["case"] is None:
        raise NotFound(f"{_called(document)} has no case, as no alert about them has opened")
    return document, document["case"]


def _decide(
    target: Target, customer: list[str], action: str, said: dict[str, Any], by: str | None, *, as_json: bool
) -> None:
    with support(target) as api:
        document, before = _case_of(api, customer)
        if before["state"] not in STANDING:
            raise RapportError(_over(document, before))
        if action == "acknowledge" and before["state"] == "acknowledged" and said["note"]:
            action = "note"  # it is acknowledged already, and what is said besides is kept
        body = {**said, "by": os_user() if by is None else by}
        case = api.call("POST", f"/v1/cases/{quote(before['id'], safe='')}/{action}", json=body)
    if as_json:
        print_json(case)
        return
    entries = happenings(before, case)
    for entry in entries:
        out.print(render_happening(*map(readable, (document["label"], entry, case))))
    if not entries and (action, case["state"]) == ("acknowledge", "acknowledged"):
        out.print(f"The case of {_called(document)} is acknowledged already.")
    elif not entries:
        err.print(f"Handed over, and not done yet. `rapport alerts show {case['id']}` says when it is.", soft_wrap=True)


def _over(document: dict[str, Any], case: dict[str, Any]) -> str:
    last = case["history"][-1] if case["history"] else {}
    who = f" by {last['by']}" if last.get("by") else ""
    outcome = f" ({case['outcome']})" if case["outcome"] else ""
    return (
        f"the case of {_called(document)} is over: {case['state']}{outcome}{who} at {case['changed'][:16]}; a later "
        f"alert opens a case again. `rapport alerts show {case['id']}` shows this one"
    )


def _called(document: dict[str, Any]) -> str:
    if "company" in document:
        return f"{document['label']} (company:{document['company']})"
    return str(document["label"]) or f"profile_id:{document['id']}"
