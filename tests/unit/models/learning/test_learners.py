"""The learners of all definitions of churn: each from its own records, and without further ones nothing is other."""

from __future__ import annotations

import msgspec

from models.churn.panel import Panel
from models.config import ChurnConfig
from models.labels.examples import Border, Example, ModelCommand, Of, TrainingRecord
from models.labels.held import Held
from models.learning.checkpoint import parts_of
from models.learning.learner import Learner
from models.learning.learners import Learners
from tests.build import T0
from tests.models.training import CONFIG, short, world

PLAN = CONFIG.changed({"definitions": ({"name": "unseen", "ends_by": {"no": "visit"}},)})


def further(records: list[TrainingRecord]) -> list[TrainingRecord]:
    """The same examples, of the further definition."""
    return [Of("unseen", record) for record in records if isinstance(record, Example)]


def test_without_further_definitions_everything_is_the_same_to_the_byte() -> None:
    records = world(0, 300)
    one, all_ = Learner(CONFIG), Learners(CONFIG)
    one.take(records)
    all_.take(records)

    assert all_.parts() == one.parts()
    assert all_.panel().to_json() == one.panel().to_json()
    assert b"others" not in one.panel().to_json()
    assert PLAN.of("unseen").definition is not None


def test_each_learns_from_the_records_that_name_its_definition() -> None:
    """In any mixture; of a definition that the plan does not have, nothing is learned."""
    own, theirs = world(0, 400), further(world(400, 1000))
    mixed = [record for pair in zip(own, theirs, strict=False) for record in pair] + theirs[len(own) :]
    strangers: list[TrainingRecord] = [Of("gone", short("p", T0, 3, y=True))]
    learners = Learners(PLAN)
    learners.take([*mixed, *own[len(theirs) :], *strangers])

    alone = Learner(PLAN.of("unseen"))
    alone.take([record.record for record in theirs if isinstance(record, Of)])
    assert learners.others["unseen"].checkpoint() == alone.checkpoint()
    assert learners.own.examples < learners.others["unseen"].examples

    parts = learners.parts()
    again = Learners.from_parts(parts, PLAN)
    assert again.parts() == parts
    assert parts_of(parts, "unseen") == alone.parts()
    assert Learners.from_parts(parts, CONFIG).parts() == parts_of(parts, "")  # the plan has it no longer

    panel = Panel.from_json(learners.panel().to_json(), PLAN)
    assert panel.of("unseen").champion_name == alone.panel().champion_name
    assert panel.of("").champion_name == panel.champion_name
    assert Panel.from_json(learners.panel().to_json(), CONFIG).others == {}
    assert Panel.from_json(Learner(CONFIG).panel().to_json(), PLAN).of("unseen").champion_name == "rules"


def test_another_meaning_of_the_same_name_begins_anew() -> None:
    learners = Learners(PLAN)
    learners.take(further(world(0, 400)))
    other = ChurnConfig.model_validate(
        {**CONFIG.model_dump(), "definitions": [{"name": "unseen", "ends_by": {"no": "login"}}]}
    )
    again = Learners.from_parts(learners.parts(), other, T0)

    assert again.others["unseen"].examples == 0
    (notice,) = again.news()
    assert notice.text.startswith("unseen: learning began anew: the plan means something else by it")
    assert notice.id.startswith("unseen:")


def test_a_decision_is_about_the_definition_it_names() -> None:
    learners = Learners(PLAN)
    learners.take([*world(0, 400), *further(world(0, 400))])
    learners.take([Of("unseen", ModelCommand("c", "promote", "recency", T0, "Ada"))])

    assert learners.others["unseen"].promotion.pinned == "Ada"
    assert learners.own.promotion.pinned == ""


def test_records_of_all_definitions_wait_for_the_border_in_one_order() -> None:
    encode, decode = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(TrainingRecord).decode
    records = [
        decode(encode(record))
        for at in (2, 1)
        for record in (
            Of("unseen", short("p", T0 + at, 3, y=True, border=T0 + 9)),
            short("p", T0 + at, 3, y=True, border=T0 + 9),
        )
    ]
    held = Held()
    assert [held.add(record, 0.0) for record in records] == [[]] * 4
    *ready, _ = held.add(Border(T0 + 9), 0.0)
    assert [(isinstance(one, Of), (one.record if isinstance(one, Of) else one).due - T0) for one in ready] == [
        (False, 1), (True, 1), (False, 2), (True, 2),
    ]  # fmt: skip
