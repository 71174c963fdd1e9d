"""The models through the API and on a terminal: figures, weights, contributions, decisions; over a real learner."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from typing import Any

import httpx
import msgspec
import pytest
from typer.testing import CliRunner

from console.commands.main import create_cli
from console.services.models import ModelDesk
from models.churn.panel import MODELS
from models.companies.labels import COMPANIES
from models.features.table import NAMES
from models.labels.examples import ModelCommand, Of
from models.learning.learner import Learner
from models.learning.learners import Learners
from tests.console.people import customer, keep, store
from tests.console.support_api import PLAN, support_api, where
from tests.models.training import CONFIG, world
from tests.unit.models.companies.test_learning import labels_of


class Learned:
    """A learner that has taken two thousand steps, its parts as a store holds them, and the way to it."""

    def __init__(self) -> None:
        self.learner = Learner(CONFIG)
        self.learner.take(world(0, 1200))
        self.idle = self.empty = False
        self.instead: dict[str, bytes] = {}  # parts that the store holds otherwise

    async def panel(self) -> bytes | None:
        """The models that score."""
        return None if self.empty else self.learner.panel().to_json()

    async def parts(self, names: Sequence[str]) -> dict[str, bytes]:
        """Parts of the checkpoint."""
        parts = {} if self.empty else self.learner.parts() | self.instead
        return {name: part for name, part in parts.items() if name in names}

    async def part_names(self) -> list[str]:
        """Of all."""
        return [] if self.empty else sorted(self.learner.parts())

    async def decide(self, command: ModelCommand) -> None:
        """Take a decision in, by way of its wire form."""
        if not self.idle:
            self.learner.take([msgspec.msgpack.decode(msgspec.msgpack.encode(command), type=ModelCommand)])


class World:
    """The API over a learner."""

    def __init__(self, http: httpx.Client, learned: Learned) -> None:
        self.http = http
        self.learned = learned

    def get(self, path: str, **options: Any) -> dict[str, Any]:
        """What there is."""
        answer = self.http.get(path, **options)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def run(self, *arguments: str) -> tuple[int, str]:
        """`rapport models …` against this API; in one line, as a wide terminal shows it."""
        command = ["models", *arguments, *where(self.http)]
        result = CliRunner().invoke(create_cli(), command, env={"COLUMNS": "240", "RAPPORT_DATA_DIR": "/nonexistent"})
        return result.exit_code, result.output


@pytest.fixture(scope="module")
def running() -> Iterator[World]:
    """An API over a store in memory and a learner."""
    held, learned = store(), Learned()
    keep(held, customer())
    keep(held, customer(("user_id", "unscored"), risk=None))
    with support_api(held, wait=3.0, models=ModelDesk(learned, learned, CONFIG, PLAN.currency)) as http:
        yield World(http, learned)


@pytest.fixture
def api(running: World) -> Iterator[World]:
    """As it was, after each test."""
    saved = running.learned.learner.checkpoint()
    yield running
    running.learned.learner = Learner.restore(saved, CONFIG)
    running.learned.idle = running.learned.empty = False
    running.learned.instead = {}


def test_every_model_with_its_figures_and_who_speaks(api: World) -> None:
    """The same figures that the learner decides by."""
    document = api.get("/v1/models")

    assert document["champion"] == "stack"
    assert [model["name"] for model in document["models"]] == list(MODELS)
    roles = {model["name"]: model["role"] for model in document["models"]}
    assert roles["stack"] == "champion"
    assert (roles["bgnbd"], roles["direct"]) == ("shadow", "shadow")
    quality = api.learned.learner.quality()
    for model in document["models"]:
        for horizon in ("short", "full"):
            told = {key: value for key, value in model[horizon].items() if value is not None}
            assert told == quality[model["name"]][horizon]
    assert document["since"].startswith("20")
    assert document["records"]["short"] == 1200
    assert {notice["kind"] for notice in document["notices"]} == {"champion"}
    assert document["drift"]["alarms"] == []
    assert (document["leaving"]["speaks"], document["leaving"]["labels"]) == ("btyd", 0)


def test_before_anything_is_learned_the_rules_speak(api: World) -> None:
    """And nothing is an error."""
    api.learned.empty = True

    assert api.get("/v1/models")["champion"] == "rules"
    assert api.get("/v1/models/hazard")["role"] == "silent"
    assert api.get("/v1/models/history") == {"checkpoints": [], "changes": []}
    assert api.run("list")[0] == 0


def test_that_learning_began_anew_is_said_with_time_and_reason(api: World) -> None:
    """Where people look when all models are silent again."""
    assert api.get("/v1/models")["began_anew"] is None
    other = CONFIG.model_copy(update={"label_horizon": CONFIG.label_horizon / 2})
    at = 2e9
    api.learned.learner = Learner.from_parts(api.learned.learner.parts(), other, at)
    said = "learning began anew: the plan's churn.label_horizon is 2w, and was 4w;"

    began = api.get("/v1/models")["began_anew"]
    assert (began["kind"], began["at"][:10], began["text"][: len(said)]) == ("anew", "2033-05-18", said)
    assert api.get("/v1/models/history")["changes"][0]["why"] == "learning anew"
    as_listed, as_history = (" ".join(api.run(command)[1].split()) for command in ("list", "history"))
    assert f"2033-05-18 03:33: {said}" in as_listed
    assert f"learning anew: {said}" in as_history


def test_one_model_with_its_weights_and_quality_by_segment(api: World) -> None:
    """Weights on the log-odds of churn: the longer the silence, the higher the risk."""
    document = api.get("/v1/models/hazard")

    assert document["horizons"]["short"]["segments"].keys() == {"new", "vip"}
    silence = next(group for group in document["groups"] if group["group"] == "silence")
    weights = {row["feature"]: row["weight"] for row in silence["features"]}
    assert weights["log_recency"] > 0
    model = api.learned.learner.panel().models["hazard"]
    assert weights["log_recency"] == -model.weights[NAMES.index("log_recency")]  # type: ignore[attr-defined]
    assert api.get("/v1/models/bgnbd")["numbers"]["r"] > 0


def test_how_right_the_risks_are_of_each_group_of_customers(api: World) -> None:
    """Of the champion, as it is shown."""
    rows = api.get("/v1/models/stack")["calibration"]

    assert {(row["group"], row["meaning"]) for row in rows} == {
        ("source:app", "who are met in app"), ("source:web", "who are met in web"),
    }  # fmt: skip
    for row in rows:
        told = api.learned.learner.judge.groups.report("champion")["segments"][row["group"]]
        assert {name: row[name] for name in ("rows", "rate", "bias", "bias_error", "ece")} == {
            name: told[name] for name in ("rows", "rate", "bias", "bias_error", "ece")
        }
    assert api.get("/v1/models/direct")["calibration"] == []
    assert "customers who are met in app" in " ".join(api.run("show", "stack")[1].split())
    assert isinstance(api.get("/v1/models")["drift"]["groups"], list)
    assert api.http.get("/v1/models/oracle").status_code == 404


def test_a_risk_is_taken_apart_to_its_log_odds(api: World) -> None:
    """Baseline and all contributions."""
    document = api.get("/v1/models/explain", params={"identity": "user_id:42"})

    told = document["baseline"] + sum(row["contribution"] for row in document["contributions"])
    assert told == pytest.approx(document["log_odds"], abs=1e-9)
    assert 1 / (1 + math.exp(-told)) == pytest.approx(document["risk"], abs=1e-9)
    assert sum(group["contribution"] for group in document["groups"]) == pytest.approx(told - document["baseline"])
    for identity, status in (("user_id:nobody", 404), ("user_id:unscored", 409), ("nonsense", 400)):
        assert api.http.get("/v1/models/explain", params={"identity": identity}).status_code == status


def test_a_decision_is_carried_out_by_the_learner_and_recorded(api: World) -> None:
    """Promote, then release."""
    answer = api.http.post("/v1/models/promote", json={"model": "bgnbd", "by": "kim"})

    assert (answer.status_code, answer.json()["done"]) == (200, True)
    document = api.get("/v1/models")
    assert (document["champion"], document["decided_by"]) == ("bgnbd", "kim")
    assert document["decisions"][0]["id"] == answer.json()["id"]
    assert api.get("/v1/models/history")["changes"][0]["by"] == "kim"
    assert api.http.post("/v1/models/release").status_code == 200
    assert api.get("/v1/models")["champion"] == "stack"


def test_a_decision_that_cannot_be_carried_out_says_why(api: World) -> None:
    """409; and 202 while nobody works."""
    answer = api.http.post("/v1/models/promote", json={"model": "oracle"})
    assert (answer.status_code, answer.json()["code"]) == (409, "refused")
    assert "there are hazard" in answer.json()["message"]
    assert api.http.post("/v1/models/rollback", json={"version": 99}).status_code == 409
    assert api.http.post("/v1/models/rollback", json={"version": "x"}).status_code == 400
    api.learned.idle = True
    answer = api.http.post("/v1/models/release", json={"by": "kim"})

    assert (answer.status_code, answer.json()["done"]) == (202, None)


def test_a_person_goes_back_to_a_kept_checkpoint(api: World) -> None:
    """The one that the history lists."""
    kept = api.get("/v1/models/history")["checkpoints"]
    assert [checkpoint["version"] for checkpoint in kept] == sorted(
        (checkpoint["version"] for checkpoint in kept), reverse=True
    )
    code, output = api.run("rollback", str(kept[0]["version"]), "--by", "kim")

    assert code == 0, output
    assert api.learned.learner.examples == kept[0]["examples"]
    assert api.get("/v1/models")["notices"][0]["kind"] == "rollback"


def test_the_commands_tell_people_and_tools(api: World) -> None:
    """Every command, as text and as JSON."""
    code, output = api.run("list")
    assert code == 0, output
    assert "stack is champion since 20" in output
    assert "Drift: no alarms" in output
    for whole in ("base_rate", "log loss", "blocks"):  # nothing is cut off in 80 columns
        assert whole in output
    code, output = api.run("list", "--json")
    assert json.loads(output) == api.get("/v1/models")
    code, output = api.run("show", "hazard")
    assert code == 0, output
    assert "segment vip" in output
    assert "log_recency" in output
    code, output = api.run("explain")
    assert "0 or 1 more" not in output
    code, output = api.run("history")
    assert "rules → bgnbd" in output
    code, output = api.run("promote", "recency", "--by", "kim")
    assert (code, output) == (0, "recency is the champion until it is released\n")
    assert api.run("release", "--json")[0] == 0
    code, output = api.run("release")
    assert code == 1
    assert "nobody has promoted a model by hand" in output
    code, output = api.run("show", "oracle")
    assert code == 1
    assert "there are hazard" in output


def test_explain_on_a_terminal(api: World) -> None:
    """The model in words; a customer to the log-odds."""
    code, output = api.run("explain")
    assert code == 0, output
    assert "how long ago the last order was" in output  # to the hazard in the stack
    assert "weight_of_btyd" in output
    assert "raises the log-odds" in " ".join(output.split())
    code, output = api.run("explain", "user_id:42")
    assert code == 0, output
    assert "the average customer" in output
    assert "log-odds of churn" in output
    assert json.loads(api.run("explain", "user_id:42", "--json")[1])["contributions"]


def test_what_an_earlier_version_has_learned_is_not_shown_and_what_is_damaged_is_told(api: World) -> None:
    """The learner begins anew after an upgrade; until its first commit the old parts are there."""
    api.learned.instead = {"head": b'{"schema":"old"}', "quality": b"[]"}
    assert api.get("/v1/models")["records"] == {}

    api.learned.instead = {"quality": b"[]"}
    answer = api.http.get("/v1/models")
    assert (answer.status_code, answer.json()["code"]) == (503, "damaged")
    status, text = api.run("list")
    assert status == 1
    assert "cannot be read" in text


def test_what_predicts_the_risk_of_companies_is_shown_beside_the_models() -> None:
    """How good it is, by hand and as companies have taught it; before any label, nothing."""
    held, learned = store(), Learned()
    companies = Learners(CONFIG)
    companies.take(Of(COMPANIES, one) for one in labels_of(300, 1, horizon=CONFIG.horizon))
    with support_api(held, wait=3.0, models=ModelDesk(learned, learned, CONFIG, PLAN.currency)) as http:
        one = World(http, learned)
        assert one.get("/v1/models")["companies"] is None
        learned.instead = {name: part for name, part in companies.parts().items() if COMPANIES in name}
        told = one.get("/v1/models")["companies"]
        code, text = one.run("list")
        further = http.get("/v1/models/hazard")

    assert further.status_code == 200
    assert (told["id"], told["speaks"], told["labels"]) == ("companies-300", "learned", 300)
    assert told["learned"]["log_loss"] < told["rules"]["log_loss"]
    weights = {each["signal"]: each for each in told["weights"]}
    assert weights["overdue"]["weight"] > weights["overdue"]["by_hand"] > 0
    assert all(each["meaning"] for each in told["weights"])
    assert code == 0
    assert "Companies: the scorecard as they have taught it (300 labels)" in text
    assert "base rate" in text
