"""The learner: predict, then learn; the same training records give the same state; which is the champion; going back;
decisions."""

import math
import random
from itertools import pairwise

import msgspec
import numpy as np
import pytest

from models.churn.panel import MODELS, Panel
from models.codec import decode, encode
from models.config import ChurnConfig
from models.durations import DAY, WEEK
from models.features.matrix import pack
from models.features.table import SCHEMA
from models.labels.examples import GrownModel, ModelCommand
from models.labels.habits import habits
from models.learning.checkpoint import dump, load, panel_of
from models.learning.kept import History, Kept
from models.learning.learner import Learner
from models.nightly.growing import grow
from models.nightly.sample import SnapshotSample
from profiles.errors import Misconfigured
from tests.build import T0
from tests.models.training import CONFIG, full, short, world


@pytest.fixture(scope="module")
def records():
    return world(0, 1200)


@pytest.fixture(scope="module")
def learned(records):
    learner = Learner(CONFIG)
    learner.take(records)
    return learner


def test_killed_and_restored_it_goes_on_to_the_byte(records, learned):
    first = Learner(CONFIG)
    first.take(records[:1000])
    saved = first.checkpoint()
    first.take(records[1000:1100])  # lost with the process
    second = Learner.restore(saved, CONFIG)
    second.take(records[1000:])

    assert second.checkpoint() == learned.checkpoint()


def test_batches_and_restarts_make_no_difference(records, learned):
    chance = random.Random(3)
    cuts = [0, *sorted(chance.sample(range(len(records)), 40)), len(records)]
    learner = Learner(CONFIG)
    for begin, end in pairwise(cuts):
        learner.take(records[begin:end])
        if chance.random() < 0.3:
            learner = Learner.restore(learner.checkpoint(), CONFIG)

    assert learner.checkpoint() == learned.checkpoint()


def test_the_champion_becomes_right_for_a_group_that_it_is_wrong_for():
    """Who is met in the app churns half as often as the champion says; nobody else is touched. And after a restart."""
    chance, learner = random.Random(7), Learner(CONFIG)
    for i in range(1500):
        app = i % 3 == 0
        record = full(f"p{i}", T0 + i * DAY / 4, chance.random() < (0.3 if app else 0.6), dict.fromkeys(MODELS, 0.6))
        learner.take(
            [msgspec.structs.replace(record, y=not record.y, groups=["source:app"] if app else ["source:web"])]
        )
        if i == 700:
            learner = Learner.restore(learner.checkpoint(), CONFIG)

    panel = learner.panel()
    assert panel.calibration is not None
    assert panel.calibration.model == panel.champion_name
    [alike] = habits(np.frombuffer(record.x, "<f4")[None].astype(float))  # what all of them have in common
    app, web = panel.calibrated(np.array([0.6, 0.6]), [["source:app", *alike], ["source:web", *alike]])
    assert app == pytest.approx(0.3, abs=0.07)
    assert web == pytest.approx(0.6, abs=0.05)
    shown, before = (
        learner.judge.groups.report(name)["segments"]["source:app"] for name in ("champion", "uncalibrated")
    )
    assert before["bias"] > 0.25
    assert abs(shown["bias"]) < 0.15  # for half a horizon it was not calibrated


def test_an_example_is_judged_before_it_is_learned():
    """Labels that are pure chance: who learned first and was judged then would do better than chance."""
    chance = random.Random(5)
    learner = Learner(CONFIG)
    for i in range(300):  # hardly any two alike
        x = np.array([chance.gauss(0, 1) for _ in range(len(np.frombuffer(short("p", T0, 1, True).x, "<f4")))])
        record = short(f"p{i}", T0 + i * DAY, 1, chance.random() < 0.5)
        learner.take([msgspec.structs.replace(record, x=pack(x))])

    figures = learner.quality()["hazard"]["short"]
    assert figures["log_loss"] > math.log(2)
    assert figures["auc"] < 0.57


