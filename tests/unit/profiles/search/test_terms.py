"""What customers are found by follows from their state, is bounded, and knows no case, accents or order of arrival."""

from __future__ import annotations

import pytest

from plan.model import ROLES
from profiles.search.terms import MOST, Searchable, fold, members_of, read_member, spelt, terms_of
from profiles.timeline import mark_of
from profiles.types import Profile
from tests.console.people import customer, happened


def found(profile: Profile, kind: str) -> list[str]:
    members = members_of(profile.id, terms_of(profile, Searchable()))
    return [entry.text for entry in map(read_member, members) if entry.kind == kind]


def named(**traits: str) -> Profile:
    profile = Profile("p")
    happened(profile, 1, "", type="identify", traits=traits)
    return profile


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("Zoë  van-der Meer", "zoe van der meer"),
        ("O’Brien", "obrien"),
        ("Łukasz Ørsted", "lukasz orsted"),
        ("STRASSE Straße", "strasse strasse"),
        ("王 小明", "王小明"),
        ("\u202eada\u200b\0", "ada"),
        ("İpek", "ipek"),
    ],
)
def test_a_name_has_no_case_and_no_accents(written: str, folded: str) -> None:
    assert fold(written) == folded


def test_a_name_is_found_from_each_of_its_words() -> None:
    assert found(named(firstName="Daan", lastName="de Weber"), "n") == ["daan de weber", "de weber", "weber"]


def test_a_chinese_name_is_found_in_either_order_and_from_each_sign() -> None:
    assert {"王小明", "小明", "明"} <= set(found(named(firstName="小明", lastName="王"), "n"))


def test_an_address_is_found_from_each_part_of_the_box() -> None:
    assert found(named(email="Daan.Weber@Example.com"), "e") == ["daan.weber@example.com", "weber@example.com"]


def test_a_number_is_there_from_its_end() -> None:
    assert found(named(phone="+31 6 1234-5678"), "p") == ["\x01876543216" + "13"]
    assert found(named(phone="06 12345678"), "p") == ["\x01876543216"]


def test_orders_tickets_and_ids_are_found() -> None:
    ada = customer()
    assert found(ada, "o") == ["o20", "o50", "o80"]
    assert found(ada, "t") == ["t1"]
    assert found(ada, "i") == ["42"]


def test_the_latest_orders_and_tickets_stay_and_all_of_it_is_bounded() -> None:
    ada = named(firstName=" ".join("abcdefghij"), name="x y z q r s t", email="a.b.c.d.e.f@x.nl", phone="0612345678")
    for number in range(60):
        happened(ada, 60 - number, "Order Completed", "purchase", subject=f"o{number:02}")
        happened(ada, 60 - number, "Ticket Opened", "ticket_opened", source="support", subject=f"T{number:02}")
    assert found(ada, "o") == ["o56", "o57", "o58", "o59"]
    assert found(ada, "t")[-1] == "t59"
    assert len(members_of(ada.id, terms_of(ada, Searchable()))) <= MOST


def test_hostile_text_breaks_no_entry() -> None:
    ada = named(firstName="a\0n\nb", email="x\0y\n@z", lastName="\x01")
    happened(ada, 1, "Order Completed", "purchase", subject="o\0\n1\x01" + "9" * 500)
    for member in members_of(ada.id, terms_of(ada, Searchable())):
        entry = read_member(member)
        assert entry.profile == ada.id
        assert entry.text.isprintable()
        assert len(entry.text) <= 64


def test_a_tombstone_is_found_by_nothing() -> None:
    ada = customer()
    ada.redirect = "other"
    assert terms_of(ada, Searchable()) == ""


def test_no_role_shares_its_mark_with_orders() -> None:
    """An event of it would push orders out of the index without anybody looking."""
    assert [role for role in ROLES if mark_of(role) == mark_of("purchase")] == ["purchase"]


def test_ids_are_spelt_without_gaps() -> None:
    assert spelt(" #ORD-10 2 ") == "ord-102"
