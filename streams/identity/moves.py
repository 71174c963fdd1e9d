"""Who gets an identity that somebody else holds: the plan's `keep`, by the times at which it was claimed.

A claim that was made earlier, or since, may arrive at any time. So an identity moves whenever the claims that are known
say so: it is split from its holder, who goes on as if it had never been theirs, and the link that claimed it is
decided again.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import NamedTuple

from plan import Plan
from profiles.identity.keeping import MOST_CLAIMS, noted, owner
from profiles.identity.linking import TWO_PEOPLE, Decision
from profiles.identity.links import Claim, LinkRequest
from profiles.types import Identity
from streams.identity.members import Members

__all__ = ["Move", "Moves"]

_MOST_MOVES = 2
"""How often one claim may take an identity. Where the claims on two identities wait for each other, whose each is
depends on whose the other is, and they would go to and fro for ever."""


class Move(NamedTuple):
    """Identities that are to leave their profile, for whom a request names."""

    profile: str
    identities: list[Identity]
    apart: list[Identity]  # of the profile, which the request's customer cannot have
    request: LinkRequest


class Moves:
    """Decides whose identities are that several customers claim.

    Args:
        plan: which identities go to whoever claimed them last.
        members: who holds what.
    """

    def __init__(self, plan: Plan, members: Members) -> None:
        self._last = {rule.type for rule in plan.identities if rule.keep == "last"}
        self._moving = {rule.type for rule in plan.identities if rule.keep is not None}
        self._persons = plan.trust.persons
        self._members = members
        self.due: list[Move] = []

    def of_others(self, identities: list[Identity], request: LinkRequest) -> list[Identity]:
        """Those that nobody holds now, and that have gone to somebody else: they wait for them."""
        members, profile = self._members, self._members.profile_of(identities[0])
        found = []
        for identity in identities[1:]:
            if identity[0] in self._last and (claims := members.claims_of(identity)):
                if self._claims(identity, request):
                    claims = self._note(identity, identities[0], request)
                holder = members.profile_of(identity)
                if holder != profile and not members.held_by(holder) and owner(claims, members.profile_of) != profile:
                    found.append(identity)
        return found

    def consider(self, decision: Decision, anchor: Identity, request: LinkRequest) -> None:
        """Note which of the identities that were left out are to move to the event's customer (`due`)."""
        members, winner = self._members, decision.winner
        moving: defaultdict[str, list[Identity]] = defaultdict(list)
        apart: defaultdict[str, list[Identity]] = defaultdict(list)
        for identity in decision.refused:
            holder = members.profile_of(identity)
            if holder == winner or not members.held_by(holder) or not self._claims(identity, request):
                continue
            rivals = members.rivals(identity, holder, winner, anchor) or self._people(identity, holder, decision)
            if (
                rivals
                and self._wins(identity, holder, anchor, rivals, request)
                and self._may_move(identity, request.identities[0])
            ):
                moving[holder].append(identity)
                apart[holder] += rivals
        self.due += [Move(holder, them, list(dict.fromkeys(apart[holder])), request) for holder, them in moving.items()]

    def begin(self, move: Move) -> None:
        """Note that a move is made."""
        request = move.request
        for identity in move.identities:
            claims = self._members.claims_of(identity)
            moves = 1 + max((claim.moves for claim in claims if claim.anchor == request.identities[0]), default=0)
            more = Claim(request.identities[0], request.time, request.time, moves)
            self._members.note_claims(identity, noted(claims, more))

    def _may_move(self, identity: Identity, anchor: Identity) -> bool:
        """Whether a claim has not taken an identity too often, as far as that is known."""
        claims = self._members.claims_of(identity)
        moves = {claim.anchor: claim.moves for claim in claims}
        return moves.get(anchor, 0 if len(moves) < MOST_CLAIMS else _MOST_MOVES) < _MOST_MOVES

    def _claims(self, identity: Identity, request: LinkRequest) -> bool:
        """Whether an event says whose an identity is, and not only carries along what an SDK remembers."""
        if identity[0] not in self._moving or identity in request.remembered:
            return False
        return request.stated or identity[0] not in self._last

    def _people(self, identity: Identity, holder: str, decision: Decision) -> list[Identity]:
        """The people whom a browser was of, if that alone kept a public source from tying it to another."""
        if decision.reason != TWO_PEOPLE or identity[0] in self._persons:
            return []
        return [one for one in self._members.held_by(holder) if one[0] in self._persons]

    def _wins(
        self, identity: Identity, holder: str, anchor: Identity, rivals: list[Identity], request: LinkRequest
    ) -> bool:
        members = self._members
        if not members.is_believed(request) and members.names(holder, [identity]):
            return False  # what a server has tied no page unties
        times = self._times(identity, holder)
        if identity[0] in self._last:
            if not members.claims_of(identity):
                theirs = Claim(members.strongest(rivals), min(times), max(times))
                members.note_claims(identity, noted([], theirs))
            return owner(self._note(identity, anchor, request), members.profile_of) == members.profile_of(anchor)
        return (request.time, anchor) < (min(times), members.strongest(rivals))

    def _note(self, identity: Identity, anchor: Identity, request: LinkRequest) -> list[Claim]:
        members = self._members
        members.note_claims(identity, noted(members.claims_of(identity), Claim(anchor, request.time, request.time)))
        return members.claims_of(identity)

    def _times(self, identity: Identity, holder: str) -> list[float]:
        """When the holder has claimed an identity, as far as links tell: beside a stronger one, else at all."""
        links = [link for link in self._members.links_of(self._members.held_by(holder)) if identity in link.identities]
        claims = [link.time for link in links if link.identities[0] != identity]
        return claims or [link.time for link in links] or [-math.inf]
