"""`trait`, `identity`: what is known about the customer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import inf
from typing import Any

from pydantic import Field, model_validator

from models.conditions.comparisons import TESTS, Comparison
from models.conditions.crossings import Find, Paths, first_after
from models.conditions.dates import Dated, date_of
from models.conditions.kind import Kind
from models.conditions.vocabulary import Vocabulary, suggest
from models.conditions.words import ENGLISH, Say
from models.conditions.writer import Writer
from profiles.claims import believed_trait
from profiles.types import Profile

__all__ = ["HasIdentity", "TraitIs"]


class TraitIs(Comparison, Dated, Kind):
    """What a trait is; of a date, how it lies to now. An absent trait satisfies only `exists: false`."""

    key = "trait"
    examples = (
        "{trait: country, is: NL}",
        "{trait: country, in: [NL, BE]}",
        "{trait: seats, above: 10}",
        "{trait: seats, exists: false}",
        "{trait: since, passed: 20d}",
        "{trait: since, lately: 400h, after: 2020-01-01}",
        "{trait: contract_ends, within: 30d}",
        "{trait: contract_ends, beyond: 7d, within: 30d}",
        "{trait: contract_ends, before: 2023-12-01}",
    )

    trait: str
    equals: Any = Field(default=None, alias="is")
    one_of: list[Any] | None = Field(default=None, alias="in", min_length=1)
    exists: bool | None = None

    @model_validator(mode="after")
    def _one_question(self) -> TraitIs:
        equals, others = "equals" in self.model_fields_set, (self.one_of is not None, self.exists is not None)
        if sum((equals, *others, self.compares, self.dates)) != 1:
            raise ValueError("ask one thing of a trait: is, in, exists, a comparison, or when it is")
        return self

    def write(self, writer: Writer, margin: float, slack: int) -> str:
        return f"{writer.bind(_when(self))}(p, now)" if self.dates else f"{writer.bind(_test(self))}(p)"

    def foresee(self, paths: Paths, margin: float) -> None:
        if lengths := self.lengths():
            paths.of_everybody(_DateOf(self.trait), lengths)

    def in_words(self, say: Say = ENGLISH) -> str:
        what = say.name(self.trait)
        if self.exists is not None:
            return say("%(what)s is known" if self.exists else "%(what)s is unknown", what=what)
        if self.compares:
            return f"{what} {Comparison.in_words(self, say)}"
        if self.one_of is not None:
            value = say.either(self.one_of)
        else:
            value = Dated.in_words(self, say) if self.dates else say.value(self.equals)
        return say("%(what)s is %(value)s", what=what, value=value)

    def problems(self, known: Vocabulary) -> Iterator[str]:
        if self.trait not in known.traits:
            yield f"there is no trait '{self.trait}'{suggest(self.trait, known.traits)}"
        elif self.dates and known.dates is not None and self.trait not in known.dates:
            yield f"trait '{self.trait}' is no date{suggest(self.trait, known.dates)}"
        elif values := known.traits[self.trait]:
            for value in self.one_of or ([] if self.equals is None else [self.equals]):
                if value not in values:
                    yield f"trait '{self.trait}' is never {value!r}; it is one of {', '.join(map(str, values))}"


class HasIdentity(Kind):
    """The customer has an identity of this type."""

    key = "identity"
    examples = ("{identity: user_id}",)

    identity: str

    def write(self, writer: Writer, margin: float, slack: int) -> str:
        return f"bool(p.identities.get({writer.bind(self.identity)}))"

    def in_words(self, say: Say = ENGLISH) -> str:
        return say("known by %(name)s", name=say.name(self.identity))

    def problems(self, known: Vocabulary) -> Iterator[str]:
        if self.identity not in known.identities:
            yield f"there is no identity '{self.identity}'{suggest(self.identity, known.identities)}"


@dataclass(frozen=True)
class _DateOf:
    """How far a trait lies ahead, or behind."""

    trait: str

    def __call__(self, lengths: list[float]) -> Find[Profile]:
        name = self.trait

        def find(profile: Profile, now: float) -> float:
            held = believed_trait(profile, name)
            date = date_of(held[0]) if held is not None else None
            return inf if date is None else first_after(lengths, date, now)

        return find


def _when(condition: TraitIs) -> Callable[[Profile, float], bool]:
    name, test = condition.trait, condition.test()

    def holds(profile: Profile, now: float) -> bool:
        held = believed_trait(profile, name)
        date = date_of(held[0]) if held is not None else None
        return date is not None and test(date, now)

    return holds


def _test(condition: TraitIs) -> Callable[[Profile], bool]:
    name, equals, one_of, exists = condition.trait, condition.equals, condition.one_of, condition.exists
    limits = [(TESTS[sign], limit) for sign, limit, _ in condition.thresholds()]

    def holds(profile: Profile) -> bool:
        held = believed_trait(profile, name)
        value: Any = held[0] if held is not None else None
        if exists is not None:
            return (value is not None) == exists
        if value is None:
            return False
        if limits:
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            return number and all(test(value, limit) for test, limit in limits)
        return value in one_of if one_of is not None else bool(value == equals)

    return holds
