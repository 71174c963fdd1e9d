"""The graph of identities as the requests of one batch change it, one after the other, and what follows from that."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from plan import Plan
from profiles.identity.linking import TOO_MANY, Decision
from profiles.identity.links import Claim, Erasure, Lifted, Link, PendingSplit, Refusal
from profiles.identity.secrets import suppression
from profiles.types import Erase, Identity, Lift, Merge, Split
from profiles.units import LinkChanges, LinkState
from streams.identity.draft import Draft
from streams.identity.members import Members
from streams.identity.moves import Move, Moves
from streams.records.links import EraseRequest, JoinRequest, LiftRequest, LinkRequest, SplitDone, SplitRequest

__all__ = ["Graph"]

_SPLITTING = "being taken apart"
KEPT = "has gone to another customer"

TOO_MANY_MOVE = "too many identities move already"

_MOVING = 200  # moves under way beyond which public sources begin none
_WAITING = 240  # links that wait for a split…
_AT_ONCE = 60  # …and are decided with its end; each may send as many records as a profile has identities


class Graph:
    """Decides about links, splits and erasures of the identities at hand.

    Args:
        plan: identity rules, namespace and key.
        topic: real name of `identity.links`.
        partitions: of `profile.events`.
        now: by the clock.
        linked: the profile of each identity at hand that is linked.
        held: the identities of each profile at hand that holds linked ones.
        links: how the identities of those profiles came to join.
        apart: identities that must not be together.
        pending: splits under way.
        erased: homes at hand whose customers were erased, and when.
        refusals: of late, by slot; for an erasure.
        claims: who claims the identities of which several do.
    """

    def __init__(
        self,
        plan: Plan,
        topic: str,
        partitions: int,
        now: float,
        *,
        linked: dict[Identity, str],
        held: dict[str, list[Identity]],
        links: dict[Identity, list[Link]],
        apart: dict[Identity, list[Identity]],
        pending: Mapping[str, PendingSplit],
        erased: dict[str, float],
        refusals: Mapping[str, Refusal],
        claims: dict[Identity, list[Claim]],
    ) -> None:
        self._pii_key = plan.pii_key
        self._now = now
        self._draft = Draft(plan, topic, partitions)
        self._members = Members(plan, self._draft, linked, held, links, apart, claims)
        self._moves = Moves(plan, self._members)
        self._pending = dict(pending)
        self._splitting = {home for split in pending.values() for home in split.winners}
        self._erased = erased
        self._refusals = refusals
        self._merged: set[str] = set()  # into which the request at hand has merged others: a split must not overtake it

    def link(self, offset: int, request: LinkRequest) -> Decision | None:
        """Decide about identities that met in an event; None if there was nothing left to decide."""
        self._draft.begin(offset)
        self._merged.clear()
        return self._link(request)

    def _link(self, request: LinkRequest) -> Decision | None:
        self._give_away(self._draft.offset, request)
        home = self._members.home
        identities = [identity for identity in request.identities if home(identity) not in self._erased]
        if len(identities) < 2:
            return None
        if len(identities) < len(request.identities):
            request = msgspec.structs.replace(request, identities=identities)
        if self._is_splitting(identities):
            profile = self._members.profile_of(identities[0])
            decision = Decision(profile, [], refused=identities[1:], reason=_SPLITTING)
            if not self._waits(identities, request):
                self._refuse(request, decision)
            return decision
        decision = self._decide(request)
        if decision.losers:
            kept = [identity for identity in identities if identity not in decision.refused]
            said = request.source, request.event, self._draft.offset, self._now, request.signed, ""
            remembered = [identity for identity in request.remembered if identity in kept]
            self._merge(decision, Link(kept, request.time, *said, request.stated, remembered))
        self._moves.consider(decision, request)
        if decision.refused and not any(move.request is request for move in self._moves.due):
            self._refuse(request, decision)
        links, self._moves.links = self._moves.links, []
        for link in links:
            self._link(link)
        return decision

    def _decide(self, request: LinkRequest) -> Decision:
        identities = request.identities
        if request.alias and self._members.is_believed(request) and (joined := self._members.aliased(identities)):
            accounts = [one for one in identities if one in joined.together and one not in joined.refused]
            if joined.losers:
                by = f"an alias of {request.source}"
                link = Link(accounts, request.time, request.source, request.event, self._draft.offset, self._now, by=by)
                self._merge(joined, link)
        others = self._moves.of_others(request)
        left = [identity for identity in identities if identity not in others]
        decision = self._members.decide(left, request.source)
        if others:
            decision.refused = [*others, *decision.refused]
            decision.reason = KEPT
        return decision

    def _waits(self, identities: Sequence[Identity], request: LinkRequest) -> bool:
        """Whether a link is decided when the split is done in whose way it is; too many are refused."""
        homes = {self._members.home(identity) for identity in identities}
        for split in self._pending.values():
            if not homes.isdisjoint(split.winners) and len(split.waiting) < _WAITING:
                self._keep_split(msgspec.structs.replace(split, waiting=[*split.waiting, request]))
                return True
        return False

    def due(self) -> list[Move]:
        """The moves that the latest requests have brought about: to be made, or refused."""
        found, self._moves.due = self._moves.due, []
        return found

    def move(self, move: Move, missing: str) -> None:
        """Take identities from their profile, so that the request that claims them can be decided again.

        Args:
            move: of the request at hand.
            missing: why the history of the profile cannot be read; then nothing moves, and the link is refused.
        """
        members, request = self._members, move.request
        everybody = members.held_by(move.profile)
        if not missing and not members.is_believed(request):  # nor may they keep us reading history
            many = sum(bool(split.moving) for split in self._pending.values()) >= _MOVING
            missing = TOO_MANY_MOVE if many else ""
        if missing:
            self._refuse(request, Decision("", [], refused=move.identities, reason=missing))
        elif self._is_splitting([*everybody, *request.identities]):
            if not self._waits([*everybody, *request.identities], request):
                self._refuse(request, Decision("", [], refused=move.identities, reason=_SPLITTING))
        elif move.profile in self._merged:
            self._draft.ask(request)
        else:
            self._moves.begin(move)
            id_ = f"move-{self._draft.offset}-{move.profile}"
            first, *_ = move.identities
            # As of now, not of the claim, from before which on the events may tell of whom is left.
            split = PendingSplit(id_, move.profile, first, [], {}, self._now, moving=move.identities, waiting=[request])
            with members.parted(move.identities, move.apart):
                self._take_apart(split, everybody)

    def _merge(self, decision: Decision, link: Link) -> None:
        self._note_links(decision, link)
        self._merged.add(decision.winner)
        for loser, identities in decision.losers.items():
            for identity in identities:
                self._members.map(identity, decision.winner, link.time)
                home = self._members.home(identity)
                brings = identities if home == loser else []
                self._draft.send(Merge(home, decision.winner, link.time, brings))
            self._members.hold(loser, None)
        self._members.hold(decision.winner, decision.together)

    def _note_links(self, decision: Decision, link: Link) -> None:
        """Note the link at the strongest identity that each loser has in it."""
        joined = {self._members.profile_of(identity): identity for identity in reversed(link.identities)}
        for loser in decision.losers:
            self._members.note_link(joined[loser], link)

    def homes_with(self, identity: Identity) -> set[str]:
        """The homes of the profile that an identity belongs to."""
        return self.homes_of(self._members.profile_of(identity))

    def homes_of(self, profile: str) -> set[str]:
        """The homes of a profile."""
        return {profile, *map(self._members.home, self._members.held_by(profile))}

    def refuse_split(self, offset: int, request: SplitRequest, why: str) -> None:
        """Say why a split is not made."""
        self._draft.begin(offset)
        self._become(request.id, why)

    def split(self, offset: int, request: SplitRequest) -> None:
        """Take an identity out of its profile, and decide anew, without it, about all that came to it."""
        self._draft.begin(offset)
        members = self._members
        profile = members.profile_of(request.identity)
        everybody = members.held_by(profile)
        others = [identity for identity in everybody if identity != request.identity]
        if not others or self._is_splitting(everybody):
            why = "another split of this customer is under way" if others else "this identity is linked with no other"
            self._become(request.id, why)
            return
        apart = [identity for identity in request.apart if identity in others] or [members.strongest(others)]
        members.keep_apart(request.identity, apart)
        for other in apart:
            members.keep_apart(other, [request.identity])
        self._take_apart(
            PendingSplit(request.id, profile, request.identity, apart, {}, request.time, request.by), everybody
        )

    def _take_apart(self, split: PendingSplit, everybody: Sequence[Identity]) -> None:
        """Decide again about all that came to a profile, and tell it to take itself apart."""
        members, profile = self._members, split.profile
        links = members.links_of(everybody)
        members.forget(profile)
        winners = self._decide_again(profile, everybody, links)
        self._begin_split(msgspec.structs.replace(split, winners=winners))
        identities: defaultdict[str, list[Identity]] = defaultdict(list)
        for identity in everybody:
            winner = members.profile_of(identity)
            identities[winner].append(identity)
            members.map(identity, None if winner == members.home(identity) else winner, split.at)
        self._draft.send(Split(profile, "reset", split.id, profile, split.at, winners, dict(identities)))

    def _begin_split(self, split: PendingSplit) -> None:
        self._keep_split(split)
        if not split.moving:
            self._become(split.id, "splitting")
        self._splitting |= set(split.winners)

    def _keep_split(self, split: PendingSplit) -> None:
        self._pending[split.id] = self._draft.changes.splitting[split.id] = split
        self._draft.tell(f"@split:{split.id}", split)

    def _decide_again(self, profile: str, everybody: Sequence[Identity], links: Iterable[Link]) -> dict[str, str]:
        """Make the links again that can still be made; home → the profile that it belongs to then."""
        for link in links:
            decision = self._members.decide(link.identities, joined=bool(link.by))
            kept = [identity for identity in link.identities if identity not in decision.refused]
            self._note_links(decision, msgspec.structs.replace(link, identities=kept))
            for loser, moving in decision.losers.items():
                self._members.move(moving, decision.winner)
                self._members.hold(loser, None)
            if decision.losers:
                self._members.hold(decision.winner, decision.together)
        self._keep_name(profile, everybody)
        return {self._members.home(identity): self._members.profile_of(identity) for identity in everybody}

    def _keep_name(self, profile: str, everybody: Sequence[Identity]) -> None:
        """Let whoever holds the profile's own identity still be called by it, whoever would win today."""
        members = self._members
        own = next((identity for identity in everybody if members.home(identity) == profile), None)
        winner = members.profile_of(own) if own else profile
        if winner != profile:
            renamed = [identity for identity in everybody if members.profile_of(identity) == winner]
            members.move(renamed, profile)
            members.hold(winner, None)
            members.hold(profile, renamed)

    def split_done(self, offset: int, request: SplitDone, deferred: Iterable[Erasure]) -> None:
        """The profiles of a split are whole again and may be linked, or erased, if that was asked meanwhile."""
        self._draft.begin(offset)
        split = self._pending.pop(request.id, None)
        if split is None:
            return  # told already
        self._draft.changes.splitting[request.id] = None
        if not split.moving:
            self._become(request.id, "done")
        self._splitting -= set(split.winners)
        self._draft.tell(f"@split:{request.id}", None)
        for erasure in deferred:
            self._erase(erasure)
        for number, waiting in enumerate(split.waiting):
            self._link(waiting)
            if self._moves.due or number == _AT_ONCE:  # a split must not overtake the merges of those before it
                self._moves.due.clear()
                for left in split.waiting[number:]:
                    self._draft.ask(left)
                break

    def erase(self, offset: int, request: EraseRequest) -> None:
        """Forget a customer: mapping, links, refusals; suppress every home, and tell it to keep nothing."""
        self._draft.begin(offset)
        self._erase(request.erasure)

    def _erase(self, request: Erasure) -> None:
        members, draft = self._members, self._draft
        profile = request.profile if request.identity is None else members.profile_of(request.identity)
        everybody = members.held_by(profile) or ([request.identity] if request.identity else [])
        waits = self._is_splitting(everybody) or profile in self._splitting
        draft.changes.deferred[request.id] = request if waits else None
        draft.tell(f"@deferred:{request.id}", request if waits else None)
        if waits:
            return
        homes = dict.fromkeys([profile, *map(members.home, everybody)])
        for home in homes:
            self._erased[home] = request.time
            hash_ = suppression(self._pii_key, home)
            draft.changes.suppressed[hash_] = request.time
            draft.tell(f"@suppressed:{hash_}", {"at": request.time})
            draft.send(Erase(home, request.time))
        members.forget(profile)
        for identity in everybody:
            members.map(identity, None, request.time)
        members.forget_apart(homes)
        members.forget_claims(homes)
        draft.changes.refused_gone += [
            slot for slot, held in self._refusals.items() if any(members.home(one) in homes for one in held.identities)
        ]

    def join(self, offset: int, request: JoinRequest) -> bool:
        """Make two customers one, on a person's word, whatever limits and earlier splits say; a split undoes it."""
        self._draft.begin(offset)
        members = self._members
        held = {members.profile_of(one): {*members.held_by(members.profile_of(one)), one} for one in request.identities}
        winner = members.profile_of(request.identities[0])
        everybody = set[Identity]().union(*held.values())
        if self._is_splitting(everybody):
            why = "a split of one of them is under way"
        elif any(members.home(identity) in self._erased for identity in everybody):
            why = "one of them was erased"
        elif len(everybody) > members.most:
            why = TOO_MANY
        else:
            why = "done"
        self._become(request.id, why)
        if why != "done" or len(held) == 1:
            return False
        members.let_together(*held.values())
        losers = {profile: sorted(them) for profile, them in held.items() if profile != winner}
        link = Link(request.identities, request.time, "", request.id, offset, self._now, by=request.by or "somebody")
        self._merge(Decision(winner, sorted(everybody), losers), link)
        return True

    def lift(self, offset: int, request: LiftRequest) -> None:
        """Let an erased identity come back, or an erased company."""
        self._draft.begin(offset)
        self._lift(request.company or self._members.home(request.identity), request.lifted)

    def _refuse(self, request: LinkRequest, decision: Decision) -> None:
        refused, reason = decision.refused, decision.reason
        self._draft.refuse(
            Refusal(
                request.identities, refused, reason, request.time, request.source, request.event, self._draft.offset,
                self._now,
            )
        )  # fmt: skip

    def _give_away(self, offset: int, request: LinkRequest) -> None:
        """Let somebody else have what was erased before they said that it is theirs: a family's address, say.

        What an SDK only remembers nobody has said: it would bring the erased customer's back.
        """
        home = self._members.home
        first, *others = request.identities
        if home(first) in self._erased or not request.stated or not self._members.is_believed(request):
            return
        for identity in others:
            if identity not in request.remembered and self._erased.get(home(identity), math.inf) < request.time:
                subject = suppression(self._pii_key, home(identity))
                why = f"another customer's, says {request.source} event {request.event}"
                name = f"{offset}:{subject}"
                self._lift(home(identity), Lifted(name, subject, request.time, self._now, "", why))

    def _lift(self, home: str, lifted: Lifted) -> None:
        draft = self._draft
        if self._erased.pop(home, None) is None:
            return  # lifted already
        draft.changes.suppressed[lifted.subject] = None
        draft.tell(f"@suppressed:{lifted.subject}", None)
        draft.changes.lifted[lifted.id] = lifted
        draft.tell(f"@lifted:{lifted.id}", lifted)
        draft.send(Lift(home, lifted.since))

    def changes(self, state: LinkState, applied: int) -> LinkChanges:
        """The changes that the requests came to, as one commit on top of a state."""
        self._members.finish()
        return self._draft.finish(state, applied)

    def _become(self, split: str, state: str) -> None:
        self._draft.changes.splits[split] = state
        self._draft.tell(f"@became:{split}", state)

    def _is_splitting(self, identities: Iterable[Identity]) -> bool:
        return any(self._members.home(identity) in self._splitting for identity in identities)
