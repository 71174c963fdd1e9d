"""A backtest knows nothing of what is to come, judges by what really came, and leaves out what nobody can know."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.backtest.boosted import Boosted
from models.backtest.experiments import people, retimed, sampled, vanishing
from models.backtest.playback import Batch, Judged, Log, Outside, backtest, weeks_judged
from models.config import ChurnConfig
from models.durations import DAY, WEEK
from profiles.consent import PROFILING, Consent, trait_of
from profiles.types import Claim, Event, Merge
from streams.offline import by_time

START = 20_000 * DAY
CONFIG = ChurnConfig(
    horizon=6 * WEEK, label_horizon=2 * WEEK, snapshot_every=2 * WEEK, min_examples=20, min_class=2,
)  # fmt: skip


def order(who: str, time: float, number: int = 0) -> Event:
    """An order of 20.00."""
    return Event(
        who, f"{who}-{number}-{time}", "purchase", "track", "Order Completed", "purchase", time, time,
        amount=2000, currency="EUR", quantity=1.0,
    )  # fmt: skip


def visit(who: str, time: float) -> Event:
    """Somebody looked at a page."""
    return Event(who, f"{who}-visit-{time}", "web", "page", "Home", "visit", time, time)


def shop(customers: int = 50, weeks: int = 36, seed: int = 0) -> list[Event]:
    """Customers who order every one to six weeks, and stop sooner or later."""
    rng = np.random.default_rng(seed)
    events = []
    for i in range(customers):
        time, gap = START + rng.uniform(0, 8) * WEEK, rng.uniform(1, 6)
        for number in range(100):
            if time > START + weeks * WEEK or (number and rng.random() < 0.15):
                break
            events.append(order(f"customer-{i:03d}-00000000", time, number))
            time += rng.exponential(gap) * WEEK
    events.append(order("the-last-of-them-all-0", START + weeks * WEEK - 1.0))
    return sorted(events, key=lambda event: event.time)


def played(events: list[Event], **more: object) -> Judged:
    """Judged weeks 12 to 24, whatever the log."""
    log = replace(Log.of(events), start=START - 1.0, end=START + 36 * WEEK - 1.0)
    return backtest(log, CONFIG, "EUR", judged=range(12, 25), **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def judged() -> Judged:
    """The shop, judged."""
    return played(shop())


def test_every_score_is_judged_by_the_orders_that_came(judged: Judged) -> None:
    """By hand, from the log."""
    names = list(dict.fromkeys(event.profile for event in shop()))
    times: dict[str, list[float]] = {}
    for event in shop():
        times.setdefault(event.profile, []).append(event.time)
    assert len(judged.y) > 300
    assert 0.1 < judged.y.mean() < 0.9
    for week, customer, y, active in zip(judged.week, judged.customer, judged.y, judged.active, strict=True):
        at = START - 1.0 + week * WEEK
        held = times[names[customer]]
        assert any(time <= at for time in held)
        assert y == (not any(at < time <= at + CONFIG.horizon for time in held))
        assert active == (at - max(time for time in held if time <= at) <= CONFIG.horizon)


def test_beside_every_score_stands_who_has_left_and_who_leaves(judged: Judged) -> None:
    left, leaving, lost = (judged.leaving[name] for name in ("left", "leaving", "lost"))

    assert len(left) == len(leaving) == len(lost) == len(judged.y)
    np.testing.assert_allclose(lost, left + leaving)
    assert ((left > 0) & (leaving > 0) & (lost < 1)).all()
    assert lost[judged.y == 1].mean() > lost[judged.y == 0].mean() + 0.1


def test_nothing_that_comes_later_changes_what_was_said(judged: Judged) -> None:
    """Take away everything after week 18, but for what keeps the clock going: the scores up to then are the same."""
    whole = judged
    cut = [event for event in shop() if event.time <= START - 1.0 + 18 * WEEK]
    later = played([*cut, shop()[-1]])

    same, kept = whole.week <= 18, later.week <= 18
    assert np.array_equal(whole.customer[same], later.customer[kept])
    assert not np.array_equal(whole.y[same], later.y[kept])
    for name in whole.risks:
        np.testing.assert_array_equal(whole.risks[name][same], later.risks[name][kept])


def test_the_nightly_model_is_grown_of_what_was_known_and_says_something(judged: Judged) -> None:
    """Nothing that comes later changes what it says, and without it nothing else is said either."""
    grown = played(shop(), refit_every=6 * WEEK)
    cut = [event for event in shop() if event.time <= START - 1.0 + 20 * WEEK]
    later = played([*cut, shop()[-1]], refit_every=6 * WEEK)

    said = np.isfinite(grown.risks["survival"])
    assert 0 < said.sum() == (grown.week >= grown.week[said].min()).sum()
    assert np.isnan(judged.risks["survival"]).all()
    np.testing.assert_array_equal(grown.risks["hazard"], judged.risks["hazard"])
    same, kept = grown.week <= 20, later.week <= 20
    np.testing.assert_array_equal(grown.risks["survival"][same], later.risks["survival"][kept])


def test_the_same_log_gives_the_same_scores(judged: Judged) -> None:
    """To the bit, and the learner the same checkpoint."""
    again = played(shop())

    for name, risks in judged.risks.items():
        np.testing.assert_array_equal(risks, again.risks[name])
    assert judged.learner.checkpoint() == again.learner.checkpoint()


def test_the_models_speak_and_the_champion_is_one_of_them(judged: Judged) -> None:
    """In each week the champion's risk is that of the model that spoke."""
    assert set(judged.champions) == set(judged.week.tolist())
    assert judged.records > 200
    for week, model in judged.champions.items():
        rows = judged.week == week
        np.testing.assert_array_equal(judged.risks["champion"][rows], judged.risks[model][rows])
    assert {moved.week for moved in judged.moved} == set(judged.champions)


