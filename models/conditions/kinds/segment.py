"""`segment`: membership of another segment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from models.conditions.kind import Kind
from models.conditions.vocabulary import Vocabulary, suggest
from models.conditions.writer import Writer

__all__ = ["InSegment"]


class InSegment(Kind):
    """The customer is in a segment that the plan lists earlier."""

    key = "segment"
    examples = ("{segment: vip}",)

    segment: str

    def segments(self) -> Sequence[str]:
        return (self.segment,)

    def write(self, writer: Writer, margin: float, slack: int) -> str:
        return f"({writer.bind(self.segment)} in names)"

    def in_words(self) -> str:
        return f"in segment {self.segment}"

    def problems(self, known: Vocabulary) -> Iterator[str]:
        if self.segment not in known.segments:
            yield f"there is no segment '{self.segment}'{suggest(self.segment, known.segments)}"
        elif self.segment not in known.earlier:
            yield f"segment '{self.segment}' must be listed before it is used"
