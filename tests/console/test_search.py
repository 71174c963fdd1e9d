"""Search over the support API: who is found by what, what is masked, and who is not found any more."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from console.commands.main import create_cli
from profiles.types import ERASED, Identity, Profile, profile_id
from tests.console.people import customer, happened, keep, store
from tests.console.support_api import PLAN, support_api, where


def person(number: str, **traits: Any) -> Profile:
    identity: Identity = ("user_id", number)
    made = Profile(id=profile_id(PLAN.namespace, identity))
    happened(made, 1, "", type="identify", identities=[identity], traits=traits)
    return made


DAAN = {"firstName": "Daan", "lastName": "de Weber", "email": "Daan.Weber@example.com", "phone": "+31 6 1234 5678"}


def ask(http: httpx.Client, text: str, **more: Any) -> list[dict[str, Any]]:
    answer = http.get("/v1/search", params={"q": text, **more})
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.json()["data"]
    return rows


@pytest.mark.parametrize(
    ("text", "kind", "shown"),
    [
        ("daa", "name", "d. d. w."),
        ("WEBER", "name", "w."),
        ("weber daan", "name", "w."),
        ("daan.web", "email", "d…@example.com"),
        ("weber@exa", "email", "w…@example.com"),
        ("5678", "phone", "… 78"),
        ("06 12345678", "phone", "… 78"),
        ("ord-7", "order", "ORD-77"),
        ("t-11", "ticket", "T-118"),
        ("customer-4", "user_id", "…42"),
    ],
)
def test_a_customer_is_found_by_the_beginning_of_what_people_remember(text: str, kind: str, shown: str) -> None:
    held = store()
    daan = person("customer-42", **DAAN)
    happened(daan, 1, "Order Completed", "purchase", source="purchase", subject="ORD-77")
    happened(daan, 1, "Ticket Opened", "ticket_opened", source="support", subject="T-118")
    keep(held, daan, person("2", firstName="Maud", lastName="Jansen"))
    with support_api(held) as http:
        [row] = ask(http, text)

    assert (row["profile"], row["label"]) == (daan.id, "Daan de Weber")
    assert row["matched"] == {"kind": kind, "value_masked": shown}


def test_an_identity_as_a_whole_is_found_by_key_and_first() -> None:
    held = store()
    keep(held, person("dani", firstName="Someone"), person("2", firstName="Dani", lastName="Alves"))
    with support_api(held) as http:
        first, second = ask(http, "dani")
        [alone] = ask(http, "user_id:dani")

    assert (first["exact"], first["matched"]) == (True, {"kind": "user_id", "value_masked": "…ni"})
    assert second["label"] == "Dani Alves"
    assert alone["profile"] == first["profile"]


def test_who_was_erased_or_merged_away_is_found_by_nothing() -> None:
    held = store()
    one, other = person("1", **DAAN), person("2", **DAAN)
    keep(held, one, other)
    keep(held, Profile(one.id, redirect=ERASED), Profile(other.id, redirect=person("3").id))
    with support_api(held) as http:
        assert [row for text in ("daan", "weber@", "5678", "1", "2") for row in ask(http, text)] == []


def test_who_allows_no_profiling_is_found_without_a_risk() -> None:
    held = store()
    ada = customer()
    happened(ada, 0, "", type="identify", traits={"consent.profiling": False, "consent.analytics": False})
    keep(held, ada)
    with support_api(held) as http:
        [row] = ask(http, "ada")

    assert (row["risk"], row["band"]) == (None, None)


def test_a_page_is_no_longer_than_was_asked_for() -> None:
    held = store()
    keep(held, *(person(str(number), firstName="Daan") for number in range(9)))
    with support_api(held) as http:
        answer = http.get("/v1/search", params={"q": "daan", "limit": 4}).json()
        assert len(answer["data"]) == 4
        assert answer["more"] is True
        assert http.get("/v1/search", params={"q": "daan"}).json()["more"] is False


@pytest.mark.parametrize(
    "text", ["\0", "[", "(\xff", "%00", "*", "a" * 200, "\U000e0001", "\u202e", "' OR 1", ":", "~x"]
)
def test_a_hostile_query_finds_nobody(text: str) -> None:
    held = store()
    keep(held, person("1", **DAAN))
    with support_api(held) as http:
        assert ask(http, text) == []


def test_what_is_no_query_is_refused() -> None:
    with support_api(store()) as http:
        assert http.get("/v1/search").status_code == 400
        assert http.get("/v1/search", params={"q": "x" * 201}).status_code == 400
        assert http.get("/v1/search", params={"q": "x", "page": 2}).status_code == 400


def test_each_customer_is_found_by_three_letters_of_what_lists_call_them() -> None:
    """The list and the index read the same store."""
    held = store()
    names = ("Zoë van Dam", "Łukasz Nowak", "O'Neil", "王小明", "Jean-Pierre Dupont", "ANA", "Þóra")
    keep(held, *(person(str(number), name=name) for number, name in enumerate(names)))
    with support_api(held) as http:
        for row in http.get("/v1/profiles", params={"order": "recent"}).json()["data"]:
            name = names[int(row["identities"][0]["value"])]
            assert [one["profile"] for one in ask(http, name[:3])] == [row["id"]]


def test_two_people_with_one_address_are_both_found_by_it_as_a_whole_or_in_part() -> None:
    held = store()
    keep(held, person("1", name="Ada", email="home@example.com"), person("2", name="Bea", email="home@example.com"))
    with support_api(held) as http:
        for text in ("home@example.com", "HOME@example.com ", "home@e"):
            assert {row["label"] for row in ask(http, text)} == {"Ada", "Bea"}
            assert {row["matched"]["kind"] for row in ask(http, text)} == {"email"}


def test_the_terminal_finds_the_same() -> None:
    held = store()
    keep(held, person("42", **DAAN))
    with support_api(held) as http:

        def found(*words: str) -> str:
            result = CliRunner().invoke(create_cli(), ["find", *words, *where(http)], env={"COLUMNS": "200"})
            assert result.exit_code == 0, result.output
            return result.output

        assert "Daan de Weber" in found("weber", "daan")
        assert "Nobody is found" in found("nobody")
        [row] = json.loads(found("weber", "--json"))["data"]
        assert row["label"] == "Daan de Weber"
