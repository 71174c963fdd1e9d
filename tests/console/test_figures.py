"""What a customer comes to, by the API and on the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest
from typer.testing import CliRunner

from console.commands.main import create_cli
from models.customer.journey import Wait
from models.population.findings import Findings
from models.population.snapshot import PopulationSnapshot
from profiles.consent import trait_of
from tests.console.people import NOW, customer, happened, keep, store
from tests.console.support_api import support_api, where

FIFTHS = [float(n) for n in range(1, 100)]
EDGES = dict.fromkeys(("recency", "orders", "net"), FIFTHS)
FOUND = Findings(
    population=PopulationSnapshot(version=3, at=NOW, edges=EDGES), waits={"judge": Wait(100, 7.5), "help": Wait(3, 1.0)}
)


async def census() -> bytes:
    return FOUND.to_json()


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    held = store()
    keep(held, customer())
    with support_api(held, findings=census) as client:
        yield client


def test_the_figures_of_a_customer(http: httpx.Client) -> None:
    """Orders of 19.99, 40.01 and 5.00, the last of which was paid back; the shipped plan leaves 40 %."""
    found = http.get("/v1/profiles/user_id:42/figures").json()

    year = found["value"]["year"]
    assert (year["orders"], year["revenue"]["amount"], year["net"]["minor"]) == (3, "65.00", 6_000)
    assert year["margin"] == {"amount": "21.00", "currency": "EUR", "minor": 2_100}  # 60.00 less 60 % of 65.00
    assert {name: found["rfm"][name]["fifth"] for name in ("recency", "frequency", "monetary")} == {
        "recency": 5, "frequency": 1, "monetary": 3,
    }  # fmt: skip
    assert (found["satisfaction"]["state"], found["satisfaction"]["mean"]) == ("answered", 25)
    assert found["satisfaction"]["complained"] == {"part": 0, "whole": 3, "value": 0.0}
    journey = found["journey"]
    assert [step["phase"] for step in journey["steps"][-2:]] == ["help", "judge"]
    assert (journey["slow"], journey["moves"], journey["stuck"]) == (7.5, 100, journey["waiting"] > 7.5)
    assert [ticket["id"] for ticket in found["attention"]["tickets"]] == ["T1"]
    assert (found["habits"]["gap"], found["habits"]["elapsed"]) == (30, 20)
    # 60.00 less goods 39.00, three deliveries of 4.50, 2 % of 65.00, a ticket of 6.00, a refund of 3.00.
    assert found["profit"]["profit"]["minor"] == 6_000 - 3_900 - 1_350 - 130 - 600 - 300
    assert (found["clv"]["so_far"]["minor"], found["clv"]["expected"], found["clv"]["why"]) == (
        2_100, None, "few_customers",
    )  # fmt: skip
    parts = {part["name"]: part["points"] for part in found["loyalty"]["parts"]}
    assert parts == {
        "satisfaction": 25, "frequency": pytest.approx(3), "service": pytest.approx(100 / 3), "steadiness": None,
        "staying": pytest.approx(20),
    }  # fmt: skip
    assert found["loyalty"]["index"] == pytest.approx((35 * 25 + 15 * 3 + 15 * 100 / 3 + 25 * 20) / 90)


def test_who_denies_profiling_has_no_chance_of_staying() -> None:
    held, ada = store(), customer()
    happened(ada, 1, "", type="identify", traits={trait_of("profiling"): False})
    keep(held, ada)
    with support_api(held) as http:
        found = http.get("/v1/profiles/user_id:42/figures").json()

    assert found["rfm"] is None  # before the first census
    assert {part["name"]: part["points"] for part in found["loyalty"]["parts"]}["staying"] is None


def test_nobody_has_no_figures(http: httpx.Client) -> None:
    assert http.get("/v1/profiles/user_id:nobody/figures").status_code == 404


def run(http: httpx.Client, *arguments: str) -> str:
    environment = {"COLUMNS": "240", "RAPPORT_DATA_DIR": "/nonexistent"}
    result = CliRunner().invoke(create_cli(), ["profile", "user_id:42", *arguments, *where(http)], env=environment)
    assert result.exit_code == 0, result.output
    return result.output


def test_the_command_prints_them(http: httpx.Client) -> None:
    assert "60.00 EUR net of 3 orders" in run(http)
    assert "help → judge, " in run(http)
    assert json.loads(run(http, "--json"))["figures"]["value"]["year"]["orders"] == 3


def test_no_document_of_it_has_the_name_of_another(http: httpx.Client) -> None:
    """Else both would be called by their modules, in every client that is made of the description."""
    assert not [
        name for name in http.get("/openapi.json").json()["components"]["schemas"] if "views__figures__" in name
    ]
