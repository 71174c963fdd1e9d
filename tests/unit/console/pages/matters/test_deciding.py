"""Decisions on several cases at once: each is one of its own, told of and written down, whatever becomes of others."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from console.access.sessions import Sessions
from console.api import create_api
from console.pages.matters.deciding import MOST
from console.pages.site import add_pages
from models.cases.decisions import decide
from models.cases.following import Cases, case_id
from profiles.consent import Consent
from profiles.stores.access import Account
from profiles.stores.memory import MemoryAccessStore, MemoryStore
from profiles.types import AlertCommand
from streams.kafka.client import Unavailable
from tests.console.people import DAY, NOW, customer, happened, keep, store
from tests.console.support_api import PLAN, api_deps

CASES = Cases(PLAN.alerts, "EUR", 90 * DAY, 0.0, Consent())


class Worker:
    """Carries out decisions, but those on customers whom it cannot reach or is slow for."""

    def __init__(self, held: MemoryStore) -> None:
        self._held, self.away, self.slow = held, "", ""

    async def send(self, command: AlertCommand) -> None:
        if command.profile == self.away:
            raise Unavailable("Kafka does not answer")
        profile = await self._held.profile(command.profile)
        assert profile is not None
        if profile.id != self.slow and (decided := decide(profile, command)) is not None:
            profile.case = decided.case
            await asyncio.to_thread(keep, self._held, profile)


def ask(held: MemoryStore, worker: Worker, action: str, **form: Any) -> tuple[httpx.Response, list[tuple[str, str]]]:
    """The answer of a page, and (customer, result) of what was written down."""
    deps = api_deps(held, access=MemoryAccessStore(), commands=worker, wait=3.0)
    app = create_api(deps)
    add_pages(app, deps)

    async def run() -> tuple[httpx.Response, list[tuple[str, str]]]:
        await deps.access.put_account(kim := Account(name="kim", role="agent"))
        cookie = f"rapport={await Sessions(deps.access).begin(kim, 'link')}"
        headers = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html", "Cookie": cookie}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
            answer = await http.post(f"/cases/{action}", headers=headers, data=form)
        return answer, sorted((row.object, row.result) for row in (await deps.audit.newest(50)).rows)

    return asyncio.run(run())


def test_each_case_is_decided_on_by_itself_and_written_down() -> None:
    held = store()
    found = [customer(("user_id", str(number))) for number in range(5)]
    for number, one in enumerate(found):
        happened(one, 0, "", type="identify", traits={"firstName": f"Name{number}"})
        CASES.follow(one, NOW)
    done, away, slow, other, over = found
    assert over.case is not None
    over.case = replace(over.case, state="resolved")
    keep(held, *found)
    worker = Worker(held)
    worker.away, worker.slow = away.id, slow.id
    ids = [one.case.id for one in found if one.case]
    gone = case_id("nobody", NOW)

    answer, rows = ask(held, worker, "snooze", snooze="1d", case=[*ids, ids[0], gone])

    assert answer.status_code == 200
    for told in (
        "2 cases snoozed.", "1 decision is on its way", "Not for 3 cases:", "the case is over already",
        "a server does not answer", "there is no such case any more",
    ):  # fmt: skip
        assert told in answer.text
    told_of = {name for name in ("Name0", "Name1", "Name2", "Name3", "Name4") if name in answer.text}
    assert told_of == {"Name1", "Name4"}
    assert rows == sorted(
        [(done.id, "ok"), (other.id, "ok"), (slow.id, "ok"), (away.id, "503"), (over.id, "409"), ("", "404")]
    )


@pytest.mark.parametrize("form", [{}, {"case": []}, {"case": ["x"] * (MOST + 1)}, {"case": "x" * 101}])
def test_none_or_too_many_are_refused(form: dict[str, Any]) -> None:
    held = store()
    assert ask(held, Worker(held), "acknowledge", **form)[0].status_code == 400


def test_nobody_is_given_a_case_who_is_not_there() -> None:
    held, ada = store(), customer()
    CASES.follow(ada, NOW)
    keep(held, ada)
    assert ada.case is not None
    answer, _ = ask(held, Worker(held), "assign", case=ada.case.id, assignee="nobody-at-all")
    assert "nobody is called" in answer.text
    assert "is called" not in ask(held, Worker(held), "assign", case=ada.case.id, assignee="")[0].text
