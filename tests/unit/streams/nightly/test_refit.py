"""One night, on a log in memory and an archive in a folder: what is grown goes behind what it was grown from."""

import asyncio
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from analysis.archive.folder import Folder
from analysis.archive.manifests import Manifest, manifest_name
from models.config import ChurnConfig
from models.features.matrix import pack
from models.features.table import NAMES, SCHEMA
from models.labels.examples import Border, Example, GrownModel, Of, TrainingRecord
from models.learning.learners import Learners
from models.nightly.sample import SnapshotSample
from plan import load_plan
from profiles.errors import Misconfigured
from profiles.identity.secrets import suppression
from streams.kafka.memory import MemoryLog
from streams.kafka.output import Row
from streams.kafka.reader import nobody
from streams.kafka.topics import TRAINING_EXAMPLES
from streams.nightly.gauges import RefitMetrics
from streams.nightly.keeping import keep, kept
from streams.nightly.refit import Grown, refit
from streams.settings import Settings
from tests import REPOSITORY
from tests.build import T0

PLAN = load_plan(REPOSITORY / "tracking_plan.yaml")
CONFIG = PLAN.churn
NOW = T0 + 1e7

encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(TrainingRecord).decode


def example(number: int) -> Example:
    """Who ordered much is there again within the first block, three times of four."""
    rng = np.random.default_rng(number)
    x = np.zeros(len(NAMES))
    x[NAMES.index("orders")] = often = float(number % 2)
    came = rng.random() < (0.75 if often else 0.25)
    at = T0 + number
    return Example(f"p{number}", at, at + CONFIG.label_horizon, SCHEMA, pack(x), came, first=60.0 if came else 0.0)


async def told(log: MemoryLog, records: list[TrainingRecord]) -> None:
    await log.produce(Row(TRAINING_EXAMPLES, 0, b"", encode(record)) for record in records)


async def held(log: MemoryLog) -> list[TrainingRecord]:
    extents = await log.extents(TRAINING_EXAMPLES)
    return [decode(raw.value) async for batch in log.read(extents) for raw in batch.records]


def night(log: MemoryLog, archive: Path | str, plan: object = PLAN) -> list[Grown]:
    metrics = RefitMetrics(CollectorRegistry())
    settings = Settings(archive=str(archive))
    return asyncio.run(refit(log, log, settings, plan, lambda: NOW, metrics, nobody))  # type: ignore[arg-type]


def test_what_is_grown_stands_behind_what_it_was_grown_from_and_the_learner_takes_it_up():
    log = MemoryLog({TRAINING_EXAMPLES: 1})
    asyncio.run(told(log, [*map(example, range(600)), Border(T0)]))

    [grown] = night(log, "")

    records = asyncio.run(held(log))
    assert isinstance(records[-1], GrownModel)
    assert (grown.churn, grown.snapshots, grown.before, grown.model) == ("", 600, 0, "survival-600")
    learners = Learners(CONFIG)
    learners.take(records)
    model = learners.panel().models["survival"]
    x = np.zeros((2, len(NAMES)))
    x[1, NAMES.index("orders")] = 1.0
    assert model.short(x, CONFIG) == pytest.approx([0.25, 0.75], abs=0.12)
    night(log, "")
    learners.take(asyncio.run(held(log))[len(records) :])
    assert learners.panel().models["survival"].to_json() == model.to_json()  # of the same, the same


def test_what_the_log_has_forgotten_the_archive_keeps(tmp_path):
    log = MemoryLog({TRAINING_EXAMPLES: 1})
    asyncio.run(told(log, [*map(example, range(400))]))
    night(log, tmp_path)
    asyncio.run(told(log, [*map(example, range(300, 500))]))  # a hundred delivered again
    log.delete_before(TRAINING_EXAMPLES, 0, 401)

    [grown] = night(log, tmp_path)

    assert (grown.before, grown.snapshots) == (400, 500)