def test_every_model_is_judged_on_short_labels_and_on_what_it_had_said(learned):
    quality = learned.quality()

    assert {model for model in MODELS if quality[model]["short"]["rows"]} == {
        "hazard", "ftrl", "bgnbd", "btyd", "recency", "base_rate", "rules",
    }  # fmt: skip
    assert {model for model in MODELS if quality[model]["full"]["rows"]} == {
        "hazard", "direct", "bgnbd", "recency", "rules", "stack",
    }  # fmt: skip
    assert quality["hazard"]["short"]["auc"] > 0.65
    assert quality["hazard"]["full"]["log_loss"] < quality["rules"]["full"]["log_loss"]
    assert learned.judge.short.report("hazard")["segments"].keys() == {"new", "vip"}


def test_what_people_acted_on_is_judged_and_not_learned():
    learner = Learner(CONFIG)
    said = dict.fromkeys(MODELS, 0.4)
    learner.take([short("p", T0, 3, True, treated=True), full("p", T0, True, said, treated=True)])
    learner.take([short("q", T0, 3, True), full("q", T0, True, said)])

    assert learner.counts.treated == 2
    assert (learner.models["hazard"].examples, learner.models["direct"].examples) == (1, 1)
    report = learner.judge.full.report("hazard")
    assert (report["all"]["rows"], report["untouched"]["rows"]) == (2, 1)
    assert [block.rows for block in learner.choice.blocks.open.values()] == [1]


def test_the_champion_is_the_rules_then_bgnbd_then_the_stack_when_the_hazard_is_better(learned):
    spoke = [(change.before, change.model, change.why) for change in learned.promotion.changes]

    assert spoke[0] == ("rules", "bgnbd", "short label")
    assert spoke[-1][1:] == ("stack", "short label")
    assert learned.panel().champion.id == f"stack-{learned.models['stack'].examples}"
    evidence = learned.promotion.changes[-1].evidence["log_loss"]
    assert evidence["hazard"] < min(evidence["rules"], evidence["bgnbd"])


def test_one_class_alone_is_never_enough():
    learner = Learner(CONFIG)
    learner.take(short(f"p{i}", T0 + i, 5, False) for i in range(400))

    assert learner.panel().champion_name == "rules"
    assert "hazard" not in learner.panel().models


def test_repeats_and_what_is_not_of_this_model_are_skipped():
    learner = Learner(CONFIG)
    good = short("p0", T0, 3, True)
    broken = np.frombuffer(good.x, "<f4").astype(float)
    broken[0] = math.nan
    replace = msgspec.structs.replace
    bad = [
        good, replace(good, profile="p1", schema="00000000"), replace(good, profile="p2", x=pack(broken)),
        replace(good, profile="p3", x=b"\0" * 8), replace(good, profile="p4", due=T0 + DAY),
        replace(good, profile="p5", weight=math.inf), replace(good, profile="p6", weight=-1.0),
        replace(good, profile="p7", due=math.nan), replace(full("p8", T0, True, {}), risks=b""),
    ]  # fmt: skip

    assert learner.take([good, *bad, short("p9", T0, 3, False)]) == 2
    assert learner.counts.skipped == len(bad)


def test_a_scorer_reads_the_panel_out_of_a_checkpoint(learned):
    panel = Panel.from_json(panel_of(learned.checkpoint()), CONFIG)

    assert panel.champion_name == "stack"
    assert panel.to_json() == learned.panel().to_json()
    assert panel.trained_until == learned.trained_until > T0


def test_a_commit_writes_little(learned, records):
    before = learned.parts()
    again = Learner.from_parts(before, CONFIG)
    again.take(world(1200, 1202))

    after = again.parts()
    changed = {name: part for name, part in after.items() if before.get(name) != part}
    assert sum(map(len, changed.values())) < 120_000 < sum(map(len, after.values()))


