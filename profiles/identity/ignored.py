"""Whose events are no customer's: those of crawlers and monitors, and of the house's own people, by what they say."""

from __future__ import annotations

import ipaddress
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import Any

import idna

from profiles.identity.crawlers import is_crawler

__all__ = ["BOT", "INTERNAL", "Ignored"]

BOT = "bot"
"""Why an event is ignored: its user agent is a program's."""

INTERNAL = "internal_address"
"""Why an event is ignored: it comes from an address of ours."""

_REMEMBERED = 20_000  # user agents, and addresses, that are not looked at again
_LOOKED_AT = 256  # characters of a user agent: no sender chooses how long it takes
_LONGEST = 400  # characters of an address that are looked at


class Ignored:
    """Finds the events that are ignored. Built once from a plan.

    Args:
        bots: whether those of known crawlers and monitors are.
        user_agents: further ones, by a part of theirs.
        addresses: IP ranges of the house.
        mail_domains: of the house.
        mail_fields: where in an event its customer's address may be.
        browsers: the sources whose user agents say something. What a server sends, it sends for somebody, by whatever
            program.
    """

    def __init__(
        self,
        *,
        bots: bool,
        user_agents: Iterable[str],
        addresses: Iterable[str],
        mail_domains: Iterable[str],
        mail_fields: Iterable[str],
        browsers: Collection[str],
    ) -> None:
        self._browsers = frozenset(browsers)
        self._programs = tuple(text.lower() for text in user_agents)
        self._bots = bots
        self._networks = [ipaddress.ip_network(text) for text in addresses]
        self._domains = tuple(mail_domains)
        self._fields = [tuple(path.split(".")) for path in mail_fields] if self._domains else []
        self._is_of_ours = lru_cache(maxsize=_REMEMBERED)(self._ends_in_domain)
        self._is_program = lru_cache(maxsize=_REMEMBERED)(self._matches)
        self._is_ours = lru_cache(maxsize=_REMEMBERED)(self._contains)
        self._looks_at_agents = self._bots or bool(self._programs)

    def __bool__(self) -> bool:
        return self._looks_at_agents or bool(self._networks)

    def why(self, source: str, raw: Mapping[str, Any]) -> str:
        """The reason for which a raw event is ignored; "" if it is not."""
        context = raw.get("context")
        if type(context) is not dict:
            return ""
        if self._looks_at_agents and source in self._browsers:
            agent = context.get("userAgent")
            if type(agent) is str and self._is_program(agent[:_LOOKED_AT]):
                return BOT
        if self._networks:
            address = context.get("ip")
            if type(address) is str and self._is_ours(address):
                return INTERNAL
        return ""

    @property
    def knows_people(self) -> bool:
        """Whether the plan says by what addresses the house's own people are known."""
        return bool(self._domains)

    def is_of_ours(self, raw: Mapping[str, Any]) -> bool:
        """Whether a raw event says that its customer has an address of the house."""
        for path in self._fields:
            value: Any = raw
            for name in path:
                value = value.get(name) if type(value) is dict else None
            if type(value) is str and "@" in value and self._is_of_ours(value[:_LONGEST]):
                return path[0] != "traits" or raw.get("type") != "group"  # whose traits are the group's
        return False

    def _ends_in_domain(self, address: str) -> bool:
        domain = unicodedata.normalize("NFKC", address.rpartition("@")[2]).strip(" \t\r\n.>\"'").lower()
        if not domain.isascii():
            try:
                domain = idna.encode(domain, uts46=True).decode()
            except idna.IDNAError:
                return False
        return any(domain == ours or domain.endswith(f".{ours}") for ours in self._domains)

    def _matches(self, agent: str) -> bool:
        if self._programs and any(text in agent.lower() for text in self._programs):
            return True
        return self._bots and is_crawler(agent)

    def _contains(self, text: str) -> bool:
        try:
            address = ipaddress.ip_address(text.strip())
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)  # as servers that listen on both see an IPv4 address
        return any((mapped or address) in network for network in self._networks)
