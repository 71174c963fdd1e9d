"""Label: release the labels that have matured, and keep the features of now for the labels to come."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from models import labels
from models.config import ChurnConfig
from profiles.consent import PROFILING, Consent
from profiles.store import Output
from profiles.types import Profile
from streams.steps.work import Work
from streams.topics import TRAINING_EXAMPLES

__all__ = ["label"]

_encode = msgspec.msgpack.Encoder().encode


def label(config: ChurnConfig, currency: str, consent: Consent) -> Callable[[Work], None]:
    """The step. An example is released at its due time plus the allowed lateness, for both classes alike.

    That time must have passed in the events, not only on the clock: after an outage the orders that decide a label are
    still waiting in the log. Who does not allow profiling is not photographed, and what waits is dropped.
    """

    def run(work: Work) -> None:
        due: dict[float, list[Profile]] = {}
        for profile in work.live():
            now = work.at(profile)
            if not consent.allows(profile, PROFILING):
                labels.censor(profile)
                profile.snapshot_at = 0
                continue
            for example in labels.mature(profile, min(now, work.watermark), config) if profile.snapshots else ():
                work.outputs.append(
                    Output(TRAINING_EXAMPLES, profile.id.encode(), _encode(example), example.key, partition=0)
                )
            if profile.snapshot_at and profile.snapshot_at <= now:
                due.setdefault(now, []).append(profile)
            profile.snapshot_at = labels.next_snapshot(profile, now, config) or 0
        for now, profiles in due.items():
            labels.take_all(profiles, now, config, currency)

    return run
