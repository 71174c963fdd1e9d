"""A company is what its members' shares come to."""

from __future__ import annotations

import sys

import msgspec

from profiles.companies.counting import count_shares, take_share
from profiles.state import Limits
from profiles.types import Alert, Part, Profile, Share, Stay
from tests.build import customer, event


def share(member: str, *days: float) -> Share:
    state = customer(*(event("purchase", day, amount=100, subject=f"{member}{day}") for day in days), id="")
    return Share("~acme", "acme", member, 0.0, msgspec.msgpack.encode(Part(days[0], 0, state)))


def test_the_newest_share_of_each_member_counts_and_what_the_company_derived_stays() -> None:
    """A share replaces the one before; one that is taken back is gone."""
    company = Profile("~acme", segments={"big": Stay(1.0)}, alerts={"a": Alert("1", "a", "open", 1.0, 1.0, 0.0)})
    for told in (share("ada", 1), share("bob", 2, 3), share("ada", 1, 4)):
        take_share(company, told, "company")
    count_shares(company, Limits())

    assert (company.purchases.orders, company.purchases.revenue) == (4, {"EUR": 400})
    assert company.identities == {"company": {"acme": 1}}
    take_share(company, Share("~acme", "acme", "bob", 0.0), "company")
    count_shares(company, Limits())
    assert company.purchases.orders == 2
    assert (set(company.segments), set(company.alerts)) == ({"big"}, {"a"})


def calls_to_count(members: int) -> int:
    """Function calls that counting a company takes, each of whose members has ordered ten times."""
    company, calls = Profile("~acme"), 0

    def note(*_: object) -> None:
        nonlocal calls
        calls += 1

    for number in range(members):
        take_share(company, share(f"m{number}", *range(1, 11)), "company")
    sys.setprofile(note)
    try:
        count_shares(company, Limits())
    finally:
        sys.setprofile(None)
    assert company.purchases.orders == 10 * members
    return calls


def test_counting_a_company_costs_what_its_size_is() -> None:
    """Not that of its members' orders for each of its members, which would be a thousand calls an order."""
    for members in (8, 32, 64):
        assert calls_to_count(members) < 400 * 10 * members


def test_two_members_who_report_one_order_report_one_order() -> None:
    """The buyer's web page and the one who pays."""
    company = Profile("~acme")
    for member in ("ada", "bob"):
        state = customer(event("purchase", 1, amount=700, subject="po-1"), id="")
        part = msgspec.msgpack.encode(Part(1.0, 0, state))
        take_share(company, Share("~acme", "acme", member, 0.0, part), "company")
    count_shares(company, Limits())

    assert (company.purchases.orders, company.purchases.revenue) == (1, {"EUR": 700})
