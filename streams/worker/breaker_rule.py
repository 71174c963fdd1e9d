"""When a source's circuit breaker opens: the decision. What is done about it is in `circuit_breaker.py`.

A plan or a release of a sender that went wrong has everything rejected. Emptying a topic into `events.rejected` would
turn that mistake into days of replaying; left where it is, all of it goes through once the mistake is mended. Pure.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import chain, groupby

from plan.model import BreakerSpec

__all__ = ["BreakerRule"]


class BreakerRule:
    """Decides, from the latest events of one source, whether too many of them would be rejected.

    Args:
        policy: the plan's thresholds; None: the breaker never opens.
    """

    def __init__(self, policy: BreakerSpec | None) -> None:
        self._policy = policy
        self._latest: deque[bool] = deque(maxlen=policy.window if policy else 0)

    def judge(self, rejected: Sequence[bool], *, probe: bool = False) -> str:
        """The reason why the next events must not be taken; "" if they may, and then they count.

        Args:
            rejected: of each of them in order, whether it would be.
            probe: the source is paused, and these decide whether it is resumed, however few they are.
        """
        policy = self._policy
        if policy is None:
            return ""
        if any(rejected):
            run = max(_runs(chain(self._latest, rejected)))
            if run >= policy.run:
                return f"{run} events in a row would be rejected"
            latest = [*self._latest, *rejected][-policy.window :]
            share = sum(latest) / len(latest)
            if (probe or len(latest) >= policy.least) and share > policy.ratio:
                return f"{share:.0%} of the latest {len(latest)} events would be rejected"
        self._latest.extend(rejected)
        return ""


def _runs(rejected: chain[bool]) -> Iterator[int]:
    """The lengths of the unbroken runs of rejections."""
    yield 0
    for bad, group in groupby(rejected):
        if bad:
            yield sum(1 for _ in group)
