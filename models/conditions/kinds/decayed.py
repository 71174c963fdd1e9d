"""`decayed`: how much of something happens lately."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf, log2

from pydantic import field_validator

from models.conditions.comparisons import Measured, chosen
from models.conditions.crossings import MOMENT, Find, Paths
from models.conditions.kind import Kind
from models.conditions.vocabulary import Vocabulary
from models.conditions.where import Narrowed, Where
from models.conditions.words import ENGLISH, Say
from models.conditions.writer import Writer
from models.durations import Duration, format_duration
from profiles.types import HALF_LIVES, Tally

__all__ = ["Decayed"]


class Decayed(Measured, Narrowed, Kind):
    """Events of a role, each worth half after every half-life."""

    key = "decayed"
    examples = (
        "{decayed: visit, half_life: 2w, below: 0.5}",
        "{decayed: visit, half_life: 8w, at_least: 0.7, margin: 0.2}",
        "{decayed: visit, where: {os: iOS}, half_life: 2w, below: 0.5}",
    )

    decayed: str
    half_life: Duration = HALF_LIVES[0]

    @field_validator("half_life")
    @classmethod
    def _kept(cls, value: float) -> float:
        if value not in HALF_LIVES:
            raise ValueError(f"a profile keeps half-lives of {' and '.join(map(format_duration, HALF_LIVES))}")
        return value

    def roles(self) -> Sequence[str]:
        return (self.decayed,)

    def narrowed(self) -> Sequence[tuple[str, Where]]:
        return self.narrowed_of(self.decayed)

    def write(self, writer: Writer, margin: float, slack: int) -> str:
        which = HALF_LIVES.index(self.half_life)
        value = f"t.decayed[{which}] * 2.0 ** (min(t.last - now, 0.0) / {self.half_life!r})"
        return writer.compare_tally(self.key_of(self.decayed), value, self, chosen(self.margin, margin), slack)

    def foresee(self, paths: Paths, margin: float) -> None:
        levels = self.levels(chosen(self.margin, margin))
        paths.of_role(self.key_of(self.decayed), _Fading(self.half_life), (level for level in levels if level > 0))

    def in_words(self, say: Say = ENGLISH) -> str:
        role, often, half = self.role_in_words(self.decayed, say), super().in_words(say), say.duration(self.half_life)
        return say("recent %(what)s %(often)s (each halves in %(span)s)", what=role, often=often, span=half)

    def problems(self, known: Vocabulary) -> Iterator[str]:
        yield from super().problems(known)
        yield from self.where_problems(self.decayed, known)


@dataclass(frozen=True)
class _Fading:
    """A decayed count falls below one threshold after the other, the highest first."""

    half_life: float

    def __call__(self, levels: list[float]) -> Find[Tally]:
        which, half_life, falling = HALF_LIVES.index(self.half_life), self.half_life, levels[::-1]

        def find(tally: Tally, now: float) -> float:
            value, last = tally.decayed[which], tally.last
            for level in falling:
                if value > level and (time := last + half_life * log2(value / level) + MOMENT) > now:
                    return time
            return inf

        return find
