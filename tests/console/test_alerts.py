"""`rapport alerts`: cases on a terminal, named by what people remember, decided on, and followed as it happens."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from rich.cells import cell_len
from typer.testing import CliRunner, Result

from console.commands.main import create_cli
from console.services.finder import Finder, Hits
from models.cases.following import Cases
from profiles.consent import Consent
from profiles.stores.access import Account
from profiles.stores.memory import MemoryAccessStore
from profiles.types import Profile
from streams.live import LiveEvent
from tests import REPOSITORY
from tests.console.people import DAY, NOW, customer, happened, keep, store
from tests.console.support_api import PLAN, Nothing, support_api, where
from tests.console.test_cases import Worker
from tests.console.test_companies import BUSINESS, NAME, stored, visit

CASES = Cases(PLAN.alerts, "EUR", 90 * DAY, 0.0, Consent(), PLAN.file.routes)


class Feed(Nothing):
    """Tells that something happened whenever a test says so."""

    def __init__(self) -> None:
        self._listening: list[tuple[asyncio.AbstractEventLoop, asyncio.Queue[LiveEvent]]] = []

    async def subscribe(self) -> AsyncIterator[LiveEvent]:
        """To whoever listens."""
        queue: asyncio.Queue[LiveEvent] = asyncio.Queue()
        self._listening.append((asyncio.get_running_loop(), queue))
        while True:
            yield await queue.get()

    def tell(self, profile: str) -> None:
        """An alert about a customer."""
        event = LiveEvent("alert", f"of-{profile}", {"id": "a", "profile": profile})
        for loop, queue in self._listening:
            loop.call_soon_threadsafe(queue.put_nowait, event)


def called(number: int, first: str, last: str, risk: float = 0.8) -> Profile:
    """A customer with a name and a case."""
    found = customer(("user_id", str(number)), risk)
    happened(found, 1, "", type="identify", traits={"firstName": first, "lastName": last})
    CASES.follow(found, NOW)
    return found


@contextlib.contextmanager
def serving_three() -> Iterator[Any]:
    """Three customers with cases, and kim, who may sign in."""
    held, access, feed = store(), MemoryAccessStore(), Feed()
    asyncio.run(access.put_account(Account("kim", "agent")))
    keep(held, called(42, "Daan", "Weber"), called(43, "Daan", "Jansen", 0.9), called(44, "Maud", "Visser", 0.5))
    with support_api(held, commands=Worker(held), access=access, feed=feed, wait=3.0) as http:
        http.held, http.feed = held, feed
        yield http


@pytest.fixture(scope="module")
def reading() -> Iterator[Any]:
    """For who changes nothing."""
    with serving_three() as http:
        yield http


@pytest.fixture
def api() -> Iterator[Any]:
    with serving_three() as http:
        yield http


def rapport(http: httpx.Client, *arguments: str, width: int = 80) -> Result:
    return CliRunner().invoke(
        create_cli(), ["alerts", *arguments, *where(http)], env={"COLUMNS": str(width), "LOGNAME": "lee"}
    )


def said(http: httpx.Client, *arguments: str) -> Any:
    result = rapport(http, *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.mark.parametrize("width", [80, 60, 40])
def test_the_list_is_read_at_any_width(reading: Any, width: int) -> None:
    result = rapport(reading, "list", width=width)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= width
    assert lines[0].startswith("3 new (") or width < 60
    names = [line for line in lines if line.startswith(("Daan", "Maud"))]
    assert [name.split()[1] for name in names] == ["Jansen", "Weber", "Visser"]  # most at risk first
    assert "warning: high_churn_risk · since 2025-12-29" in " ".join(result.stdout.split())
    if width == 80:
        assert "90% high" in names[0]
        assert names[0].endswith("CRM")


def test_names_of_any_width_stand_in_one_column(api: Any) -> None:
    keep(api.held, called(46, "伟", "张" * 20), called(47, "Ö", "Ünal"))
    lines = [line for line in rapport(api, "list").stdout.splitlines() if line.endswith("CRM")]
    assert len({cell_len(line[: line.index("%")]) for line in lines}) == 1
    assert max(map(cell_len, lines)) <= 80


def test_the_list_is_narrowed_and_paged(reading: Any) -> None:
    page = said(reading, "list", "--limit", "2")
    assert [row["label"] for row in page["data"]] == ["Daan Jansen", "Daan Weber"]
    assert [row["label"] for row in said(reading, "list", "--cursor", page["next"])["data"]] == ["Maud Visser"]
    assert f"--cursor {page['next']}" in rapport(reading, "list", "--limit", "2", width=200).stdout
    assert len(said(reading, "list", "--with", "nobody", "--owner", "CRM", "--severity", "warning")["data"]) == 3
    assert [row["label"] for row in said(reading, "list", "--worth", "50")["data"]] == ["Daan Jansen"]
    assert (
        said(reading, "list", "--severity", "critical")["data"] == said(reading, "list", "--company", "x")["data"] == []
    )
    assert said(reading, "list", "--with", "kim")["data"] == said(reading, "list", "--state", "done")["data"] == []
    assert "There is no case like that." in rapport(reading, "list", "--with", "kim").stdout
    wrong = rapport(reading, "list", "--state", "open")
    assert (wrong.exit_code, "'new', 'acknowledged', 'snoozed' or 'done'" in wrong.stderr) == (2, True)


@pytest.mark.parametrize("name", ["maud", "vis", "user_id:44", "44", "maud visser", "CASE", "PROFILE"])
def test_a_customer_is_named_by_what_people_remember(reading: Any, name: str) -> None:
    row = next(row for row in said(reading, "list")["data"] if row["label"] == "Maud Visser")
    name = {"CASE": row["id"], "PROFILE": row["profile"]}.get(name, name)
    assert said(reading, "show", *name.split())["id"] == row["id"]


def test_a_company_is_named_by_its_name_and_decided_on() -> None:
    held = stored(visit("m", 0), alert="high_churn_risk")
    with support_api(held, plan=BUSINESS, commands=Worker(held), wait=3.0) as http:
        assert [row["company"] for row in said(http, "list", "--grain", "company")["data"]] == [NAME]
        assert said(http, "list", "--grain", "customer")["data"] == []
        (case,) = {said(http, "show", each)["id"] for each in (f"company:{NAME}", NAME)}
        assert said(http, "show", case)["company"] == NAME
        told = rapport(http, "show", f"company:{NAME}").stdout
        assert f"company:{NAME}" in told
        of_company = CliRunner().invoke(create_cli(), ["company", "show", NAME, *where(http)])
        assert "Case          new, CRM" in of_company.stdout
        assert "acknowledged" in rapport(http, "ack", f"company:{NAME}").stdout
        assert said(http, "resolve", f"company:{NAME}", "--outcome", "stayed")["state"] == "resolved"
        over = rapport(http, "ack", f"company:{NAME}")
        assert (over.exit_code, f"the case of {NAME} (company:{NAME}) is over" in over.stderr) == (1, True)


def test_show_says_why_and_what_happened(reading: Any) -> None:
    told = rapport(reading, "show", "maud").stdout
    for words in (
        "Maud Visser  to keep, warning",
        "CRM",
        "Waiting 9 days for an answer to a ticket",
        "opened high_churn_risk",
        "risk × net",
    ):
        assert words in told
    assert max(map(len, told.splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        ("show nobodyhere", 1, "nobody is found by 'nobodyhere'; give the beginning of a name"),
        ("ack daan", 2, "'daan' may be several: Daan"),
        ("show cs_x_1", 1, "there is no case 'cs_x_1'"),
        ("show user_id:7", 1, "user_id:7"),
        ("snooze maud", 2, "say until when: --until 3d"),
        ("snooze maud --until 2020-01-01", 2, "has passed"),
        ("snooze maud --until soon", 2, "'soon' is no time"),
        ("resolve maud --outcome happy", 2, "'happy' is no outcome; there are stayed, they were kept; left"),
        ("resolve maud", 2, "Missing option '--outcome'"),
        ("assign maud --to kimm", 2, "nobody is called 'kimm'; did you mean 'kim'? There are kim, CRM"),
        ("tail --state done", 2, "tail follows what is open"),
    ],
)
def test_mistakes_say_what_to_do(reading: Any, arguments: str, code: int, told: str) -> None:
    result = rapport(reading, *arguments.split())
    assert (result.exit_code, result.stdout) == (code, "")
    assert told in result.stderr
    if "several" in told:
        assert result.stderr.count("profile_id:") == 2


def test_who_never_had_a_case_and_whose_is_over_is_told(api: Any) -> None:
    keep(api.held, customer(("user_id", "9"), None))
    assert "Ada has no case, as no alert about them has opened" in rapport(api, "show", "user_id:9").stderr
    assert rapport(api, "resolve", "maud", "--outcome", "stayed").exit_code == 0
    again = rapport(api, "ack", "maud")
    assert again.exit_code == 1
    assert "the case of Maud Visser is over: resolved (stayed) by lee at 2026-01-01T00:00" in again.stderr


def test_decisions_go_through_the_one_writer_with_who_decided(api: Any) -> None:
    assert said(api, "assign", "maud", "--to", "KIM", "--by", "ann")["assignee"] == "kim"
    assert said(api, "assign", "maud", "--to", "Customer success")["owner"] == "Customer success"
    told = rapport(api, "ack", "maud", "--note", "calls today")
    assert told.exit_code == 0
    assert {"Maud Visser  acknowledged (by lee)", "Maud Visser  note calls today (by lee)"} <= {
        line[10:] for line in told.stdout.splitlines()
    }
    assert rapport(api, "ack", "maud").stdout == "The case of Maud Visser is acknowledged already.\n"
    assert "note tomorrow (by ann)" in rapport(api, "ack", "maud", "--note", "tomorrow", "--by", "ann").stdout
    snoozed = said(api, "snooze", "maud", "--until", "2126-01-01", "--until-worse")
    assert (snoozed["state"], snoozed["until"][:10], snoozed["until_worse"]) == ("snoozed", "2126-01-01", True)
    done = said(api, "resolve", "maud", "--outcome", "no-answer", "--note", "=cmd()")
    assert (done["state"], done["outcome"]) == ("resolved", "no_answer")
    assert {note["text"] for note in done["notes"]} == {"calls today", "tomorrow", "=cmd()"}
    assert {(entry["action"], entry["by"]) for entry in done["history"]} >= {("assigned", "ann"), ("resolved", "lee")}
    rows = api.get("/v1/audit", params={"object": done["profile"]}).json()["data"]
    assert {row["action"] for row in rows} >= {"case.decide"}


class Late(Finder):
    """Some searches of a busy store are not done in time."""

    def __init__(self, late: int) -> None:
        super().__init__(patience=60.0)
        self.late = late

    async def find(self, *arguments: Any, **named: Any) -> Hits:
        self.late -= 1
        return Hits([], True, timed_out=True) if self.late >= 0 else await super().find(*arguments, **named)


@pytest.mark.parametrize(("late", "code", "words"), [(2, 0, "Maud Visser"), (99, 1, "was not done in time; try again")])
def test_a_search_that_is_not_done_in_time_is_repeated_and_nobody_is_called_missing(
    api: Any, late: int, code: int, words: str
) -> None:
    with support_api(api.held, finder=Late(late)) as http:
        told = rapport(http, "show", "maud")
    assert told.exit_code == code
    assert words in told.stdout + told.stderr


def test_what_takes_longer_is_told(api: Any) -> None:
    worker = Worker(api.held)
    worker.idle = True
    with support_api(api.held, commands=worker, wait=0.1) as http:
        told = rapport(http, "snooze", "maud", "--until-worse")
    assert (told.exit_code, told.stdout) == (0, "")
    assert "Handed over, and not done yet. `rapport alerts show cs_" in told.stderr


def test_tail_shows_what_happens_until_it_is_interrupted(api: Any) -> None:
    """New cases, decisions of others and ends, each as the feed tells that something changed."""
    command = [sys.executable, "-m", "console", "alerts", "tail", "--json", "--owner", "CRM", *where(api)]
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    tail = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ)
    try:
        assert tail.stdout is not None
        assert tail.stderr is not None
        assert tail.stderr.readline().startswith("3 open")
        late = called(45, "Noor", "Bakker")
        keep(api.held, late)
        api.feed.tell(late.id)
        first = json.loads(tail.stdout.readline())
        assert (first["action"], first["case"]["label"], first["case"]["owner"]) == ("opened", "Noor Bakker", "CRM")
        assert rapport(api, "assign", "noor", "--to", "kim").exit_code == 0
        api.feed.tell(late.id)
        assert (json.loads(tail.stdout.readline())["action"]) == "assigned"
        assert rapport(api, "resolve", "noor", "--outcome", "stayed", "--note", "done").exit_code == 0
        api.feed.tell(late.id)
        told = [json.loads(tail.stdout.readline()) for _ in range(2)]
        assert {(each["action"], each["text"]) for each in told} == {("resolved", "stayed"), ("note", "done")}
        assert {each["case"]["state"] for each in told} == {"resolved"}
        tail.send_signal(signal.SIGINT)
        assert tail.wait(10) == 0
        assert (tail.stdout.read(), tail.stderr.read()) == ("", "")
    finally:
        tail.kill()
        tail.communicate()