def test_a_rival_is_shown_the_truth_when_it_is_known_and_not_before() -> None:
    """Asked in week w, it has learned of no week after w less the horizon."""

    class Witness:
        name = "witness"

        def __init__(self) -> None:
            self.latest = 0
            self.answers: list[tuple[int, int]] = []

        def learn(self, batch: Batch) -> None:
            assert len(batch.x) == len(batch.y) == len(batch.customers)
            self.latest = max(self.latest, batch.week)

        def risk(self, week: int, x: np.ndarray) -> np.ndarray:
            self.answers.append((week, self.latest))
            return np.full(len(x), 0.25)

    witness = Witness()
    found = played(shop(), rivals=[witness])

    assert [week for week, _ in witness.answers] == list(range(12, 25))
    assert all(latest == week - 6 for week, latest in witness.answers)
    assert (found.risks["witness"] == 0.25).all()


def test_boosting_learns_on_the_same_rows() -> None:
    """It ranks better than chance once it has learned, and says nothing before."""
    found = played(shop(120), rivals=[Boosted(min_leaf=20)])

    said = np.isfinite(found.risks["gbm"])
    assert said.any()
    assert 0.0 < found.risks["gbm"][said].min() < found.risks["gbm"][said].max() < 1.0


def test_two_profiles_that_turn_out_to_be_one_customer_are_judged_as_one() -> None:
    """From the merge on; what was said of the one that is gone is judged by nobody."""
    events = shop()
    gone, stays = events[0].profile, events[1].profile
    at = START + 16 * WEEK
    records = sorted([*events, Merge(gone, stays, at, [])], key=lambda record: record.time)

    found = played(records)  # type: ignore[arg-type]

    number = {name: i for i, name in enumerate(dict.fromkeys(record.profile for record in records))}
    weeks = found.week[found.customer == number[gone]]
    assert (weeks <= 10).all()  # a horizon of six weeks from then on meets the merge
    assert len(found.week[found.customer == number[stays]]) == 13
    assert people(records)[gone] == stays


def test_who_does_not_allow_it_is_neither_scored_nor_learned_from() -> None:
    """From the day of the objection on."""
    events = shop()
    who = events[0].profile
    no = Event(
        who, "no", "web", "identify", "identify", "", START + 15 * WEEK, 0.0, traits={trait_of(PROFILING): False}
    )

    found = played(sorted([*events, no], key=lambda event: event.time), consent=Consent({PROFILING: True}))

    assert (found.week[found.customer == 0] <= 9).all()  # what was said less than a horizon before is censored
    assert (found.week[found.customer == 1] == np.arange(12, 25)).all()


def test_what_anybody_could_have_said_for_them_is_not_heeded() -> None:
    """A claimed objection of a person, as in live work."""
    events = shop()
    no = Event(
        events[0].profile, "no", "web", "identify", "identify", "", START + 15 * WEEK, 0.0, [("user_id", "1")],
        claim=Claim(traits={trait_of(PROFILING): False}, named=True),
    )  # fmt: skip

    found = played(
        sorted([*events, no], key=lambda event: event.time),
        consent=Consent({PROFILING: True}),
        persons=frozenset({"user_id"}),
    )

    assert (found.week[found.customer == 0] == np.arange(12, 25)).all()


def test_a_log_that_is_too_short_is_refused() -> None:
    """With what it would take."""
    with pytest.raises(ValueError, match="needs 16"):
        backtest(Log.of(shop(weeks=9)), CONFIG, "EUR")
    with pytest.raises(ValueError, match="no events"):
        Log.of([])


