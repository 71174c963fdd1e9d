"""Consent: what an event says about what its customer allows, as traits of ours.

It is said in three places: by a trait of an identify call, by `context.consent.categoryPreferences` of any event, and
by an event of the role `consent` (its properties `purpose` and `granted`). Which belongs to which purpose is in the
plan. Only true and false say something. If one event says both yes and no to a purpose, it is a no.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from plan import Plan
from profiles.consent import is_consent, trait_of
from profiles.types import Event
from streams.steps.intake import Each, Intake, Item

__all__ = ["consent"]

_TOLD = 20  # forged traits of one event that are told of

Statements = Iterator[tuple[str, Any]]
"""(purpose, what was said)."""


def consent(plan: Plan) -> Each:
    """The step that writes consent as traits.

    Traits that bear our names are taken out of what was sent: nobody else writes them.
    """
    purposes = plan.file.consent
    of_trait = [(spec.trait, purpose) for purpose, spec in purposes.items() if spec.trait]
    of_category = [(spec.category, purpose) for purpose, spec in purposes.items() if spec.category]
    spoken = {purpose: [purpose] for purpose in purposes}
    for category, purpose in of_category:
        spoken[category] = [*spoken.get(category, ()), purpose]

    def statements(item: Item, traits: dict[str, Any]) -> Statements:
        for name, purpose in of_trait:
            if name in traits:
                yield purpose, traits[name]
        if (preferences := _preferences(item.raw)) is not None:
            for category, purpose in of_category:
                yield purpose, preferences.get(category)
        if item.rule is not None and item.rule.role == "consent":
            named = item.properties.get("purpose")
            for purpose in spoken.get(named, ()) if isinstance(named, str) else ():
                yield purpose, item.properties.get("granted")

    def note(batch: Intake, item: Item) -> None:
        event = item.event
        if event is None or _says_nothing(event, item):
            return
        traits = event.traits
        if forged := [name for name in traits if is_consent(name)]:
            traits = {name: value for name, value in traits.items() if not is_consent(name)}
            event.violations = [*event.violations, *(f"traits.{name}: is not for senders" for name in forged[:_TOLD])]
        said: dict[str, bool] = {}
        for purpose, value in statements(item, traits):
            if type(value) is bool:
                said[trait_of(purpose)] = value and said.get(trait_of(purpose), True)
        if said or forged:
            event.traits = {**traits, **said}

    return Each("consent", note)


def _says_nothing(event: Event, item: Item) -> bool:
    """Whether there is no place in an event that could say anything: so nearly all of them."""
    if event.traits or (item.rule is not None and item.rule.role == "consent"):
        return False
    context = item.raw.get("context")
    return type(context) is not dict or "consent" not in context


def _preferences(raw: dict[str, Any]) -> dict[str, Any] | None:
    context = raw.get("context")
    stated = context.get("consent") if type(context) is dict else None
    preferences = stated.get("categoryPreferences") if type(stated) is dict else None
    return preferences if type(preferences) is dict else None
