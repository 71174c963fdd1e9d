"""Every analysis on the command line."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner

from analysis.declaration import Analysis
from analysis.engines.duck import Duck
from analysis.registry import analyses
from analysis.result import Result
from analysis.running import run
from console.commands.main import create_cli
from profiles.types import Profile
from tests.console.browsing.living import living
from tests.console.people import keep, store
from tests.console.support_api import PLAN, PLAN_FILE, TOKEN

ALL = analyses()
APP = create_cli()

Rapport = Callable[..., str]


@pytest.fixture
def rapport(engine: Duck, results: Callable[[str], Result], monkeypatch: pytest.MonkeyPatch) -> Rapport:
    """Runs a command on the history, and answers what it prints."""

    def known(analysis: Analysis[Any], given_engine: Duck, given: Any) -> Result:
        return results(analysis.name) if given == analysis.parameters() else run(analysis, given_engine, given)

    monkeypatch.setattr(Duck, "open", lambda *given, **more: engine)
    monkeypatch.setattr("console.commands.analyse.load_plan", lambda path: PLAN)  # read once, not by every command
    monkeypatch.setattr("analysis.running.run", known)

    def command(*words: str, code: int = 0) -> str:
        environ = {"RAPPORT_PLAN": str(PLAN_FILE), "COLUMNS": "200"}
        result = CliRunner().invoke(APP, ["analyse", *words], env=environ)
        assert result.exit_code == code, result.output
        return result.output

    return command


@pytest.mark.parametrize("name", ALL)
def test_its_table(name: str, rapport: Rapport, results: Callable[[str], Result]) -> None:
    rows = len(results(name).rows)
    assert len(list(csv.reader(io.StringIO(rapport(name, "--csv"))))) == rows + 1
    assert len(json.loads(rapport(name, "--json"))["rows"]) == rows
    text = rapport(name)
    assert "As of 2026-02-18" in text
    assert ALL[name].title.en in text
    assert "SELECT" not in text


@pytest.mark.parametrize("name", ALL)
def test_its_help_tells_what_may_be_asked(name: str, rapport: Rapport) -> None:
    text = rapport(name, "--help")
    for parameter in set(ALL[name].parameters.model_fields) - set(ALL[name].refused):
        assert f"--{parameter.replace('_', '-')}" in text
    assert "Examples:" in text


def test_figures_against_another_period(rapport: Rapport) -> None:
    text = rapport("base", "--against", "previous")
    assert re.search(r"\d+ \((↑ |↓ |about the same, )\d+\)", text)
    assert "Compared with the period before" in text
    header = next(csv.reader(io.StringIO(rapport("base", "--against", "previous", "--csv"))))
    assert {"new", "new_before", "new_course"} <= set(header)


def test_a_segment_may_be_left_out(rapport: Rapport, engine: Duck) -> None:
    retention = ALL["retention"]
    expected = run(retention, engine, retention.parameters(without="app_user")).rows
    shown = json.loads(rapport("retention", "--without", "app_user", "--json"))["rows"]
    assert [row["customers"] for row in shown] == [row["customers"] for row in expected]
    assert "No such option" in rapport("retention", "--by", "channel", code=2)


def test_the_list(rapport: Rapport) -> None:
    text = rapport()
    assert all(name in text for name in ALL)
    assert [each["name"] for each in json.loads(rapport("--json"))] == list(ALL)


def test_who_is_behind_a_number(rapport: Rapport, results: Callable[[str], Result]) -> None:
    row = next(row for row in results("retention").rows if row["cohort"] is not None and row["returned"])
    cell = ("--cell", f"cohort={row['cohort']}", "--cell", f"age={row['age']}")
    found = json.loads(rapport("retention", "--behind", "returned", *cell, "--json"))
    assert found["total"] == len(found["data"]) == row["returned"]
    assert f"Came back: {row['returned']}" in rapport("retention", "--behind", "returned", *cell)
    assert rapport("retention", "--behind", "returned", *cell, "--csv").count("\n") == row["returned"] + 1


def test_what_customers_wrote_is_not_said_only_how_long_it_is(
    rapport: Rapport, results: Callable[[str], Result]
) -> None:
    row = max(results("text").rows, key=lambda row: row["customers"])
    cell = [word for name in ("period", "by", "topic") for word in ("--cell", f"{name}={row[name]}")]
    found = json.loads(rapport("text", "--behind", "customers", *cell, "--json"))["data"]
    assert all(re.fullmatch(r"••• \(\d+ characters\)", each["figures"]["text"]) for each in found)
    assert "Wrote last" in rapport("text", "--behind", "customers", *cell)


def test_they_are_called_by_name_where_rapport_answers(rapport: Rapport, results: Callable[[str], Result]) -> None:
    """As whoever the token belongs to may see them; those who brought most first."""
    part = next(row["by"] for row in results("keep").rows if row["customers"] > 1)
    words = ("keep", "--behind", "customers", "--cell", f"by={part}")
    rows = json.loads(rapport(*words, "--json"))["data"]
    assert [row["label"] for row in rows] == [""] * len(rows)
    margins = [row["figures"]["margin_12m"] for row in rows]
    assert margins == sorted(margins, reverse=True)
    assert "Without names: " in rapport(*words, "--url", "http://127.0.0.1:9")
    held = store()
    first = Profile(rows[0]["profile"], created=0.0, updated=0.0, traits={"firstName": ("Ada", 0.0, b"")})
    keep(held, first)
    with living(held) as console:
        text = rapport(*words, "--url", console.url, "--token", TOKEN)
        named = json.loads(rapport(*words, "--url", console.url, "--token", TOKEN, "--json"))["data"]
    assert re.search(r"Ada .*€", text)
    assert "Without names" not in text
    assert [row["label"] for row in named] == ["Ada", *[""] * (len(rows) - 1)]


def test_what_is_asked_narrows_it_and_sql_is_shown(rapport: Rapport) -> None:
    text = rapport("retention", "--country", "NL", "--ages", "1", "--sql")
    assert "'NL'" in text
    assert "SELECT" in text


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("retention", "--interval", "fortnight"), "--interval"),
        (("retention", "--since", "soon"), "--since"),
        (("retention", "--behind", "net"), "no list"),
        (("retention", "--behind", "returned"), "cohort"),
        (("retention", "--behind", "returned", "--cell", "cohort"), "COLUMN=VALUE"),
    ],
)
def test_what_cannot_be_asked_is_wrong_use(rapport: Rapport, words: tuple[str, ...], told: str) -> None:
    assert told in rapport(*words, code=2)
