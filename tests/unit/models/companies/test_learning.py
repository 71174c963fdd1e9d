"""Learning the scorecard: from the weights set by hand to what companies have taught, and never worse than either."""

from __future__ import annotations

import numpy as np
import pytest

from models.churn.panel import Panel
from models.companies.labels import COMPANIES, SIGNALS, pack
from models.companies.learning import CompanyLearner, quality
from models.companies.scorecard import BY_HAND, Scorecard
from models.companies.signals import Signals
from models.config import ChurnConfig
from models.durations import WEEK
from models.labels.examples import Example, Of
from models.learning.learners import Learners

CANCELS = {"name": "cancels", "ends_by": {"subscription": "ended"}, "horizon": "13w", "snapshot_every": "13w"}
CHURN = ChurnConfig.model_validate({"definitions": [CANCELS]})


def labels_of(
    n: int, seed: int, *, level: float = -3.4, overdue: float = 0.3, fall: float = 1.0, horizon: float = 13 * WEEK
) -> list[Example]:
    """Companies that hardly leave because fewer work with it, and most because they do not pay."""
    rng, found = np.random.default_rng(seed), []
    for number in range(n):
        signals = Signals(
            fall=float(rng.random() < 0.4) * rng.random(), overdue=float(rng.random() < 0.15) * 10.0,
            champion=float(rng.random() < 0.5),
        )  # fmt: skip
        odds = level + overdue * min(signals.overdue, 10.0) + fall * signals.fall - 0.5 * min(signals.champion, 1.0)
        left = rng.random() < 1.0 / (1.0 + np.exp(-odds))
        said = np.array([BY_HAND.risk(signals)], dtype="<f4").tobytes()
        at = WEEK * number
        found.append(
            Example(f"~{number}", at, at + horizon, SIGNALS, pack(signals), not left, horizon="full", risks=said)
        )
    return found


def loss(card: Scorecard, shown: list[Example]) -> float:
    """Mean log loss."""
    risks = np.array([card.risk(Signals(*np.frombuffer(one.x, dtype="<f4").tolist())) for one in shown])
    return float(-np.log(np.where([one.y for one in shown], 1.0 - risks, risks)).mean())


@pytest.mark.parametrize("seed", range(3))
def test_companies_teach_how_many_leave_and_what_of_it_tells(seed: int) -> None:
    learner = CompanyLearner(CHURN)
    assert learner.export() is None
    assert learner.take(labels_of(600, seed)) == 600

    card, fresh = learner.export(), labels_of(2000, seed + 100)
    assert card is not None
    assert card.id == "companies-600"
    assert loss(card, fresh) < loss(BY_HAND, fresh) - 0.03
    assert card.weights["overdue"] > 2 * BY_HAND.weights["overdue"]
    assert card.weights["fall"] < 0.8 * BY_HAND.weights["fall"]
    figures = quality(learner.taught)
    assert figures["shown"]["rows"] == figures["rules"]["rows"] == 600
    assert figures["shown"]["log_loss"] == pytest.approx(figures["rules"]["log_loss"], abs=1e-4), "it was by hand"
    assert figures["learned"]["log_loss"] < min(figures["rules"]["log_loss"], figures["base_rate"]["log_loss"])


def test_a_few_labels_change_nothing() -> None:
    learner = CompanyLearner(CHURN)
    learner.take(labels_of(15, 1))

    assert learner.export() is None


def test_no_weight_changes_its_sign() -> None:
    """Its reason would say that a good sign is a bad one: those whose payments fail stay, here."""
    learner = CompanyLearner(CHURN)
    learner.take(labels_of(1500, 2, level=-1.0, overdue=-0.3))

    card = learner.taught.card()
    assert 0.0 <= card.weights["overdue"] < 0.01
    assert all(weight * BY_HAND.weights[name] >= 0 for name, weight in card.weights.items())


