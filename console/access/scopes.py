"""What each role may see and do: a role is a set of scopes, and every route and every figure asks for one scope."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from profiles.stores.access import Role

__all__ = ["ROLES", "SCOPES", "Scope", "Viewer"]

Scope = Literal[
    "profiles:read", "pii:one", "pii:read", "pii:reveal", "events:read", "alerts:read", "alerts:write", "segments:read",
    "segments:preview", "analyses:read", "models:read", "models:write", "pipeline:read", "pipeline:replay",
    "sinks:write", "identity:split", "privacy:export", "privacy:erase", "audit:read", "admin",
]  # fmt: skip
"""`pii:one` shows the personal data of one customer at a time, `pii:read` those of lists and exports too; `pii:reveal`
one piece of them after the other, each of which is written down."""

SCOPES: Mapping[Scope, str] = {
    "profiles:read": "read customers and companies",
    "pii:one": "see personal data of one customer at a time",
    "pii:read": "see personal data anywhere",
    "pii:reveal": "reveal masked personal data, piece by piece",
    "events:read": "read events as they come",
    "alerts:read": "read alerts and cases",
    "alerts:write": "acknowledge, assign, snooze and resolve",
    "segments:read": "read segments",
    "segments:preview": "try a segment before it is saved",
    "analyses:read": "read analyses over the history, and who is behind their figures",
    "models:read": "read the models and their figures",
    "models:write": "promote a model, release it, roll back",
    "pipeline:read": "read what comes in and what is rejected",
    "pipeline:replay": "replay what was rejected, resume a source",
    "sinks:write": "put back what a sink was not told, tell it again, compare it with the store",
    "identity:split": "join and split customers",
    "privacy:export": "export all that is known of a customer",
    "privacy:erase": "erase a customer or a company",
    "audit:read": "read who looked at whom",
    "admin": "manage people and tokens",
}
"""In words, for pages and `--help`."""

_SEES: frozenset[Scope] = frozenset({"profiles:read", "segments:read", "models:read", "alerts:read", "events:read"})

ROLES: Mapping[Role, frozenset[Scope]] = {
    "agent": _SEES | {"pii:one", "alerts:write"},
    "analyst": _SEES | {"segments:preview", "analyses:read", "pii:reveal"},
    "operator": _SEES
    | {"segments:preview", "pii:reveal", "models:write", "pipeline:read", "pipeline:replay", "sinks:write"},
    "admin": frozenset(SCOPES),
}


class Viewer(NamedTuple):
    """Who asks."""

    name: str
    role: Role | Literal["token"]
    scopes: frozenset[Scope]
    via: str  # page, api, embed, mcp
    token: str = ""  # its id, of a program

    @property
    def sees_names(self) -> bool:
        """Whether they see names in lists, by which customers are found."""
        return "pii:one" in self.scopes or "pii:read" in self.scopes

    def may(self, scope: Scope) -> bool:
        """Whether they may do this."""
        return scope in self.scopes
