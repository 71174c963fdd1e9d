"""Who would be in a segment before it is saved: through the API, and on a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import Result
from typer.testing import CliRunner

from console.commands.main import create_cli
from models.population.findings import Findings
from models.population.snapshot import PopulationSnapshot
from profiles.stores.memory import MemoryStore
from profiles.types import Profile, Purchases, Score, Stay, Tally
from tests.console.people import DAY, NOW, customer, forget_all, keep, store
from tests.console.support_api import PLAN_FILE, support_api, where

EVEN = PopulationSnapshot(version=7, edges={"net": [float(i) for i in range(1, 100)]})


class World:
    """The API, its store, and what the last census left."""

    http: httpx.Client

    def __init__(self, held: MemoryStore) -> None:
        self.store = held
        self.found: bytes | None = Findings(population=EVEN).to_json()

    async def findings(self) -> bytes | None:
        """What the API reads."""
        return self.found

    def ask(self, **asked: Any) -> httpx.Response:
        """One part."""
        return self.http.post("/v1/segments/preview", json=asked)

    def run(self, *arguments: str, http: httpx.Client | None = None) -> Result:
        """The command, on this API or another."""
        return CliRunner().invoke(
            create_cli(), ["segments", "preview", *arguments, *where(http or self.http)],
            env={"COLUMNS": "200"},
        )  # fmt: skip


@pytest.fixture(scope="module")
def running() -> Iterator[World]:
    """An API over a store in memory."""
    world = World(store())
    with support_api(world.store, findings=world.findings) as world.http:
        yield world


@pytest.fixture
def world(running: World) -> Iterator[World]:
    """The API with 100 customers, who have brought 0.60 to 99.60, and twenty visitors."""
    for number in range(100):
        keep(running.store, worth(number))
    for number in range(20):
        keep(running.store, Profile(f"{number:022x}", created=1.0, updated=NOW))
    yield running
    running.found = Findings(population=EVEN).to_json()
    forget_all(running.store)


def worth(number: int, **more: Any) -> Profile:
    """A customer who has brought so much, and whose risk is the higher the more."""
    profile = customer(("user_id", f"u{number:02d}"), risk=None)
    profile.purchases = Purchases(2, NOW - 9 * DAY, NOW - DAY, 2, {"EUR": 100 * number + 60})
    profile.roles = {"ticket_opened": Tally(4, NOW - 9 * DAY, NOW - DAY)}
    profile.score = Score(number / 100, "high", NOW, "m")
    profile.segments = {"top_value": Stay(NOW)} if 70 <= number < 95 else {}
    return profile


def test_a_condition_is_counted_and_its_riskiest_are_listed(world: World) -> None:
    """The top tenth of 100 customers, of 120 profiles; with the rule in words and what it was ranked by."""
    found = world.ask(condition={"quantile": "net", "top": 0.1}, limit=3).raise_for_status().json()

    rows = found.pop("sample")
    assert found == {
        "name": "preview", "words": "in the top 10 % by net", "at": "2026-01-01T00:00:00.000000Z", "total": 120,
        "looked_at": 120, "inside": 10, "enters": 10, "leaves": 0, "leaving": [], "population": 7, "warnings": [],
        "next": None,
    }  # fmt: skip
    assert [(row["identities"][0]["value"], row["churn"]["risk"], row["change"]) for row in rows] == [
        ("u99", 0.99, "enters"), ("u98", 0.98, "enters"), ("u97", 0.97, "enters")
    ]  # fmt: skip


def test_compared_with_a_segment_it_says_who_enters_and_leaves(world: World) -> None:
    """By the margin of those who are inside: 88.5 is the edge for them, 90 for the others."""
    found = world.ask(condition={"quantile": "net", "top": 0.1}, name="top_value", limit=1).raise_for_status().json()

    assert (found["inside"], found["enters"], found["leaves"]) == (12, 5, 18)
    assert [row["change"] for row in (*found["sample"], *found["leaving"])] == ["enters", "leaves"]
    assert found["leaving"][0]["identities"][0]["value"] == "u87"


def test_all_parts_together_come_to_everybody(world: World) -> None:
    """The same figures and the same customers as at once."""
    asked = ("{quantile: net, top: 0.1}", "--name", "top_value", "--json", "--limit", "2")
    with support_api(world.store, findings=world.findings, part=7) as http:
        whole = json.loads(world.run(*asked, http=http).stdout)

    assert (whole["looked_at"], whole["inside"], whole["enters"], whole["leaves"]) == (120, 12, 5, 18)
    assert [row["identities"][0]["value"] for row in whole["sample"]] == ["u99", "u98"]
    assert [row["identities"][0]["value"] for row in whole["leaving"]] == ["u87", "u86"]
    assert whole["share"] == 0.1


def test_a_rule_may_use_segments_of_the_plan_or_of_the_request(world: World) -> None:
    """What it refers to is found for each customer first, as the workers would."""
    rule = {"name": "new", "when": {"all": [{"segment": "top_value"}, {"risk": "above 0.9"}]}}
    found = world.ask(rule=rule).raise_for_status().json()
    assert found["inside"] == 9  # at a risk above 0.9 everybody is in the top tenth
    others = [{"name": "mine", "when": {"count": "purchase", "at_least": 1}}, rule | {"when": {"segment": "mine"}}]

    assert world.ask(rule=others[1], others=others).raise_for_status().json()["inside"] == 0  # nobody's tally says so


def test_what_the_present_cannot_tell_is_said(world: World) -> None:
    """Times that no profile keeps yet, and ranks before the first census."""
    [kept] = world.ask(condition={"count": "login", "within": "7d", "at_least": 3}).json()["warnings"]
    world.found = None
    where = {"device": "mobile"}
    [uncounted] = world.ask(condition={"count": "visit", "where": where, "within": "7d", "at_least": 3}).json()[
        "warnings"
    ]
    [ranked] = world.ask(condition={"rfm": {"recency": 5}}).json()["warnings"]

    assert kept.startswith("profiles keep the latest 0 times of login so far, and this needs 3")
    assert uncounted.startswith("profiles do not count visit in this way so far")
    assert ranked.startswith("nobody is ranked by recency yet")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "give a condition, or a rule"),
        ({"condition": {"risk": "above 0.5"}, "rule": {"name": "a", "when": {"band": "high"}}}, "give a condition"),
        ({"condition": {"quantile": "net", "top": 10}}, "condition: top: input should be less than"),
        ({"condition": {"quantile": "nett", "top": 0.1}}, "condition: quantile: there is no measure 'nett'"),
        ({"condition": {"count": "visits", "at_least": 1}}, "when: there is no role 'visits'; did you mean 'visit'?"),
        ({"condition": {"segment": "vip"}}, "when: there is no segment 'vip'"),
        ({"condition": {"trait": "planet", "is": "Mars"}}, "when: there is no trait 'planet'"),
        ({"rule": {"name": "A", "when": {"band": "high"}}}, "rule: name: string should match"),
        ({"rule": {"name": "a", "when": {"band": "high"}, "purpose": "fun"}}, "purpose: there is no purpose 'fun'"),
        ({"rule": {"name": "a", "when": {"band": "high"}, "group": "rfm"}, "others": [{"name": 1}]}, "others"),
        ({"condition": {"segment": "b"}, "others": [{"name": "b", "when": {"band": "high"}}] * 2}, "defined twice"),
        ({"condition": {"band": "high"}, "cursor": "nonsense"}, "cursor"),
        ({"condition": {"band": "high"}, "limit": 101}, "limit"),
        ({"kondition": {"band": "high"}}, "kondition"),
    ],
)
def test_what_a_plan_would_not_take_is_refused(world: World, asked: dict[str, Any], said: str) -> None:
    """In the same words, with the place."""
    answer = world.ask(**asked)

    assert answer.status_code == 400
    assert said in answer.json()["message"]


def test_conditions_have_a_depth(world: World) -> None:
    """Python itself could not compile much more; what is deeper yet is not looked at."""
    for joined in (lambda part: {"not": part}, lambda part: {"all": [part]}):
        condition: dict[str, Any] = {"band": "high"}
        for _ in range(19):
            condition = joined(condition)
        assert world.ask(condition=condition).status_code == 200
        assert "nested 20 deep" in world.ask(condition=joined(condition)).json()["message"]
    for _ in range(100):
        condition = {"not": condition}
    assert "64 levels" in world.ask(condition=condition).json()["message"]


def test_the_terminal_shows_figures_customers_and_warnings(world: World) -> None:
    """For people."""
    result = world.run("{quantile: net, top: 0.1}", "--name", "top_value", "--limit", "1")

    assert result.exit_code == 0, result.output
    assert "top_value would hold 12 of 120 profiles (10.0%): in the top 10 % by net." in result.output
    assert "5 would enter, 18 would leave, 7 would stay." in result.output
    assert "user_id:u99" in result.output
    assert "99%" in result.output


def test_a_segment_of_a_plan_file_is_previewed_with_what_it_uses(world: World, tmp_path: Path) -> None:
    """Before the plan is anybody's."""
    new = tmp_path / "new.yaml"
    new.write_text(
        PLAN_FILE.read_text().replace(
            "segments:\n",
            "segments:\n  - {name: rich, when: {sum: revenue, above: 60}}\n"
            "  - {name: rich_at_risk, when: {all: [{segment: rich}, {risk: above 0.95}]}}\n",
            1,
        )
    )

    found = json.loads(world.run("--file", str(new), "--name", "rich_at_risk", "--json").stdout)
    missing = world.run("--file", str(new), "--name", "poor")

    assert (found["name"], found["inside"]) == ("rich_at_risk", 4)
    assert missing.exit_code == 1
    assert "no segment 'poor'" in missing.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["{quantile: net, top: ten}"], "condition:1: top: input should be a valid number"),
        (["{quantile: net"], "is not valid YAML"),
        (["{segment: vip}"], "there is no segment 'vip'"),
        (["--name", "vip"], "give a condition"),
    ],
)
def test_mistakes_are_told_on_the_terminal(world: World, arguments: list[str], said: str) -> None:
    """As `rapport plan check` would."""
    result = world.run(*arguments)

    assert result.exit_code == 2
    assert said in result.output
