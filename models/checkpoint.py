"""A learner's checkpoint: one JSON document with the model to score with and everything needed to learn on.

JSON, because it outlives upgrades of River and can be read by people; Python writes floats so that they read back to
the same bits.
"""

from __future__ import annotations

import base64
from typing import Any

import msgspec

from profiles.errors import Misconfigured

__all__ = ["Checkpoint", "dump", "load", "panel_of"]

_FORMAT = 2


class Checkpoint(msgspec.Struct, forbid_unknown_fields=True):
    """What `model.snapshots` carries."""

    panel: msgspec.Raw  # JSON of the panel: all that a scorer reads
    schema: str  # of the features
    label_horizon: float  # seconds; another one would make other labels
    model: dict[str, Any]  # state of the hazard model
    quality: dict[str, dict[str, Any]]  # state of the figures, by model
    classes: tuple[int, int]  # negatives and positives learned
    learned_speaks: bool
    trained_until: float
    seen: str  # digests of the latest examples, eight bytes each, base64
    skipped: int = 0  # examples refused or repeated
    format: int = _FORMAT


class _Head(msgspec.Struct):
    panel: msgspec.Raw


def dump(checkpoint: Checkpoint) -> bytes:
    """The checkpoint as JSON."""
    return msgspec.json.encode(checkpoint)


def load(data: bytes) -> Checkpoint:
    """The checkpoint that `dump` wrote.

    Raises:
        Misconfigured: it is damaged, or of another format.
    """
    try:
        checkpoint = msgspec.json.decode(data, type=Checkpoint)
        base64.b64decode(checkpoint.seen, validate=True)
    except (msgspec.MsgspecError, ValueError) as error:
        raise Misconfigured(f"this is no model checkpoint: {error}") from error
    if checkpoint.format != _FORMAT:
        raise Misconfigured(f"the model checkpoint is of format {checkpoint.format}, this version reads {_FORMAT}")
    return checkpoint


def panel_of(data: bytes) -> bytes:
    """The JSON of the panel out of a checkpoint; quick, since the rest is left unread.

    Raises:
        Misconfigured: it is damaged.
    """
    try:
        head = msgspec.json.decode(data, type=_Head)
    except msgspec.MsgspecError as error:
        raise Misconfigured(f"this is no model checkpoint: {error}") from error
    return bytes(head.panel)
