"""The pages of every analysis: filters, chart, table, and who is behind a number, for who may see them."""

from __future__ import annotations

import asyncio
import html
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from datetime import date
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from analysis.declaration import Analysis
from analysis.engines.duck import Duck
from analysis.kpis import KPIS
from analysis.registry import analyses
from analysis.result import Result
from analysis.running import behind, run
from console.access.sessions import Sessions
from console.api import create_api
from console.pages.site import add_pages
from profiles.stores.access import Account, Role
from profiles.stores.memory import MemoryAccessStore
from tests.analyses.conftest import Knowing
from tests.analyses.history import history, profiles
from tests.console.people import store
from tests.console.support_api import PLAN, api_deps

ALL = analyses()
EVERY = pytest.mark.parametrize("analysis", ALL.values(), ids=list(ALL))

Ask = Callable[..., httpx.Response]


@pytest.fixture(scope="module")
def ask(engine: Duck, results: Callable[[str], Result]) -> Ask:
    """Answers a page, as somebody of a role gets it."""
    access = MemoryAccessStore()
    deps = api_deps(store(), access=access, analyses=Knowing("", PLAN, engine, results))
    app = create_api(deps)
    add_pages(app, deps)

    def page(path: str, role: Role = "analyst", language: str = "en") -> httpx.Response:
        async def run() -> httpx.Response:
            kim = Account(name=f"kim-{role}", role=role)
            await access.put_account(kim)
            cookie = f"rapport={await Sessions(access).begin(kim, 'link')}"
            headers = {"Accept": "text/html", "Cookie": cookie, "Accept-Language": language}
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
                return await http.get(path, headers=headers)

        return asyncio.run(run())

    return page


@EVERY
def test_its_page_has_the_figures_and_the_chart(
    analysis: Analysis[Any], ask: Ask, results: Callable[[str], Result]
) -> None:
    answer = ask(f"/analyses/{analysis.name}")
    assert answer.status_code == 200
    text = html.unescape(answer.text)
    assert analysis.question.en in text
    for field in analysis.parameters.model_fields:
        absent = field in analysis.refused or field in ("company", "grain")  # the plan has no companies
        assert (f'name="{field}"' in text) != absent
    lines = re.findall(r"<tr(?: class=\"unfinished\"[^>]*)?>\s*<td", answer.text)
    assert len(lines) == min(300, len(results(analysis.name).rows))
    assert "RAPPORT" not in text
    assert " style=" not in answer.text, "the policy refuses it"
    if not lines:
        return
    if "Nothing to draw: " in text:  # such as effects where nobody is held out
        ys = analysis.chart.y if isinstance(analysis.chart.y, tuple) else (analysis.chart.y,)
        assert all(row.get(y) is None for row in results(analysis.name).rows for y in ys)
        return
    [chart] = re.findall(r"<svg class=\"plot\".*?</svg>", answer.text, re.DOTALL) or [None]
    assert chart, "nothing is drawn"
    drawn = ET.fromstring(chart)
    shapes = [each for each in drawn.iter() if each.tag in ("rect", "path", "circle")]
    assert len(shapes) > 1
    for each in drawn.iter():
        for name in ("x", "y", "width", "height", "cx", "cy", "r"):
            assert float(each.get(name, 1)) > -1000
            assert name not in ("width", "height", "r") or float(each.get(name, 1)) >= 0


def in_data() -> set[str]:
    """The words that the history itself has: names of products, of segments, of places, and what was typed."""
    found: set[str] = set()

    def take(value: Any, name: str = "") -> None:
        if isinstance(value, str) and name not in ("role", "stage"):
            found.add(value)
        elif isinstance(value, dict):
            for key, each in value.items():
                take(each, key)
        elif isinstance(value, list):
            for each in value:
                take(each)

    for row in (*history(), *profiles()):
        take(row)
        take(json.loads(row.get("traits", "{}")))
    return found | {"purchase"}  # the source of events that name none


DATA = in_data()


@EVERY
def test_no_english_word_of_ours_is_in_a_chinese_cell(
    analysis: Analysis[Any], ask: Ask, results: Callable[[str], Result]
) -> None:
    """Neither in the table nor in the chart; what the data say stays as it is."""
    if not results(analysis.name).rows:
        return
    page = ask(f"/analyses/{analysis.name}", language="zh-CN").text
    table, chart = page.partition("<tbody>")[2], "".join(re.findall(r"<svg class=\"plot\".*?</svg>", page, re.DOTALL))
    texts = re.findall(r"<bdi[^>]*>([^<]*)<", table) + re.findall(r"<text[^>]*>([^<]*)<", chart)
    texts += re.findall(r"<title[^>]*>([^<]*)<", chart)
    known = DATA | {"NPS", "CSAT", "CES", "MRR", "GRR", "NRR", "Gini", "q", "p", "d"}
    english = {
        word
        for text in map(html.unescape, texts)
        for word in re.findall(r"[A-Za-z][A-Za-z_]+", text)
        if not any(word in each for each in known)
    }
    assert english == set(), "give the column `words`"


def test_a_number_leads_to_its_customers(ask: Ask, results: Callable[[str], Result]) -> None:
    text = ask("/analyses/retention").text
    links = re.findall(r'href="(/analyses/retention/customers\?[^"]*)"><bdi[^>]*>(\d+)<', text)
    assert links
    for link, number in links[:3]:
        shown = ask(html.unescape(link)).text
        assert f": {number}</h1>" in shown
        assert shown.count('<tr data-href="/c/') == int(number)