def test_another_label_horizon_or_schema_starts_afresh(learned):
    saved = learned.checkpoint()

    for again, why in (
        (Learner.restore(saved, ChurnConfig(label_horizon="2w")), "the plan's churn.label_horizon is 2w, and was 4w"),
        (Learner.restore(saved.replace(SCHEMA.encode(), b"00000000"), CONFIG), "computes other features"),
    ):
        assert (again.examples, again.counts.records, again.panel().champion_name) == (0, 0, "rules")
        [notice] = again.news()
        assert notice.kind == "anew"
        assert why in notice.text
        assert f"{learned.counts.records:,} training records are of no use any more" in notice.text
        assert again.told.notices[:-1] == learned.told.notices  # what people were told stays known
        last = again.promotion.changes[-1]
        assert (last.before, last.model, last.why, last.at) == ("stack", "rules", "learning anew", notice.at)
        assert notice.at == learned.trained_until
        assert Learner.restore(again.checkpoint(), again.config).news() == []  # once


def test_another_churn_horizon_keeps_what_does_not_depend_on_it(learned):
    other = Learner.restore(learned.checkpoint(), CONFIG.model_copy(update={"horizon": 20 * WEEK}))

    assert other.examples == learned.examples
    assert other.models["direct"].examples == 0
    assert other.quality()["hazard"]["full"] == {"rows": 0}
    assert other.panel().champion_name == "stack"
    assert [notice.text for notice in other.news()] == [
        "learning from labels of the whole horizon began anew: the plan's churn.horizon is 20w, and was 26w; "
        f"{learned.counts.full:,} training records are of no use any more"
    ]
    assert other.promotion.changes[-1].why == "learning anew"


def test_nothing_is_told_where_nothing_was_lost():
    """A plan that is changed before the first training record."""
    assert Learner.restore(Learner(CONFIG).checkpoint(), ChurnConfig(label_horizon="2w")).news() == []


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"format": 9}', b'{"panel": {}, "parts": {}, "format": 4}'])
def test_a_damaged_checkpoint_is_refused(data):
    with pytest.raises(Misconfigured, match="checkpoint"):
        Learner.restore(data, CONFIG)
    with pytest.raises(Misconfigured):
        panel_of(data)


@pytest.mark.parametrize(
    "name", ["learned", "quality", "drift", "lagged", "promotion", "evidence", "guard", "notices", "kept:1"]
)
def test_a_checkpoint_without_a_part_or_its_numbers_is_refused(learned, name):
    panel, parts = load(learned.checkpoint())

    with pytest.raises(Misconfigured, match="damaged"):
        Learner.restore(dump(panel, {**parts, name: b"{}"}), CONFIG)


@pytest.mark.parametrize("part", ["promotion", "head", "notices"])
@pytest.mark.parametrize("differs", ["lacks a field", "has one more", "is damaged"])
def test_what_another_version_told_stays_known_whatever_it_wrote_otherwise(learned, part, differs):
    """Each by itself: one that cannot be read takes no other with it."""
    learner = Learner.from_parts(learned.parts(), CONFIG)
    learner.border = 7.0
    parts = learner.parts()
    written = {name: msgspec.json.decode(parts[name]) for name in ("promotion", "head", "notices")}
    written["head"]["format"] -= 1
    lacks = {"promotion": "refused", "head": "ends_by", "notices": "decisions"}
    if differs == "lacks a field":
        del written[part][lacks[part]]
    elif differs == "has one more":
        written[part]["more"] = 1
    elif part == "head":
        written[part]["border"] = "?"
    else:
        written[part] = {}
    again = Learner.from_parts({**parts, **{name: msgspec.json.encode(was) for name, was in written.items()}}, CONFIG)

    assert again.told.notices[-1].kind == "anew"
    known = differs != "is damaged"
    assert (again.promotion.changes[:-1] == learned.promotion.changes) is (known or part != "promotion")
    assert (again.told.notices[:-1] == learned.told.notices) is (known or part != "notices")
    assert (again.border == 7.0) is (known or part != "head")


