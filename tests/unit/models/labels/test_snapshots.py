from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.churn.kinds.rules import rules
from models.churn.panel import MODELS, Panel
from models.config import ChurnConfig
from models.durations import DAY, WEEK
from models.features.matrix import matrix, unpack
from models.features.reading import raws
from models.features.table import SCHEMA
from models.labels import snapshots
from profiles.state import apply
from profiles.types import Alert, Profile, Stay
from tests.build import CONFIG, LIMITS, T0, buyer, event

DUE, FINAL = 28 * DAY, 29 * DAY  # label horizon; plus the lateness
WHOLE = CONFIG.horizon + CONFIG.lateness
EVERYONE = CONFIG.model_copy(update={"panel": 1})  # every snapshot waits for the whole horizon
PANEL = Panel.cold(CONFIG)


def photographed(day: float = 10, config: ChurnConfig = CONFIG, hindsight: bool = False) -> Profile:
    """A customer with a snapshot; with CONFIG it waits for the short label only."""
    profile = buyer(0, 5)
    assert snapshots.take(profile, T0 + day * DAY, config, "EUR", PANEL)
    if not hindsight:
        profile.snapshots[0].late = 0
    if config is CONFIG:
        profile.snapshots[0].full = 0.0
    return profile


days = st.floats(0, 260)
orders = st.lists(days, max_size=5)


@given(days, orders, st.booleans())
def test_no_label_leaves_before_its_time_whatever_happened(watermark, orders, outage):
    profile = photographed(10)
    for day in orders:
        apply(profile, event("purchase", day), "EUR", LIMITS)

    outages = [(T0 + 300 * DAY, T0 + 310 * DAY)] if outage else []  # of no concern to this label
    released = snapshots.mature(profile, T0 + watermark * DAY, CONFIG, outages)

    assert bool(released) == (watermark * DAY >= 10 * DAY + FINAL)
    assert len(released) + len(profile.snapshots) == 1


what = st.one_of(
    days.map(lambda day: ("order", day)), days.map(lambda day: ("look", day)), days.map(lambda day: ("timer", day))
)


@settings(max_examples=300)
@given(st.lists(what, max_size=25), st.booleans())
def test_both_labels_leave_once_each_and_in_time_in_any_order_of_events_watermarks_and_timers(story, outage):
    """Looks come at the watermark or, by timer, when `next_due` says; orders come late, early and from the future."""
    profile = photographed(10, EVERYONE)
    outages = [(T0 + 500 * DAY, T0 + 510 * DAY)] if outage else []
    at, watermark = T0 + 10 * DAY, T0 + 10 * DAY
    left: dict[str, float] = {}
    for kind, day in [*story, ("look", 400.0)]:
        if kind == "order":
            apply(profile, event("purchase", day), "EUR", LIMITS)
        else:
            due = snapshots.next_due(profile, EVERYONE) or 0.0
            watermark = max(watermark, due if kind == "timer" and due else T0 + day * DAY)
            for example in snapshots.mature(profile, watermark, EVERYONE, outages):
                assert example.horizon not in left
                left[example.horizon] = watermark
                assert example.due == at + {"short": CONFIG.label_horizon, "full": CONFIG.horizon}[example.horizon]
                assert example.due + CONFIG.lateness <= watermark
                assert example.y == any(at < order <= example.due for order in profile.purchases.recent)
    assert left.keys() == {"short", "full"}
    assert profile.snapshots == []
    assert snapshots.next_due(profile, EVERYONE) is None


@given(st.floats(0, 400), orders)
def test_the_answer_makes_no_difference_to_when_a_label_leaves(watermark, orders):
    ordered, silent = photographed(10, EVERYONE), photographed(10, EVERYONE)
    for day in orders:
        apply(ordered, event("purchase", day), "EUR", LIMITS)

    theirs, ours = (snapshots.mature(profile, T0 + watermark * DAY, EVERYONE) for profile in (ordered, silent))

    assert [example.horizon for example in theirs] == [example.horizon for example in ours]
    assert snapshots.next_due(ordered, EVERYONE) == snapshots.next_due(silent, EVERYONE)


