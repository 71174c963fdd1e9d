"""Tally: what each customer adds to the counters of the latest days, as of what the batch has made of them.

It comes last, so that it is of what is committed. The counters change by the difference to what the document said
before (`Work.changes`): in the same commit, so that they are the sum over the documents whatever happens.
"""

from __future__ import annotations

from collections.abc import Callable

from profiles.daily.contribution import Contribution
from streams.steps.work import Work

__all__ = ["tally"]


def tally(contribution: Contribution) -> Callable[[Work], None]:
    """The step that notes with each customer what they add.

    Args:
        contribution: tells it.
    """
    added_by = contribution.of

    def run(work: Work) -> None:
        for profile in work.touched.values():
            added = added_by(profile)
            if added != profile.counted:
                profile.counted = added

    return run
