"""Who gets an identity that somebody else holds: the plan's `keep`, by the times at which it was claimed.

A claim that was made earlier, or since, may arrive at any time. So an identity moves whenever the claims that are known
say so: it is split from its holder, who goes on as if it had never been theirs, and is linked with whom the claims say
it is of. That need not be who has just claimed it: what one says may decide between two others.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import NamedTuple

import msgspec

from plan import Plan
from profiles.identity.keeping import MOST_CLAIMS, noted, owner
from profiles.identity.linking import TWO_PEOPLE, Decision
from profiles.identity.links import Claim, Link, LinkRequest
from profiles.types import Identity
from streams.identity.members import Members

__all__ = ["Move", "Moves"]

_MOST_MOVES = 2
"""How often one claim may take an identity while nothing new is said of it. Where the claims on two identities wait for
each other, whose each is depends on whose the other is, and they would go to and fro for ever."""


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
        self._last = plan.keeps_last
        self._moving = {rule.type for rule in plan.identities if rule.keep is not None}
        self._persons = plan.trust.persons
        self._members = members
        self.due: list[Move] = []
        self.links: list[LinkRequest] = []  # of those who get what nobody holds

    def of_others(self, request: LinkRequest) -> list[Identity]:
        """Those that are, by the claims on them, of somebody who cannot be the event's customer."""
        members, anchor, found = self._members, request.identities[0], []
        for identity in request.identities[1:]:
            if identity[0] in self._last and members.claims_of(identity):
                if self._claims(identity, request):
                    self._note(identity, anchor, request)
                if members.are_two(self._owner(identity).anchor, anchor):
                    found.append(identity)
        return found

    def consider(self, decision: Decision, request: LinkRequest) -> None:
        """Note which of the identities that were left out are to move (`due`), or to be linked with somebody else."""
        members = self._members
        moving: defaultdict[tuple[str, str], list[Identity]] = defaultdict(list)
        apart: defaultdict[tuple[str, str], list[Identity]] = defaultdict(list)
        requests: dict[tuple[str, str], LinkRequest] = {}
        for identity in decision.refused:
            if identity[0] in self._last:
                wanted = self._wanted(identity, decision, request)
            else:
                wanted = request if self._claims(identity, request) else None
            holder = members.profile_of(identity)
            if wanted is None or holder == (gets := members.profile_of(wanted.identities[0])):
                continue
            if not members.held_by(holder):
                if wanted is not request:
                    self.links.append(wanted)
                continue
            rivals = self._rivals(identity, holder, decision, wanted)
            if rivals and self._wins(identity, holder, rivals, wanted) and self._may_move(identity, wanted):
                moving[holder, gets].append(identity)
                apart[holder, gets] += rivals
                requests[holder, gets] = wanted
        self.due += [Move(way[0], them, list(dict.fromkeys(apart[way])), requests[way]) for way, them in moving.items()]

    def begin(self, move: Move) -> None:
        """Note that a move is made."""
        members, request = self._members, move.request
        anchor, believed = request.identities[0], members.is_believed(request)
        for identity in move.identities:
            claims = members.claims_of(identity)
            moves = [claim.moves for claim in claims if (claim.anchor, claim.believed) == (anchor, believed)]
            more = self._claim(anchor, request)
            more.moves = 1 + max(moves, default=0)
            told = [
                msgspec.structs.replace(claim, whole=claim.whole or members.profile_of(claim.anchor) == move.profile)
                for claim in noted(claims, more)
            ]
            members.note_claims(identity, told)

    def _may_move(self, identity: Identity, request: LinkRequest) -> bool:
        """Whether a claim has not taken an identity too often, as far as that is known."""
        anchor, claims = request.identities[0], self._members.claims_of(identity)
        moves = [claim.moves for claim in claims if claim.anchor == anchor]
        return max(moves, default=0 if len(claims) < MOST_CLAIMS else _MOST_MOVES) < _MOST_MOVES

    def _claims(self, identity: Identity, request: LinkRequest | Link) -> bool:
        """Whether an event says whose an identity is, and not only carries along what an SDK remembers."""
        if identity[0] not in self._moving or identity in request.remembered:
            return False
        return request.stated or identity[0] not in self._last

    def _wanted(self, identity: Identity, decision: Decision, request: LinkRequest) -> LinkRequest | None:
        """The request by which an identity is its owner's, as far as its claims tell; None if nobody claims it."""
        members = self._members
        if not members.claims_of(identity):
            holder = members.profile_of(identity)
            if not self._claims(identity, request) or not self._rivals(identity, holder, decision, request):
                return None
            for claim in self._of_holder(identity, holder):
                claim.whole = False
                members.note_claims(identity, noted(members.claims_of(identity), claim))
            self._note(identity, request.identities[0], request)
        theirs = self._owner(identity)
        theirs = self._in_doubt(identity, theirs) or theirs
        if members.profile_of(theirs.anchor) == decision.winner:
            return request
        return LinkRequest(
            [theirs.anchor, identity], theirs.last, theirs.source, theirs.event, signed=theirs.believed, stated=True
        )

    def _in_doubt(self, identity: Identity, theirs: Claim) -> Claim | None:
        """A claim that may have begun before its owner's, and gone on: it moves, so that their history tells."""
        if theirs.whole or self._members.profile_of(theirs.anchor) != self._members.profile_of(identity):
            return None
        claims = [one for one in self._members.claims_of(identity) if one.believed or not theirs.believed]
        return next((one for one in claims if one.whole and one.first < theirs.first and one.first < one.last), None)

    def _rivals(self, identity: Identity, holder: str, decision: Decision, request: LinkRequest) -> list[Identity]:
        """What the holder of an identity has that a request's customer cannot have beside it."""
        anchor = request.identities[0]
        return self._members.rivals(identity, holder, self._members.profile_of(anchor), anchor) or self._people(
            identity, holder, decision
        )

    def _people(self, identity: Identity, holder: str, decision: Decision) -> list[Identity]:
        """The people whom a browser was of, if that alone kept a public source from tying it to another."""
        if decision.reason != TWO_PEOPLE or identity[0] in self._persons:
            return []
        return [one for one in self._members.held_by(holder) if one[0] in self._persons]

    def _wins(self, identity: Identity, holder: str, rivals: list[Identity], request: LinkRequest) -> bool:
        members = self._members
        believed, tied = members.is_believed(request), members.names(holder, [identity])
        if tied and not believed:
            return False  # what a server has tied no page unties
        if identity[0] in self._last or believed > tied:
            return True
        times = self._times(identity, holder, tied=tied)
        return (request.time, request.identities[0]) < (min(times), members.strongest(rivals))

    def _owner(self, identity: Identity) -> Claim:
        return owner(self._members.claims_of(identity), self._members.profile_of)

    def _note(self, identity: Identity, anchor: Identity, request: LinkRequest) -> None:
        members = self._members
        members.note_claims(identity, noted(members.claims_of(identity), self._claim(anchor, request)))

    def _claim(self, anchor: Identity, said: LinkRequest | Link) -> Claim:
        believed = self._members.is_believed(said)
        return Claim(anchor, said.time, said.time, 0, believed, said.source, said.event)

    def _of_holder(self, identity: Identity, holder: str) -> list[Claim]:
        """The holder's claims on an identity, as far as links tell."""
        return [
            self._claim(link.identities[0], link)
            for link in self._links(identity, holder)
            if link.identities[0] != identity and self._claims(identity, link)
        ]

    def _times(self, identity: Identity, holder: str, *, tied: bool) -> list[float]:
        """When the holder has claimed an identity, as far as links tell: beside a stronger one, else at all."""
        links = [link for link in self._links(identity, holder) if not tied or self._members.is_believed(link)]
        said = [link for link in links if self._claims(identity, link)]
        claims = [link.time for link in said if link.identities[0] != identity] or [link.time for link in said]
        return claims or [math.inf if links else -math.inf]

    def _links(self, identity: Identity, holder: str) -> list[Link]:
        members = self._members
        return [link for link in members.links_of(members.held_by(holder)) if identity in link.identities]
