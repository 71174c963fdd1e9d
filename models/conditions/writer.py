"""Writes conditions as Python, so that all rules of a plan are one function.

Every changed profile meets every rule, so conditions are the hottest of the plan's code. Each becomes one Python
expression over `p` (the profile), `now`, `names` (of the segments the customer is in), `limits` (`Ranks.limits`) and
`roles`, `bought`, `score` (of the profile): no call is made for a condition that needs none. The text holds only names
of ours and of constants; what the plan says is bound to those names, never pasted.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable
from typing import Any

from models.conditions.comparisons import TESTS, Comparison, eased
from models.conditions.ranks import Ranks
from models.conditions.where import is_narrowed

__all__ = ["Writer"]

_PROLOGUE = "roles, bought, score = p.roles, p.purchases, p.score"


class Writer:
    """Collects the constants and the prologue of the function that conditions are written into.

    Args:
        currency: of the plan, in whose major units sums are compared.
        ranks: where the limits of what ranks come from.
    """

    def __init__(self, currency: str, ranks: Ranks) -> None:
        self.currency = currency
        self.ranks = ranks
        self._constants: dict[str, Any] = {"max": max, "min": min}
        self._prepared: dict[Hashable, str] = {}  # what is worked out before all rules → the variable that holds it
        self._everybody: list[str] = []
        self._buyers: list[str] = []
        self._others: list[str] = []

    def bind(self, value: Any) -> str:
        """A name for a constant."""
        name = f"k{len(self._constants)}"
        self._constants[name] = value
        return name

    def bind_names(self, names: str | Collection[str]) -> str:
        """A name for a set of names, or of one."""
        return self.bind(frozenset([names] if isinstance(names, str) else names))

    def prepare(self, what: Hashable, expression: Callable[[], str], buyers: bool, nothing: Any = None) -> str:
        """The variable of what several conditions ask for, worked out once before all rules.

        Args:
            what: the same for those that share it.
            expression: writes it; called for the first that asks.
            buyers: work it out for who ordered only, so that visitors, who are most, are done with at once.
            nothing: its value for the others.
        """
        if what not in self._prepared:
            name = self._prepared[what] = f"m{len(self._prepared)}"
            (self._buyers if buyers else self._everybody).append(f"{name} = {expression()}")
            if buyers:
                self._others.append(f"{name} = {self.bind(nothing)}")
        return self._prepared[what]

    def function(self, arguments: str, lines: list[str]) -> Callable[..., Any]:
        """The function with these arguments and body."""
        prepared = list(self._everybody)
        if self._buyers:
            prepared += [f"if bought.orders: {'; '.join(self._buyers)}", f"else: {'; '.join(self._others)}"]
        text = "\n    ".join([f"def compiled({arguments}):", _PROLOGUE, *prepared, *lines])
        scope = dict(self._constants)
        exec(compile(text, "<conditions of the plan>", "exec"), scope)
        made: Callable[..., Any] = scope["compiled"]
        return made

    def compare(self, value: str, comparison: Comparison, margin: float, slack: int) -> str:
        """Whether a value satisfies every threshold, each eased by `slack` times the margin."""
        first, *rest = (
            f"v {sign} {eased(limit, easing, margin, slack)!r}" for sign, limit, easing in comparison.thresholds()
        )
        return "(" + " and ".join([first.replace("v", f"(v := {value})", 1), *rest]) + ")"

    def tally(self, key: str) -> str:
        """The tally of a role, or of a part of its events; None if there was none."""
        return f"{'p.narrowed' if is_narrowed(key) else 'roles'}.get({self.bind(key)})"

    def compare_tally(self, key: str, value: str, comparison: Comparison, margin: float, slack: int) -> str:
        """The same of a tally, which the value calls `t`; who never did it counts as zero."""
        compared = self.compare(value, comparison, margin, slack)
        never = all(
            TESTS[sign](0.0, eased(limit, easing, margin, slack)) for sign, limit, easing in comparison.thresholds()
        )
        return f"({compared} if (t := {self.tally(key)}) is not None else {never})"
