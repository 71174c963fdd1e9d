"""Why the identities of a customer are one customer's: what the linker has kept of it."""

from __future__ import annotations

from console.views.identity import IdentityLinks, identity_links
from plan import Plan
from profiles.identity.links import Linked
from profiles.types import Profile
from profiles.units import LinkStore

__all__ = ["links_of"]


async def links_of(profile: Profile, links: LinkStore, plan: Plan) -> IdentityLinks:
    """Every identity of a customer, with what linked it, what it is kept apart from, and what was refused lately."""
    own = [(kind, value) for kind, values in profile.identities.items() for value in values]
    linked = (await links.linked_to([profile.id])).get(profile.id) or Linked(own, {})
    refused = (await links.refusals()).values()
    return identity_links(profile, linked, await links.apart(), refused, plan)
