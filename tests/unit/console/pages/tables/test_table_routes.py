"""The tables of pages as files: the rows of the page, masked by role, harmless, and written down."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import io
from collections.abc import Iterator

import httpx
import pytest

from console.api import companies
from console.pages.tables import csv_tables, table_routes
from profiles.stores.access import Role
from tests.console.browsing.living import Living, aside, living
from tests.console.people import customer, happened
from tests.console.test_companies import BUSINESS, NAME, stored, visit

HOSTILE = "=HYPERLINK(1)"
OURS = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture(scope="module")
def console() -> Iterator[Living]:
    with living(
        aside(lambda: stored(*(visit(f"m{number}", 1, tier="team") for number in range(3)))), plan=BUSINESS
    ) as one:
        for number in range(3):
            ada = customer(("user_id", f"98765{number}"))
            happened(
                ada, number, "", type="identify", traits={"firstName": HOSTILE, "email": f"ada{number}@example.com"}
            )
            one.keep(ada)
        yield one


@contextlib.contextmanager
def signed_in(console: Living, role: Role) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=console.url, timeout=30) as http:
        assert http.post(f"/sign-in/{console.link(role)}", headers=OURS).status_code == 303
        yield http


def rows(answer: httpx.Response) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    return list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))


@pytest.mark.parametrize(
    ("path", "column"),
    [
        ("/customers.csv", "customer"), ("/customers.csv?order=risk", "customer"), ("/companies.csv", "company"),
        (f"/company/{NAME.replace(' ', '%20').replace('/', '%2F')}/members.csv", "customer"),
        ("/segments.csv", "segment"), ("/segments/repeat_buyer/members.csv", "customer"),
        ("/segments/at_risk/companies.csv", "company"), ("/jobs.csv", "job"),
        ("/pipeline.csv", "source"), ("/pipeline/rejected.csv", "reason"), ("/plan.csv", "name"),
        ("/plan.csv?q=order", "name"), ("/at-risk.csv", "customer"), ("/settings/users.csv", "name"),
        ("/settings/tokens.csv", "scopes"), ("/settings/audit.csv", "who"),
    ],
)  # fmt: skip
def test_every_table_is_a_file_that_is_written_down(console: Living, path: str, column: str) -> None:
    with signed_in(console, "admin") as http:
        answer = http.get(path)
    found = rows(answer)
    assert column in answer.text.splitlines()[0]
    assert not any(cell.startswith(("=", "+", "@")) for row in found for cell in row.values())
    (row, *_) = [row for row in aside(lambda: asyncio.run(console.audit.newest(5))).rows if row.action == "table.csv"]
    assert row.actor == "admin"
    assert column in row.fields


def test_of_whom_a_table_is_is_written_down(console: Living) -> None:
    company = BUSINESS.company(NAME)
    with signed_in(console, "admin") as http:
        for path in (f"/company/{company}/members.csv", "/segments/repeat_buyer/members.csv"):
            rows(http.get(path))
    found = aside(lambda: asyncio.run(console.audit.newest(5))).rows
    assert [row.object for row in found if row.action == "table.csv"][:2] == ["repeat_buyer", company]


def test_all_members_of_a_file_come_of_one_look_at_them(console: Living, monkeypatch: pytest.MonkeyPatch) -> None:
    looks, members_of = [], companies.members_of
    monkeypatch.setattr(companies, "members_of", lambda found: looks.append(1) or members_of(found))
    for module in (companies, table_routes):
        monkeypatch.setattr(module, "_AT_ONCE", 1)
    with signed_in(console, "admin") as http:
        found = rows(http.get(f"/company/{BUSINESS.company(NAME)}/members.csv"))
    assert (len(found), len(looks)) == (3, 1)
    assert all(row["customer"] for row in found)


def test_each_role_gets_what_it_sees_on_the_page(console: Living) -> None:
    roles: tuple[Role, ...] = ("analyst", "agent", "admin")
    for role in roles:
        with signed_in(console, role) as http:
            found = rows(http.get("/customers.csv"))
            text = str(found)
            assert ("'=HYPERLINK(1)" in text) == (role != "analyst")
            assert ("987650" in text) == (role != "analyst")
            if role != "admin":
                assert http.get("/settings/users.csv").status_code == 403
                assert http.get("/settings/audit.csv").status_code == 403
                assert http.get("/jobs.csv").status_code == 403


def test_a_long_table_says_where_it_goes_on(console: Living, monkeypatch: pytest.MonkeyPatch) -> None:
    async def ask(cursor: str | None) -> tuple[list[int], str | None]:
        first = int(cursor or 0)
        return list(range(first, first + 200)), str(first + 200)

    monkeypatch.setattr(csv_tables, "MOST", 450)
    found, following = asyncio.run(csv_tables.paged(ask, "100"))
    assert (found[0], len(found), following) == (100, 600, "700")


def test_who_takes_tables_too_often_is_told_when_to_come_back() -> None:
    with living() as console, signed_in(console, "analyst") as http:
        answers = [http.get("/segments.csv") for _ in range(31)]
        assert {answer.status_code for answer in answers[:30]} == {200}
        assert answers[-1].status_code == 429
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 600
        assert http.get("/segments").status_code == 200
        with signed_in(console, "agent") as other:
            assert other.get("/segments.csv").status_code == 200
