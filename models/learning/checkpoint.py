"""A learner's checkpoint: JSON in parts, most of which stay the same from one commit to the next.

JSON, because it outlives upgrades of River and can be read by people; floats are written so that they read back to the
same bits. In parts, because the store writes only those that have changed; for `model.snapshots` they are put together
into one document. `discarded` says what a change of the plan or of Rapport makes of no use.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from models.churn.panel import MODELS
from models.codec import State, decode, encode
from models.config import ChurnConfig
from models.durations import format_duration
from models.features.table import SCHEMA
from profiles.errors import Misconfigured

__all__ = [
    "FORMAT", "HEAD", "Discarded", "Head", "OtherFormat", "Reached", "Taken", "discarded", "dump", "ends_by",
    "is_readable", "load", "panel_of", "parts_of", "prefix_of", "some",
]  # fmt: skip

HEAD = "head"
"""The part that every checkpoint has."""

FORMAT = 8
"""Of the parts. A learner that finds parts of another one starts anew."""


_PREFIX = "churn:"  # of the parts of a further definition of churn


class OtherFormat(Misconfigured):
    """This checkpoint was written by a version of Rapport that learned in another way."""


class Taken(State):
    """How many training records were taken, and what they were."""

    records: int = 0
    summaries: int = 0
    short: int = 0
    full: int = 0
    hindsight: int = 0
    treated: int = 0
    skipped: int = 0


class Head(State):
    """What a checkpoint was learned with, and how far it has come."""

    format: int
    schema: str  # of the features
    models: tuple[str, ...]
    label_horizon: float  # seconds
    horizon: float  # seconds
    counts: Taken
    trained_until: float
    next_fit: int  # order summaries at which models learn from orders again
    border: float = 0.0  # the latest that has come (`models.labels.held`)
    ends_by: str = ""  # what churn is, of a further definition


class Reached(msgspec.Struct):
    """How far the head of any format had come, as far as it says so."""

    trained_until: float = 0.0
    border: float = 0.0


class _Document(msgspec.Struct, forbid_unknown_fields=True):
    """What `model.snapshots` carries."""

    panel: msgspec.Raw  # all that a scorer reads
    parts: dict[str, msgspec.Raw]
    format: int = 1


def dump(panel: bytes, parts: dict[str, bytes]) -> bytes:
    """Panel and parts as one document."""
    raw = {name: msgspec.Raw(parts[name]) for name in sorted(parts)}
    return encode(_Document(msgspec.Raw(panel), raw, FORMAT))


def load(data: bytes) -> tuple[bytes, dict[str, bytes]]:
    """The panel and the parts that `dump` put together.

    Raises:
        OtherFormat: another version wrote it.
        Misconfigured: it is damaged.
    """
    document = decode(data, _Document, "the model checkpoint")
    if document.format != FORMAT:
        raise OtherFormat(f"the model checkpoint is of format {document.format}, this version reads {FORMAT}")
    if HEAD not in document.parts:
        raise Misconfigured("this is no model checkpoint: it says nothing of the learner")
    return bytes(document.panel), {name: bytes(part) for name, part in document.parts.items()}


def panel_of(data: bytes) -> bytes:
    """The JSON of the panel out of a checkpoint.

    Raises:
        Misconfigured: it is damaged.
    """
    return load(data)[0]


def some(parts: Mapping[str, bytes], prefix: str) -> dict[str, bytes]:
    """The parts whose name begins so, by the rest of their names."""
    return {name.removeprefix(prefix): part for name, part in parts.items() if name.startswith(prefix)}


def prefix_of(churn: str) -> str:
    """What the names of a definition's parts begin with; "" for the plan's own."""
    return f"{_PREFIX}{churn}:" if churn else ""


def parts_of(parts: Mapping[str, bytes], churn: str) -> dict[str, bytes]:
    """The parts of one definition's learner out of all, by their own names."""
    if not churn:
        return {name: part for name, part in parts.items() if not name.startswith(_PREFIX)}
    before = prefix_of(churn)
    return {name.removeprefix(before): part for name, part in parts.items() if name.startswith(before)}


@dataclass(frozen=True, slots=True)
class Discarded:
    """What is of no use, and why."""

    everything: bool  # else only what was learned from labels of the whole horizon
    reason: str
    records: int  # that were taken, and are of no use any more


class _Any(msgspec.Struct):
    """The head of any format."""

    format: Any = None
    counts: Any = None


def is_readable(head: bytes) -> bool:
    """Whether a checkpoint with this head is of the format of this version.

    Raises:
        Misconfigured: the head is damaged.
    """
    return bool(decode(head, _Any, "the head of the model checkpoint").format == FORMAT)


def ends_by(config: ChurnConfig) -> str:
    """What a further definition ends by, as JSON; "" of the plan's own."""
    return "" if config.definition is None else config.definition.ends_by.model_dump_json(exclude_defaults=True)


def discarded(head: bytes, config: ChurnConfig) -> Discarded | None:
    """What a learner of this plan discards of a checkpoint; None if it goes on from all of it.

    Args:
        head: the part of the checkpoint that every one has.
        config: of churn, from the plan.

    Raises:
        Misconfigured: the head is damaged.
    """
    found = decode(head, _Any, "the head of the model checkpoint")
    if found.format != FORMAT:
        records = found.counts.get("records") if isinstance(found.counts, dict) else None
        what = "it was learned by another version of Rapport"
        return Discarded(True, what, records if isinstance(records, int) else 0)
    whole = decode(head, Head, "the head of the model checkpoint")
    records = whole.counts.records
    if whole.schema != SCHEMA:
        return Discarded(True, "this version of Rapport computes other features", records)
    if whole.models != MODELS:
        return Discarded(True, "this version of Rapport has other models", records)
    if whole.ends_by != ends_by(config):
        return Discarded(True, "the plan means something else by it than before", records)
    for name, everything in (("label_horizon", True), ("horizon", False)):
        before, now = getattr(whole, name), getattr(config, name)
        if before != now:
            where = f"churn.{config.name}.{name}" if config.name else f"churn.{name}"
            reason = f"the plan's {where} is {format_duration(now)}, and was {format_duration(before)}"
            return Discarded(everything, reason, records if everything else whole.counts.full)
    return None
