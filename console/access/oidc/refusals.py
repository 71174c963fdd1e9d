"""Why nobody comes in by an OpenID provider; Authlib is not needed to know it."""

from __future__ import annotations

__all__ = ["NotAccepted", "ProviderAway"]


class ProviderAway(Exception):
    """The provider does not answer, or not as one; says how."""


class NotAccepted(Exception):
    """What the provider, or who pretends to be sent by it, says cannot be believed; says why."""
