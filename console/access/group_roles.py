"""Which role somebody has by the groups that an OpenID provider or a proxy says they are in."""

from __future__ import annotations

from collections.abc import Collection

from console.access.scopes import ROLES
from profiles.stores.access import Role

__all__ = ["EVERYBODY", "GroupRoles", "role_named"]

EVERYBODY = "*"
"""Stands for the groups of everybody, also of who is in none."""


class GroupRoles:
    """Roles by group.

    Args:
        said: `GROUP=ROLE[,GROUP=ROLE…]`, as the setting has it; the first group that somebody is in counts.
    """

    def __init__(self, said: str) -> None:
        pairs = [pair.partition("=") for pair in said.split(",")]
        self._roles = [(group.strip(), role_named(role.strip())) for group, _, role in pairs]

    def role(self, groups: Collection[str]) -> Role | None:
        """The role of somebody in these groups; None: they have none, and no business here."""
        return next((role for group, role in self._roles if group == EVERYBODY or group in groups), None)


def role_named(name: str) -> Role | None:
    """The role of a name; None: there is no such role."""
    return next((role for role in ROLES if role == name), None)
