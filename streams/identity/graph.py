"""The graph of identities as the requests of one batch change it, one after the other, and what follows from that."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from plan import Plan
from profiles.identity.linking import Decision, decide
from profiles.identity.links import Erasure, Link, PendingSplit, Refusal
from profiles.identity.secrets import fingerprint, suppression
from profiles.store import Output
from profiles.stores.links import REFUSALS_KEPT, LinkChanges, LinkState
from profiles.types import Erase, Identity, Merge, Record, Split, partition_of
from streams.kafka.outbox import MARKER
from streams.kafka.topics import IDENTITY_CHANGES, PROFILE_EVENTS
from streams.records.links import EraseRequest, LinkRequest, SplitDone, SplitRequest
from streams.steps.work import SENT_BITS

__all__ = ["Graph"]

_encode = msgspec.msgpack.Encoder().encode
_to_json = msgspec.json.Encoder().encode

SPLITTING = "being taken apart"


class Graph:
    """What the linker knows of the identities at hand.

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
        erased: homes at hand whose customers were erased.
        refusals: of late, by slot; for an erasure.
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
        erased: set[str],
        refusals: Mapping[str, Refusal],
    ) -> None:
        self._plan = plan
        self._ranks = {rule.type: rule.priority for rule in plan.identities}
        self._limits = {rule.type: rule.limit for rule in plan.identities}
        self._topic = topic
        self._partitions = partitions
        self._now = now
        self._linked = linked
        self._held = held
        self._links = links
        self._apart = apart
        self._pending = pending
        self._splitting = {home for split in pending.values() for home in split.winners}
        self._erased = erased
        self._refusals = refusals
        self._changes = LinkChanges(0, -1)
        self._refused: list[Refusal] = []
        self._offset = 0
        self._sent = 0
        self._outputs: list[Output] = []

    def link(self, offset: int, request: LinkRequest) -> Decision | None:
        """Decide about identities that met in an event; None if there was nothing left to decide."""
        self._begin(offset)
        identities = [identity for identity in request.identities if self._home(identity) not in self._erased]
        if len(identities) < 2:
            return None
        if self._is_splitting(identities):
            decision = Decision(self._profile_of(identities[0]), [], refused=identities[1:], reason=SPLITTING)
        else:
            decision = decide(
                identities,
                self._profile_of,
                self._held_by,
                self._limits,
                most=self._plan.most_identities,
                partners=self._partners,
            )
        if decision.refused:
            self._refused.append(
                Refusal(
                    request.identities, decision.refused, decision.reason, request.time, request.source, request.event,
                    offset, self._now,
                )
            )  # fmt: skip
        if decision.losers:
            kept = [identity for identity in identities if identity not in decision.refused]
            self._merge(decision, kept, request)
        return decision

    def _merge(self, decision: Decision, kept: Sequence[Identity], request: LinkRequest) -> None:
        winner = decision.winner
        link = Link(list(kept), request.time, request.source, request.event, self._offset, self._now)
        joined = {self._profile_of(identity): identity for identity in reversed(kept)}
        for loser, identities in decision.losers.items():
            self._note_link(joined[loser], link)
            for identity in identities:
                self._map(identity, winner, request.time)
                home = self._home(identity)
                brings = identities if home == loser else []
                self._send(Merge(home, winner, request.time, brings))
            self._hold(loser, None)
        self._hold(winner, decision.together)

    def split(self, offset: int, request: SplitRequest) -> None:
        """Take an identity out of its profile, and decide anew, without it, about all that came to it."""
        self._begin(offset)
        profile = self._profile_of(request.identity)
        everybody = self._held_by(profile)
        others = [identity for identity in everybody if identity != request.identity]
        if not others or self._is_splitting(everybody):
            why = "another split of this customer is under way" if others else "this identity is linked with no other"
            self._become(request.id, why)
            return
        apart = [identity for identity in request.apart if identity in others] or [min(others, key=self._rank)]
        self._keep_apart(request.identity, apart)
        for other in apart:
            self._keep_apart(other, [request.identity])
        links = {link.offset: link for identity in everybody for link in self._links.get(identity, ())}
        self._forget(profile, everybody)
        winners = self._decide_again(profile, everybody, [links[place] for place in sorted(links)])
        identities: defaultdict[str, list[Identity]] = defaultdict(list)
        for identity in everybody:
            identities[self._profile_of(identity)].append(identity)
        pending = PendingSplit(request.id, profile, request.identity, apart, winners, request.time, request.by)
        self._changes.splitting[request.id] = pending
        self._become(request.id, "splitting")
        self._splitting |= set(winners)
        self._tell(f"@split:{request.id}", pending)
        for identity in everybody:
            winner = self._profile_of(identity)
            self._map(identity, None if winner == self._home(identity) else winner, request.time)
        self._send(Split(profile, "reset", request.id, profile, request.time, winners, dict(identities)))

    def _decide_again(self, profile: str, everybody: Sequence[Identity], links: Iterable[Link]) -> dict[str, str]:
        for link in links:
            decision = decide(
                link.identities,
                self._profile_of,
                self._held_by,
                self._limits,
                most=self._plan.most_identities,
                partners=self._partners,
            )
            kept = [identity for identity in link.identities if identity not in decision.refused]
            joined = {self._profile_of(identity): identity for identity in reversed(kept)}
            for loser, moving in decision.losers.items():
                self._note_link(joined[loser], msgspec.structs.replace(link, identities=kept))
                for identity in moving:
                    self._linked[identity] = decision.winner
                self._hold(loser, None)
            if decision.losers:
                self._hold(decision.winner, decision.together)
        return self._keep_name(profile, everybody)

    def _keep_name(self, profile: str, everybody: Sequence[Identity]) -> dict[str, str]:
        """Home → winner, where the profile's own identity is still called by it, whoever would win today."""
        own = next((identity for identity in everybody if self._home(identity) == profile), None)
        winner = self._profile_of(own) if own else profile
        if winner != profile:
            renamed = [identity for identity in everybody if self._profile_of(identity) == winner]
            self._linked.update(dict.fromkeys(renamed, profile))
            self._hold(winner, None)
            self._hold(profile, renamed)
        return {self._home(identity): self._profile_of(identity) for identity in everybody}

    def split_done(self, offset: int, request: SplitDone, deferred: Iterable[Erasure]) -> None:
        """The profiles of a split are whole again and may be linked, or erased, if that was asked meanwhile."""
        self._begin(offset)
        split = self._pending.get(request.id)
        if split is None:
            return  # told already
        self._changes.splitting[request.id] = None
        self._become(request.id, "done")
        self._splitting -= set(split.winners)
        self._tell(f"@split:{request.id}", None)
        for erasure in deferred:
            self._erase(erasure)

    def erase(self, offset: int, request: EraseRequest) -> None:
        """Forget a customer: mapping, links, refusals; suppress every home, and tell it to keep nothing."""
        self._begin(offset)
        self._erase(request.erasure)

    def _erase(self, request: Erasure) -> None:
        profile = request.profile if request.identity is None else self._profile_of(request.identity)
        everybody = self._held_by(profile) or ([request.identity] if request.identity else [])
        waits = self._is_splitting(everybody) or profile in self._splitting
        self._changes.deferred[request.id] = request if waits else None
        self._tell(f"@deferred:{request.id}", request if waits else None)
        if waits:
            return
        for home in dict.fromkeys([profile, *map(self._home, everybody)]):
            self._erased.add(home)
            hash_ = suppression(self._plan.pii_key, home)
            self._changes.suppressed[hash_] = request.time
            self._tell(f"@suppressed:{hash_}", {"at": request.time})
            self._send(Erase(home, request.time))
        self._forget(profile, everybody)
        for identity in everybody:
            self._map(identity, None, request.time)
        gone = set(everybody)
        for identity, others in list(self._apart.items()):
            if identity in gone or gone & set(others):
                self._put_apart(identity, [] if identity in gone else [other for other in others if other not in gone])
        self._changes.refused_gone += [slot for slot, held in self._refusals.items() if gone & set(held.identities)]

    def changes(self, state: LinkState, applied: int) -> LinkChanges:
        """All of it, as one commit."""
        changes = self._changes
        changes.version, changes.applied = state.version, applied
        for identities in changes.graph.values():  # they are kept together with what linked them
            for identity in identities or ():
                changes.links.setdefault(identity, self._links.get(identity))
        for slot in changes.refused_gone:
            self._tell(f"@refused:{slot}", None)
        for number, refusal in enumerate(self._refused, state.refusals):
            slot = str(number % REFUSALS_KEPT)
            changes.refused[slot] = refusal
            self._tell(f"@refused:{slot}", refusal)
        changes.refusals = state.refusals + len(self._refused)
        changes.outputs = list(self._outputs)
        if changes.outputs:
            marker = _to_json(
                {
                    "version": state.version + 1,
                    "applied": applied,
                    "refusals": changes.refusals,
                    "namespace": self._plan.namespace.hex,
                    "pii_key": fingerprint(self._plan.pii_key),
                }
            )
            changes.outputs.append(Output(IDENTITY_CHANGES, MARKER, marker, f"commit:{applied}", 0))
        return changes

    def _become(self, split: str, state: str) -> None:
        self._changes.splits[split] = state
        self._tell(f"@became:{split}", state)

    def _is_splitting(self, identities: Iterable[Identity]) -> bool:
        return any(self._home(identity) in self._splitting for identity in identities)

    def _begin(self, offset: int) -> None:
        self._offset, self._sent = offset, 0

    def _home(self, identity: Identity) -> str:
        return self._plan.home(identity)

    def _rank(self, identity: Identity) -> tuple[int, str]:
        return self._ranks.get(identity[0], len(self._ranks) + 1), identity[1]

    def _profile_of(self, identity: Identity) -> str:
        return self._linked.get(identity) or self._home(identity)

    def _held_by(self, profile: str) -> list[Identity]:
        return self._held.get(profile, [])

    def _partners(self, identity: Identity) -> Sequence[Identity]:
        return self._apart.get(identity, ())

    def _hold(self, profile: str, identities: list[Identity] | None) -> None:
        if identities is None:
            self._held.pop(profile, None)
        else:
            self._held[profile] = identities
        self._changes.graph[profile] = identities

    def _map(self, identity: Identity, profile: str | None, time: float) -> None:
        if profile is None:
            self._linked.pop(identity, None)
        else:
            self._linked[identity] = profile
        self._changes.mapping[identity] = profile
        self._tell(_name(identity), profile and {"identity": identity, "profile": profile, "at": time})

    def _note_link(self, identity: Identity, link: Link) -> None:
        self._links[identity] = self._changes.links[identity] = [*self._links.get(identity, ()), link]
        self._tell(f"@links:{_name(identity)}", {"identity": identity, "links": self._links[identity]})

    def _keep_apart(self, identity: Identity, others: list[Identity]) -> None:
        held = self._apart.get(identity, [])
        self._put_apart(identity, [*held, *(other for other in others if other not in held)])

    def _put_apart(self, identity: Identity, others: list[Identity]) -> None:
        self._apart[identity] = others
        self._changes.apart[identity] = others or None
        self._tell(f"@apart:{_name(identity)}", {"identity": identity, "apart": others} if others else None)

    def _forget(self, profile: str, identities: Sequence[Identity]) -> None:
        """Take a profile's identities out of the graph, each its own again."""
        self._hold(profile, None)
        for identity in identities:
            self._linked.pop(identity, None)
            if self._links.pop(identity, None):
                self._changes.links[identity] = None
                self._tell(f"@links:{_name(identity)}", None)

    def _send(self, record: Record) -> None:
        record.origin = (self._topic, 0, (self._offset << SENT_BITS) + self._sent)
        self._sent += 1
        to = partition_of(record.profile, self._partitions)
        id_ = f"{self._topic}/0/{record.origin[2]}"
        self._outputs.append(Output(PROFILE_EVENTS, record.profile.encode(), _encode(record), id_, to))

    def _tell(self, key: str, message: object) -> None:
        """Put the news into `identity.changes`; None deletes the key."""
        body = _to_json(message) if message else b""
        self._outputs.append(Output(IDENTITY_CHANGES, key.encode(), body, f"{key}:{self._offset}", 0))


def _name(identity: Identity) -> str:
    return f"{identity[0]}:{identity[1]}"