def command(action, target="", id_="c1", by="Ada"):
    return ModelCommand(id_, action, target, T0 + 100 * DAY, by)


def test_a_person_promotes_and_releases(records):
    learner = Learner(CONFIG)
    learner.take(records)
    learner.take([command("promote", "recency")])
    assert learner.panel().champion_name == "recency"
    assert (learner.promotion.changes[-1].by, learner.promotion.changes[-1].why) == ("Ada", "decision")

    learner.take(world(1200, 1400))
    assert learner.panel().champion_name == "recency"  # until it is released

    learner.take([command("release", id_="c2")])
    assert learner.panel().champion_name == "stack"
    assert [(decided.id, decided.done) for decided in learner.told.decisions] == [("c1", True), ("c2", True)]


@pytest.mark.parametrize(
    ("action", "target", "why"),
    [
        ("promote", "oracle", "there is no model 'oracle'; there are hazard"),
        ("promote", "direct", "direct has not learned enough"),
        ("rollback", "77", "there is no checkpoint '77'; there are 1"),
        ("rollback", "x", "there is no checkpoint"),
        ("release", "", "nobody has promoted"),
    ],
)
def test_a_decision_that_cannot_be_carried_out_says_why(records, action, target, why):
    learner = Learner(CONFIG)
    learner.take(records[:1500])
    before = learner.panel().to_json()
    learner.take([command(action, target)])

    assert not learner.told.decisions[-1].done
    assert why in learner.told.decisions[-1].text
    assert Panel.from_json(before, CONFIG).champion_name == learner.panel().champion_name


def test_to_promote_the_champion_keeps_no_checkpoint(records):
    """Else twenty repeats would push out every checkpoint that one could go back to."""
    learner = Learner(CONFIG)
    learner.take([*records, command("promote", "recency")])
    before = learner.guard.history.versions
    learner.take([ModelCommand("again", "promote", "recency", T0, "Ada")])

    assert learner.told.decisions[-1].done
    assert learner.guard.history.versions == before


def test_a_promoted_model_that_can_be_asked_no_longer_lets_the_rule_choose_again():
    """The direct model knows nothing of another churn horizon: the rules would stay until somebody released it."""
    learner = Learner(CONFIG)
    learner.take([*world(0, 2400), command("promote", "direct")])
    assert learner.panel().champion_name == "direct"
    other = CONFIG.model_copy(update={"horizon": 13 * WEEK})
    again = Learner.restore(learner.checkpoint(), other)

    assert again.panel().champion_name == again.promotion.champion == "stack"  # whom the rule had chosen before
    assert again.promotion.pinned == ""
    assert "promoted by Ada" in again.told.notices[-1].text
    assert [notice.kind for notice in again.news()] == ["anew", "champion"]

    learner.take([ModelCommand("back", "rollback", "1", T0, "Ada")])  # nothing had been learned then that it stacks
    assert learner.panel().champion_name == learner.promotion.champion == "hazard"
    assert learner.promotion.pinned == ""


def test_the_plan_may_ask_for_more_than_the_champion_has_learned(learned):
    more = CONFIG.model_copy(update={"min_examples": 5000})
    again = Learner.restore(learned.checkpoint(), more)

    assert again.panel().champion_name == again.promotion.champion == "rules"
    again.take(world(1200, 1300))
    assert again.panel().champion_name == again.promotion.champion  # what is shown is what scores


def test_parts_that_an_earlier_version_wrote_otherwise_are_no_damage(learned):
    """Else an upgrade would find a damaged checkpoint and wait for somebody to mend it."""
    parts = learned.parts()
    head = msgspec.json.decode(parts["head"])
    for before in ({**head, "format": 2}, {name: value for name, value in head.items() if name != "format"}):
        again = Learner.from_parts({**parts, "head": msgspec.json.encode(before), "learned": b"{}"}, CONFIG)
        assert again.counts.records == 0


