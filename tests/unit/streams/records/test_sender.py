"""Who sent a record: its address where one was noted, as a hash; and that one cannot make up many."""

from __future__ import annotations

import pytest

from streams.records.sender import FROM, address_header, address_of, sender_of
from tests.build import record

KEY = b"a key of the installation"


def from_address(address: str, key: bytes = KEY) -> str:
    """The hash of an address."""
    return address_of(record(headers=[address_header(key, address)]))


def test_an_address_is_told_apart_and_not_told() -> None:
    """Without the key nobody can compute it."""
    name, value = address_header(KEY, "203.0.113.9")

    assert name == FROM
    assert len(value) == 22
    assert b"203" not in value
    assert from_address("203.0.113.9") != from_address("203.0.113.10") != from_address("203.0.113.9", b"another key")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2001:db8:1::1", "2001:db8:1:ffff:ffff:ffff:ffff:ffff"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("fe80::1%eth0", "fe80::2%eth1"),
    ],
)
def test_what_one_owner_can_choose_is_one_address(one: str, other: str) -> None:
    """A site has 2 to the power of 80 of IPv6."""
    assert from_address(one) == from_address(other)
    assert from_address("2001:db8:1::1") != from_address("2001:db8:2::1")


def test_without_an_address_it_is_the_key() -> None:
    """As of other producers, and of those whose write key is secret."""
    assert sender_of(record(key=b"ada"), KEY) == sender_of(record(1, key=b"ada"), KEY)
    assert sender_of(record(key=b"ada"), KEY) != sender_of(record(key=b"bob"), KEY)
    both = record(key=b"ada", headers=[address_header(KEY, "")])
    assert sender_of(both, KEY) == address_of(both) != sender_of(record(key=b"ada"), KEY)
