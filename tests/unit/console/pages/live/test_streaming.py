"""Streams of pages: what is shown to several is made once, for each role and language apart."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import httpx
import pytest

import console.pages.customer as customer_page
from tests.console.browsing.living import Living, living
from tests.console.people import customer, happened
from tests.unit.console.pages.test_customer import state

OURS = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture(scope="module")
def console() -> Iterator[Living]:
    with living() as one:
        yield one


@pytest.fixture
def views(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The customers whose documents were made, one entry a state."""
    made: list[str] = []
    real = customer_page.profile_view

    def counted(profile, *args):  # type: ignore[no-untyped-def]
        made.append(profile.id)
        return real(profile, *args)

    monkeypatch.setattr(customer_page, "profile_view", counted)
    return made


def look(opened: contextlib.ExitStack, console: Living, role: str, path: str, language: str = "en") -> Iterator[str]:
    client = opened.enter_context(httpx.Client(base_url=console.url, headers={"Accept-Language": language}, timeout=20))
    assert client.post(f"/sign-in/{console.link(role)}", headers=OURS).status_code == 303  # type: ignore[arg-type]
    return opened.enter_context(client.stream("GET", path)).iter_lines()


def test_one_change_on_ten_pages_is_made_once_for_each_role_and_language(console: Living, views: list[str]) -> None:
    ada = customer()
    console.keep(ada)
    who = [("agent", "en")] * 8 + [("analyst", "en"), ("agent", "zh-CN")]
    with contextlib.ExitStack() as opened:
        pages = [look(opened, console, role, f"/live/c/{ada.id}", language) for role, language in who]
        for page in pages:
            assert "T1" in state(page)
        views.clear()
        happened(ada, 0, "Complaint Received", "complaint", source="support", subject="T77")
        console.keep(ada)
        told = [state(page) for page in pages]

    assert views == [ada.id] * 3
    assert all("T77" in each for each in told)
    assert len(set(told[:8])) == 1
    assert len(set(told)) == 3


def test_an_open_page_of_one_role_never_shows_what_another_one_sees(console: Living) -> None:
    """An analyst sees no names, though an agent has the same page open."""
    ada = customer(("user_id", "43"))
    console.keep(ada)
    with contextlib.ExitStack() as opened:
        agent, analyst = (look(opened, console, role, f"/live/c/{ada.id}") for role in ("agent", "analyst"))
        assert "Ada" in state(agent)
        assert "Ada" not in state(analyst)
        happened(ada, 0, "", type="identify", traits={"firstName": "Augusta"})
        console.keep(ada)
        assert "Augusta" in state(agent)
        assert "Augusta" not in state(analyst)
