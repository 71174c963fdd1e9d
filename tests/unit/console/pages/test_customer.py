"""The stream of a customer's page: what is left of it when there is no such customer (any more)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator

import httpx
import pytest

from console.pages.customer import _FRAGMENTS
from profiles.stores.access import Account
from profiles.types import ERASED, Churn, Company, Profile, Reason, Score
from tests.console.browsing.living import Living, aside, living
from tests.console.people import customer, happened
from tests.console.test_churns import PLAN as UNSEEN

OURS = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture(scope="module")
def console() -> Iterator[Living]:
    with living() as one:
        yield one


@pytest.fixture
def client(console: Living) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=console.url, timeout=30) as http:
        assert http.post(f"/sign-in/{console.link('agent')}", headers=OURS).status_code == 303
        yield http


def state(lines: Iterator[str]) -> str:
    """The next state that a stream sends."""
    told: list[str] = []
    for line in lines:
        if line.startswith("data:"):
            told.append(line.removeprefix("data:"))
        elif not line and told:
            break
    return "\n".join(told)


def test_an_open_page_keeps_nothing_of_who_is_erased(client: httpx.Client, console: Living) -> None:
    ada = customer()
    console.keep(ada)
    with client.stream("GET", f"/live/c/{ada.id}") as stream:
        lines = stream.iter_lines()
        assert "T1" in state(lines)
        console.keep(Profile(ada.id, redirect=ERASED))
        last = state(lines)

    assert "no longer here" in last
    for name in _FRAGMENTS[1:]:
        assert f'hx-target="#{name}" hx-swap="innerMorph"></hx-partial>' in last


@pytest.mark.parametrize("own", [False, True])
def test_whom_only_a_further_definition_scores_is_no_customer_without_a_score(own: bool) -> None:
    """Whoever works with a product and orders nothing by themselves: the page is about that score, with its reasons."""
    with living(plan=UNSEEN) as console, httpx.Client(base_url=console.url, timeout=30) as http:
        http.post(f"/sign-in/{console.link('agent')}", headers=OURS)
        person = customer()
        score = Score(0.9, "high", 1_700_000_000.0, "rules-2", [Reason("open_tickets", 1.0, 1.0)])
        person.churns = {"unseen": Churn(score=score, stage="at_risk", stage_since=1_700_000_000.0)}
        person.score = Score(0.3, "low", 1_700_000_000.0, "rules-2", []) if own else None
        console.keep(person)
        page = re.sub(r"\s+", " ", http.get(f"/c/{person.id}").text)

    assert "Not scored yet" not in page
    (card,) = re.findall(r'<section class="card" id="risk".*?</section>', page)
    assert [re.search(figure, card) is not None for figure in (r"\b30\b", r"\b90\b", "fading", "ticket")] == [
        own,
        True,
        True,
        not own,
    ]
    assert card.count("fading") == 1
    (on_phones,) = re.findall(r'<span class="on-phones">.*?</span>', page)
    assert re.search(r"\b30\b" if own else r"\b90\b", on_phones)


def test_a_company_is_no_customer(client: httpx.Client, console: Living) -> None:
    console.keep(Profile("~acme", company=Company("company", "acme")))

    with client.stream("GET", "/live/c/~acme") as stream:
        assert "no longer here" in state(stream.iter_lines())


def test_who_is_given_another_role_sees_no_more_by_an_open_page(client: httpx.Client, console: Living) -> None:
    """An analyst sees no names."""
    ada = customer()
    console.keep(ada)
    with client.stream("GET", f"/live/c/{ada.id}") as stream:
        lines = stream.iter_lines()
        assert "Ada" in state(lines)
        asyncio.run(console.access.put_account(Account(name="agent", role="analyst")))
        happened(ada, 0, "", type="identify", traits={"firstName": "Augusta"})
        console.keep(ada)
        rest = list(lines)

    assert "event: ended" in rest
    assert not [line for line in rest if "Augusta" in line]
    with client.stream("GET", f"/live/c/{ada.id}") as stream:
        assert "Augusta" not in state(stream.iter_lines())


def test_who_looks_by_a_stream_alone_is_written_down_once_a_look(client: httpx.Client, console: Living) -> None:
    """The stream of a page that was asked for is the same look, and so is one that breaks and is opened anew."""
    with_page, without = customer(("user_id", "301")), customer(("user_id", "302"))
    console.keep(with_page)
    console.keep(without)
    client.get(f"/c/{with_page.id}", headers={"Accept": "text/html"})
    for one in (with_page, without, without):
        with client.stream("GET", f"/live/c/{one.id}") as stream:
            assert state(stream.iter_lines())
    with client.stream("GET", "/live/c/nobody") as stream:
        assert "no longer here" in state(stream.iter_lines())

    rows = aside(lambda: asyncio.run(console.audit.newest(50))).rows
    looks = [row.object for row in rows if row.action == "profile.view"]
    assert (looks.count(with_page.id), looks.count(without.id)) == (1, 1)
    assert "nobody" not in looks
