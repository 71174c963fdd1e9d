"""Every analysis through the support API: its table, as JSON and CSV, and who is behind a number."""

from __future__ import annotations

import asyncio
import csv
import io
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from analysis.declaration import Analysis, Customers
from analysis.engines.duck import Duck
from analysis.registry import analyses
from analysis.result import Result
from analysis.running import run
from console.access.api_tokens import Tokens
from console.api import create_api
from profiles.stores.memory import MemoryAccessStore
from tests.analyses.conftest import Knowing
from tests.console.people import store
from tests.console.support_api import PLAN, api_deps, support_api

ALL = analyses()
EVERY = pytest.mark.parametrize("analysis", ALL.values(), ids=list(ALL))


@pytest.fixture(scope="module")
def api(engine: Duck, results: Callable[[str], Result]) -> Iterator[httpx.Client]:
    with support_api(store(), analyses=Knowing("", PLAN, engine, results)) as http:
        yield http


def get(api: httpx.Client, path: str, **params: Any) -> Any:
    answer = api.get(f"/v1/analyses{path}", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_they_are_listed(api: httpx.Client) -> None:
    assert [row["name"] for row in get(api, "")["data"]] == list(ALL)
    assert {row["room"] for row in get(api, "", room="keeping")["data"]} == {"keeping"}


@EVERY
def test_its_table_and_its_lists(analysis: Analysis[Any], api: httpx.Client, results: Callable[[str], Result]) -> None:
    shown = get(api, f"/{analysis.name}")
    expected = results(analysis.name)
    assert len(shown["rows"]) == len(expected.rows)
    assert [column["name"] for column in shown["columns"]] == [column.name for column in expected.columns]
    text = api.get(f"/v1/analyses/{analysis.name}.csv").text
    assert text == api.get(f"/v1/analyses/{analysis.name}", headers={"Accept": "text/csv"}).text
    assert len(list(csv.reader(io.StringIO(text)))) == len(shown["rows"]) + 1
    for measure in [each for each in analysis.measures if isinstance(each, Customers) and not each.hidden][-1:]:
        keyed = [row for row in shown["rows"] if None not in [row[column.name] for column in analysis.dimensions]]
        if not keyed:  # such as what is bought together, of which this history has too little
            continue
        row = max(keyed, key=lambda row: row.get(measure.name) or 0)
        cell = {f"cell.{column.name}": row[column.name] for column in analysis.dimensions}
        listed = get(api, f"/{analysis.name}/customers", measure=measure.name, **cell)
        assert listed["total"] == len(listed["data"]) == row[measure.name]


def test_what_customers_wrote_is_for_who_may_see_it(engine: Duck, results: Callable[[str], Result]) -> None:
    """To others it is as long as it is; that somebody saw it is written down."""
    access = MemoryAccessStore()
    deps = api_deps(store(), access=access, analyses=Knowing("", PLAN, engine, results))
    row = max(results("text").rows, key=lambda row: row["customers"])
    asked = {"measure": "customers"} | {f"cell.{name}": str(row[name]) for name in ("period", "by", "topic")}

    async def ask() -> tuple[list[list[str]], list[list[str]], list[tuple[str, ...]]]:
        tokens, found, files = Tokens(access), [], []
        transport = httpx.ASGITransport(create_api(deps))
        async with httpx.AsyncClient(transport=transport, base_url="http://test/v1/analyses/text") as http:
            for name, scopes in (("none", []), ("one", ["pii:one"]), ("all", ["pii:read"])):
                text = (await tokens.add(name, ["analyses:read", "profiles:read", *scopes])).text
                bearer = {"Authorization": f"Bearer {text}"}
                rows = (await http.get("/customers", params=asked, headers=bearer)).json()["data"]
                found.append([each["figures"]["text"] for each in rows])
                file = (await http.get("/customers.csv", params=asked, headers=bearer)).text
                files.append([each["text"] for each in csv.DictReader(io.StringIO(file))])
        return found, files, [each.fields for each in (await deps.audit.newest(10)).rows]

    found, files, audited = asyncio.run(ask())
    whole = found[-1]
    assert all(re.search("[a-z]{3}|[一-鿿]", text) for text in whole)
    assert found[0] == found[1] == [f"••• ({len(text)} characters)" for text in whole]
    assert files == found
    assert sorted(audited) == [()] * 4 + [("text",)] * 2


def test_figures_against_another_period(api: httpx.Client) -> None:
    shown = get(api, "/base", against="previous")
    row = next(row for row in shown["rows"] if row["period"] == "2026-01-01")
    before = next(row for row in shown["rows"] if row["period"] == "2025-12-01")
    assert row["closing_before"] == before["closing"]
    assert row["closing_course"] in ("up", "down", "same")
    assert {"closing_before", "closing_course"} <= {column["name"] for column in shown["columns"]}
    refused = api.get("/v1/analyses/goals", params={"against": "year"})
    assert refused.status_code == 400
    assert "has no other period to be compared with" in refused.text


def test_a_segment_may_be_left_out(api: httpx.Client, engine: Duck) -> None:
    retention = ALL["retention"]
    expected = run(retention, engine, retention.parameters(without="app_user")).rows
    shown = get(api, "/retention", without="app_user")["rows"]
    assert [row["customers"] for row in shown] == [row["customers"] for row in expected]
    assert sum(row["customers"] for row in shown) < sum(row["customers"] for row in get(api, "/retention")["rows"])
    refused = api.get("/v1/analyses/retention", params={"by": "channel"})
    assert refused.status_code == 400
    assert "by: retention is not broken down any further" in refused.text


def test_parameters_are_in_its_description(api: httpx.Client) -> None:
    document = api.get("/openapi.json").json()["paths"]
    for name, analysis in ALL.items():
        told = {each["name"] for each in document[f"/v1/analyses/{name}"]["get"]["parameters"]}
        assert told == set(analysis.parameters.model_fields)
        cell = {f"cell.{column.name}" for column in analysis.dimensions}
        listed = {each["name"] for each in document[f"/v1/analyses/{name}/customers"]["get"]["parameters"]}
        assert listed == told | cell | {"measure"}


def test_what_is_asked_narrows_it(api: httpx.Client) -> None:
    every, dutch = (get(api, "/retention", ages=1, **asked) for asked in ({}, {"country": "NL"}))
    assert dutch["asked"]["country"] == "NL"
    assert 0 < dutch["rows"][0]["customers"] < every["rows"][0]["customers"]


def test_in_chinese(api: httpx.Client) -> None:
    shown = api.get("/v1/analyses/retention", headers={"Accept-Language": "zh-CN"}).json()
    assert shown["title"] == "留存"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("nothing", 404, "unknown_analysis"),
        ("nothing/customers", 404, "unknown_analysis"),
        ("retention?interval=fortnight", 400, "invalid_request"),
        ("retention?since=2026-02-01&until=2026-01-01", 400, "invalid_request"),
        ("retention?colour=red", 400, "invalid_request"),
        ("retention/customers?measure=net&cell.cohort=2026-01-01&cell.age=1", 400, "invalid_request"),
        ("retention/customers?measure=returned&cell.cohort=2026-01-01", 400, "invalid_request"),
        ("retention/customers?measure=returned&cell.cohort=soon&cell.age=1", 400, "invalid_request"),
        ("retention/customers?measure=returned&cell.cohort=2026-01-01&cell.age=old", 400, "invalid_request"),
    ],
)
def test_what_cannot_be_asked(api: httpx.Client, path: str, status: int, code: str) -> None:
    answer = api.get(f"/v1/analyses/{path}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_without_an_archive_it_says_what_to_do() -> None:
    with support_api(store()) as http:
        answer = http.get("/v1/analyses/retention")
    assert (answer.status_code, answer.json()["code"]) == (409, "no_archive")
    assert "RAPPORT_ARCHIVE" in answer.json()["message"]
