"""Segment: who enters and who leaves. Each change is told once.

A change that depends on what is known of all customers together names the version of that: `population`. While workers
have different plans nobody enters or leaves a segment that they decide differently; who would is looked at again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from models.segments.held import Holding, as_held, hold_nothing
from models.segments.membership import Segments
from profiles.types import Profile, Stay
from streams.kafka.topics import SEGMENT_CHANGES
from streams.steps.work import Work

__all__ = ["segment"]


def segment(segments: Segments, holding: Holding = hold_nothing) -> Callable[[Work], None]:
    """The step that moves customers into and out of segments."""

    def run(work: Work) -> None:
        held = holding().segments
        for profile in work.live():
            now = work.at(profile)
            inside = found = segments.evaluate(profile, now)
            if held and (inside := as_held(found, profile.segments, held)) != found:
                work.held_back.add(profile.id)
            if inside == profile.segments.keys():
                continue
            for name in sorted(inside - profile.segments.keys()):
                profile.segments[name] = Stay(now)
                work.enter(name, profile, now)
                tell(work, profile, name, "entered")
            for name in sorted(profile.segments.keys() - inside):
                del profile.segments[name]
                work.leave(name, profile)
                tell(work, profile, name, "exited")

    def tell(work: Work, profile: Profile, name: str, change: str) -> None:
        id_ = f"{profile.id}:{name}:{change}:{work.at(profile)!r}"
        message: dict[str, Any] = {"segment": name, "change": change}
        if name in segments.ranked:
            message["population"] = segments.version
        work.tell(SEGMENT_CHANGES, profile, id_, message)

    return run
