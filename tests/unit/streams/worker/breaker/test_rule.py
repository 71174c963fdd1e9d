"""When the breaker opens: a release or a plan gone wrong stops a source, one sender never does, whatever he sends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st

from plan.model import BreakerSpec
from streams.worker.breaker.rule import BreakerRule, Outcome
from tests.build import T0

SENDERS = [f"sender-{n}" for n in range(200)]
KINDS = ["Product Viewed", "Cart Viewed", "Home"]


def sent(senders: Iterable[str], kind: str = "Product Viewed", *, bad: bool = False, times: int = 1) -> list[Outcome]:
    """Events of senders, one after the other."""
    return [Outcome(sender, kind, bad) for _ in range(times) for sender in senders]


def opens_after(rule: BreakerRule, events: list[Outcome], now: float = T0, batch: int = 10) -> int | None:
    """After how many events it opens; None if it does not."""
    for start in range(0, len(events), batch):
        if rule.judge(Counter(events[start : start + batch]), now):
            return start + batch
    return None


def at_work(rule: BreakerRule, senders: Iterable[str] = SENDERS, now: float = T0) -> None:
    """All is well with these senders."""
    for kind in KINDS:
        assert rule.judge(Counter(sent(senders, kind)), now) is None


def test_a_release_that_breaks_an_event_opens_it_when_most_senders_have_it() -> None:
    """Two hundred senders, each with its next event of a kind that used to be good, while the others stay good."""
    rule = BreakerRule(BreakerSpec())
    at_work(rule)

    reason = rule.judge(Counter(sent(SENDERS[:99], bad=True) + sent(SENDERS, "Home")), T0 + 120)
    assert reason is None
    reason = rule.judge(Counter(sent(SENDERS[99:110], bad=True)), T0 + 120)

    assert reason is not None
    assert reason.kind == "Product Viewed"
    assert "'Product Viewed' would be rejected for 55% of its latest 200 senders" in reason.why


def test_a_plan_under_which_nothing_passes_opens_it_though_nothing_ever_did() -> None:
    """As after a restart with a broken plan: nobody is known to have sent anything good."""
    rule = BreakerRule(BreakerSpec())

    assert opens_after(rule, sent(SENDERS, "", bad=True, times=2)) == 200
    assert opens_after(BreakerRule(BreakerSpec()), sent(SENDERS[:19], "", bad=True, times=100)) is None
    assert opens_after(BreakerRule(BreakerSpec()), sent(SENDERS[:20], "", bad=True, times=100)) == 200


def test_an_event_that_never_was_good_or_that_few_send_stops_nobody() -> None:
    """It is rejected, as it was."""
    rule = BreakerRule(BreakerSpec())
    at_work(rule)
    assert opens_after(rule, sent(SENDERS, "Planned Wrongly", bad=True) + sent(SENDERS, times=2)) is None

    many = [f"many-{n}" for n in range(1000)]
    rule = BreakerRule(BreakerSpec())
    at_work(rule, many)
    assert rule.judge(Counter(sent(many[:50], "Refund")), T0) is None
    assert opens_after(rule, sent(many[:50], "Refund", bad=True, times=5), T0 + 120) is None


def test_one_outsider_opens_nothing() -> None:
    """600 unplanned events of one sender, be he alone, or with 99 % of the traffic, or with a good one now and then."""
    alone = sent(["outsider"], "", bad=True, times=600)
    assert opens_after(BreakerRule(BreakerSpec()), alone) is None

    rule = BreakerRule(BreakerSpec())
    for minute in range(30):
        at_work(rule, SENDERS[:5], T0 + 60 * minute)
        assert opens_after(rule, sent(["outsider"], bad=True, times=1500), T0 + 60 * minute) is None
        assert opens_after(rule, sent(["outsider"], times=2), T0 + 60 * minute) is None


def test_made_up_senders_prove_nothing() -> None:
    """Of whom nothing was ever accepted, and for whom no address speaks."""
    rule = BreakerRule(BreakerSpec())
    at_work(rule, SENDERS[:5])
    made_up = [Outcome(f"made-up-{n}", "Product Viewed", rejected=True, vouched=False) for n in range(2000)]

    assert opens_after(rule, made_up) is None
    assert rule.fails(made_up, 1) is None


def test_what_is_long_ago_counts_no_more() -> None:
    """The time that is looked back is the plan's; who was good once is remembered longer."""
    rule = BreakerRule(BreakerSpec(over=600, least=1))
    at_work(rule)
    assert opens_after(rule, sent(SENDERS[:60], bad=True), T0 + 60) is None

    assert opens_after(rule, sent(SENDERS[60:79], bad=True), T0 + 700) is None
    assert opens_after(rule, sent(SENDERS[79:80], bad=True), T0 + 700) == 10


def test_begun_again_it_remembers_who_was_good() -> None:
    """A source that was resumed and is not well opens by the same event again."""
    rule = BreakerRule(BreakerSpec())
    at_work(rule)
    assert rule.judge(Counter(sent(SENDERS, bad=True)), T0 + 60) is not None

    rule.begin_again()
    assert rule.judge(Counter(sent(SENDERS[:19], bad=True)), T0 + 60) is None
    reason = rule.judge(Counter(sent(SENDERS[19:30], bad=True)), T0 + 60)
    assert reason is not None
    assert reason.kind == "Product Viewed"


def test_a_handful_of_events_says_whether_a_source_is_well_by_each_senders_latest() -> None:
    """What a probe asks."""
    rule = BreakerRule(BreakerSpec())
    broken, mended = sent(SENDERS[:10], bad=True, times=5), sent(SENDERS[:10])

    assert rule.fails(broken, 5) is not None
    assert rule.fails(broken + mended, 5) is None
    assert rule.fails(sent(["outsider"], bad=True, times=500), 5) is None
    assert rule.fails(broken, 5, kind="Home") is None


def test_a_clock_that_goes_ahead_and_back_ends_nothing() -> None:
    """Votes stand in a time whose counts are gone."""
    rule = BreakerRule(BreakerSpec())
    rule.judge(Counter(sent(SENDERS[:3], bad=True)), T0)
    rule.judge(Counter(sent(["another"], "")), T0 + 3600)

    assert rule.judge(Counter(sent(SENDERS[:3], bad=True)), T0) is None


def test_switched_off_it_never_opens() -> None:
    """`breaker: off`."""
    assert BreakerRule(None).judge(Counter(sent(SENDERS, bad=True, times=50)), T0) is None


def test_an_old_plan_stays_valid() -> None:
    """Its figures about events in a row say nothing any more."""
    assert BreakerSpec(ratio=0.5, least=200, run=500, window=1000).senders == 20


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(0, 18), st.sampled_from([*KINDS, ""]), st.booleans(), st.integers(1, 40)), max_size=60
    ),
    st.booleans(),
)
def test_fewer_senders_than_the_plan_asks_for_open_nothing_whatever_they_send(
    bursts: list[tuple[int, str, bool, int]], others: bool
) -> None:
    """Good and bad, of any kind, in any order, as much as they like, with others about or without."""
    rule = BreakerRule(BreakerSpec())
    for number, (sender, kind, bad, times) in enumerate(bursts):
        if others:
            at_work(rule, SENDERS[:3], T0 + 20 * number)
        burst = sent([f"outsider-{sender}"], kind, bad=bad, times=times * 10)
        assert rule.judge(Counter(burst), T0 + 20 * number) is None
