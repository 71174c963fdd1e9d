"""Labels that can be trusted: a snapshot of the features now, and what came of it once its horizon has passed.

A snapshot of every customer who ordered is taken every four weeks, or as often as the plan says
(`churn.snapshot_every`), at times spread by the hash of their id. Each snapshot waits on the profile for the label of
the label horizon, and one in `churn.panel` also for that of the whole churn horizon. Twice as many wait until hindsight
tells whether their customer had left or was about to (`models.leaving.hindsight`). A label leaves when its horizon
and the allowed lateness have passed for the partition's labels (`models.labels.outages.label_clock`), whatever happened
in between. Letting the good news out earlier would bias the model: the bad news is never early. Features are those of
then, never computed again.

Nothing is learned from a label that nobody can know: of a customer who was merged, erased or objected, of orders that
a profile has forgotten, of a horizon that outages hide.
"""

from __future__ import annotations

import math
import zlib
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.churn.lifetimes import visits
from models.churn.panel import Panel
from models.config import ChurnConfig
from models.durations import WEEK
from models.features.matrix import matrix
from models.features.orders import occasions
from models.features.reading import raws
from models.features.table import NAMES, SCHEMA
from models.labels.examples import Example, OrderSummary
from models.labels.groups import groups_of
from models.labels.outages import Outages, hidden
from models.labels.outcomes import can_leave, held, keep, last_sign, stayed, waited
from models.labels.treatment import held_out, treated
from models.leaving.hindsight import waits_for
from profiles.types import Churn, Profile, Snapshot

__all__ = ["GONE", "THIN", "Tally", "censor", "follow", "mature", "next_due", "next_snapshot", "take", "take_all"]

THIN, GONE = 4, 4
"""Of the snapshots of those silent for GONE horizons, one in THIN is taken and counts THIN times.

Thinning sooner or more does harm: 1 in 16 after two horizons took .006 off the AUC on CDNOW, because the heavy
examples use up the learning rate of FTRL.
"""

Tally = Counter[tuple[str, str]]
"""What became of labels: (horizon, outcome) → how many."""

Horizon = Literal["short", "full", "hindsight"]

