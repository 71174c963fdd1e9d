"""The sample of snapshots as a Parquet file in the archive, since the learner's log is deleted after a month.

`training/churn.parquet`, and `churn-NAME.parquet` for each further definition of churn, written anew every night. A
customer is in it by the keyed hash by which the archive remembers who was erased: so their rows are left out from the
next night on, also of the files of definitions that the plan no longer has.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.archive.folder import Folder
from models.config import ChurnConfig
from models.features.table import SCHEMA
from models.nightly.sample import FIELDS, SnapshotSample
from profiles.errors import Misconfigured

__all__ = ["forget_others", "keep", "kept"]

_FOLDER = "training"
_VERSION = b"1"


def kept(folder: Folder, config: ChurnConfig, sample: SnapshotSample) -> int:
    """Add to a sample what the archive keeps of it; answers how many snapshots that were.

    Of other features or horizons nothing is of use; it is written anew with the next `keep`.

    Raises:
        Misconfigured: the file is damaged.
    """
    name = _name(config)
    if name not in folder.names(_FOLDER):
        return 0
    try:
        table = _table(folder, name)
        if {key: (table.schema.metadata or {}).get(key) for key in _made_of(config)} != _made_of(config):
            return 0
        fields = {field: table[field].to_numpy() for field in FIELDS}
        sample.put(table["who"].to_pylist(), fields, table["x"].to_pylist())
    except (pa.ArrowException, KeyError, ValueError) as error:
        raise _damaged(name, error) from error
    return int(table.num_rows)


def forget_others(folder: Folder, configs: Collection[ChurnConfig], gone: Mapping[str, float]) -> int:
    """Let go of these customers, of what was seen of each up to a time, in files that `keep` does not write anew: those
    of definitions that the plan no longer has. Answers how many rows that were.

    Raises:
        Misconfigured: a file is damaged.
    """
    forgotten = 0
    for name in sorted({*folder.names(_FOLDER)} - {_name(config) for config in configs}):
        if not name.endswith(".parquet"):
            continue
        try:
            table = _table(folder, name)
            seen = zip(table["who"].to_pylist(), table["at"].to_pylist(), strict=True)
            stay = pa.array([not at <= gone.get(who, -math.inf) for who, at in seen], pa.bool_())
        except (pa.ArrowException, KeyError, ValueError) as error:
            raise _damaged(name, error) from error
        some = table.filter(stay)
        if some.num_rows < table.num_rows:
            folder.write_table(name, some)
            forgotten += table.num_rows - some.num_rows
    return forgotten


def keep(folder: Folder, config: ChurnConfig, sample: SnapshotSample) -> None:
    """Write a sample."""
    who, fields, x = sample.columns()
    columns: dict[str, pa.Array] = {"who": pa.array(who, pa.string()), "x": pa.array(x, pa.binary())}
    columns |= {field: pa.array(np.asarray(values)) for field, values in fields.items()}
    folder.write_table(_name(config), pa.table(columns).replace_schema_metadata(_made_of(config)))


def _name(config: ChurnConfig) -> str:
    return f"{_FOLDER}/churn{'-' if config.name else ''}{config.name}.parquet"


def _table(folder: Folder, name: str) -> pa.Table:
    with folder.fs.open(folder.path(name), "rb") as file:
        return pq.read_table(file)


def _damaged(name: str, error: Exception) -> Misconfigured:
    return Misconfigured(f"{name} of the archive is damaged ({error}); remove it: the log has a month")


def _made_of(config: ChurnConfig) -> Mapping[bytes, bytes]:
    horizons = f"{config.horizon!r} {config.label_horizon!r}".encode()
    meaning = "" if config.definition is None else config.definition.ends_by.model_dump_json(exclude_defaults=True)
    return {b"version": _VERSION, b"schema": SCHEMA.encode(), b"horizons": horizons, b"ends_by": meaning.encode()}
