import numpy as np
import pytest

from models.churn.kinds.btyd import MIN_CUSTOMERS, MIN_REPEATS, TYPICAL, Btyd, fit, known, read
from models.churn.lifetimes import NUMBERS, Known, Lifetimes, visits
from models.churn.model import Orders
from models.churn.scores import score_profiles
from models.churn.weights import ahead
from models.config import ChurnConfig
from models.durations import DAY, WEEK
from models.features.matrix import matrix
from models.features.reading import raws
from models.features.table import NAMES
from profiles.errors import Misconfigured
from profiles.types import Tally
from tests.build import CONFIG, T0, buyer

TRUTH = Lifetimes(r=0.8, alpha=4.0, s=0.6, beta=20.0, a=1.2, b=0.6, leak=0.1, clump=1.0)
MODEL = Btyd(TRUTH, (1.5, 12.0, 30.0, 2.0, 9.0), 1200)
LATER = T0 + 130 * DAY


def visiting(*days: float, role: str = "visit", count: float = 3.0, at: float = 120.0):
    """A buyer with recent visits."""
    one = buyer(*days)
    one.roles[role] = Tally(8, T0, T0 + at * DAY, (count, 2 * count))
    return one


PEOPLE = [buyer(0), visiting(0, 20, 40), visiting(0, 90, role="login"), buyer(*range(0, 100, 3)), buyer(*range(100))]
NOW = np.full(len(PEOPLE), LATER)
RAWS = raws(PEOPLE, "EUR")