@pytest.mark.parametrize(
    ("order", "label"), [(None, False), (10.0, False), (10.001, True), (38.0, True), (38.001, False), (9.0, False)]
)
def test_the_label_is_an_order_within_the_horizon(order, label):
    profile = photographed(10)
    if order is not None:
        apply(profile, event("purchase", order), "EUR", LIMITS)

    [example] = snapshots.mature(profile, T0 + 10 * DAY + FINAL, CONFIG)

    assert example.y is label
    assert (example.at, example.due, example.schema) == (T0 + 10 * DAY, T0 + 38 * DAY, SCHEMA)


def test_after_the_short_label_a_snapshot_goes_on_waiting_for_the_whole_horizon():
    profile = photographed(10, EVERYONE)
    at = T0 + 10 * DAY
    assert snapshots.next_due(profile, EVERYONE) == at + FINAL
    apply(profile, event("purchase", 60), "EUR", LIMITS)

    [short] = snapshots.mature(profile, at + FINAL, EVERYONE)
    assert (short.horizon, short.y, short.due, short.risks) == ("short", False, at + DUE, b"")
    assert [(pending.due, pending.full) for pending in profile.snapshots] == [(0.0, at + CONFIG.horizon)]
    assert snapshots.next_due(profile, EVERYONE) == at + WHOLE
    assert snapshots.mature(profile, at + WHOLE - 1, EVERYONE) == []

    [full] = snapshots.mature(profile, at + WHOLE, EVERYONE)
    assert (full.horizon, full.y, full.due, full.x) == ("full", True, at + CONFIG.horizon, short.x)
    assert full.key != short.key


def test_a_label_tells_when_the_first_order_came():
    profile = photographed(10, EVERYONE)
    for day in (70, 50, 9):
        apply(profile, event("purchase", day), "EUR", LIMITS)

    short, full = snapshots.mature(profile, T0 + 10 * DAY + WHOLE, EVERYONE)

    assert (short.y, short.first) == (False, 0.0)
    assert (full.y, full.first) == (True, pytest.approx(40 * DAY))


def test_nobody_knows_when_the_first_order_came_if_earlier_ones_are_forgotten():
    profile = photographed(10, EVERYONE)
    for day in range(50, 90):
        apply(profile, event("purchase", day), "EUR", LIMITS)

    *_, full = snapshots.mature(profile, T0 + 10 * DAY + WHOLE, EVERYONE)

    assert (full.y, full.first) == (True, 0.0)


def test_what_waits_for_the_whole_horizon_holds_what_every_model_said_then():
    profile = buyer(0, 5)
    at = T0 + 10 * DAY
    profile.segments = {"vip": Stay(T0), "repeat_buyer": Stay(T0)}
    said = rules(CONFIG).score(raws([profile], "EUR"), np.array([at]), CONFIG).risk[0]
    snapshots.take(profile, at, EVERYONE, "EUR", PANEL)
    profile.segments = {}

    short, full, _ = snapshots.mature(profile, at + WHOLE, EVERYONE)

    risks = dict(zip(MODELS, np.frombuffer(full.risks, "<f4").tolist(), strict=True))
    assert risks["rules"] == pytest.approx(said, rel=1e-6)
    assert np.isnan(risks["hazard"])
    for example in (short, full):
        assert example.model == PANEL.champion.id
        assert sorted(example.segments) == ["repeat_buyer", "vip"]


