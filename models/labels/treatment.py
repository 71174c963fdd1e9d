"""Treatments and the hold-out: how to tell what acting on a risk is worth.

Whoever acts on an alert may change what becomes of the customer, and so the label that the model learns from and is
judged by. So a label says whether its customer was treated meanwhile, and a share of customers (`churn.hold_out`) is
left alone: no alert that looks at their risk opens. What becomes of them is what becomes of people without us.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from itertools import chain

from profiles.types import Alert, Profile, Snapshot

__all__ = ["ACTED_ON", "UNTREATED", "held_out", "held_out_of", "is_treatment", "note", "treated"]

ACTED_ON = ("acknowledged", "resolved")
"""States into which only people bring an alert."""

UNTREATED = ("wrong", "not_worth")
"""Outcomes of a case that say that nobody dealt with the customer after all."""

_SALT = b"hold-out 13\0"


def held_out(profile: str, share: float) -> bool:
    """Whether a customer belongs to the share that is left alone. The same on every machine, for as long as the share
    does not shrink; after a merge the id of the winner counts."""
    return share > 0 and bool(held_out_of((profile,), share))


def held_out_of(profiles: Iterable[str], share: float) -> list[str]:
    """Those of many customers who are left alone."""
    below = share * 2**32
    return [
        profile
        for profile in profiles
        if int.from_bytes(blake2b(_SALT + profile.encode(), digest_size=4).digest(), "big") < below
    ]


def is_treatment(alert: Alert) -> bool:
    """Whether a person has dealt with the customer because of this alert."""
    return alert.state in ACTED_ON and alert.outcome not in UNTREATED


def note(profile: Profile, time: float) -> None:
    """Keep that a person dealt with an alert at that time, for the labels that are still waiting.

    Each asks whether that was ever so within its horizon; so the first time after its snapshot is all it needs.
    """
    profile.treated_at = max(profile.treated_at, time)
    waiting = [profile.snapshots, *(churn.snapshots for churn in (profile.churns or {}).values())]
    for pending in chain.from_iterable(waiting):
        if pending.at < time and not 0 < pending.treated <= time:
            pending.treated = time


def treated(profile: Profile, pending: Snapshot, until: float) -> bool:
    """Whether a person dealt with an alert of a customer after a snapshot, up to a time."""
    times = [alert.changed for alert in profile.alerts.values() if is_treatment(alert)]
    return any(pending.at < time <= until for time in (pending.treated, profile.treated_at, *times))