def test_what_customers_wrote_stands_beside_them_for_who_may_see_it(
    ask: Ask, engine: Duck, results: Callable[[str], Result]
) -> None:
    row = max(results("text").rows, key=lambda row: row["customers"])
    cell = {name: str(row[name]) for name in ("period", "by", "topic")}
    link = "/analyses/text/customers?measure=customers&" + urlencode({f"cell.{name}": cell[name] for name in cell})
    wrote = behind(ALL["text"], engine, ALL["text"].parameters(), cell, "customers").customers
    words = re.compile("|".join(re.escape(html.escape(each["text"])) for each in wrote))
    seen, hidden = ask(link, "admin").text, ask(link).text
    assert len(words.findall(seen)) == len(wrote) == hidden.count(" characters)")
    assert not words.search(hidden)
    assert "<th>Wrote last</th>" in seen
    assert "<th>最近写道</th>" in ask(link, language="zh-CN").text


def test_the_overview_lists_all_by_room(ask: Ask) -> None:
    text = ask("/analyses").text
    assert all(f'href="/analyses/{name}"' in text for name in ALL)
    assert "留存" in ask("/analyses", language="zh-CN").text
    assert "<svg" in ask("/analyses/retention/card").text


def test_the_overview_tells_how_figures_stand(ask: Ask, results: Callable[[str], Result]) -> None:
    """Those of the last month that has ended; each leads to its analysis, under the filters of the overview."""
    page = ask("/analyses?country=NL").text
    for name in {kpi.analysis for kpi in KPIS}:
        assert f'hx-get="/analyses/{name}/figures?country=NL"' in page
    assert ">few</span>" in ask("/analyses/base").text
    text = ask("/analyses/base/figures").text
    assert text.count('class="card tile"') == sum(kpi.analysis == "base" for kpi in KPIS)
    rows = {row["period"]: row for row in results("base").rows}
    assert f'<b class="big">{rows[date(2026, 1, 1)]["closing"]}</b>' in text
    assert "since 2026-01-01" in text
    assert '<svg class="spark"' in text
    assert 'href="/analyses/base?country=NL&amp;against=previous"' in ask("/analyses/base/figures?country=NL").text
    assert 'href="/analyses/base?against=year"' in ask("/analyses/base/figures?against=year").text
    assert '<option value="year" selected>' in ask("/analyses?against=year").text
    assert 'role="img"' not in ask("/analyses/base/figures?interval=fortnight").text


def test_parts_are_said_in_chinese_too(ask: Ask) -> None:
    """Stages and devices are words of ours, whatever is broken down by them; countries are not."""
    page = ask("/analyses/trends?by=stage&since=2025-06-01", language="zh-CN").text
    assert re.search("<bdi[^>]*>已流失<", page)
    assert not re.search("<bdi[^>]*>(churned|prospect)<", page)
    assert re.search("<bdi[^>]*>NL<", ask("/analyses/trends?by=country&since=2025-06-01", language="zh-CN").text)
    link = "/analyses/stages/customers?measure=customers&cell.period=2025-12-01&cell.stage=churned"
    assert "阶段: 已流失" in re.sub("<[^>]*>", "", ask(link, language="zh-CN").text)


def test_figures_stand_beside_those_they_are_compared_with(ask: Ask, results: Callable[[str], Result]) -> None:
    text = ask("/analyses/base?against=previous").text
    rows = {row["period"]: row for row in results("base").rows}
    before = rows[date(2025, 12, 1)]["closing"]
    assert re.search(rf'title="What it is compared with">(↑ |↓ |about the same )⟵ {before}</span>', text)
    assert "Compared with the period before" in text
    assert "基本持平" in ask("/analyses/base?against=previous", language="zh-CN").text
    assert 'name="against"' not in ask("/analyses/goals").text


def test_a_segment_may_be_left_out(ask: Ask, engine: Duck) -> None:
    text = ask("/analyses/retention?without=app_user").text
    assert 'name="without" value="app_user"' in text
    retention = ALL["retention"]
    [row] = [
        row
        for row in run(retention, engine, retention.parameters(without="app_user")).rows
        if row["cohort"] == date(2025, 6, 1) and row["age"] == 0
    ]
    link = "without=app_user&amp;measure=customers&amp;cell.cohort=2025-06-01&amp;cell.age=0"
    assert re.search(rf'{link}"><bdi[^>]*>{row["customers"]}<', text)
    refused = ask("/analyses/retention?by=channel").text
    assert "by: retention is not broken down any further" in refused


def test_what_was_asked_is_in_the_form_and_in_the_links(ask: Ask) -> None:
    text = ask("/analyses/retention?interval=quarter&since=&country=NL").text
    assert '<option value="quarter" selected>' in text
    assert "interval=quarter&amp;country=NL&amp;measure=" in text
    assert "/v1/analyses/retention.csv?interval=quarter&amp;country=NL" in text


def test_what_cannot_be_asked_is_said_on_the_page(ask: Ask) -> None:
    answer = ask("/analyses/retention?since=soon")
    assert answer.status_code == 200
    assert re.search(r'role="alert">since: ', answer.text)


@pytest.mark.parametrize(("role", "status"), [("agent", 403), ("operator", 403), ("analyst", 200), ("admin", 200)])
def test_who_may_see_them(ask: Ask, role: Role, status: int) -> None:
    assert ask("/analyses", role).status_code == status
    assert ('href="/analyses"' in ask("/customers", role).text) == (status == 200)