def test_one_snapshot_in_so_many_waits_for_the_whole_horizon_and_everybodys_turn_comes():
    config = CONFIG.model_copy(update={"panel": 4})
    people = [buyer(0, id=f"{i:032x}") for i in range(100)]
    whole: list[int] = []
    for profile in people:
        now, count = T0 + DAY, 0
        for _ in range(40):
            now = snapshots.next_snapshot(profile, now, config)
            assert snapshots.take(profile, now, config, "EUR")
            count += bool(profile.snapshots.pop().full)
        whole.append(count)

    assert sum(whole) == pytest.approx(1000, abs=100)
    assert min(whole) >= 1
    assert max(whole) <= 22


def test_an_example_holds_the_features_of_then():
    profile = buyer(0, 5)
    then = matrix(raws([profile], "EUR"), np.array([T0 + 10 * DAY]))[0]
    snapshots.take(profile, T0 + 10 * DAY, EVERYONE, "EUR", PANEL)
    apply(profile, event("purchase", 3), "EUR", LIMITS)  # late
    apply(profile, event("purchase", 20), "EUR", LIMITS)

    for example in snapshots.mature(profile, T0 + 400 * DAY, EVERYONE):
        np.testing.assert_allclose(unpack(example.x), then, rtol=1e-6)


def test_a_label_that_the_profile_can_no_longer_know_is_dropped():
    profile, tally = photographed(10, EVERYONE), Counter()
    for hour in range(40):
        apply(profile, event("purchase", 60 + hour / 24), "EUR", LIMITS)

    [full] = snapshots.mature(profile, T0 + 400 * DAY, EVERYONE, tally=tally)

    assert full.horizon == "full"
    assert full.y
    assert profile.snapshots == []
    assert tally == {("short", "forgotten"): 1, ("full", "order"): 1}


def test_a_snapshot_knows_nothing_of_its_own_future():
    ahead = buyer(0, 10.5)
    assert snapshots.take(ahead, T0 + 10 * DAY, CONFIG, "EUR")
    assert ahead.snapshots[0].at == T0 + 10.5 * DAY

    far_ahead = buyer(0, 100)
    assert not snapshots.take(far_ahead, T0 + 10 * DAY, CONFIG, "EUR")


def test_one_snapshot_at_a_time_and_none_of_who_never_ordered():
    profile = photographed(10)

    assert not snapshots.take(profile, T0 + 11 * DAY, CONFIG, "EUR")
    assert not snapshots.take(Profile("x"), T0, CONFIG, "EUR")
    assert snapshots.next_snapshot(Profile("x"), T0, CONFIG) is None


@given(st.uuids(), st.floats(0, 2000))
def test_snapshots_come_once_per_period_at_a_time_of_the_customers_own(id, day):
    profile = buyer(0, 2000, id=id.hex)
    now = T0 + day * DAY
    first = snapshots.next_snapshot(profile, now, CONFIG)
    second = snapshots.next_snapshot(profile, first, CONFIG)

    assert now < first <= now + CONFIG.snapshot_every + 1e-3
    assert second - first == pytest.approx(CONFIG.snapshot_every, rel=1e-6)


def test_the_long_gone_are_thinned_and_weighted():
    people = [buyer(0, id=f"{i:032x}") for i in range(64)]
    late = T0 + 5 * CONFIG.horizon
    soon = sum(snapshots.next_snapshot(p, late, CONFIG) <= late + CONFIG.snapshot_every for p in people)

    assert 4 <= soon <= 32  # one in THIN = 4 of 64
    for profile in people:
        first = snapshots.next_snapshot(profile, late, CONFIG)
        again = snapshots.next_snapshot(profile, first, CONFIG)
        assert again - first == pytest.approx(snapshots.THIN * CONFIG.snapshot_every)
    snapshots.take(people[0], late, CONFIG, "EUR")
    assert people[0].snapshots[0].weight == snapshots.THIN


def test_a_snapshot_is_also_a_summary():
    active, quiet = buyer(0, 0.1, 5), buyer(0, 2)
    first, second = snapshots.take_all([active, quiet], T0 + 10 * DAY, CONFIG, "EUR")

    assert (first.profile, first.at, first.orders) == (active.id, T0 + 10 * DAY, 2)
    assert (first.first, first.last, first.active) == (T0, T0 + 5 * DAY, True)
    assert second.active is False
    assert (second.orders, second.last) == (2, T0 + 2 * DAY)


