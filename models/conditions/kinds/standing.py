"""`segment`, `stage`: where the customer stands."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from models.conditions.kind import Kind
from models.conditions.vocabulary import Vocabulary, suggest
from models.conditions.words import ENGLISH, Say
from models.conditions.writer import Writer
from models.segments.lifecycle import AT_RISK, StageName

__all__ = ["InSegment", "Stage"]


class InSegment(Kind):
    """The customer is in a segment that the plan lists earlier."""

    key = "segment"
    examples = ("{segment: vip}",)

    segment: str

    def segments(self) -> Sequence[str]:
        return (self.segment,)

    def write(self, writer: Writer, margin: float, slack: int) -> str:
        return f"({writer.bind(self.segment)} in names)"

    def in_words(self, say: Say = ENGLISH) -> str:
        return say("in segment %(name)s", name=say.name(self.segment))

    def problems(self, known: Vocabulary) -> Iterator[str]:
        if self.segment not in known.segments:
            yield f"there is no segment '{self.segment}'{suggest(self.segment, known.segments)}"
        elif self.segment not in known.earlier:
            yield f"segment '{self.segment}' must be listed before it is used"


class Stage(Kind):
    """The lifecycle stage."""

    key = "stage"
    examples = ("{stage: loyal}", "{stage: [loyal, at_risk]}")

    stage: StageName | list[StageName]

    def looks_at_risk(self, profiled: Collection[str]) -> bool:
        return AT_RISK in ([self.stage] if isinstance(self.stage, str) else self.stage)

    def write(self, writer: Writer, margin: float, slack: int) -> str:
        return f"(p.stage in {writer.bind_names(self.stage)})"

    def in_words(self, say: Say = ENGLISH) -> str:
        return say("stage is %(value)s", value=say.names(self.stage))
