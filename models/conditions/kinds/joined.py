"""`all`, `any`, `not`: conditions that join others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from models.conditions.kind import Kind
from models.conditions.words import ENGLISH, Say
from models.conditions.writer import Writer

if TYPE_CHECKING:
    from models.conditions.tree import Condition

__all__ = ["All", "Any_", "Not"]


class All(Kind):
    """Every one of these holds."""

    key = "all"
    examples = ("{all: [{risk: above 0.7}, {not: {band: high}}, {any: [{stage: loyal}, {identity: email}]}]}",)

    all: list[Condition] = Field(min_length=1)

    def parts(self) -> Sequence[Kind]:
        return self.all

    def write(self, writer: Writer, margin: float, slack: int) -> str:
        return "(" + " and ".join(part.write(writer, margin, slack) for part in self.all) + ")"

    def in_words(self, say: Say = ENGLISH) -> str:
        return say.all_of(_grouped(part, say) for part in self.all)


class Any_(Kind):  # noqa: N801  (Any is typing's)
    """At least one of these holds."""

    key = "any"
    examples = ("{any: [{since: purchase, more_than: 30d}, {all: [{band: high}, {stage: at_risk}]}]}",)

    any: list[Condition] = Field(min_length=1)

    def parts(self) -> Sequence[Kind]:
        return self.any

    def write(self, writer: Writer, margin: float, slack: int) -> str:
        return "(" + " or ".join(part.write(writer, margin, slack) for part in self.any) + ")"

    def in_words(self, say: Say = ENGLISH) -> str:
        return say.any_of(_grouped(part, say) for part in self.any)


class Not(Kind):
    """This does not hold."""

    key = "not"
    examples = ("{not: {decayed: visit, half_life: 2w, at_least: 0.5}}",)

    condition: Condition = Field(alias="not")

    def parts(self) -> Sequence[Kind]:
        return (self.condition,)

    def write(self, writer: Writer, margin: float, slack: int) -> str:
        return f"(not {self.condition.write(writer, margin, -slack)})"

    def in_words(self, say: Say = ENGLISH) -> str:
        return say("not %(what)s", what=_grouped(self.condition, say))


def _grouped(part: Kind, say: Say) -> str:
    said = part.in_words(say)
    return say("(%(what)s)", what=said) if isinstance(part, (All, Any_)) else said