def test_what_tells_nothing_comes_to_the_base_rate() -> None:
    """Signals against which companies leave: what is shown is no worse than the share of those who left."""
    learner = CompanyLearner(CHURN)
    learner.take(labels_of(800, 3, level=-1.5, overdue=-0.3, fall=-3.0))
    fresh = labels_of(2000, 30, level=-1.5, overdue=-0.3, fall=-3.0)
    left = sum(not one.y for one in fresh) / len(fresh)

    card = learner.export()
    assert card is not None
    assert loss(card, fresh) < -(left * np.log(left) + (1 - left) * np.log(1 - left)) + 0.01


def test_labels_that_overlap_count_once() -> None:
    once, often = (
        CompanyLearner(CHURN),
        CompanyLearner(ChurnConfig.model_validate({"definitions": [CANCELS | {"snapshot_every": "13d"}]})),
    )
    for number, one in enumerate(labels_of(60, 4)):
        once.take([one])
        for copy in range(7):
            again = Example(f"{one.profile}.{copy}", one.at, one.due, one.schema, one.x, one.y, horizon="full")
            often.take([again])
        assert often.taught.labels == 7 * (number + 1)

    assert often.taught.mean == pytest.approx(once.taught.mean, abs=0.1)


def test_what_people_acted_on_is_judged_and_not_learned() -> None:
    acted = [Example(*(getattr(one, name) for name in ("profile", "at", "due", "schema", "x", "y")), horizon="full",
                     treated=True) for one in labels_of(50, 5)]  # fmt: skip
    learner = CompanyLearner(CHURN)

    assert learner.take(acted) == 50
    assert not learner.taught.mean.any()
    assert (learner.taught.treated, learner.taught.labels) == (50, 0)
    assert quality(learner.taught)["rules"]["rows"] == 50


def test_a_learner_goes_on_as_if_nothing_had_happened_and_takes_nothing_twice() -> None:
    """To the byte, whatever was delivered again."""
    told = labels_of(300, 6)
    straight = CompanyLearner(CHURN)
    straight.take(told)
    resumed = CompanyLearner(CHURN)
    resumed.take(told[:150])
    resumed = CompanyLearner.from_parts(resumed.parts(), CHURN)
    assert resumed.take([*told[100:150], *told[150:]]) == 150

    assert resumed.taught.skipped == 50
    resumed.taught.skipped = 0
    assert resumed.parts() == straight.parts()
    assert resumed.export() == straight.export()


def test_of_other_signals_or_another_meaning_nothing_is_of_use() -> None:
    learner = CompanyLearner(CHURN)
    learner.take(labels_of(200, 7))
    other = ChurnConfig.model_validate({"definitions": [CANCELS | {"horizon": "26w"}]})

    assert CompanyLearner.from_parts(learner.parts(), other).taught.labels == 0
    assert CompanyLearner(other).take(labels_of(20, 8)) == 0
    strange = [Example("~x", 0.0, 13 * WEEK, "company-0", pack(Signals()), True, horizon="full"),
               Example("~y", 0.0, 13 * WEEK, SIGNALS, b"abcd", True, horizon="full"),
               Example("~z", 0.0, 13 * WEEK, SIGNALS, pack(Signals(fall=np.nan)), True, horizon="full")]  # fmt: skip
    assert learner.take(strange) == 0
    assert learner.taught.skipped == 3


def test_the_learners_tell_theirs_apart_and_ship_it_to_the_scorers() -> None:
    learners = Learners(CHURN)
    assert not any(COMPANIES in name for name in learners.parts())
    assert learners.take([Of(COMPANIES, one) for one in labels_of(300, 9)]) == 300

    again = Learners.from_parts(learners.parts(), CHURN)
    assert again.parts() == learners.parts()
    panel = Panel.from_json(learners.panel().to_json(), CHURN)
    assert panel.companies == learners.companies.export()
    assert panel.companies.labels == 300
    other = ChurnConfig.model_validate({"definitions": [CANCELS | {"horizon": "26w"}]})
    assert Panel.from_json(learners.panel().to_json(), other).companies is BY_HAND