def population(customers: int, seed: int = 1, weeks: float = 78.0, ahead: float = 8.0) -> dict[str, np.ndarray]:
    """Customers who do what the model says, as they are in the last week, and what becomes of them after it."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(customers):
        rate, leaving, visiting = (rng.gamma(shape, 1 / scale) for shape, scale in ((0.8, 4), (0.6, 20), (1.2, 0.6)))
        age = rng.uniform(2, weeks)
        life = rng.exponential(1 / leaving)
        until = min(life, age)
        orders = np.sort(rng.uniform(0, age + ahead, rng.poisson(rate * (age + ahead))))
        orders = orders[orders < life]
        past = orders[orders <= age]
        seen = np.append(
            rng.uniform(0, until, rng.poisson(visiting * until)),
            rng.uniform(until, age, rng.poisson(0.1 * visiting * (age - until))),
        )
        last = past[-1] if len(past) else 0.0
        fading = [np.exp2((seen - age) / half_life).sum() for half_life in (2, 8)]
        rows.append((len(past), last, age, *fading, life < age, len(orders) > len(past), age <= life < age + ahead))
    names = ("repeats", "last", "age", "fast", "slow", "left", "ordered", "leaves")
    return dict(zip(names, np.array(rows, dtype=np.float64).T, strict=True))


def orders_of(seen: dict[str, np.ndarray], rows: slice = slice(None)) -> Orders:
    return Orders(*(seen[name][rows] for name in Orders._fields))


def known_of(seen: dict[str, np.ndarray]) -> Known:
    return Known(seen["repeats"], seen["age"] - seen["last"], seen["age"], seen["fast"], seen["slow"])


@pytest.fixture(scope="module")
def people():
    return population(5000)


@pytest.fixture(scope="module")
def fitted(people):
    return fit(orders_of(people, slice(2500)))


def test_a_fit_finds_the_truth(fitted):
    found = fitted.lifetimes

    assert found.r / found.alpha == pytest.approx(TRUTH.r / TRUTH.alpha, rel=0.15)  # the mean rate of orders
    assert found.a / found.b == pytest.approx(TRUTH.a / TRUTH.b, rel=0.15)  # …and of visits
    assert found.leak == pytest.approx(TRUTH.leak, rel=0.3)
    for weeks in (13.0, 52.0):
        leaves, really = (who.leaves(np.zeros(1), weeks)[0] for who in (found, TRUTH))
        assert leaves == pytest.approx(really, abs=0.03)


def test_what_it_says_comes_true(people, fitted):
    """In each tenth: who has left, who orders nothing, who leaves in the coming weeks."""
    seen, lifetimes = known_of(people), fitted.lifetimes
    left = 1 / (1 + np.exp(-lifetimes.log_odds_left(seen)))
    said = {
        "left": (left, people["left"]),
        "none": (-np.expm1(lifetimes.log_order(seen, 8.0)), 1 - people["ordered"]),
        "leaves": ((1 - left) * lifetimes.leaves(seen.tenure, 8.0), people["leaves"]),
    }

    for name, (p, came) in said.items():
        for part in np.array_split(np.argsort(p), 10):
            assert p[part].mean() == pytest.approx(came[part].mean(), abs=0.07), name
        assert p.mean() == pytest.approx(came.mean(), abs=0.02), name


def test_visits_tell_who_has_left(people, fitted):
    """Of those silent for as long, the one who still visits is there."""
    one = Known(*np.array([[3.0, 3.0], [10.0, 10.0], [40.0, 40.0], [0.0, 6.0], [6.0, 24.0]]))

    gone, here = fitted.lifetimes.log_odds_left(one)

    assert gone > 1
    assert here < -2


def test_without_visits_it_is_the_model_of_orders_and_lives(people):
    """The Pareto/NBD: P(alive) from the paper by another way, a fine sum over the times of leaving."""
    x, recency, tenure = 4.0, 11.0, 37.0
    numbers = Lifetimes(0.8, 4.0, 0.6, 20.0, 1e-9, 1.0, 0.9999999, 1.0)  # visits that say nothing
    step = recency / 400_000
    then = tenure - recency + step * (np.arange(400_000) + 0.5)
    left = (0.6 * 20**0.6 * (20 + then) ** -1.6 * (4 + then) ** -4.8).sum() * step
    here = (20 / (20 + tenure)) ** 0.6 * (4 + tenure) ** -4.8

    odds = numbers.log_odds_left(Known(*np.array([[x], [recency], [tenure], [0.0], [0.0]])))

    assert odds[0] == pytest.approx(np.log(left / here), abs=1e-6)


def test_the_chance_of_an_order_is_that_of_a_simulation():
    rng = np.random.default_rng(3)
    rate, leaving = rng.gamma(0.8 + 3, 1 / (4 + 30.0), 400_000), rng.gamma(0.6, 1 / (20 + 30.0), 400_000)
    order = rng.exponential(1 / rate)
    ordered = (order < 8) & (order < rng.exponential(1 / leaving))
    one = Known(*np.array([[3.0], [2.0], [30.0], [3.0], [12.0]]))
    here = 1 / (1 + np.exp(TRUTH.log_odds_left(one)[0]))

    assert np.exp(TRUTH.log_order(one, 8.0))[0] == pytest.approx(here * ordered.mean(), abs=0.003)


def test_a_fit_goes_on_from_the_one_before(people):
    few = orders_of(people, slice(400))
    cold = fit(few)

    warm = fit(few, cold)

    assert [getattr(warm.lifetimes, name) for name in NUMBERS] == pytest.approx(
        [getattr(cold.lifetimes, name) for name in NUMBERS], rel=0.1
    )


def test_the_same_sample_gives_the_same_numbers_to_the_bit(people):
    few = orders_of(people, slice(300))

    assert fit(few).to_json() == fit(Orders(*(column.copy() for column in few))).to_json()


def test_there_is_no_fit_to_too_little(people):
    few = orders_of(people, slice(MIN_CUSTOMERS))
    repeats = few.repeats.copy()
    repeats[np.flatnonzero(repeats)[MIN_REPEATS - 1 :]] = 0

    assert fit(few) is not None
    assert fit(Orders(*(column[1:] for column in few))) is None
    assert fit(few._replace(repeats=repeats, last=np.where(repeats > 0, few.last, 0))) is None


@pytest.mark.parametrize("bad", [np.nan, np.inf, -1.0])
@pytest.mark.parametrize("field", Orders._fields)
def test_a_fit_refuses_what_cannot_be(people, field, bad):
    few = orders_of(people, slice(MIN_CUSTOMERS))
    column = getattr(few, field).copy()
    column[7] = bad

    with pytest.raises(ValueError, match="finite"):
        fit(few._replace(**{field: column}))


@pytest.mark.parametrize("horizon", ["4w", "26w", "52w"])
def test_baseline_and_contributions_sum_to_the_log_odds(horizon):
    scores = MODEL.score(RAWS, NOW, ChurnConfig(horizon=horizon))

    log_odds = np.log(scores.risk / (1 - scores.risk))
    np.testing.assert_allclose(scores.baseline + scores.contributions.sum(axis=1), log_odds, atol=1e-9)
    speaks = np.flatnonzero(np.abs(scores.contributions).sum(axis=0))
    assert {NAMES[column] for column in speaks} == {"orders", "recency", "visit_2w", "login_2w"}


def test_risk_and_short_answer_are_those_of_the_score():
    x = matrix(RAWS, NOW)

    np.testing.assert_allclose(MODEL.risk(ahead(RAWS, NOW, CONFIG), CONFIG), MODEL.score(RAWS, NOW, CONFIG).risk)
    short = ChurnConfig(horizon=CONFIG.label_horizon)
    np.testing.assert_allclose(MODEL.short(x, CONFIG), 1 - MODEL.score(RAWS, NOW, short).risk, atol=1e-14)


def test_what_it_says_of_a_customer_does_not_depend_on_the_batch():
    x = matrix(RAWS, NOW)

    alone = [MODEL.short(x[i : i + 1].copy(), CONFIG)[0] for i in range(len(x))]

    assert alone == MODEL.short(x, CONFIG).tolist()


def test_what_the_learner_is_told_of_visits_is_what_the_scorers_see():
    one = PEOPLE[1]

    fast, slow = visits(one, LATER)

    seen = known(matrix(RAWS, NOW)[1])
    assert (fast, slow) == pytest.approx((float(seen.fast), float(seen.slow)))
    assert (T0 + 130 * DAY - LATER, fast) == (0, pytest.approx(3.0 * 2 ** (-10 * DAY / (2 * WEEK))))


def test_any_customer_gets_a_finite_answer():
    people = [buyer(0), buyer(*range(200)), buyer(0, 1), visiting(0, count=1e9), visiting(*range(99), role="login")]
    for day in (0, 200, 40000):
        scores = MODEL.score(raws(people, "EUR"), np.full(5, T0 + day * DAY), CONFIG)

        assert ((scores.risk >= 0) & (scores.risk <= 1)).all()
        assert np.isfinite(scores.contributions).all()


def test_its_reasons_are_told_like_any_other():
    [score] = score_profiles([PEOPLE[1]], [LATER], MODEL, CONFIG, "EUR")

    assert {reason.feature for reason in score.reasons} <= {"orders", "recency", "visit_2w"}
    assert score.model == "btyd-1200"


def test_it_is_kept_to_the_bit():
    assert read(MODEL.to_json()) == MODEL


@pytest.mark.parametrize(
    "damage", [(b'"r":0.8', b'"r":-1'), (b'"r":0.8', b'"r":1e999'), (b"customers", b"people"), (b"12.0,", b"")]
)
def test_a_damaged_one_is_refused(damage):
    with pytest.raises(Misconfigured, match="damaged"):
        read(MODEL.to_json().replace(*damage))


def test_before_anything_fits_numbers_set_by_hand_tell_who_is_lost():
    """The longer a silence, the likelier; a weekly buyer is missed after three months, and nobody on the first day."""
    weeks = np.arange(0.0, 53.0)
    nothing = np.zeros(len(weeks))
    for repeats in (0.0, 5.0):
        values = np.zeros((len(weeks), len(NAMES)))
        for name, value in (("orders", 1 + repeats), ("recency", weeks), ("tenure", weeks + repeats)):
            values[:, NAMES.index(name)] = value
        left, leaving = TYPICAL.departures(values, CONFIG)
        lost = left + leaving

        assert (np.diff(lost) > 0).all()
        assert lost[0] < 0.25
        assert lost[13] > 0.5
        assert (leaving > nothing).all()
