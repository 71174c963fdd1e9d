"""A group whose customers leave more often than before is named, and nothing is where nothing has changed."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterator

import pytest

from models.codec import decode, encode
from models.durations import WEEK
from models.labels.examples import Example
from models.learning.learner import Learner
from models.learning.records.changed import Changed, GroupDrift
from profiles.errors import Misconfigured
from tests.build import T0
from tests.models.training import CONFIG, full

HORIZON = 8 * WEEK
FROM = 52  # the week of the change

Label = tuple[float, float, list[str], bool]


def labels(seed: int, *, weeks: int = 80, a_week: int = 300, twice: str = "", shaky: float = 0.0) -> Iterator[Label]:
    """Of a young tenant, whose model is off at first, most of all for new customers, and always for app users.

    Those of the group `twice` leave twice as often from a week on; buyers of gifts come and go by season, by `shaky`.
    """
    roll = random.Random(seed)
    for week in range(weeks):
        for _ in range(a_week):
            odds = roll.gauss(-0.6, 2.0)
            groups = [name for name, share in SHARES.items() if roll.random() < share]
            off = math.exp(-week / 6) * (0.6 if "new" in groups else 0.2) + 0.15 * ("app" in groups)
            off += shaky * math.sin(2 * math.pi * week / 26) * ("gifts" in groups)
            stays = 1 - 1 / (1 + math.exp(-odds - off))
            if week >= FROM and (twice in groups or twice == "all"):
                stays **= 2
            at = T0 + (week + roll.random()) * WEEK
            yield at, 1 / (1 + math.exp(-odds)), groups, roll.random() >= stays


SHARES = {"coupons": 0.15, "new": 0.4, "app": 0.3, "gifts": 0.1, "web": 0.6}


def watched(some: Iterator[Label], drift: GroupDrift | None = None) -> list[Changed]:
    drift = drift or GroupDrift.new("stack", HORIZON)
    return [change for at, p, groups, y in some for change in drift.add(at, p, groups, y, 1.0)]


def test_a_group_that_leaves_twice_as_often_is_named() -> None:
    """Within five months, two of which are the horizon that has to pass first; with when that began, and how much."""
    [change] = watched(labels(3, twice="coupons"))

    assert (change.group, change.direction) == ("coupons", 1)
    assert (change.since - T0) / WEEK == pytest.approx(FROM, abs=6)
    assert (change.at - T0) / WEEK < FROM + 22
    assert change.times == pytest.approx(1.75, abs=0.35)
    assert change.others == pytest.approx(1.0, abs=0.15)


@pytest.mark.parametrize("seed", range(6))
def test_nothing_is_named_where_nothing_has_changed(seed: int) -> None:
    """Neither in a young tenant whose model is off, nor for a group that comes and goes."""
    assert watched(labels(seed, a_week=(30, 100)[seed % 2], shaky=0.6)) == []


def test_what_concerns_everybody_is_no_change_of_a_group() -> None:
    """There is an alarm of drift for that."""
    assert watched(labels(3, twice="all")) == []


def test_restarts_make_no_difference_and_memory_is_bounded() -> None:
    straight, restarted = GroupDrift.new("stack", HORIZON), GroupDrift.new("stack", HORIZON)
    some = list(labels(1, twice="coupons", a_week=100))
    told = watched(iter(some), straight)
    again = []
    for begin in range(0, len(some), 500):
        again += watched(iter(some[begin : begin + 500]), restarted)
        restarted = decode(encode(restarted), GroupDrift, "it")

    assert again == told
    assert encode(restarted) == encode(straight)
    assert len(straight.stretches) <= 22


def test_the_order_of_labels_within_a_stretch_makes_no_difference() -> None:
    some = sorted(labels(2, weeks=20, a_week=20), key=lambda label: label[0] // WEEK)
    other = sorted(some, key=lambda label: (label[0] // WEEK, label[1]))
    one, two = GroupDrift.new("stack", HORIZON), GroupDrift.new("stack", HORIZON)
    watched(iter(some), one)
    watched(iter(other), two)

    assert one == two


def test_the_learner_tells_it_in_words() -> None:
    """Once; of groups that have labels enough, and of customers whom nobody has acted on."""

    def told(**more: object) -> list[str]:
        learner, roll = Learner(CONFIG), random.Random(4)
        some: list[Example] = []
        for number in range(1600):
            at = T0 + number * WEEK / 12
            leaves = 0.2 if number < 1000 else 0.5
            groups = ["trait:country=NL"] if number % 3 == 0 else ["source:web"]
            y = roll.random() >= (leaves if number % 3 == 0 else 0.2)
            some.append(full(f"c{number}", at + CONFIG.horizon, y, {"rules": 0.2}, groups=groups, **more))
        learner.take(some)
        return [notice.text for notice in learner.news() if notice.kind == "changed"]

    [text] = told()
    said = r"customers with country NL leave (1\.[6-9]|2\.\d) times as often as before, since about \d+ \w+ 202\d "
    assert re.match(said, text)
    assert told(treated=True) == []


@pytest.mark.parametrize("damage", [{"stretches": {"x": {}}}, {"begin": []}, {"first": None}])
def test_a_damaged_state_is_refused(damage: dict[str, object]) -> None:
    """With a word on it."""
    import msgspec  # noqa: PLC0415

    state = msgspec.structs.asdict(GroupDrift.new("stack", HORIZON)) | damage
    with pytest.raises(Misconfigured):
        decode(encode(state), GroupDrift, "it")
