"""Which identities belong to which profile, as the requests of one batch change it; every change is drafted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from plan import Plan
from profiles.identity.linking import Decision, decide
from profiles.identity.links import Link
from profiles.types import Identity
from streams.identity.draft import Draft
from streams.records.links import LinkRequest

__all__ = ["Members"]


class Members:
    """The identities at hand.

    Args:
        plan: identity rules and namespace.
        draft: takes what changes.
        linked: the profile of each identity that is linked.
        held: the identities of each profile that holds linked ones.
        links: how the identities of those profiles came to join.
        apart: identities that must not be together.
    """

    def __init__(
        self,
        plan: Plan,
        draft: Draft,
        linked: dict[Identity, str],
        held: dict[str, list[Identity]],
        links: dict[Identity, list[Link]],
        apart: dict[Identity, list[Identity]],
    ) -> None:
        self.home = plan.home
        self._ranks = {rule.type: rule.priority for rule in plan.identities}
        self._limits = {rule.type: rule.limit for rule in plan.identities}
        self._most = plan.most_identities
        self._trust = plan.trust
        self._draft = draft
        self._linked = linked
        self._held = held
        self._links = links
        self._apart = apart

    def profile_of(self, identity: Identity) -> str:
        """The profile that an identity belongs to: its home, unless it is linked."""
        return self._linked.get(identity) or self.home(identity)

    def held_by(self, profile: str) -> list[Identity]:
        """The linked identities of a profile."""
        return self._held.get(profile, [])

    def links_of(self, identities: Iterable[Identity]) -> list[Link]:
        """The links that these came to join by, each once, in the order in which they were made."""
        links = {link.offset: link for identity in identities for link in self._links.get(identity, ())}
        return [links[offset] for offset in sorted(links)]

    def strongest(self, identities: Iterable[Identity]) -> Identity:
        """The one of highest priority in the plan."""
        last = len(self._ranks) + 1
        return min(identities, key=lambda identity: (self._ranks.get(identity[0], last), identity[1]))

    def decide(self, identities: Sequence[Identity], source: str = "") -> Decision:
        """Decide which of these become one, by the plan's limits and what is kept apart; changes nothing.

        Args:
            identities: that met in one event.
            source: of the event; "" for a link that was made once.
        """
        public = self._trust.public
        return decide(
            identities,
            self.profile_of,
            self.held_by,
            self._limits,
            most=self._most,
            partners=lambda identity: self._apart.get(identity, ()),
            persons=self._trust.persons if source and public else (),
            names=self._names if source not in public else lambda profile, identities: False,
        )

    def _names(self, profile: str, identities: Sequence[Identity]) -> bool:
        """Whether these are of a person, or tied to one of the profile's by what was believed."""
        reached = set(identities)
        ties = [link.identities for link in self.links_of(self.held_by(profile)) if self.is_believed(link)]
        while near := [tied for tied in ties if not reached.isdisjoint(tied)]:
            reached.update(*near)
            ties = [tied for tied in ties if reached.isdisjoint(tied)]
        return any(kind in self._trust.persons for kind, _ in reached)

    def is_believed(self, link: Link | LinkRequest) -> bool:
        """Whether who says so is no public source, or its user has signed."""
        return link.signed or link.source not in self._trust.public

    def hold(self, profile: str, identities: list[Identity] | None) -> None:
        """Let a profile hold these identities; None: it holds none any more."""
        if identities is None:
            self._held.pop(profile, None)
        else:
            self._held[profile] = identities
        self._draft.changes.graph[profile] = identities

    def move(self, identities: Iterable[Identity], profile: str) -> None:
        """Let identities belong to a profile, before it is said for good (`map`)."""
        self._linked.update(dict.fromkeys(identities, profile))

    def map(self, identity: Identity, profile: str | None, time: float) -> None:
        """Say for good which profile an identity belongs to; None: its home."""
        if profile is None:
            self._linked.pop(identity, None)
        else:
            self._linked[identity] = profile
        self._draft.changes.mapping[identity] = profile
        self._draft.tell(_name(identity), profile and {"identity": identity, "profile": profile, "at": time})

    def note_link(self, identity: Identity, link: Link) -> None:
        """Note by which link an identity came to join."""
        self._links[identity] = self._draft.changes.links[identity] = [*self._links.get(identity, ()), link]
        self._draft.tell(f"@links:{_name(identity)}", {"identity": identity, "links": self._links[identity]})

    def forget(self, profile: str) -> None:
        """Make each identity of a profile its own again, and forget what linked them."""
        identities = self.held_by(profile)
        self.hold(profile, None)
        for identity in identities:
            self._linked.pop(identity, None)
            if self._links.pop(identity, None):
                self._draft.changes.links[identity] = None
                self._draft.tell(f"@links:{_name(identity)}", None)

    def keep_apart(self, identity: Identity, others: Iterable[Identity]) -> None:
        """Never let an identity be together with these again."""
        held = self._apart.get(identity, [])
        self._put_apart(identity, [*held, *(other for other in others if other not in held)])

    def forget_apart(self, gone: set[Identity]) -> None:
        """Forget what these identities were kept apart from, in both directions."""
        for identity, others in list(self._apart.items()):
            if identity in gone:
                self._put_apart(identity, [])
            elif gone & set(others):
                self._put_apart(identity, [other for other in others if other not in gone])

    def finish(self) -> None:
        """Draft the links of every identity whose profile holds others than before: the store keeps them together."""
        for identities in self._draft.changes.graph.values():
            for identity in identities or ():
                self._draft.changes.links.setdefault(identity, self._links.get(identity))

    def _put_apart(self, identity: Identity, others: list[Identity]) -> None:
        self._apart[identity] = others
        self._draft.changes.apart[identity] = others or None
        self._draft.tell(f"@apart:{_name(identity)}", {"identity": identity, "apart": others} if others else None)


def _name(identity: Identity) -> str:
    return f"{identity[0]}:{identity[1]}"