def test_due_times_and_censoring():
    profile = photographed(10)

    assert snapshots.next_due(profile, CONFIG) == T0 + 10 * DAY + FINAL
    assert snapshots.censor(profile) == 1
    assert snapshots.next_due(profile, CONFIG) is None
    assert snapshots.mature(profile, T0 + 52 * WEEK, CONFIG) == []


def test_censoring_drops_the_labels_of_all_horizons():
    profile, tally = photographed(10, EVERYONE), Counter()
    assert snapshots.take(profile, T0 + 30 * DAY, EVERYONE, "EUR", PANEL)
    snapshots.mature(profile, T0 + 10 * DAY + FINAL, EVERYONE)  # of the first only the whole horizon waits now

    assert snapshots.censor(profile, T0 + 40 * DAY, tally) == 0
    assert snapshots.censor(profile, T0 + 10 * DAY, tally) == 2
    assert tally == {("short", "censored"): 1, ("full", "censored"): 2, ("hindsight", "censored"): 1}
    assert snapshots.mature(profile, T0 + 400 * DAY, EVERYONE) == []


@pytest.mark.parametrize(
    ("begin", "end", "left"),
    [
        (5, 10, ["short", "full"]),  # over when the snapshot was taken
        (9, 10.5, ["short", "full"]),  # half a day of either
        (9, 12, ["full"]),
        (20, 21, ["short", "full"]),
        (20, 22, ["full"]),  # a fourteenth of four weeks
        (20, 27, ["full"]),  # a week hardly changes what is known of half a year
        (20, 30, []),  # ten days of it do
        (38, 45, ["short", "full"]),  # after the label horizon, within the other
        (37, 48, ["short"]),
        (192, 200, ["short", "full"]),  # after both
        (180, 200, ["short"]),
        (0, 300, []),
    ],
)
def test_no_label_is_given_over_a_horizon_that_an_outage_hides(begin, end, left):
    profile, tally = photographed(10, EVERYONE), Counter()
    apply(profile, event("purchase", 15), "EUR", LIMITS)
    outage = (T0 + begin * DAY, T0 + end * DAY)

    examples = snapshots.mature(profile, T0 + 400 * DAY, EVERYONE, [outage], tally)

    assert [example.horizon for example in examples] == left
    assert sum(count for (_, why), count in tally.items() if why == "outage") == 2 - len(left)
    assert profile.snapshots == []


def test_who_was_treated_and_who_is_held_out_is_on_the_label():
    def after(treated: float, **alerts: Alert) -> list[bool]:
        profile = photographed(10, EVERYONE)
        profile.treated_at, profile.alerts = treated, alerts
        return [example.treated for example in snapshots.mature(profile, T0 + 400 * DAY, EVERYONE)]

    assert after(0) == [False, False]
    assert after(T0 + 10 * DAY) == [False, False]  # as long ago as the snapshot
    assert after(T0 + 11 * DAY) == [True, True]
    assert after(T0 + 39 * DAY) == [False, True]
    assert after(T0 + 300 * DAY) == [False, False]
    done = Alert("a", "rule", "resolved", T0, T0 + 11 * DAY, 0.8)
    assert after(T0 + 300 * DAY, rule=done) == [True, True]
    ended = Alert("a", "rule", "cleared", T0, T0 + 11 * DAY, 0.8)
    assert after(T0 + 300 * DAY, rule=ended) == [False, False]

    half = EVERYONE.model_copy(update={"hold_out": 0.5})
    flags = set()
    for number in range(20):
        profile = buyer(0, id=f"{number:032x}")
        snapshots.take(profile, T0 + DAY, half, "EUR")
        both = {example.held_out for example in snapshots.mature(profile, T0 + 400 * DAY, half)}
        assert len(both) == 1
        flags |= both
    assert flags == {True, False}


