"""Who sent a record, as far as that cannot be made up: what the circuit breaker and the limits of a sender go by.

Whoever has a public write key makes up identities, message ids and event names as he likes, but he has few addresses.
So of a public source the collector notes a keyed hash of the address. A secret key is with our own servers, all at one
address or two: of their sources the sender is the customer, by the record's key, as it is for other producers.
"""

from __future__ import annotations

import ipaddress

from aiokafka.structs import ConsumerRecord

from profiles.identity.secrets import sender
from streams.records.position import header_of

__all__ = ["FROM", "address_header", "address_of", "sender_of"]

FROM = "rapport-from"
"""Header of a record of a public source: keyed hash of the address that sent it. Nobody can tell the address without
the key; and it lives no longer than the record, which may hold the address itself."""

_SITE = 48  # bits of an IPv6 address: a single site may have all that follow (RFC 6177)


def address_header(key: bytes, address: str) -> tuple[str, bytes]:
    """The header for what came from an address.

    Args:
        key: the installation's, of hashes.
        address: of the client; "" if it is not known, as behind a Unix socket.
    """
    return FROM, sender(key, f"address\0{_network(address)}").encode()


def address_of(record: ConsumerRecord) -> str:
    """The hash of the address that a record came from; "" if none was noted."""
    return header_of(record.headers, FROM)[:22] if record.headers else ""


def sender_of(record: ConsumerRecord, key: bytes) -> str:
    """Who sent a record: the hash of its address, else of its key."""
    return address_of(record) or sender(key, f"key\0{(record.key or b'').decode(errors='replace')}")


def _network(address: str) -> str:
    """What of an address is its owner's to choose no more."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is None:
            return str(ipaddress.ip_network((ip, _SITE), strict=False))
        ip = ip.ipv4_mapped
    return str(ip)
