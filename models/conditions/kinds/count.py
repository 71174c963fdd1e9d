"""`count`: how often something happened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf

from pydantic import model_validator

from models.conditions.comparisons import Measured, eased, rank
from models.conditions.crossings import Find, Paths
from models.conditions.kind import Kind
from models.conditions.vocabulary import Vocabulary
from models.conditions.where import Narrowed, Where
from models.conditions.words import ENGLISH, Say
from models.conditions.writer import Writer
from models.durations import Duration
from profiles.types import Tally

__all__ = ["MOST_TIMES", "Count"]

MOST_TIMES = 64
"""How many of the latest times of a role a profile keeps at most, for what is counted within a window."""


class Count(Measured, Narrowed, Kind):
    """Events of a role, ever, or within the time up to now. It has a margin only if it is given one."""

    key = "count"
    examples = (
        "{count: purchase, at_least: 3}",
        "{count: ticket_opened, within: 30d, at_least: 3}",
        "{count: visit, within: 9d, above: 1, below: 4, margin: 0.4}",
        "{count: purchase, within: 21d, at_most: 1}",
        "{count: visit, where: {device: mobile}, within: 21d, at_least: 2}",
        "{count: cart, where: {category: shoes, weekday: [sat, sun]}, at_least: 1}",
    )

    count: str
    within: Duration | None = None

    @model_validator(mode="after")
    def _kept(self) -> Count:
        if max(self.windows().values(), default=0) > MOST_TIMES:
            raise ValueError(f"a profile keeps the latest {MOST_TIMES} times of a role; count to fewer within a window")
        return self

    def roles(self) -> Sequence[str]:
        return (self.count,)

    def windows(self) -> Mapping[str, int]:
        return {} if self.within is None else {self.key_of(self.count): max(self.ranks(self.margin or 0.0))}

    def narrowed(self) -> Sequence[tuple[str, Where]]:
        return self.narrowed_of(self.count)

    def write(self, writer: Writer, margin: float, slack: int) -> str:
        if self.within is None:
            return writer.compare_tally(self.key_of(self.count), "t.count", self, self.margin or 0.0, slack)
        tests = []  # of one of the latest times each, as points in time: to the bit what `_Leaving` tells
        for sign, limit, easing in self.thresholds():
            least = rank(eased(limit, easing, self.margin or 0.0, slack), sign)
            often = f"(len(r) >= {least} and r[-{least}] + {self.within!r} > now)" if least > 0 else "True"
            tests.append(often if sign in (">", ">=") else f"not {often}")
        recent = f"t.recent if (t := {writer.tally(self.key_of(self.count))}) is not None else ()"
        return f"((r := {recent}) is not None and {' and '.join(tests)})"

    def foresee(self, paths: Paths, margin: float) -> None:
        if self.within is not None:
            ranks = self.ranks(self.margin or 0.0)
            paths.of_role(self.key_of(self.count), _Leaving(self.within), (which for which in ranks if which > 0))

    def in_words(self, say: Say = ENGLISH) -> str:
        role, often = self.role_in_words(self.count, say), super().in_words(say)
        once = super().in_words().endswith(" 1")
        said = say("%(what)s %(often)s time" if once else "%(what)s %(often)s times", what=role, often=often)
        return (
            said if self.within is None else say("%(what)s within %(span)s", what=said, span=say.duration(self.within))
        )

    def problems(self, known: Vocabulary) -> Iterator[str]:
        yield from super().problems(known)
        yield from self.where_problems(self.count, known)


@dataclass(frozen=True)
class _Leaving:
    """The latest times of a role leave a window one after the other. The thresholds are ranks, the latest is 1."""

    length: float

    def __call__(self, ranks: list[float]) -> Find[Tally]:
        length, latest = self.length, [int(which) for which in reversed(ranks)]

        def find(tally: Tally, now: float) -> float:
            recent = tally.recent
            for which in latest:  # the older ones leave first
                if which <= len(recent) and (time := recent[-which] + length) > now:
                    return time
            return inf

        return find
