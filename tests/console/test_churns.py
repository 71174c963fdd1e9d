"""Further definitions of churn through the API and on a terminal: scores, stages, models and decisions of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import httpx
import msgspec
import pytest
from typer.testing import CliRunner

from console.commands.main import create_cli
from console.services.models import ModelDesk
from models.labels.examples import Example, ModelCommand, Of, TrainingRecord
from models.learning.learners import Learners
from plan import parse_plan
from profiles.types import Churn, Reason, Score, Tally
from tests.console.people import customer, keep, store
from tests.console.support_api import PLAN_FILE, support_api, where
from tests.models.training import CONFIG, world

DEFINITION = "{name: unseen, description: Not seen, ends_by: {no: visit}, words: {at_risk: fading}}"
TEXT = PLAN_FILE.read_text().replace("\nchurn:\n", f"\nchurn:\n  definitions:\n    - {DEFINITION}\n", 1)
PLAN = parse_plan(TEXT, "plan.yaml", {})
CHURN = CONFIG.changed({"definitions": PLAN.churn.definitions})
T0 = 1_700_000_000.0


class Learned:
    """The learners of both definitions, as a store holds what they learned, and the way to them."""

    def __init__(self) -> None:
        self.learners = Learners(CHURN)
        own = world(0, 300)
        further: list[TrainingRecord] = [Of("unseen", one) for one in world(0, 900) if isinstance(one, Example)]
        self.learners.take([*own, *further])

    async def panel(self) -> bytes | None:
        return self.learners.panel().to_json()

    async def parts(self, names: Sequence[str]) -> dict[str, bytes]:
        return {name: part for name, part in self.learners.parts().items() if name in names}

    async def part_names(self) -> list[str]:
        return sorted(self.learners.parts())

    async def decide(self, command: ModelCommand | Of) -> None:
        """By way of its wire form."""
        self.learners.take([msgspec.msgpack.decode(msgspec.msgpack.encode(command), type=TrainingRecord)])


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    held, learned = store(), Learned()
    person = customer()
    score = Score(0.9, "high", T0, "rules-2", [Reason("open_tickets", 1.0, 1.0)])
    person.churns = {"unseen": Churn(score=score, stage="at_risk", stage_since=T0), "of_another_plan": Churn()}
    person.roles["visit"] = Tally(1, T0 - 9 * 86400, T0 - 9 * 86400, (1.0, 1.0))
    keep(held, person)
    desk = ModelDesk(learned, learned, CHURN, PLAN.currency)
    with support_api(held, wait=5.0, models=desk, plan=PLAN) as client:
        yield client


def run(http: httpx.Client, *arguments: str) -> str:
    result = CliRunner().invoke(
        create_cli(), [*arguments, *where(http)], env={"COLUMNS": "240", "RAPPORT_DATA_DIR": "/nonexistent"}
    )
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def test_a_profile_tells_stage_and_risk_by_each_definition(http: httpx.Client) -> None:
    document = http.get("/v1/profiles/user_id:42").json()

    (unseen,) = document["churns"]
    assert (unseen["name"], unseen["stage"], unseen["words"]) == ("unseen", "at_risk", "fading")
    assert (unseen["churn"]["risk"], unseen["churn"]["band"]) == (0.9, "high")
    assert unseen["churn"]["reasons"][0]["effect"] == "raises"
    assert unseen["churn"]["remark"].startswith("No cause shows")
    assert "visit" in {lever["action"] for lever in unseen["churn"]["would_lower"]}
    assert unseen["churn"]["would_lower_model"] == "rules-3"
    assert document["churn"]["risk"] == 0.8
    assert "fading since 2023-11-14" in run(http, "profile", "user_id:42")


def test_the_models_of_each_are_told_apart(http: httpx.Client) -> None:
    own, unseen = http.get("/v1/models").json(), http.get("/v1/models", params={"churn": "unseen"}).json()

    assert (own["records"]["short"], unseen["records"]["short"]) == (300, 900)
    assert http.get("/v1/models/hazard", params={"churn": "unseen"}).json()["examples"] == 900
    assert http.get("/v1/models/history", params={"churn": "unseen"}).json()["checkpoints"]
    explained = http.get("/v1/models/explain", params={"churn": "unseen", "identity": "user_id:42"}).json()
    assert (explained["scored_risk"], explained["scored_by"]) == (0.9, "rules-2")
    for command in (["list"], ["show", "hazard"], ["history"], ["explain"]):
        assert run(http, "models", *command, "--churn", "unseen")


def test_a_decision_is_about_one_of_them(http: httpx.Client) -> None:
    before = http.get("/v1/models").json()["champion"]
    assert "recency is the champion" in run(http, "models", "promote", "recency", "--churn", "unseen", "--by", "kim")

    assert http.get("/v1/models", params={"churn": "unseen"}).json()["decided_by"] == "kim"
    assert http.get("/v1/models").json()["champion"] == before
    run(http, "models", "release", "--churn", "unseen")


def test_one_that_the_plan_does_not_have_is_not_found(http: httpx.Client) -> None:
    for path in ("", "/history", "/hazard"):
        answer = http.get(f"/v1/models{path}", params={"churn": "gone"})
        assert answer.status_code == 404
        assert "there are unseen" in answer.text
    assert http.post("/v1/models/release", json={"churn": "gone"}).status_code == 404
