"""A customer as Intercom's Canvas Kit shows it: a list of components, of at most 64 kB.

Texts there know links and emphasis in Markdown: what a customer wrote has none of their signs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from markupsafe import Markup

from console.access.masking import masked, sight_of
from console.access.scopes import Viewer
from console.api.matters.cases import Action
from console.embeds.framed_customer import values_of
from console.pages.formats import Formats, plain
from console.pages.frame import Frame
from console.pages.languages import locale, translations
from console.services.ports import ApiDeps
from profiles.types import Profile

__all__ = ["BUTTONS", "canvas_of", "nobody_known"]

Language = Literal["en", "zh_Hans"]
Component = dict[str, Any]

BUTTONS: Mapping[str, tuple[Action, str | None]] = {
    "acknowledge": ("acknowledge", None), "stayed": ("resolve", "stayed"), "left": ("resolve", "left"),
    "wrong": ("resolve", "wrong"),
}  # fmt: skip
"""By the id of a component: what is decided, and what a case came to."""

_REASONS, _TICKETS = 3, 5
_MARKS = str.maketrans(
    {"[": "［", "]": "］", "*": "＊", "_": "＿", "`": "ˋ", "<": "‹", ">": "›", "#": "＃", "\\": "＼"}
)
_SAID = {
    "done": "Done.", "over": "The case is over already.", "refused": "You may not decide this here.",
    "late": "This was shown over an hour ago; look again before you decide.",
}  # fmt: skip


def told(value: object) -> str:
    """What a customer, or somebody who sends events, wrote: text without marks of Markdown, not endless."""
    return plain(value).translate(_MARKS)


def nobody_known(language: Language) -> dict[str, Any]:
    """The canvas of somebody who is not known."""
    _ = translations(language).gettext
    return _canvas([_text(_("Nobody is known here by what the page around this says."), "muted")])


async def canvas_of(
    deps: ApiDeps, frame: Frame, found: Profile, viewer: Viewer, language: Language, address: str, said: str = ""
) -> dict[str, Any]:
    """The canvas of a customer, as somebody may see them.

    Args:
        deps: of the API.
        frame: knows the time.
        found: the customer.
        viewer: who looks.
        language: of the texts.
        address: of the console.
        said: what became of the button that was pressed; one of `_SAID`.
    """
    _ = translations(language).gettext
    formats = Formats(locale(language), _)
    seen: Mapping[str, Any] = masked(dict(await values_of(deps, found, viewer)), sight_of(viewer, deps.plan, one=True))
    customer, now = seen["customer"], await deps.now()

    def ago(seconds: float | None) -> str:
        return Markup(formats.ago(seconds, now)).striptags()

    made = [_text(_(_SAID[said]), "muted" if said == "done" else "error")] if said else []
    made.append(_text(told(seen["label"]) or _("A visitor"), "header"))
    if customer.lifecycle:
        made.append(
            _text(f"{formats.label(customer.lifecycle.stage)} · {_('seen')} {ago(customer.last_seen)}", "muted")
        )
    rows = []
    if customer.churn:
        rows.append((_("Risk"), f"{formats.percent(customer.churn.risk)} {_(customer.churn.band)}"))
    rows.append((_("Value"), formats.money(customer.purchases.revenue)))
    rows.append((_("Open tickets"), formats.number(customer.support.open_tickets)))
    if customer.case:
        rows.append((_("Case"), _(customer.case.state)))
    made.append({"type": "data-table", "items": [{"type": "field-value", "field": a, "value": b} for a, b in rows]})
    if customer.withheld:
        made.append(_text(_("Withheld: the customer does not allow profiling."), "muted"))
    for reason in customer.churn.reasons[:_REASONS] if customer.churn else ():
        sign = "+" if reason.effect == "raises" else "−"
        made.append(_text(f"{sign} {told(formats.phrase(reason.text))}"))
    for ticket in [one for one in customer.support.tickets if one.state != "solved"][:_TICKETS]:
        made.append(_text(f"{told(ticket.id)} · {ago(ticket.reopened or ticket.opened)}", "muted"))
    for event in seen["events"]:
        name = told(event.name) if event.name else _("said who they are")
        about = f" {told(event.about)}" if event.about else ""
        made.append(_text(f"{name}{about} · {ago(event.time)}", "muted"))
    if customer.case and viewer.may("alerts:write") and customer.case.state not in ("resolved", "cleared"):
        made += _decisions(_, customer.case.state)
    made.append(
        {
            "type": "button", "id": "console", "label": _("Open in the console"), "style": "link",
            "action": {"type": "url", "url": f"{address}/c/{customer.id}"},
        }
    )  # fmt: skip
    return _canvas(made)


def _decisions(_: Any, state: str) -> list[Component]:
    labels = {
        "acknowledge": _("Acknowledge"), "stayed": _("The customer stayed"), "left": _("The customer left"),
        "wrong": _("It was wrong"),
    }  # fmt: skip
    return [
        {
            "type": "button", "id": id_, "label": label, "style": "secondary", "action": {"type": "submit"},
            "disabled": id_ == "acknowledge" and state == "acknowledged",
        }
        for id_, label in labels.items()
    ]  # fmt: skip


def _text(text: str, style: str = "paragraph") -> Component:
    return {"type": "text", "text": text, "style": style}


def _canvas(components: list[Component]) -> dict[str, Any]:
    return {"content": {"components": components}}
