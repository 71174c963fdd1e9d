"""The linker as one reader with everything in memory: what all workers together must come to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from profiles.identity.linking import Decision, decide
from profiles.types import Identity

__all__ = ["Graph", "Request"]

Request = Sequence[Identity]
"""The identities of one event, the strongest first."""


class Graph:
    """Which profile an identity belongs to, and what each profile holds.

    A profile is named by the identity that it began as.
    """

    def __init__(
        self,
        limits: Mapping[str, int],
        most: int = 1000,
        partners: Callable[[Identity], Collection[Identity]] = lambda _: (),
    ) -> None:
        self._limits = limits
        self._most = most
        self._partners = partners
        self.of: dict[Identity, str] = {}
        self.held: dict[str, list[Identity]] = {}

    def profile_of(self, identity: Identity) -> str:
        return self.of.get(identity, f"{identity[0]}:{identity[1]}")

    def held_by(self, profile: str) -> list[Identity]:
        return self.held.get(profile, [])

    def take(self, request: Request) -> Decision:
        """Decide about one event and link."""
        decision = decide(
            request, self.profile_of, self.held_by, self._limits, most=self._most, partners=self._partners
        )
        for loser, identities in decision.losers.items():
            self.held.pop(loser, None)
            self.of |= dict.fromkeys(identities, decision.winner)
        if decision.losers:
            self.held[decision.winner] = decision.together
        return decision

    def take_batch(self, requests: Sequence[Request]) -> None:
        """Decide about several events, knowing only what was read for them beforehand, as the linker does."""
        asked = {identity for request in requests for identity in request}
        view = Graph(self._limits, self._most, self._partners)
        view.of = {identity: self.of[identity] for identity in asked if identity in self.of}
        owners = {view.profile_of(identity) for identity in asked}
        view.held = {owner: list(self.held[owner]) for owner in owners if owner in self.held}
        for request in requests:
            view.take(request)
        for owner in owners:
            self.held.pop(owner, None)
        self.of |= view.of
        self.held |= view.held

    def profiles(self, identities: Collection[Identity]) -> set[frozenset[Identity]]:
        """These identities by the profile they belong to."""
        by_profile: dict[str, set[Identity]] = {}
        for identity in identities:
            by_profile.setdefault(self.profile_of(identity), set()).add(identity)
        return {frozenset(held) for held in by_profile.values()}
