"""Segments: which of the plan's rules a customer satisfies, with hysteresis, and when silence may change it.

A rule holds only for who allows what it is for (`models.segments.purposes`). Of the rules of a `group` at most one
holds: who may stay in one of them enters no other, so that groups divide the customers without flutter.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import groupby
from typing import Any

from models.conditions.compiler import compile_crossings, write_known
from models.conditions.ranks import Ranks
from models.conditions.rules import SegmentRule
from models.conditions.tree import measures_of, segments_of
from models.conditions.writer import Writer
from models.population.snapshot import PopulationSnapshot
from models.segments.builtin import INTERNAL_SEGMENT
from models.segments.purposes import segment_needs
from profiles.consent import Consent, is_internal
from profiles.errors import Misconfigured
from profiles.types import Profile

__all__ = ["Segments", "compile_segments"]


class Segments:
    """The plan's segment rules, compiled. Pure: nothing here changes a profile."""

    def __init__(
        self,
        rules: Sequence[SegmentRule],
        currency: str,
        consent: Consent,
        population: Callable[[], PopulationSnapshot],
    ) -> None:
        self.rules = tuple(rules)
        self.names = tuple(rule.name for rule in rules)
        self.needs = segment_needs(rules)
        self.ranked = frozenset(rule.name for rule in rules if any(measures_of(*rule.conditions())))
        self._consent = consent
        self._ranks = Ranks(population, currency)
        self._evaluate = _compile(rules, Writer(currency, self._ranks), self.needs)
        self.conditions = [(rule.when, rule.margin) for rule in rules]
        self.conditions += [(rule.exit, 0.0) for rule in rules if rule.exit is not None]
        self._crossings = compile_crossings(self.conditions)

    def evaluate(self, profile: Profile, now: float) -> set[str]:
        """The segments the customer belongs to at `now`, given those in `profile.segments`."""
        denied = self._consent.denied(profile)
        found = self._evaluate(profile, now, profile.segments, denied, self._ranks.limits())
        return found & {INTERNAL_SEGMENT} if is_internal(profile) else found

    @property
    def version(self) -> int:
        """Of the population snapshot that the rules in `ranked` are decided by; 0 before the first."""
        return self._ranks.population().version

    def next_change(self, profile: Profile, now: float) -> float | None:
        """The earliest time after `now` at which a membership may change although nothing happens.

        Changes of the risk, its band and the stage come with a new score and are not foreseen here.
        """
        return self._crossings.next_change(profile, now)


def compile_segments(
    rules: Sequence[SegmentRule],
    currency: str,
    consent: Consent | None = None,
    population: Callable[[], PopulationSnapshot] = PopulationSnapshot.empty,
) -> Segments:
    """Compile the plan's segments.

    Args:
        rules: in the order of the plan.
        currency: of the plan.
        consent: what holds for customers; without it, what they said, and else all is granted.
        population: answers the newest one, by which customers are ranked.

    Raises:
        Misconfigured: a name is used twice, a rule refers to a segment that is not listed before it, or the rules of a
            group do not follow one another.
    """
    known: set[str] = set()
    groups = [name for name, _ in groupby(rule.group for rule in rules) if name is not None]
    for name in groups:
        if groups.count(name) > 1:
            raise Misconfigured(f"the segments of group {name} must follow one another")
    for rule in rules:
        if rule.name in known:
            raise Misconfigured(f"segment {rule.name} is defined twice")
        before = known - {other.name for other in rules if rule.group is not None and other.group == rule.group}
        for name in segments_of(*rule.conditions()):
            if name not in before:
                raise Misconfigured(
                    f"segment {rule.name} refers to {name}; list that one before it, and not in the same "
                    f"group (known: {', '.join(sorted(before)) or 'none'})"
                )
        known.add(rule.name)
    return Segments(rules, currency, consent or Consent(), population)


_Evaluate = Callable[[Profile, float, Collection[str], Collection[str], list[Any]], set[str]]


def _compile(rules: Sequence[SegmentRule], writer: Writer, needs: Mapping[str, Sequence[str]]) -> _Evaluate:
    """All rules as one function; a rule sees the segments found before it as `names`."""
    lines = ["names = set()"]
    for group, members in groupby(rules, key=lambda rule: rule.group):
        written = [_Written(writer, rule, needs[rule.name]) for rule in members]
        if group is None:
            lines += [rule.alone() for rule in written]
        else:
            # Only who is in none of the group's segments any more may enter one; what comes first in the plan wins.
            names = writer.bind(frozenset(rule.name for rule in written))
            lines += ["free = True", f"if current and not {names}.isdisjoint(current):"]
            lines += [f"    {rule.kept()}" for rule in written]
            lines += [rule.entered() for rule in written]
    return writer.function("p, now, current, denied, limits", [*lines, "return names"])


class _Written:
    """A rule in Python."""

    def __init__(self, writer: Writer, rule: SegmentRule, needs: Sequence[str]) -> None:
        self.name = rule.name
        self._name = writer.bind(rule.name)
        self._add = f"names.add({self._name})"
        self._enters = rule.when.write(writer, rule.margin, 0)
        if rule.exit is not None:
            self._stays = f"not {rule.exit.write(writer, 0.0, 0)}"
        else:
            self._stays = rule.when.write(writer, rule.margin, 1)
        known = write_known(writer, *rule.conditions())
        if known is not None:
            self._enters = f"({known} and {self._enters})"
            self._stays = f"(not {known} or {self._stays})"
        self._allowed = "".join(f"{writer.bind(purpose)} not in denied and " for purpose in needs)

    def alone(self) -> str:
        """Who stays or enters, whatever else they are in."""
        return f"if {self._allowed}({self._stays} if {self._name} in current else {self._enters}): {self._add}"

    def kept(self) -> str:
        """Who stays in this segment of a group."""
        return f"if free and {self._name} in current and {self._allowed}{self._stays}: {self._add}; free = False"

    def entered(self) -> str:
        """Who enters this segment of a group, being in none of it."""
        return f"if free and {self._allowed}{self._enters}: {self._add}; free = False"
