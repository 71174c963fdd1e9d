"""The features of a batch: who is in, and that what is said of a row does not depend on its batch."""

import math

import msgspec
import numpy as np

from models.churn.kinds.bgnbd import BgNbd
from models.churn.kinds.rules import rules
from models.config import ChurnConfig
from models.features.matrix import pack, unpack
from models.features.table import NAMES
from models.learning.records.rows import Rows
from tests.build import T0
from tests.models.training import CONFIG, full, short, summary


def some(count: int):
    """Examples of which no two are alike."""
    rng = np.random.default_rng(3)
    replace = msgspec.structs.replace
    return [replace(short(f"p{i}", T0 + i, i, False), x=pack(rng.exponential(3.0, len(NAMES)))) for i in range(count)]


def test_what_is_said_of_a_row_does_not_depend_on_its_batch():
    records = some(97)
    models = {"rules": rules(CONFIG), "bgnbd": BgNbd(0.243, 4.414, 0.793, 2.426, (1.0, 12.0, 30.0), 2357)}

    together = Rows(records, CONFIG)

    for i, record in enumerate(records):
        alone = Rows([record], CONFIG)
        for name, model in models.items():
            assert together.short(name, model, together.at[i]) == alone.short(name, model, 0)


def test_a_model_that_is_replaced_is_asked_anew():
    rows = Rows(some(3), CONFIG)
    before, after = rules(CONFIG), rules(ChurnConfig(label_horizon=CONFIG.label_horizon / 2))

    first = rows.short("kept", before, 1)

    assert math.isnan(rows.short("kept", after, 1))
    assert rows.short("kept", before, 1) == first


def test_only_sound_examples_have_a_row():
    broken = unpack(short("p", T0, 3, True).x)
    broken[0] = math.nan
    replace, good = msgspec.structs.replace, short("q", T0, 5, True)
    records = [
        summary("s", T0), replace(good, x=pack(broken)), good, replace(good, x=b""), full("f", T0, True, {}),
        replace(full("g", T0, True, {}), risks=b""),
    ]  # fmt: skip

    rows = Rows(records, CONFIG)

    assert rows.at == [-1, -1, 0, -1, 1, -1]
    np.testing.assert_array_equal(rows.x[0], unpack(good.x))
