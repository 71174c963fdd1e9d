"""Audiences as a table against the rest of the plan: does what leaves exist, and may it leave as it is to?"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from models.conditions.rules import SegmentRule, of_grain
from models.conditions.vocabulary import suggest
from plan.model import Trait
from plan.sinks.audience_table import AudiencesSpec
from plan.source_map import Location
from profiles.identity.extract import IdentityRule

__all__ = ["audience_problems", "audience_warnings"]

_NO_PERSON = ("id", "none")  # classes of personal data that say by themselves of nobody who they are


def audience_problems(
    audiences: AudiencesSpec,
    *,
    segments: Collection[SegmentRule],
    segment_names: Collection[str],
    identities: Iterable[IdentityRule],
    identity_types: Collection[str],
    trait_names: Collection[str],
) -> Iterator[tuple[Location, str]]:
    """What cannot be meant.

    Args:
        audiences: that parsed.
        segments, identities: those that parsed; of segments those that every plan has, too.
        segment_names, identity_types, trait_names: all that the plan declares.
    """
    of_companies = {rule.name for rule in of_grain(segments, "company")}
    place: Location
    for number, name in enumerate(audiences.segments):
        place = ("audiences", "segments", number)
        if name not in segment_names:
            yield place, f"there is no segment '{name}'{suggest(name, segment_names)}"
        elif name in of_companies:
            yield place, f"segment '{name}' is about companies, which are written to no table"
        elif name in audiences.segments[:number]:
            yield place, f"segment '{name}' is named twice"
    hashed = {rule.type for rule in identities if rule.hashed}
    for kind, how in audiences.identities.items():
        place = ("audiences", "identities", kind)
        if kind not in identity_types:
            yield place, f"there is no identity '{kind}'{suggest(kind, identity_types)}"
        elif how == "sha256" and kind in hashed:
            yield (
                place,
                f"'{kind}' is held as a keyed hash, of which nobody can make a SHA-256; write plain for that hash, "
                "name a trait that has the value, or hold the identity as it is (`held: plain`)",
            )
    for name in audiences.traits:
        if name not in trait_names:
            yield ("audiences", "traits", name), f"there is no trait '{name}'{suggest(name, trait_names)}"


def audience_warnings(
    audiences: AudiencesSpec | None, *, traits: Mapping[str, Trait], identities: Iterable[IdentityRule]
) -> Iterator[tuple[Location, str]]:
    """What is allowed, but should be meant: personal data that leave as they are."""
    if audiences is None:
        return
    for name, how in audiences.traits.items():
        if how == "plain" and name in traits and traits[name].pii not in _NO_PERSON:
            yield ("audiences", "traits", name), f"personal data (pii: {traits[name].pii}) leave as they are"
    for rule in identities:
        if audiences.identities.get(rule.type) == "plain" and not rule.hashed and rule.pii not in _NO_PERSON:
            yield ("audiences", "identities", rule.type), f"personal data (pii: {rule.pii}) leave as they are"