def test_a_batch_is_photographed_as_its_customers_would_be_alone():
    people = [buyer(0, 5, id=f"{i:032x}") for i in range(24)] + [Profile("x"), buyer(0, 10.2), buyer(0, 99)]
    alone = [snapshots.take(profile, T0 + 10 * DAY, CONFIG, "EUR", PANEL) for profile in people]
    kept = [profile.snapshots for profile in people]
    for profile in people:
        profile.snapshots = []

    taken = snapshots.take_all(people, T0 + 10 * DAY, CONFIG, "EUR", PANEL)

    assert alone == [True] * 24 + [False, True, False]
    assert {bool(snapshots[0].full) for snapshots in kept if snapshots} == {True, False}
    assert [profile.snapshots for profile in people] == kept
    assert [summary.profile for summary in taken] == [p.id for p, was in zip(people, alone, strict=True) if was]


@pytest.mark.parametrize("outages", [[], [(T0 + 500 * DAY, T0 + 510 * DAY)]])
@pytest.mark.parametrize("ordered", [True, False])
def test_a_label_waits_for_the_lateness_to_its_last_second(outages, ordered):
    profile, at = photographed(10, EVERYONE), T0 + 10 * DAY
    if ordered:
        apply(profile, event("purchase", 12), "EUR", LIMITS)

    assert snapshots.mature(profile, at + FINAL - 1, EVERYONE, outages) == []
    assert [example.horizon for example in snapshots.mature(profile, at + FINAL, EVERYONE, outages)] == ["short"]
    assert snapshots.mature(profile, at + WHOLE - 1, EVERYONE, outages) == []
    assert [example.horizon for example in snapshots.mature(profile, at + WHOLE, EVERYONE, outages)] == ["full"]


def test_hindsight_looks_at_the_customer_again_once_the_time_ahead_and_half_of_it_have_passed():
    profile, at = photographed(10, EVERYONE, hindsight=True), T0 + 10 * DAY
    end = at + 12 * WEEK
    assert snapshots.mature(profile, end + EVERYONE.lateness - 1, EVERYONE)[0].horizon == "short"
    apply(profile, event("purchase", 40), "EUR", LIMITS)
    apply(profile, event("visit", 80), "EUR", LIMITS)
    assert snapshots.next_due(profile, EVERYONE) == end + EVERYONE.lateness

    [late] = snapshots.mature(profile, end + EVERYONE.lateness, EVERYONE)

    assert (late.horizon, late.at, late.due, late.risks) == ("hindsight", at, end, b"")
    assert (late.seen.at, late.seen.orders, late.seen.last) == (end, 3, T0 + 40 * DAY)
    assert 0 < late.seen.fast < late.seen.slow < 1
    assert [pending.late for pending in profile.snapshots] == [0]


def test_twice_as_many_snapshots_wait_for_hindsight_as_for_the_whole_horizon():
    waiting = Counter()
    for i in range(400):
        profile = buyer(0, 5, id=f"{i:032x}")
        assert snapshots.take(profile, T0 + 40 * DAY, CONFIG, "EUR", PANEL)
        [pending] = profile.snapshots
        waiting.update(full=bool(pending.full), late=bool(pending.late))
        assert pending.late or not pending.full

    assert 70 < waiting["full"] < 130
    assert 160 < waiting["late"] < 240


def test_hindsight_does_not_see_through_an_outage():
    profile, at = photographed(10, EVERYONE, hindsight=True), T0 + 10 * DAY
    outages, tally = [(at + 60 * DAY, at + 70 * DAY)], Counter()

    left = snapshots.mature(profile, at + 13 * WEEK, EVERYONE, outages, tally)

    assert [example.horizon for example in left] == ["short"]
    assert tally["hindsight", "outage"] == 1
