"""Pack: the neutral event as it goes to `profile.events`, while what it holds is still at hand."""

from __future__ import annotations

import msgspec

from streams.steps.intake import Each, Intake, Item

__all__ = ["pack"]

_encode = msgspec.msgpack.Encoder().encode


def pack() -> Each:
    """The last step of a single event. It lets go of what was sent, which takes more room than all the rest."""

    def packed(batch: Intake, item: Item) -> None:
        item.packed = _encode(item.event)
        del item.raw, item.properties

    return Each("pack", packed)