@pytest.mark.parametrize("time", [math.nan, math.inf])
def test_a_decision_of_no_time_cannot_damage_the_checkpoint(time):
    """JSON knows no such number: the checkpoint could never be read again."""
    learner = Learner(CONFIG)
    learner.take([*world(0, 30), ModelCommand("c1", "promote", "base_rate", time, "Ada")])

    assert learner.counts.skipped == 1
    assert Learner.restore(learner.checkpoint(), CONFIG).checkpoint() == learner.checkpoint()


def test_a_decision_counts_once(records):
    learner = Learner(CONFIG)
    learner.take([*records, command("promote", "recency"), command("promote", "recency")])

    assert len(learner.told.decisions) == 1


def test_a_person_goes_back_to_a_kept_checkpoint(records):
    learner = Learner(CONFIG)
    learner.take(records)
    kept = learner.guard.history.kept[-1]
    learner.take([command("rollback", str(kept.version))])

    assert learner.examples == kept.examples < 1200
    assert learner.told.decisions[-1].done
    assert learner.told.notices[-1].kind == "rollback"
    assert learner.told.notices[-1].by == "Ada"
    assert encode(learner.models.state()) == bytes(
        msgspec.json.decode(kept.state, type=dict[str, msgspec.Raw])["learned"]
    )


def test_damaged_weights_are_rolled_back_before_anybody_scores_with_them(records):
    learner = Learner(CONFIG)
    learner.take(records)
    learner.news()
    learner.models["hazard"]._weights[-1] = math.nan
    learner.take(world(1200, 1201))

    assert learner.models.sound
    assert learner.examples == learner.guard.history.find(1).examples + 1
    (notice,) = learner.news()
    assert (notice.kind, notice.evidence["version"]) == ("rollback", 1)
    assert "not finite" in notice.text
    assert all(math.isfinite(value) for value in learner.quality()["hazard"]["short"].values())


def poison(begin: int, count: int, weight: float):
    """A broken producer: the longer the silence, the surer an order, each label for many."""
    return [
        short(f"bad{i}", T0 + (begin + i) * DAY / 20, i % 20, i % 20 > 9, weight=weight) for i in range(count)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("weight", "why"), [(40.0, "calibration error"), (10_000.0, "have jumped")], ids=["calibration", "jump"]
)
def test_nonsense_that_was_learned_is_rolled_back_the_same_in_every_replay(records, weight, why):
    """What follows it is judged by the kept checkpoint as well, which does better."""
    before = Learner(CONFIG)
    before.take(records)
    saved, kept = before.checkpoint(), before.guard.history.kept[-1]
    everything = [*poison(1200, 100, weight), *world(1300, 1700)]
    learner = Learner.restore(saved, CONFIG)
    learner.take(everything)

    backs = [notice for notice in learner.told.notices if notice.kind == "rollback"]
    assert backs
    assert all(why in back.text and back.evidence["version"] <= kept.version for back in backs)
    assert learner.models.norms()["hazard"] < 3
    assert learner.judge.short.of("rules").rows == 1700  # what was said stays on the record
    again = Learner.restore(saved, CONFIG)
    for record in everything:
        again.take([record])
    assert again.checkpoint() == learner.checkpoint()


def test_without_a_kept_checkpoint_it_starts_anew():
    learner = Learner(CONFIG)
    learner.take(world(0, 30))
    learner.models["hazard"]._weights[-1] = math.inf
    learner.take(world(30, 31))

    assert learner.examples == 0
    assert "the beginning" in learner.told.notices[-1].text


