"""Segments: which of the plan's rules a customer satisfies, with hysteresis, and when silence may change it."""

from __future__ import annotations

from collections.abc import Sequence

from models.conditions import compile_condition
from models.config import InSegment, SegmentRule, leaves
from models.turns import compile_turns
from profiles.errors import Misconfigured
from profiles.types import Profile

__all__ = ["Segments", "compile_segments"]


class Segments:
    """The plan's segment rules, compiled. Pure: nothing here changes a profile."""

    def __init__(self, rules: Sequence[SegmentRule], currency: str) -> None:
        self.rules = tuple(rules)
        self.names = tuple(rule.name for rule in rules)
        self._compiled = [
            (
                rule.name,
                compile_condition(rule.when, currency, rule.margin),
                compile_condition(rule.exit, currency, 0.0) if rule.exit is not None else None,
            )
            for rule in rules
        ]
        self.conditions = [(rule.when, rule.margin) for rule in rules]
        self.conditions += [(rule.exit, 0.0) for rule in rules if rule.exit is not None]
        self._turns = compile_turns(self.conditions)

    def evaluate(self, profile: Profile, now: float) -> set[str]:
        """The segments the customer belongs to at `now`, given those in `profile.segments`."""
        current = profile.segments
        found: set[str] = set()
        for name, when, leave in self._compiled:
            if name not in current:
                inside = when(profile, now, found, 0)
            elif leave is not None:
                inside = not leave(profile, now, found, 0)
            else:
                inside = when(profile, now, found, 1)
            if inside:
                found.add(name)
        return found

    def next_change(self, profile: Profile, now: float) -> float | None:
        """The earliest time after `now` at which a membership may change although nothing happens.

        Changes of the risk, its band and the stage come with a new score and are not foreseen here.
        """
        return self._turns.next_change(profile, now)


def compile_segments(rules: Sequence[SegmentRule], currency: str) -> Segments:
    """Compile the plan's segments.

    Raises:
        Misconfigured: a name is used twice, or a rule refers to a segment that is not listed before it.
    """
    known: set[str] = set()
    for rule in rules:
        if rule.name in known:
            raise Misconfigured(f"segment {rule.name} is defined twice")
        for condition in (rule.when, rule.exit):
            for leaf in leaves(condition) if condition is not None else ():
                if isinstance(leaf, InSegment) and leaf.segment not in known:
                    raise Misconfigured(
                        f"segment {rule.name} refers to {leaf.segment}; list that one before it (known: "
                        f"{', '.join(sorted(known)) or 'none'})"
                    )
        known.add(rule.name)
    return Segments(rules, currency)