_OFTEN = 2  # times as many snapshots wait for hindsight as for the churn horizon
_BITS = -(-len(NAMES) // 8)  # bytes that say which features of a snapshot are not zero


def next_snapshot(profile: Profile, now: float, config: ChurnConfig) -> float | None:
    """The next time after `now` at which this customer is due for a snapshot; None for who never ordered."""
    if not can_leave(profile, now, config):
        return None
    every, phase = config.snapshot_every, _phase(profile, config)
    slot = math.floor((now - phase) / every) + 1
    while slot * every + phase <= now:  # the division may round down
        slot += 1
    if slot * every + phase - last_sign(profile, config) >= GONE * config.horizon:
        slot += -(slot + _mark(profile)) % THIN
    return slot * every + phase


def take(profile: Profile, now: float, config: ChurnConfig, currency: str, panel: Panel | None = None) -> bool:
    """`take_all` for one profile; whether a snapshot was taken."""
    return bool(take_all([profile], now, config, currency, panel))


def take_all(
    profiles: Sequence[Profile], now: float, config: ChurnConfig, currency: str, panel: Panel | None = None
) -> list[OrderSummary]:
    """Keep a snapshot of the features at `now` on each profile. Call it for those whose `next_snapshot` has come.

    Args:
        profiles: changed in place.
        now: the time.
        config: horizons and cadence.
        currency: of the plan.
        panel: the models whose word is kept with what waits for the whole horizon; None keeps none.

    Returns:
        An order summary of each snapshot taken. Left out is who never ordered, has a recent snapshot, or has an
        event further ahead of `now` than the lateness. Up to that the snapshot is of the latest event, so that what its
        features know cannot be its label as well.
    """
    taken = [profile for profile in profiles if _is_ready(profile, now, config)]
    if not taken:
        return []
    times = np.array([max(now, profile.updated) for profile in taken])
    rows = raws(taken, currency)
    turns = [_turn(profile, at, config) for profile, at in zip(taken, times.tolist(), strict=True)]
    waits = np.array([turn % config.panel == 0 for turn in turns])
    said = iter(_said(panel, rows[waits], times[waits], config))
    model = panel.champion.id if panel is not None else ""
    packed = _without_zeros(matrix(rows, times))
    for profile, at, x, turn, whole in zip(taken, times.tolist(), packed, turns, waits.tolist(), strict=True):
        gone = at - last_sign(profile, config) >= GONE * config.horizon
        snapshot = Snapshot(at, at + config.label_horizon, SCHEMA, x, THIN if gone else 1)
        snapshot.model, snapshot.segments = model, list(profile.segments)
        if whole:
            snapshot.full, snapshot.risks = at + config.horizon, next(said)
            snapshot.groups = groups_of(profile, config.groups)
        if config.definition is None and turn % max(config.panel // _OFTEN, 1) == 0:
            snapshot.late = at + waits_for(config)
        keep(profile, config).snapshots.append(snapshot)
    return [_summary(profile, at) for profile, at in zip(taken, times.tolist(), strict=True)]


def mature(
    profile: Profile, reached: float, config: ChurnConfig, outages: Outages = (), tally: Tally | None = None
) -> list[Example]:
    """Take the labels that are final off the profile, as examples, oldest snapshot first.

    Args:
        profile: changed in place.
        reached: the time that labels have reached; one is final at the end of its horizon plus the lateness.
        config: the lateness, and who is held out.
        outages: a label whose horizon they hide is dropped when it would leave.
        tally: counts what became of labels: `order`, `no_order`, `forgotten` (nobody knows any more), `outage`.
    """
    holder = held(profile, config)
    if not holder.snapshots or (next_due(profile, config) or 0.0) > reached:
        return []
    examples: list[Example] = []
    tally = Counter() if tally is None else tally
    for pending in sorted(holder.snapshots, key=lambda snapshot: snapshot.at):
        if _earliest(pending) + config.lateness > reached:
            continue
        pending.due = _release(profile, pending, "short", pending.due, reached, config, outages, examples, tally)
        pending.full = _release(profile, pending, "full", pending.full, reached, config, outages, examples, tally)
        pending.late = _release(profile, pending, "hindsight", pending.late, reached, config, outages, examples, tally)
    holder.snapshots = [pending for pending in holder.snapshots if any(end for _, end in _ends(pending))]
    _forget_signs(holder)
    return examples


def _forget_signs(holder: Profile | Churn) -> None:
    if isinstance(holder, Churn) and holder.signs:
        waiting = {pending.at for pending in holder.snapshots}
        holder.signs = {at: sign for at, sign in holder.signs.items() if at in waiting}


def _release(
    profile: Profile,
    pending: Snapshot,
    horizon: Horizon,
    end: float,
    reached: float,
    config: ChurnConfig,
    outages: Outages,
    examples: list[Example],
    tally: Tally,
) -> float:
    """The end of a horizon that is still to be waited for; 0 if the label has left or never will.

    The only way out for a label, of either horizon and either answer: what the answer is, is asked after the time.
    """
    if not end:
        return 0
    if end + config.lateness > reached:
        return end
    if hidden(outages, pending.at, end):
        tally[horizon, "outage"] += 1
        return 0
    ordered = stayed(profile, pending.at, end, config)
    tally[horizon, "forgotten" if ordered is None else "order" if ordered else "no_order"] += 1
    if ordered is not None:
        examples.append(
            Example(
                profile.id,
                pending.at,
                end,
                pending.schema,
                _with_zeros(pending),
                ordered,
                float(pending.weight),
                horizon,
                pending.risks if horizon == "full" else b"",
                pending.model,
                pending.segments,
                treated(profile, pending, end),
                held_out(profile.id, config.hold_out),
                groups=pending.groups if horizon == "full" else [],
                first=waited(profile, pending.at, end, config) if ordered else 0.0,
                seen=_summary(profile, max(end, profile.updated)) if horizon == "hindsight" else None,
            )
        )
    return 0


def next_due(profile: Profile, config: ChurnConfig) -> float | None:
    """When the earliest waiting label, of either horizon, becomes final."""
    if not (waiting := held(profile, config).snapshots):
        return None
    return min(map(_earliest, waiting)) + config.lateness


def censor(profile: Profile, since: float = -math.inf, tally: Tally | None = None) -> int:
    """Drop what waits for a label: after a merge, an erasure or an objection nobody can say what it would have been.

    Args:
        profile: changed in place.
        since: snapshots from before this time stay; of further definitions none do.
        tally: counts the labels as `censored`.

    Returns:
        How many snapshots were dropped.
    """
    dropped = [pending for pending in profile.snapshots if pending.at >= since]
    if dropped:
        profile.snapshots = [pending for pending in profile.snapshots if pending.at < since]
    for churn in (profile.churns or {}).values():
        dropped += churn.snapshots
        churn.snapshots, churn.signs = [], {}
    if tally is not None:
        for pending in dropped:
            tally.update((horizon, "censored") for horizon, end in _ends(pending) if end)
    return len(dropped)


def follow(churn: Churn, meaning: int, tally: Tally) -> None:
    """Drop what waits for a label by another meaning of a further definition than the plan's of now: signs of life were
    noted by that one, and what is asked by this.

    Args:
        churn: changed in place.
        meaning: a hash of what the definition ends by.
        tally: counts the labels as `censored`.
    """
    if churn.meaning not in (0, meaning):
        for pending in churn.snapshots:
            tally.update((horizon, "censored") for horizon, end in _ends(pending) if end)
        churn.snapshots, churn.signs = [], {}
    churn.meaning = meaning


def _ends(pending: Snapshot) -> tuple[tuple[Horizon, float], ...]:
    """When each horizon ends; 0 if its label is not waited for."""
    return ("short", pending.due), ("full", pending.full), ("hindsight", pending.late)


def _earliest(pending: Snapshot) -> float:
    """The end of the first horizon that is still waited for; of the three the label horizon ends first."""
    return pending.due or min([end for end in (pending.full, pending.late) if end], default=0.0)


def _is_ready(profile: Profile, now: float, config: ChurnConfig) -> bool:
    if not can_leave(profile, now, config) or profile.updated > now + config.lateness:
        return False
    apart = 0.5 * config.snapshot_every
    return not any(now - pending.at < apart for pending in held(profile, config).snapshots)


def _turn(profile: Profile, at: float, config: ChurnConfig) -> int:
    """A number by profile and slot that says which labels a snapshot waits for, so that everybody's turn comes, and not
    everybody's at once."""
    slot = math.floor((at - _phase(profile, config)) / config.snapshot_every)
    mark = blake2b(f"{profile.id}\0{slot}".encode(), digest_size=4).digest()
    return int.from_bytes(mark, "big")


def _without_zeros(rows: NDArray[np.float64]) -> list[bytes]:
    """Of each row, which features are not zero, a bit each, then those: most customers have no trace of most things."""
    some = rows != 0
    bits, values = np.packbits(some, axis=1).tobytes(), rows[some].astype("<f4").tobytes()
    ends = (4 * np.cumsum(some.sum(axis=1))).tolist()
    return [
        bits[i * _BITS : (i + 1) * _BITS] + values[begin:end]
        for i, (begin, end) in enumerate(zip([0, *ends], ends, strict=False))
    ]


def _with_zeros(pending: Snapshot) -> bytes:
    """All features of a snapshot, as `features.unpack` reads them; what is of another schema is read by nobody."""
    if pending.schema != SCHEMA:
        return pending.x
    row = np.zeros(len(NAMES), dtype="<f4")
    row[_places(pending.x[:_BITS])] = np.frombuffer(pending.x, dtype="<f4", offset=_BITS)
    return row.tobytes()


@lru_cache(maxsize=4096)
def _places(bits: bytes) -> NDArray[np.int64]:
    """The features that are not zero; many customers share them."""
    return np.flatnonzero(np.unpackbits(np.frombuffer(bits, dtype=np.uint8), count=len(NAMES)))


def _said(
    panel: Panel | None, rows: NDArray[np.float64], times: NDArray[np.float64], config: ChurnConfig
) -> list[bytes]:
    """What every model of the panel says of these customers, as `Snapshot.risks` keeps it."""
    if panel is None or not len(rows):
        return [b""] * len(rows)
    return [risks.astype("<f4").tobytes() for risks in panel.risks(rows, times, config)]


def _summary(profile: Profile, at: float) -> OrderSummary:
    bought = profile.purchases
    fast, slow = visits(profile, at)
    return OrderSummary(
        profile.id, at, occasions(profile), bought.first, bought.last, at - bought.last < WEEK, fast=fast, slow=slow
    )


def _mark(profile: Profile) -> int:
    return zlib.crc32(profile.id.encode())


def _phase(profile: Profile, config: ChurnConfig) -> float:
    return _mark(profile) / 2**32 * config.snapshot_every
