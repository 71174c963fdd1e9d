"""`stage`: where the customer is in the lifecycle."""

from __future__ import annotations

from collections.abc import Collection

from models.conditions.kind import Kind
from models.conditions.words import either
from models.conditions.writer import Writer
from models.segments.lifecycle import AT_RISK, StageName

__all__ = ["Stage"]


class Stage(Kind):
    """The lifecycle stage."""

    key = "stage"
    examples = ("{stage: loyal}", "{stage: [loyal, at_risk]}")

    stage: StageName | list[StageName]

    def looks_at_risk(self, profiled: Collection[str]) -> bool:
        return AT_RISK in ([self.stage] if isinstance(self.stage, str) else self.stage)

    def write(self, writer: Writer, margin: float, slack: int) -> str:
        return f"(p.stage in {writer.bind_names(self.stage)})"

    def in_words(self) -> str:
        return f"stage is {either(self.stage)}"