@pytest.mark.parametrize("strays", [[400 * DAY], [-30 * 365 * DAY], [400 * DAY, 500 * DAY, 9000 * DAY, -9000 * DAY]])
def test_a_log_is_judged_within_what_its_orders_span(judged: Judged, strays: list[float]) -> None:
    """A few clocks that run a year ahead, or were never set, add no weeks of silence; and are counted."""
    events = shop()
    wrong = [order(events[0].profile, START + at, 200) for at in strays]
    whole, log = Log.of(events), Log.of(sorted([*events, *wrong], key=lambda event: event.time))

    assert (log.start, log.end, log.weeks) == (whole.start, whole.end, whole.weeks)
    assert list(log.records) == events
    assert log.outside == Outside(len(strays), START + min(strays), START + max(strays))
    assert whole.outside is None


def test_visits_after_the_last_order_are_not_judged() -> None:
    """Nobody knows who would have ordered; visits before the first one are part of the log."""
    before, after = (visit("customer-001-00000000", START + week * WEEK) for week in (-2, 60))

    log = Log.of([before, *shop(), after])

    assert (log.start, log.end) == (Log.of(shop()).start, Log.of(shop()).end)
    assert list(log.records) == [before, *shop()]
    assert log.outside is not None
    assert log.outside.count == 1
    assert Log.of([before, after]).weeks == 62


def test_who_are_one_customer_are_so_whenever_it_was_said() -> None:
    """A link of a time that cannot be right."""
    link = Merge("customer-001-00000000", "customer-002-00000000", START - 30 * 365 * DAY, [])
    told = visit("customer-001-00000000", link.time)

    log = Log.of([told, link, *shop()])

    assert list(log.records) == [link, *shop()]


def test_days_count_as_a_whole() -> None:
    """A log of dates from the first to the last day of a week is one week long."""
    log = Log.of([order("a", START), order("a", START + 6 * DAY)])

    assert log.weeks == 1
    assert weeks_judged(Log(log.records, log.start, log.start + 36 * WEEK), CONFIG.horizon) == range(10, 31)


def test_a_customer_is_sampled_as_a_whole() -> None:
    """A sample and the rest are the log."""
    log = Log.of(shop())

    some, rest = sampled(log, lambda id_: id_ < "customer-020"), sampled(log, lambda id_: id_ >= "customer-020")

    assert {event.profile for event in some.records}.isdisjoint(event.profile for event in rest.records)
    assert len([*some.records, *rest.records]) == len(shop())
    assert (some.start, some.end) == (log.start, log.end)


def test_retiming_moves_customers_and_changes_nobody() -> None:
    """Every customer's gaps stay, and so does how long each is observed."""
    log = Log.of(shop())

    moved = retimed(log, seed=3)

    assert list(retimed(log, seed=3, by_time=by_time).records) == moved.records
    assert [record.time for record in moved.records] == sorted(record.time for record in moved.records)
    for who in {event.profile for event in log.records}:
        before = [event.time for event in log.records if event.profile == who]
        after = [event.time for event in moved.records if event.profile == who]
        np.testing.assert_allclose(np.diff(before), np.diff(after), atol=1e-3)
        assert moved.until[who] - after[0] == pytest.approx(log.end - before[0], abs=1e-3)
    assert retimed(log, seed=3) == moved
    assert retimed(log, seed=4) != moved


def test_vanishing_takes_repeat_orders_only_and_only_from_its_week_on() -> None:
    """Half of them."""
    log = Log.of(shop(200))

    left = vanishing(log, 10, 0.5)

    at = log.start + 10 * WEEK
    ids = {event.id for event in left.records}  # type: ignore[union-attr]
    first = {event.profile: event.id for event in reversed(log.records)}  # type: ignore[union-attr]
    assert set(first.values()) <= ids
    assert all(event.id in ids for event in log.records if event.time < at)  # type: ignore[union-attr]
    repeats = [event for event in log.records if event.time >= at and event.id != first[event.profile]]  # type: ignore[union-attr]
    assert sum(event.id in ids for event in repeats) / len(repeats) == pytest.approx(0.5, abs=0.1)  # type: ignore[union-attr]


def test_orders_tell_the_models_of_a_further_definition_nothing() -> None:
    """As in the live pipeline: a backtest judges the models that will speak."""
    ends_by = {"definitions": [{"name": "unseen", "ends_by": {"no": "visit"}, "horizon": "6w"}]}
    config = CONFIG.changed(ends_by).of("unseen")
    events = by_time([*shop(), *(visit(event.profile, event.time + 1.0) for event in shop())])
    log = replace(Log.of(events), start=START - 1.0, end=START + 36 * WEEK - 1.0)

    learner = backtest(log, config, "EUR", judged=range(12, 14)).learner

    assert learner.counts.short > 100
    assert learner.counts.summaries == 0
