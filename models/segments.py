"""Segments: which of the plan's rules a customer satisfies, with hysteresis, and when silence may change it.

A rule holds only for who allows what it is for (`models.purposes`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from models.conditions import Writer
from models.config import InSegment, SegmentRule, leaves
from models.purposes import segment_needs
from models.turns import compile_turns
from profiles.consent import Consent
from profiles.errors import Misconfigured
from profiles.types import Profile

__all__ = ["Segments", "compile_segments"]


class Segments:
    """The plan's segment rules, compiled. Pure: nothing here changes a profile."""

    def __init__(self, rules: Sequence[SegmentRule], currency: str, consent: Consent) -> None:
        self.rules = tuple(rules)
        self.names = tuple(rule.name for rule in rules)
        self.needs = segment_needs(rules)
        self._consent = consent
        self._evaluate = _compile(rules, currency, self.needs)
        self.conditions = [(rule.when, rule.margin) for rule in rules]
        self.conditions += [(rule.exit, 0.0) for rule in rules if rule.exit is not None]
        self._turns = compile_turns(self.conditions)

    def evaluate(self, profile: Profile, now: float) -> set[str]:
        """The segments the customer belongs to at `now`, given those in `profile.segments`."""
        return self._evaluate(profile, now, profile.segments, self._consent.denied(profile))

    def next_change(self, profile: Profile, now: float) -> float | None:
        """The earliest time after `now` at which a membership may change although nothing happens.

        Changes of the risk, its band and the stage come with a new score and are not foreseen here.
        """
        return self._turns.next_change(profile, now)


def compile_segments(rules: Sequence[SegmentRule], currency: str, consent: Consent | None = None) -> Segments:
    """Compile the plan's segments.

    Args:
        rules: in the order of the plan.
        currency: of the plan.
        consent: what holds for customers; without it, what they said, and else all is granted.

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
    return Segments(rules, currency, consent or Consent())


_Evaluate = Callable[[Profile, float, Collection[str], Collection[str]], set[str]]


def _compile(rules: Sequence[SegmentRule], currency: str, needs: Mapping[str, Sequence[str]]) -> _Evaluate:
    """All rules as one function; a rule sees the segments found before it as `names`."""
    writer = Writer(currency)
    lines = ["names = set()"]
    for rule in rules:
        name = writer.bind(rule.name)
        enters = writer.write(rule.when, rule.margin, 0)
        if rule.exit is not None:
            stays = f"not {writer.write(rule.exit, 0.0, 0)}"
        else:
            stays = writer.write(rule.when, rule.margin, 1)
        allowed = "".join(f"{writer.bind(purpose)} not in denied and " for purpose in needs[rule.name])
        lines.append(f"if {allowed}({stays} if {name} in current else {enters}): names.add({name})")
    return writer.function("p, now, current, denied", [*lines, "return names"])
