"""When a source's circuit breaker opens: the decision. What is done about it is in `circuit_breaker.py`.

A plan or a release of a sender that went wrong has events of many senders rejected. Emptying a topic into
`events.rejected` would turn that mistake into days of replaying; left where it is, all of it goes through once the
mistake is mended. One sender's mistake, or malice, is no reason to stop the others. So senders are counted, not events:
each has one vote on the source, and one on each kind of event it sends, by how its latest events fared. Pure.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from plan.model import BreakerSpec

__all__ = ["BreakerRule", "Outcome", "Reason", "fares_badly"]

_MOST = 20_000  # votes of one source that are remembered, of those that sent last; 6 MB
_SLOTS = 10  # parts of the time that is looked back
_WEIGHT = 0.1  # of the source's senders must have seen a kind of event go wrong before it stops the source
_GOOD, _BAD, _BROKEN, _UNPROVEN = range(4)  # broken: bad, and once it was good; unproven: bad, and counts for nothing


class Outcome(NamedTuple):
    """What becomes of one event."""

    sender: str
    kind: str  # the planned event it is; "" if it is none
    rejected: bool
    vouched: bool = True  # whether its sender is somebody, though nothing of it was ever accepted


class Reason(NamedTuple):
    """Why a source must not go on."""

    why: str
    kind: str = ""  # of the events that went wrong; "" if all did


class _Vote:
    __slots__ = ("bad", "good", "proven", "side", "slot")

    def __init__(self) -> None:
        self.slot = -1
        self.good = self.bad = 0  # events of its latest slot
        self.side = _GOOD
        self.proven = False  # something of it was accepted


class BreakerRule:
    """Decides, from how the senders of one source fare, whether too many of them would be rejected.

    Args:
        policy: the plan's thresholds; None: the breaker never opens.
    """

    def __init__(self, policy: BreakerSpec | None) -> None:
        self._policy = policy
        self._votes: OrderedDict[tuple[str, str], _Vote] = OrderedDict()
        self._counts: defaultdict[str, defaultdict[int, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0] * 4))
        self._events: defaultdict[int, int] = defaultdict(int)  # by slot

    def judge(self, outcomes: Mapping[Outcome, int], now: float) -> Reason | None:
        """Count the next events; the reason why they must not be taken, None if they may.

        Args:
            outcomes: what would become of them, and of how many each.
            now: seconds.
        """
        policy = self._policy
        if policy is None:
            return None
        slot = int(now * _SLOTS / policy.over)
        self._drop_before(slot - _SLOTS + 1)
        suspects: set[str] = set()
        for (sender, kind, rejected, vouched), events in outcomes.items():
            self._events[slot] += events
            good, bad = (0, events) if rejected else (events, 0)
            self._cast((sender, ""), good, bad, slot, vouched=vouched)
            if kind:
                self._cast((sender, kind), good, bad, slot, vouched=vouched)
            if rejected:
                suspects |= {"", kind}
        while len(self._votes) > _MOST:
            (_, kind), vote = self._votes.popitem(last=False)
            self._uncount(kind, vote)
        reasons = (self._broken(kind) if kind else self._all_bad() for kind in sorted(suspects))
        return next((reason for reason in reasons if reason), None)

    def fails(self, outcomes: Iterable[Outcome], least: int, kind: str = "") -> Reason | None:
        """Why these events, from the oldest on, say by themselves that a source is not well; None if they do not.

        Args:
            outcomes: what would become of them. A sender's latest says how it fares.
            least: senders that must fare badly.
            kind: of the events that are asked; "" for all.
        """
        policy = self._policy
        latest = {
            outcome.sender: outcome
            for outcome in outcomes
            if (not kind or outcome.kind == kind) and (outcome.vouched or not outcome.rejected)
        }
        bad = sum(outcome.rejected for outcome in latest.values())
        if policy is None or bad < least or not fares_badly(len(latest) - bad, bad, policy.ratio):
            return None
        return Reason(f"the newest events of {bad} of {len(latest)} senders would be rejected", kind)

    def begin_again(self) -> None:
        """Forget all votes, but not who has ever sent something good."""
        self._counts.clear()
        self._events.clear()
        for vote in self._votes.values():
            vote.slot = -1

    def _all_bad(self) -> Reason | None:
        """Of most senders most events are rejected, whatever they are."""
        policy = self._policy
        assert policy is not None
        good, bad, broken = self._sum("")
        bad += broken
        if bad < policy.senders or not fares_badly(good, bad, policy.ratio):
            return None
        if sum(self._events.values()) < policy.least:
            return None
        share = bad / (good + bad)
        return Reason(f"of {share:.0%} of the latest {good + bad} senders most events would be rejected")

    def _broken(self, kind: str) -> Reason | None:
        """An event that was good once is now rejected for most who send it.

        One that never was good stays out: that it is rejected is nothing new. So does one that few send: to stop all
        others for it would cost more than to put it back later.
        """
        policy = self._policy
        assert policy is not None
        good, bad, broken = self._sum(kind)
        if broken < policy.senders or not fares_badly(good, bad + broken, policy.ratio):
            return None
        if broken < _WEIGHT * sum(self._sum("")):
            return None
        share = (bad + broken) / (good + bad + broken)
        return Reason(
            f"'{kind}' would be rejected for {share:.0%} of its latest {good + bad + broken} senders, of whom {broken} "
            "had sent it well before",
            kind,
        )

    def _cast(self, key: tuple[str, str], good: int, bad: int, slot: int, *, vouched: bool) -> None:
        """Count events in their sender's vote."""
        vote = self._votes.get(key)
        if vote is None:
            vote = self._votes[key] = _Vote()
        if vote.slot == slot and (bad == 0) == (vote.side == _GOOD):  # as nearly always
            vote.good += good
            vote.bad += bad
            return
        kind = key[1]
        self._uncount(kind, vote)
        if vote.slot != slot:
            vote.slot, vote.good, vote.bad = slot, 0, 0
            self._votes.move_to_end(key)
        vote.good += good
        vote.bad += bad
        vote.proven = vote.proven or good > 0
        vote.side = self._side(vote, vouched=vouched)
        self._counts[kind][slot][vote.side] += 1

    def _side(self, vote: _Vote, *, vouched: bool) -> int:
        assert self._policy is not None
        if not fares_badly(vote.good, vote.bad, self._policy.ratio):
            return _GOOD
        return _BROKEN if vote.proven else _BAD if vouched else _UNPROVEN

    def _uncount(self, kind: str, vote: _Vote) -> None:
        slots = self._counts.get(kind)
        if slots is not None and vote.slot in slots:
            slots[vote.slot][vote.side] -= 1

    def _sum(self, kind: str) -> tuple[int, int, int]:
        # None may be left: a clock that went ahead and back has dropped what the votes still stand in.
        counts = self._counts[kind].values()
        return sum(of[_GOOD] for of in counts), sum(of[_BAD] for of in counts), sum(of[_BROKEN] for of in counts)

    def _drop_before(self, least: int) -> None:
        for slot in [slot for slot in self._events if slot < least]:
            del self._events[slot]
            for slots in self._counts.values():
                slots.pop(slot, None)


def fares_badly(good: int, bad: int, ratio: float) -> bool:
    """Whether more than this share is rejected."""
    return bad > ratio * (good + bad)
