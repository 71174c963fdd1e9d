"""A proxy in front of the console that says, by a header, who is signed in there.

The header is believed of the proxy alone: of the address that has connected to us, which no other header can change.
From anybody else it is refused, never passed over: whoever sends it pretends to be somebody.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network
from typing import NamedTuple

from fastapi import Request

from console.access.group_roles import GroupRoles, role_named
from console.access.people import NAME
from profiles.stores.access import Role

__all__ = ["PEER", "Pretended", "Proxy", "Said"]

log = logging.getLogger(__name__)

PEER = "rapport.peer"
"""Of an ASGI scope: the address that has connected to us. `client` of the scope may be what a header says."""

_TOLD_EVERY = 60.0  # seconds
_TOLD = 1000  # addresses


class Pretended(Exception):
    """The header is not from the proxy, or is none that a proxy sends; says why."""


class Said(NamedTuple):
    """Whom the proxy says that a request is of."""

    name: str
    role: Role | None
    says_role: bool  # whether the proxy says roles at all; else they are those of accounts


class Proxy:
    """Reads who is signed in at a proxy.

    Args:
        addresses: of the proxy: addresses and networks, with commas between.
        user_header: that has the name of an account.
        role_header: that has the role, or the groups; None: roles are those of accounts.
        roles: by group; None: the header has the role itself.
        clock: seconds.
    """

    def __init__(
        self,
        addresses: str,
        user_header: str,
        role_header: str | None = None,
        roles: GroupRoles | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._networks = [ip_network(one.strip()) for one in addresses.split(",")]
        self._user_header = user_header
        self._role_header = role_header
        self._roles = roles
        self._clock = clock
        self._told: dict[str, float] = {}

    @property
    def says_roles(self) -> bool:
        """Whether it says who may come in, so that nobody needs an account before."""
        return self._role_header is not None

    def said(self, request: Request) -> Said | None:
        """Whom a request is of; None: the proxy says nothing of it.

        Raises:
            Pretended: somebody else says it, or it cannot be a name.
        """
        names = request.headers.getlist(self._user_header)
        roles = request.headers.getlist(self._role_header) if self._role_header else []
        if not names and not roles:
            return None
        peer = request.scope.get(PEER)
        if not self._is_proxy(peer):
            self._tell(str(peer))
            raise Pretended(f"the header {self._user_header} is believed of the proxy alone, not of {peer}")
        if not any(name.strip() for name in names):
            return None  # the proxy lets this through without anybody signed in
        if len(names) != 1 or len(roles) > 1 or not NAME.fullmatch(name := names[0].strip()):
            raise Pretended(f"the header {self._user_header} must be there once, and have a name")
        return Said(name, self._role(roles[0]) if roles else None, self.says_roles)

    def _role(self, given: str) -> Role | None:
        if self._roles is None:
            return role_named(given.strip())
        return self._roles.role([group.strip() for group in given.split(",")])

    def _is_proxy(self, peer: object) -> bool:
        try:
            address = ip_address(str(peer))
        except ValueError:
            return False
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in self._networks)

    def _tell(self, peer: str) -> None:
        """Log it, once a minute by address."""
        now = self._clock()
        if now - self._told.get(peer, -_TOLD_EVERY) < _TOLD_EVERY:
            return
        if len(self._told) >= _TOLD:
            self._told.clear()
        self._told[peer] = now
        log.warning("%s sent the header %s, which is believed of the proxy alone", peer, self._user_header)