def test_too_little_grows_nothing_and_a_further_definition_has_its_own(tmp_path):
    further = {"name": "disuse", "ends_by": {"disuse": ["login"]}}
    plan = load_plan(REPOSITORY / "tracking_plan.yaml")
    plan.churn = CONFIG.changed({"definitions": [further]})
    log = MemoryLog({TRAINING_EXAMPLES: 1})
    asyncio.run(told(log, [*map(example, range(10)), *(Of("disuse", example(i)) for i in range(600))]))

    own, disuse = night(log, tmp_path, plan)

    assert (own.model, own.snapshots) == (None, 10)
    assert disuse.model == "survival-600"
    last = asyncio.run(held(log))[-1]
    assert isinstance(last, Of)
    assert last.churn == "disuse"
    learners = Learners(plan.churn)
    learners.take(asyncio.run(held(log)))
    assert "survival" in learners.panel().of("disuse").models
    assert "survival" not in learners.panel().models


def test_who_was_erased_is_forgotten_by_the_keyed_hash_that_the_archive_has(tmp_path):
    who = partial(suppression, PLAN.pii_key)
    sample = SnapshotSample(CONFIG, who=who)
    sample.add(map(example, range(20)))
    sample.forget({who("p3"): T0 + 100.0, who("p4"): T0})
    keep(Folder(str(tmp_path)), CONFIG, sample)

    again = SnapshotSample(CONFIG, who=who)
    assert kept(Folder(str(tmp_path)), CONFIG, again) == 19
    names = set(again.columns()[0])
    assert who("p3") not in names
    assert {who("p4"), who("p5")} < names
    assert b"p5" not in (tmp_path / "training" / "churn.parquet").read_bytes()


def test_what_was_kept_of_other_horizons_is_of_no_use_and_what_is_damaged_is_told(tmp_path):
    folder, sample = Folder(str(tmp_path)), SnapshotSample(CONFIG)
    sample.add(map(example, range(20)))
    keep(folder, CONFIG, sample)

    other = ChurnConfig(horizon="10w", label_horizon="2w")
    assert kept(folder, other, SnapshotSample(other)) == 0
    (tmp_path / "training" / "churn.parquet").write_bytes(b"PAR1 and nothing more")
    with pytest.raises(Misconfigured, match="damaged"):
        kept(folder, CONFIG, SnapshotSample(CONFIG))


def test_a_definition_that_is_called_churn_does_not_take_the_place_of_the_plans_own(tmp_path):
    plan = load_plan(REPOSITORY / "tracking_plan.yaml")
    plan.churn = CONFIG.changed({"definitions": [{"name": "churn", "ends_by": {"disuse": ["login"]}}]})
    log = MemoryLog({TRAINING_EXAMPLES: 1})
    asyncio.run(told(log, [*map(example, range(20)), *(Of("churn", example(i)) for i in range(30))]))
    night(log, tmp_path, plan)
    log.delete_before(TRAINING_EXAMPLES, 0, 50)

    assert [grown.before for grown in night(log, tmp_path, plan)] == [20, 30]


def test_an_erasure_reaches_the_files_of_definitions_that_the_plan_no_longer_has(tmp_path):
    plan = load_plan(REPOSITORY / "tracking_plan.yaml")
    plan.churn = CONFIG.changed({"definitions": [{"name": "disuse", "ends_by": {"disuse": ["login"]}}]})
    log = MemoryLog({TRAINING_EXAMPLES: 1})
    asyncio.run(told(log, [Of("disuse", example(i)) for i in range(20)]))
    night(log, tmp_path, plan)
    digest, folder = suppression(PLAN.pii_key, "p3"), Folder(str(tmp_path))
    told_of = Manifest(
        number=1, kind="flush", writer="a", at=NOW, format=1, topic="t", partitions=1, erased={digest: T0 + 100.0}
    )
    folder.create(manifest_name(1), msgspec.json.encode(told_of))

    night(log, tmp_path)

    again = SnapshotSample(plan.churn.of("disuse"))
    assert kept(folder, plan.churn.of("disuse"), again) == 19
    assert digest not in again.columns()[0]
