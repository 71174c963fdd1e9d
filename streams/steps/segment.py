"""Segment: who enters and who leaves. Each change is told once.

A change that depends on what is known of all customers together names the version of that: `population`. While workers
have different plans nobody enters or leaves a segment that they decide differently; who would is looked at again.
"""

from __future__ import annotations

from collections.abc import Callable

from models.segments.held import Holding, as_held, hold_nothing
from models.segments.membership import Segments
from profiles.types import Stay, is_company
from streams.steps.work import Work

__all__ = ["segment"]


def segment(
    segments: Segments, holding: Holding = hold_nothing, *, of_companies: Segments | None = None
) -> Callable[[Work], None]:
    """The step that moves customers into and out of segments, and companies into and out of theirs."""

    def run(work: Work) -> None:
        held = holding().segments
        for profile in work.live():
            now = work.at(profile)
            rules = of_companies if of_companies is not None and is_company(profile.id) else segments
            inside = found = rules.evaluate(profile, now)
            if held and (inside := as_held(found, profile.segments, held)) != found:
                work.held_back.add(profile.id)
            if inside == profile.segments.keys():
                continue
            for name in sorted(inside - profile.segments.keys()):
                profile.segments[name] = Stay(now)
                work.enter(name, profile, now)
                work.tell_segment(profile, name, "entered", **why(name))
            for name in sorted(profile.segments.keys() - inside):
                del profile.segments[name]
                work.leave(name, profile)
                work.tell_segment(profile, name, "exited", **why(name))

    def why(name: str) -> dict[str, int]:
        return {"population": segments.version} if name in segments.ranked else {}

    return run
