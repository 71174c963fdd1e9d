"""Segments as the last census found them, through the API and on a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from console.commands.main import create_cli
from console.terminal.segments import sparkline
from models.population.census import Census
from models.population.findings import Findings, conclude
from profiles.types import Profile, Purchases, Stay
from streams.worker.census import subject_of
from tests.console.people import DAY, NOW, customer, keep, store
from tests.console.support_api import PLAN, support_api, where


def people() -> list[Profile]:
    """Sixty Belgians among 300, in a segment of 75; every fifth says no to analytics."""
    found = []
    for number in range(300):
        profile = customer(("user_id", f"u{number}"), risk=0.9 if number < 75 else 0.2)
        profile.segments = {"loyal": Stay(NOW)} if number < 75 else {}
        profile.traits["country"] = ("BE" if number < 60 else "NL", 1.0, b"")
        profile.traits["email"] = (f"u{number}@example.com", 1.0, b"")
        orders = 1 + number % 7
        last = NOW - (number % 50) * DAY
        revenue = 1000 * (1 + number % 11)
        profile.purchases = Purchases(orders, last - DAY, last, orders, {"EUR": revenue}, mix={"tea": orders})
        found.append(profile)
    return found


def findings(*rounds: list[Profile]) -> Findings:
    """What censuses of these customers come to, one after the other."""
    held = Findings()
    for number, profiles in enumerate(rounds):
        census = Census(subject_of(PLAN), NOW + number * DAY)
        for profile in profiles:
            census.add(profile)
        names = [rule.name for rule in PLAN.segments]
        held = conclude(held, {0: census.summary()}, names, PLAN.currency)
    return held


class World:
    """The API, and what the last census left."""

    http: httpx.Client

    def __init__(self) -> None:
        self.found: bytes | None = None

    async def findings(self) -> bytes | None:
        return self.found

    def get(self, path: str) -> Any:
        answer = self.http.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def run(self, *arguments: str, status: int = 0) -> str:
        result = CliRunner().invoke(create_cli(), ["segments", *arguments, *where(self.http)], env={"COLUMNS": "160"})
        assert result.exit_code == status, result.output
        return result.output


@pytest.fixture(scope="module")
def running() -> Iterator[World]:
    held = store()
    keep(held, *people())
    world = World()
    with support_api(held, findings=world.findings) as world.http:
        yield world


@pytest.fixture
def world(running: World) -> World:
    """With two censuses."""
    running.found = findings(people()[:200], people()).to_json()
    return running


def test_a_persona_through_the_api(world: World) -> None:
    """The index's size, and what the census found."""
    document = world.get("/v1/segments/loyal")

    assert (document["name"], document["size"], document["learned"]) == ("loyal", 75, None)
    assert document["description"]
    persona = document["persona"]
    assert (persona["size"], persona["version"], persona["at"]) == (75, 2, "2026-01-02T00:00:00.000000Z")
    (belgian,) = [mark for mark in persona["marks"] if mark["value"] == "BE"]
    assert (belgian["kind"], belgian["text"], belgian["members"]) == ("trait:country", "country BE", 60)
    assert (belgian["share"], belgian["base"], belgian["lift"]) == (0.8, 0.2, pytest.approx(4))
    assert 1 < belgian["lift_low"] < 4 < belgian["lift_high"]
    assert persona["risk"]["mean"] == pytest.approx(0.9)
    total = sum(profile.purchases.revenue["EUR"] for profile in people()[:75])
    assert persona["value"]["revenue"]["minor"] == total
    assert persona["value"]["mean_revenue"]["minor"] == round(total / 75)
    assert [point["version"] for point in persona["trend"]] == [1, 2]
    assert persona["categories"] == [{"name": "tea", "share": 1.0}]


def test_a_list_has_the_figures_of_the_census(world: World) -> None:
    """Beside the sizes of now."""
    rows = {row["name"]: row for row in world.get("/v1/segments")["data"]}

    assert rows["loyal"]["size"] == 75
    assert rows["loyal"]["census"]["sizes"] == [75, 75]
    assert rows["loyal"]["census"]["share"] == 0.25
    assert rows["big_spender"]["census"]["size"] == 0


def test_the_population_with_its_learned_segments(world: World) -> None:
    """Percentiles and clusters, with history."""
    document = world.get("/v1/population")

    assert (document["version"], document["customers"], document["uncounted"]) == (2, 300, 0)
    assert len(document["percentiles"]["revenue"]) == 99
    assert [cluster["id"] for cluster in document["clusters"]] == ["1", "2", "3", "4", "5"]
    cluster = world.get("/v1/segments/learned_1")["learned"]
    listed = {row["name"]: row["learned"] for row in world.get("/v1/segments")["data"]}
    assert (listed["learned_1"], listed["loyal"]) == (cluster["name"], None)
    assert cluster == document["clusters"][0]
    assert [moment["version"] for moment in cluster["history"]] == [1, 2]
    assert cluster["name"]
    assert cluster["signs"]


def test_nothing_personal_is_in_what_a_census_leaves(world: World) -> None:
    """No address, no name, no id."""
    assert world.found is not None
    assert b"@example.com" not in world.found
    assert b"Ada" not in world.found
    assert not any(profile.id.encode() in world.found for profile in people())


def test_before_the_first_census(running: World) -> None:
    """Sizes are there; the rest says why it is not."""
    running.found = None

    assert running.get("/v1/segments/loyal")["persona"] is None
    assert running.get("/v1/segments")["data"][0]["census"] is None
    answer = running.http.get("/v1/population")
    assert (answer.status_code, answer.json()["code"]) == (404, "no_census")
    assert "not been counted yet" in running.run("list")
    assert "not been counted yet" in running.run("show", "loyal")


def test_an_unknown_segment(world: World) -> None:
    """Is said to be one."""
    answer = world.http.get("/v1/segments/nobody")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_segment")
    assert "there is no segment 'nobody'" in " ".join(world.run("show", "nobody", status=1).split())


def test_the_card_on_a_terminal(world: World) -> None:
    """Everything an account manager asks."""
    card = world.run("show", "loyal")

    for words in ("75 now", "25.0% of all", "country BE", "80%", "× 4.0", "90% on average", "tea 100%", "75 → 75"):
        assert words in card, card
    learned = world.run("show", "learned_2")
    assert "days silent" in learned


def test_json_for_tools(world: World) -> None:
    """The documents of the API."""
    assert json.loads(world.run("show", "loyal", "--json"))["persona"]["size"] == 75
    names = [row["name"] for row in json.loads(world.run("list", "--json"))]
    assert "loyal" in names
    assert "learned_1" in names
    assert "loyal" in world.run("list")


def test_sparklines() -> None:
    """The least is the lowest bar."""
    assert sparkline([1, 2, 3, None, 8]) == "▁▂▃ █"
    assert sparkline([4, 4]) == "▄▄"
    assert sparkline([None]) == ""
