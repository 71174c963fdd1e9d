"""Conditions, compiled once per plan: whether they hold, and when time alone may turn them.

What ranks a customer among the others compares with limits that `models.conditions.ranks` works out once per
population. As long as the population snapshot does not know what a rule asks for, nobody enters by it and nobody
leaves: not even by what it says under `not`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

from models.conditions.crossings import Crossings, Paths
from models.conditions.kind import Kind
from models.conditions.ranks import Ranks
from models.conditions.tree import leaves, measures_of
from models.conditions.writer import Writer
from profiles.types import Profile

__all__ = ["Holds", "compile_condition", "compile_crossings", "write_known"]

Holds = Callable[[Profile, float, Collection[str], int, list[Any]], bool]
"""(profile, now, names of the segments the customer is in, slack, `Ranks.limits`) → whether the condition is true."""


def compile_condition(condition: Kind, currency: str, margin: float, ranks: Ranks) -> Holds:
    """One condition as a function of its own; see `Kind.write` for the arguments."""
    writer = Writer(currency, ranks)
    none, eased, tightened = (condition.write(writer, margin, slack) for slack in (0, 1, -1))
    known = write_known(writer, condition)
    lines = [f"if not {known}: return slack > 0"] if known else []
    lines += [f"if slack == 0: return {none}", f"return {eased} if slack > 0 else {tightened}"]
    return writer.function("p, now, names, slack, limits", lines)


def write_known(writer: Writer, *conditions: Kind) -> str | None:
    """An expression for whether the population snapshot knows all that conditions ask for; None: they ask nothing."""
    measures, clusters = measures_of(*conditions)
    return f"limits[{writer.ranks.known(measures, clusters)}]" if measures or clusters else None


def compile_crossings(rules: Iterable[tuple[Kind, float]]) -> Crossings:
    """The threshold crossings of conditions, each with the margin for measured values that set none of their own."""
    paths = Paths()
    for condition, margin in rules:
        for leaf in leaves(condition):
            leaf.foresee(paths, margin)
    return Crossings(paths)
