import lifetimes
import lifetimes.datasets
import msgspec
import numpy as np
import pytest

from models.churn.kinds.bgnbd import MIN_CUSTOMERS, MIN_REPEATS, BgNbd, fit, read
from models.churn.model import Orders
from models.churn.scores import score_profiles
from models.churn.weights import ahead
from models.config import ChurnConfig
from models.durations import DAY, WEEK
from models.features.matrix import matrix
from models.features.reading import raws
from models.features.table import NAMES
from profiles.errors import Misconfigured
from tests.build import CONFIG, T0, buyer

CDNOW = BgNbd(0.243, 4.414, 0.793, 2.426, (1.04, 25.9, 32.7), 2357)  # table 2 of the paper
PEOPLE = [buyer(0), buyer(0, 20, 40), buyer(0, 90), buyer(*range(0, 100, 3)), buyer(*range(100))]
NOW = np.full(len(PEOPLE), T0 + 130 * DAY)
RAWS = raws(PEOPLE, "EUR")


def only(repeats: np.ndarray, last: np.ndarray, age: np.ndarray) -> Orders:
    """Orders alone: it sees nothing else."""
    return Orders(repeats, last, age, np.zeros(len(age)), np.zeros(len(age)))


def population(customers: int, seed: int = 1) -> np.ndarray:
    """Customers who do what the model says: (x, last, age) at week 40, and whether they order by week 66."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(customers):
        rate, quits = rng.gamma(0.5, 1 / 5.0), rng.beta(0.8, 2.5)
        times = [rng.uniform(0, 12)]
        while times[-1] < 66:
            gone = len(times) > 1 and rng.random() < quits
            times.append(np.inf if gone else times[-1] + rng.exponential(1 / rate))
        seen = [time for time in times if time <= 40]
        rows.append((len(seen) - 1, seen[-1] - seen[0], 40 - seen[0], any(40 < time <= 66 for time in times)))
    return np.array(rows, dtype=np.float64).T


def test_the_fit_to_cdnow_is_the_published_one():
    data = lifetimes.datasets.load_cdnow_summary(index_col=[0])

    model = fit(only(*(data[column].to_numpy() for column in ("frequency", "recency", "T"))))

    assert [model.r, model.alpha, model.a, model.b] == pytest.approx([0.243, 4.414, 0.793, 2.426], rel=0.01)
    assert model.id == "bgnbd-2357"


def test_who_is_alive_agrees_with_another_implementation():
    fitter = lifetimes.BetaGeoFitter()
    fitter.params_ = dict(zip(("r", "alpha", "a", "b"), (CDNOW.r, CDNOW.alpha, CDNOW.a, CDNOW.b), strict=True))
    x, last, age = np.array([[0.0, 0.0, 20.0], [1.0, 5.0, 30.0], [9.0, 28.0, 30.0], [3.0, 2.0, 38.0]]).T

    none = CDNOW.p_none(x, age - last, age, 1e9)  # in all the time to come: only who has quit

    alive = fitter.conditional_probability_alive(x, last, age)
    np.testing.assert_allclose(1 - none, np.where(x > 0, alive, 1.0), atol=0.02)


def test_a_fit_finds_the_truth_and_its_risks_come_true():
    x, last, age, ordered = population(6000)

    model = fit(only(x, last, age))

    assert [model.r, model.alpha, model.a, model.b] == pytest.approx([0.5, 5.0, 0.8, 2.5], rel=0.35)
    risk = model.p_none(x, age - last, age, 26.0)
    assert risk.mean() == pytest.approx(1 - ordered.mean(), abs=0.01)
    for part in np.array_split(np.argsort(risk), 6):
        assert risk[part].mean() == pytest.approx(1 - ordered[part].mean(), abs=0.05)


def test_a_fit_goes_on_from_the_one_before():
    x, last, age, _ = population(800)
    cold = fit(only(x, last, age))

    warm = fit(only(x, last, age), cold)

    assert [warm.r, warm.alpha, warm.a, warm.b] == pytest.approx([cold.r, cold.alpha, cold.a, cold.b], rel=0.02)


def test_there_is_no_fit_to_too_little():
    x, last, age, _ = population(MIN_CUSTOMERS)

    assert fit(only(x, last, age)) is not None
    assert fit(only(x[1:], last[1:], age[1:])) is None
    few = np.argsort(x == 0, kind="stable")[: MIN_REPEATS - 1]
    once = np.isin(np.arange(len(x)), few, invert=True)
    assert fit(only(np.where(once, 0, x), np.where(once, 0, last), age)) is None


def test_there_is_no_fit_to_what_no_such_customers_do():
    n = 400  # everyone buys every week and nobody ever leaves: nothing varies, and nothing can be told apart

    assert fit(only(np.full(n, 30.0), np.full(n, 30.0), np.full(n, 30.0))) is None


@pytest.mark.parametrize("bad", [np.nan, np.inf, -1.0])
def test_a_fit_refuses_what_cannot_be(bad):
    x, last, age, _ = population(MIN_CUSTOMERS)
    for column in (x, last, age):
        column[7], kept = bad, column[7]
        with pytest.raises(ValueError, match="finite"):
            fit(only(x, last, age))
        column[7] = kept


@pytest.mark.parametrize("horizon", ["4w", "26w", "52w"])
def test_baseline_and_contributions_sum_to_the_log_odds(horizon):
    config = ChurnConfig(horizon=horizon)

    scores = CDNOW.score(RAWS, NOW, config)

    log_odds = np.log(scores.risk / (1 - scores.risk))
    np.testing.assert_allclose(scores.baseline + scores.contributions.sum(axis=1), log_odds, atol=1e-9)
    speaks = np.flatnonzero(np.abs(scores.contributions).sum(axis=0))
    assert {NAMES[column] for column in speaks} == {"orders", "recency", "tenure"}


def test_a_share_is_fair():
    """A customer who is average but for one thing owes everything to that."""
    average = BgNbd(CDNOW.r, CDNOW.alpha, CDNOW.a, CDNOW.b, (2.0, 90 * DAY / WEEK, 130 * DAY / WEEK), 1)

    scores = average.score(RAWS[1:2], NOW[1:2], CONFIG)
    other = average.score(raws([buyer(0, 20, 35, 40)], "EUR"), NOW[1:2], CONFIG)

    np.testing.assert_allclose(scores.contributions, 0, atol=1e-12)
    assert other.contributions[0, NAMES.index("orders")] != 0
    np.testing.assert_allclose(other.contributions[0, [NAMES.index("recency"), NAMES.index("tenure")]], 0, atol=1e-12)


def test_risk_and_short_answer_are_those_of_the_score():
    x = matrix(RAWS, NOW)

    np.testing.assert_allclose(CDNOW.risk(ahead(RAWS, NOW, CONFIG), CONFIG), CDNOW.score(RAWS, NOW, CONFIG).risk)
    short = ChurnConfig(horizon=CONFIG.label_horizon)
    np.testing.assert_allclose(CDNOW.short(x, CONFIG), 1 - CDNOW.score(RAWS, NOW, short).risk, atol=1e-14)


def test_any_customer_gets_a_finite_answer():
    people = [buyer(0), buyer(*range(200)), buyer(0, 1)]
    for day in (0, 200, 40000):
        scores = CDNOW.score(raws(people, "EUR"), np.full(3, T0 + day * DAY), CONFIG)

        assert ((scores.risk >= 0) & (scores.risk <= 1)).all()
        assert np.isfinite(scores.contributions).all()


def test_its_reasons_are_told_like_any_other():
    [score] = score_profiles([PEOPLE[1]], [T0 + 600 * DAY], CDNOW, CONFIG, "EUR")

    assert score.model == "bgnbd-2357"
    assert {reason.feature for reason in score.reasons} <= {"orders", "recency", "tenure"}
    assert score.reasons[0].feature == "recency"
    assert score.reasons[0].contribution > 0


def test_it_goes_through_json_to_the_bit():
    assert read(CDNOW.to_json()) == CDNOW


@pytest.mark.parametrize("values", [{"r": -1.0}, {"alpha": None}, {"b": 0.0}, {"average": [1.0]}])
def test_a_damaged_model_is_refused(values):
    damaged = msgspec.json.encode(msgspec.json.decode(CDNOW.to_json()) | values)

    with pytest.raises(Misconfigured):
        read(damaged)
