"""A learner's checkpoint: JSON in parts, most of which stay the same from one commit to the next.

JSON, because it outlives upgrades of River and can be read by people; Python writes floats so that they read back to
the same bits. In parts, because the store writes only those that have changed; for `model.snapshots` they are put
together into one document.
"""

from __future__ import annotations

import msgspec

from profiles.errors import Misconfigured

__all__ = ["FORMAT", "HEAD", "OtherFormat", "dump", "load", "panel_of", "parts_of"]

HEAD = "head"
"""The part that every checkpoint has."""

FORMAT = 5
"""Of the parts. A learner that finds parts of another one starts anew."""


class OtherFormat(Misconfigured):
    """This checkpoint was written by a version of Rapport that learned in another way."""


class _Document(msgspec.Struct, forbid_unknown_fields=True):
    """What `model.snapshots` carries."""

    panel: msgspec.Raw  # all that a scorer reads
    parts: dict[str, msgspec.Raw]
    format: int = 1


def dump(panel: bytes, parts: dict[str, bytes]) -> bytes:
    """Panel and parts as one document."""
    raw = {name: msgspec.Raw(parts[name]) for name in sorted(parts)}
    return msgspec.json.encode(_Document(msgspec.Raw(panel), raw, FORMAT))


def load(data: bytes) -> tuple[bytes, dict[str, bytes]]:
    """The panel and the parts that `dump` put together.

    Raises:
        OtherFormat: another version wrote it.
        Misconfigured: it is damaged.
    """
    try:
        document = msgspec.json.decode(data, type=_Document)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Misconfigured(f"this is no model checkpoint: {error}") from error
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


def parts_of(data: bytes) -> dict[str, bytes]:
    """The parts of a checkpoint.

    Raises:
        Misconfigured: it is damaged.
    """
    return load(data)[1]