def test_twenty_checkpoints_are_kept_and_the_one_that_is_compared_with():
    history = History.new()
    kept = Kept(0, T0, 0, "count", "rules", True, {}, {}, msgspec.Raw(b"{}"), WEEK)
    for version in range(1, 31):
        history.keep(msgspec.structs.replace(kept, version=version, examples=version * 500), watched=4)

    assert [kept.version for kept in history.kept] == [4, *range(12, 31)]
    assert not history.due(15_499)
    assert history.due(15_500)
    again = decode(encode(history), History, "")
    again.restore(history.parts())
    assert (again.kept, again.due_at) == (history.kept, history.due_at)


@pytest.mark.no_cover  # it learns from tens of thousands of examples
def test_customers_who_begin_to_order_less_raise_one_alarm_though_the_hazard_follows_within_days():
    began = T0 + 150 * DAY

    learner = Learner(CONFIG)
    learner.take(world(0, 4200, scale=lambda at: 0.4 if at > began else 1.0))
    quiet = Learner(CONFIG)
    quiet.take(world(0, 4200))

    [alarm] = [notice for notice in learner.told.notices if notice.kind == "drift"]
    assert began < alarm.at < began + 9 * WEEK  # there are 140 order summaries a week
    assert "less than the models have learned" in alarm.text
    assert alarm.evidence["error"]["after"] < -0.02
    assert not [notice for notice in quiet.told.notices if notice.kind == "drift"]


def test_a_grown_model_is_taken_up_where_it_stands_in_the_log_and_kept(records):
    sample = SnapshotSample(CONFIG)
    sample.add(records[:2000])
    model = grow(sample, CONFIG, T0)
    assert model is not None
    learner = Learner(CONFIG)
    learner.take(records[:2000])
    assert "survival" not in learner.panel().models

    learner.take([GrownModel("night", "survival", T0, model.to_json())])
    learner.take([GrownModel("night", "survival", T0, model.to_json())])  # delivered twice

    assert learner.panel().models["survival"].to_json() == model.to_json()
    assert not learner.told.tells("grown")
    learner.take(records[2000:2100])
    assert learner.quality()["survival"]["short"]["rows"] > 0  # judged by what comes after
    assert Learner.restore(learner.checkpoint(), CONFIG).checkpoint() == learner.checkpoint()
    other = CONFIG.model_copy(update={"horizon": 30 * WEEK})
    assert "survival" not in Learner.restore(learner.checkpoint(), other).panel().models


@pytest.mark.parametrize(
    ("name", "document", "why"),
    [("survival", b"{", "damaged"), ("hazard", b"{}", "no model 'hazard' is grown"), ("survival", b"", "schema")],
)
def test_a_grown_model_that_cannot_be_asked_is_refused_and_that_is_told(records, name, document, why):
    sample, learner = SnapshotSample(CONFIG), Learner(CONFIG)
    sample.add(records[:2000])
    if not document:
        model = grow(sample, CONFIG, T0)
        assert model is not None
        document = model.to_json().replace(SCHEMA.encode(), b"00000000")
    learner.take(records[:100])

    learner.take([GrownModel("night", name, T0 + DAY, document)])

    [notice] = [notice for notice in learner.news() if notice.kind == "grown"]
    assert why in notice.text
    assert "models refit" in notice.text
    assert (notice.at, notice.id) == (T0 + DAY, "grown:night")
    assert "survival" not in learner.panel().models
    learner.take(records[100:200])


def test_what_acting_is_worth_is_counted_on_full_labels_at_high_risk() -> None:
    learner = Learner(CONFIG)
    said = {"rules": 0.9}
    learner.take(
        [
            full("p1", T0, False, said, held_out=True), full("p2", T0, True, said, treated=True),
            full("p3", T0, False, said), full("p4", T0, False, {"rules": 0.1}, held_out=True),
        ]
    )  # fmt: skip
    acting = learner.judge.acting
    assert (acting.held_out.labels, acting.held_out.left) == (1, 1)
    assert (acting.others.labels, acting.others.left) == (2, 1)
