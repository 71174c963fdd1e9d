"""What is asked and answered of a segment before it is saved."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from console.views.documents import Document, ProfileSummary, Time

__all__ = ["PreviewRequest", "PreviewRow", "SegmentPreview"]

_RULE = "As in a plan: `name`, `when` and the rest."
_CONDITION = "As in a plan; instead of a rule."


class PreviewRequest(BaseModel):
    """A segment that may be saved one day, and from where on to look at the customers."""

    model_config = ConfigDict(extra="forbid")

    condition: dict[str, Any] | None = Field(None, description=_CONDITION, examples=[{"quantile": "net", "top": 0.1}])
    rule: dict[str, Any] | None = Field(None, description=_RULE)
    name: str | None = Field(None, description="Of the segment that the condition shall replace; compares with that.")
    others: list[dict[str, Any]] | None = Field(None, description="Rules that it may use; those of the plan if absent.")
    limit: Annotated[int, Field(ge=0, le=100)] = 20  # rows of each sample
    cursor: str | None = Field(None, description="`next` of the page before.")


class PreviewRow(ProfileSummary):
    """A customer whom the segment would hold, or would no longer hold."""

    change: Literal["enters", "stays", "leaves"]


class SegmentPreview(Document):
    """A part of the customers, judged. Add the parts up until `next` is null."""

    name: str
    words: str = Field(description="The rule in plain words.")
    at: Time = Field(description="On the clock of the workers' timers.")
    total: int = Field(description="All profiles there are.")
    looked_at: int = Field(description="In this part.")
    inside: int = Field(description="Who would be in the segment: those who enter and those who stay.")
    enters: int
    leaves: int
    sample: list[PreviewRow] = Field(description="Of those inside, the highest risk first.")
    leaving: list[PreviewRow] = Field(description="Of those who would leave, the highest risk first.")
    population: int = Field(description="Version of what customers are ranked by; 0 before the first census.")
    warnings: list[str]
    next: str | None
