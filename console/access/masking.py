"""What somebody sees of personal data: documents go through here once, on their way to a page, an answer or the feed.

The tracking plan says of each identity and trait which class of personal data it is (`pii`). Whoever has `pii:read`
sees all of them. Whoever has `pii:one` sees those of one customer at a time, and of lists the names only; anybody else
neither. What the plan does not know is taken for personal.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, Union, cast, get_args, get_origin

from console.access.hiding import hidden
from console.access.scopes import Viewer
from console.views.companies import CompanySummary, CompanyView
from console.views.document import Document, Money
from console.views.figures.customer_figures import SaidView, SearchedView, WishView
from console.views.matters.cases import CaseRowView
from console.views.person import Figure, ThinIdentity
from console.views.search import SearchHit
from console.views.timeline import EventView, ShownView
from plan import Plan
from plan.model import Property
from streams.scrub import scrub

__all__ = ["Sight", "company_trait", "masked", "sight_of"]

Seen = TypeVar("Seen")


class Sight(NamedTuple):
    """How much somebody sees of what."""

    plan: Plan
    of: Literal["all", "names", "nothing"]

    def shows(self, pii: str) -> bool:
        """Whether they see a class of personal data."""
        return pii == "none" or self.of == "all" or (self.of == "names" and pii in ("name", "id"))

    def shows_of_company(self, trait: str) -> bool:
        """Whether they see a trait of companies."""
        planned = _of_companies(self.plan).get(trait)
        return self.of == "all" or (planned is not None and self.shows(planned.pii))


def sight_of(viewer: Viewer, plan: Plan, *, one: bool = False) -> Sight:
    """How much somebody sees; `one`: of what is about a single customer, whom they asked for."""
    if viewer.may("pii:read") or (one and viewer.may("pii:one")):
        return Sight(plan, "all")
    return Sight(plan, "names" if viewer.may("pii:one") else "nothing")


def masked(shown: Seen, sight: Sight) -> Seen:
    """Documents, and lists and mappings of them, as somebody sees them."""
    return shown if sight.of == "all" else cast(Seen, _masked(shown, sight))


def company_trait(name: str, value: Any, sight: Sight) -> Any:
    """The value of a company's trait, as somebody sees it."""
    return value if sight.of == "all" else _value(value, _of_companies(sight.plan).get(name), sight)


def _of_companies(plan: Plan) -> Mapping[str, Property]:
    return plan.file.groups[plan.group].traits


def _masked(shown: Any, sight: Sight) -> Any:
    if isinstance(shown, ThinIdentity):
        shown = shown.model_copy(update={"value": _identity(shown, sight)})
    elif isinstance(shown, EventView):  # its name and subject may be what a sender made up
        told = [_shown(each, shown, sight) for each in shown.shown]
        changed: dict[str, Any] = {
            "name": scrub(shown.name),
            "about": shown.about and scrub(shown.about),
            "shown": told,
        }
        return shown.model_copy(update=changed)
    if isinstance(shown, SearchedView) and not sight.shows("free_text"):
        return shown.model_copy(update={"what": hidden(shown.what, "free_text")})
    if isinstance(shown, WishView):
        return shown.model_copy(update={"what": scrub(shown.what)})
    if isinstance(shown, SaidView):
        return shown.model_copy(update={"topic": scrub(shown.topic), "product": scrub(shown.product)})
    if isinstance(shown, Document):
        return _document(shown, sight)
    if isinstance(shown, dict):
        inner = {key: _masked(value, sight) for key, value in shown.items()}
        return inner if any(inner[key] is not value for key, value in shown.items()) else shown
    if isinstance(shown, list | tuple):
        parts = [_masked(each, sight) for each in shown]
        if all(map(operator.is_, parts, shown)):
            return shown
        if isinstance(shown, list):
            return parts
        return type(shown)(*parts) if hasattr(shown, "_fields") else tuple(parts)
    return shown


def _document(shown: Document, sight: Sight) -> Document:
    known: Mapping[str, Property] = sight.plan.traits
    if isinstance(shown, CompanyView):
        known = _of_companies(sight.plan)
    holding, called = _fields_of(type(shown))
    changed: dict[str, Any] = {}
    for name in holding:
        value = getattr(shown, name)
        if name == "traits" and isinstance(value, dict):
            changed[name] = _traits(value, known, sight)
        elif (seen := _masked(value, sight)) is not value:
            changed[name] = seen
    if isinstance(shown, CompanySummary) and not sight.shows_of_company("name"):
        changed["name"] = None  # lists have what events call it in its place
    # A company is called what who sees the list may see: `console.views.label`.
    nobodys = isinstance(shown, SearchHit | CaseRowView) and shown.company is not None
    if called and sight.of == "nothing" and isinstance(shown.label, str) and not nobodys:  # type: ignore[attr-defined]
        changed["label"] = hidden(shown.label, "name")  # type: ignore[attr-defined]
    return shown.model_copy(update=changed) if changed else shown


@cache
def _fields_of(kind: type[Document]) -> tuple[tuple[str, ...], bool]:
    """Fields of a kind of document that may hold others, in which there may be personal data; and whether it has a
    label."""
    fields = kind.model_fields
    return tuple(name for name, field in fields.items() if not _is_plain(field.annotation)), "label" in fields


def _is_plain(annotation: Any) -> bool:
    """Whether what is annotated so is a text, a number, or nothing."""
    if annotation in (str, int, float, bool, NoneType):
        return True
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _is_plain(inner[0])
    return origin is Literal or (origin in (Union, UnionType) and all(map(_is_plain, inner)))


def _identity(identity: ThinIdentity, sight: Sight) -> str:
    if identity.hashed:
        return identity.value
    pii = next((rule.pii for rule in sight.plan.identities if rule.type == identity.type), "unknown")
    return identity.value if sight.shows(pii) else str(hidden(identity.value, pii))


def _shown(told: ShownView, event: EventView, sight: Sight) -> ShownView:
    planned = sight.plan.shown_of(event.source, event.name).get(told.name)
    value = told.value
    if planned is None or not sight.shows(planned.pii):
        value = hidden(value.amount if isinstance(value, Money) else value, planned.pii if planned else "unknown")
    elif isinstance(value, str):
        value = scrub(value)
    return told.model_copy(update={"value": value})


def _traits(traits: Mapping[str, Any], known: Mapping[str, Property], sight: Sight) -> dict[str, Any]:
    return {
        name: figure.model_copy(update={"value": _value(figure.value, known.get(name), sight)})
        if isinstance(figure, Figure)
        else _masked(figure, sight)
        for name, figure in traits.items()
    }


def _value(value: Any, planned: Property | None, sight: Sight) -> Any:
    """A trait's value, or a part of it."""
    if planned is None or not sight.shows(planned.pii):
        return hidden(value, planned.pii if planned else "unknown")
    if isinstance(value, dict):
        parts = planned.properties or {}
        return {scrub(str(key)): _value(inner, parts.get(key), sight) for key, inner in value.items()}
    if isinstance(value, list):
        return [_value(inner, planned.items, sight) for inner in value]
    return scrub(value) if isinstance(value, str) and planned.pii == "none" else value
