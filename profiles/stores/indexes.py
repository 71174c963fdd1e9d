"""Which index entries a document has. What commits write, a rebuild restores and a check compares follows from this."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

import msgspec

from profiles.types import Alert, Profile, Stay

__all__ = ["Entries", "alert_row", "entries_of"]

_pack = msgspec.msgpack.Encoder().encode
_NOWHERE: Mapping[str, Stay] = {}


class Entries(NamedTuple):
    """A profile's place in the indexes of its partition."""

    timer: float  # 0 for none
    risk: float | None
    recent: float | None  # None for a tombstone
    segments: Mapping[str, Stay]
    alerts: Collection[Alert]


def entries_of(profile: Profile) -> Entries:
    """A tombstone is in no index, except that the tombstone of an erased customer has a timer, at which it goes."""
    if profile.redirect:
        return Entries(profile.scheduled_at, None, None, _NOWHERE, ())
    score = profile.score
    risk = None if score is None else score.risk
    return Entries(profile.scheduled_at, risk, profile.updated, profile.segments, profile.alerts.values())


def alert_row(id_: str, alert: Alert) -> bytes:
    """What the index of alerts holds of an alert of this profile."""
    return _pack((id_, alert))
