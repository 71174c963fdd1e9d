"""Labels that can be trusted: a snapshot of the features now, and what came of it once its horizon has passed.

Every customer who ordered is photographed once per `snapshot_every`, at a time spread by the hash of their id. The
photograph waits on the profile until the watermark has passed its horizon plus the allowed lateness; only then does it
leave as an example, whatever happened in between. Letting the good news out earlier would bias the model: the bad news
is never early. Features are those of then, never computed again.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence

import numpy as np

from models.config import ChurnConfig
from models.examples import Example
from models.features import SCHEMA, matrix, pack, raws
from profiles.types import Profile, Snapshot

__all__ = ["GONE", "THIN", "censor", "mature", "next_due", "next_snapshot", "take", "take_all"]

THIN, GONE = 4, 4
"""Of the snapshots of those silent for GONE horizons, one in THIN is taken and counts THIN times.

Thinning sooner or more does harm: 1 in 16 after two horizons took .006 off the AUC on CDNOW, because the heavy
examples use up the learning rate of FTRL.
"""


def next_snapshot(profile: Profile, now: float, config: ChurnConfig) -> float | None:
    """The next time after `now` at which this customer is due for a snapshot; None for who never ordered."""
    if not profile.purchases.orders:
        return None
    every = config.snapshot_every
    mark = zlib.crc32(profile.id.encode())
    phase = mark / 2**32 * every
    slot = math.floor((now - phase) / every) + 1
    while slot * every + phase <= now:  # the division may round down
        slot += 1
    if slot * every + phase - profile.purchases.last >= GONE * config.horizon:
        slot += -(slot + mark) % THIN
    return slot * every + phase


def take(profile: Profile, now: float, config: ChurnConfig, currency: str) -> bool:
    """`take_all` for one profile."""
    return bool(take_all([profile], now, config, currency))


def take_all(profiles: Sequence[Profile], now: float, config: ChurnConfig, currency: str) -> list[Profile]:
    """Keep a snapshot of the features at `now` on each profile. Call it for those whose `next_snapshot` has come.

    Returns:
        Those that were photographed. Left out is who never ordered, was just photographed, or has an event further
        ahead of `now` than the lateness. Up to that the snapshot is of the latest event, so that what its features
        know cannot be its label as well.
    """
    taken = [
        profile
        for profile in profiles
        if profile.purchases.orders
        and profile.updated <= now + config.lateness
        and not any(now - pending.at < 0.5 * config.snapshot_every for pending in profile.snapshots)
    ]
    if not taken:
        return []
    times = [max(now, profile.updated) for profile in taken]
    for profile, at, row in zip(taken, times, matrix(raws(taken, currency), np.array(times)), strict=True):
        weight = float(THIN) if at - profile.purchases.last >= GONE * config.horizon else 1.0
        profile.snapshots.append(Snapshot(at, at + config.label_horizon, SCHEMA, pack(row), weight))
    return taken


def mature(profile: Profile, watermark: float, config: ChurnConfig) -> list[Example]:
    """Take the snapshots whose label is final off the profile, as examples, oldest first.

    Args:
        profile: changed in place.
        watermark: the event time that has been reached; a label is final at its due time plus the lateness.
        config: the lateness.
    """
    done = [pending for pending in profile.snapshots if pending.due + config.lateness <= watermark]
    if not done:
        return []
    profile.snapshots = [pending for pending in profile.snapshots if pending.due + config.lateness > watermark]
    examples = []
    for pending in sorted(done, key=lambda snapshot: snapshot.at):
        ordered = _ordered(profile, pending.at, pending.due)
        if ordered is not None:
            examples.append(
                Example(profile.id, pending.at, pending.due, pending.schema, pending.x, ordered, pending.weight)
            )
    return examples


def _ordered(profile: Profile, after: float, until: float) -> bool | None:
    """Whether there was an order in (after, until]; None if the profile no longer knows."""
    bought = profile.purchases
    if any(after < time <= until for time in bought.recent):
        return True
    forgotten = bought.orders > len(bought.recent)
    return None if forgotten and bought.recent[0] > until else False


def next_due(profile: Profile, config: ChurnConfig) -> float | None:
    """When the earliest waiting label becomes final."""
    if not profile.snapshots:
        return None
    return min(pending.due for pending in profile.snapshots) + config.lateness


def censor(profile: Profile) -> int:
    """Drop what waits for a label: after a merge, an erasure or an objection nobody can say what it would have been.

    Returns:
        How many were dropped.
    """
    dropped = len(profile.snapshots)
    profile.snapshots = []
    return dropped
