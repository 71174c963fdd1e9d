"""What a change of the plan or of Rapport makes of no use: all that was learned, or what was of the whole horizon."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models.config import ChurnConfig
from models.durations import format_duration
from models.features.features import SCHEMA
from models.learning.checkpoint import FORMAT

__all__ = ["Discarded", "discarded"]


@dataclass(frozen=True, slots=True)
class Discarded:
    """What is of no use, and why."""

    everything: bool  # else only what was learned from labels of the whole horizon
    reason: str
    records: int  # that were taken, and are of no use any more


def discarded(head: Mapping[str, Any], config: ChurnConfig) -> Discarded | None:
    """What a learner of this plan discards of a checkpoint; None if it goes on from all of it.

    Args:
        head: the part of the checkpoint that every one has.
        config: of churn, from the plan.

    Raises:
        KeyError: the head is of this format, and not whole.
    """
    counts = head.get("counts")
    records, full = _count(counts, "records"), _count(counts, "full")
    if head.get("format") != FORMAT:
        return Discarded(True, "it was learned by another version of Rapport", records)
    if head["schema"] != SCHEMA:
        return Discarded(True, "this version of Rapport computes other features", records)
    for name, everything in (("label_horizon", True), ("horizon", False)):
        before, now = head[name], getattr(config, name)
        if before != now:
            reason = f"the plan's churn.{name} is {format_duration(now)}, and was {format_duration(before)}"
            return Discarded(everything, reason, records if everything else full)
    return None


def _count(counts: Any, name: str) -> int:
    """Of another format it may be anything."""
    found = counts.get(name) if isinstance(counts, dict) else None
    return found if isinstance(found, int) else 0
