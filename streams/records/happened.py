"""What `profile.events` carries, as those read it who change profiles."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import msgspec

from profiles.types import Absorb, AlertCommand, Erase, Event, Forget, Join, Lift, Merge, Record, Share, Split

__all__ = ["read_record"]

read_record = cast(
    Callable[[bytes], Record],
    msgspec.msgpack.Decoder(
        Event[msgspec.Raw] | Merge | Absorb | AlertCommand | Erase | Lift | Split | Share | Join | Forget
    ).decode,
)
"""A record of its bytes. Properties and context of an event stay as they are in them, a `msgspec.Raw`: a profile looks
at them only where the plan narrows the event's role, reading them would take as long as all the rest, and an event that
is sent on carries them along.

Raises:
    msgspec.DecodeError: it is no such record.
"""
