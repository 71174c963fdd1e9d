"""Segment: who enters and who leaves. Each change is told once."""

from __future__ import annotations

from collections.abc import Callable

from models.segments import Segments
from profiles.types import Profile, Stay
from streams.steps.work import Work
from streams.topics import SEGMENT_CHANGES

__all__ = ["segment"]


def segment(segments: Segments) -> Callable[[Work], None]:
    """The step."""

    def run(work: Work) -> None:
        for profile in work.live():
            now = work.at(profile)
            inside = segments.evaluate(profile, now)
            if inside == profile.segments.keys():
                continue
            for name in sorted(inside - profile.segments.keys()):
                profile.segments[name] = Stay(now)
                work.enter(name, profile, now)
                _tell(work, profile, name, "entered")
            for name in sorted(profile.segments.keys() - inside):
                del profile.segments[name]
                work.leave(name, profile)
                _tell(work, profile, name, "exited")

    return run


def _tell(work: Work, profile: Profile, name: str, change: str) -> None:
    id_ = f"{profile.id}:{name}:{change}:{work.at(profile)!r}"
    work.tell(SEGMENT_CHANGES, profile, id_, {"segment": name, "change": change})
