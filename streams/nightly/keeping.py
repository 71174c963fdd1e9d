"""The sample of snapshots as a Parquet file in the archive, since the learner's log is deleted after a month.

`training/NAME.parquet`, one file for each definition of churn, written anew every night. A customer is in it by the
keyed hash by which the archive remembers who was erased: so their rows are left out from the next night on.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.archive.folder import Folder
from models.config import ChurnConfig
from models.features.table import SCHEMA
from models.nightly.sample import FIELDS, SnapshotSample
from profiles.errors import Misconfigured

__all__ = ["keep", "kept"]

_VERSION = b"1"


def kept(folder: Folder, config: ChurnConfig, sample: SnapshotSample) -> int:
    """Add to a sample what the archive keeps of it; answers how many snapshots that were.

    Of other features or horizons nothing is of use; it is written anew with the next `keep`.

    Raises:
        Misconfigured: the file is damaged.
    """
    name = _name(config)
    if name not in folder.names("training"):
        return 0
    try:
        with folder.fs.open(folder.path(name), "rb") as file:
            table = pq.read_table(file)
        if {key: (table.schema.metadata or {}).get(key) for key in _made_of(config)} != _made_of(config):
            return 0
        fields = {field: table[field].to_numpy() for field in FIELDS}
        sample.put(table["who"].to_pylist(), fields, table["x"].to_pylist())
    except (pa.ArrowException, KeyError, ValueError) as error:
        raise Misconfigured(f"{name} of the archive is damaged ({error}); remove it: the log has a month") from error
    return int(table.num_rows)


def keep(folder: Folder, config: ChurnConfig, sample: SnapshotSample) -> None:
    """Write a sample."""
    who, fields, x = sample.columns()
    columns: dict[str, pa.Array] = {"who": pa.array(who, pa.string()), "x": pa.array(x, pa.binary())}
    columns |= {field: pa.array(np.asarray(values)) for field, values in fields.items()}
    folder.write_table(_name(config), pa.table(columns).replace_schema_metadata(_made_of(config)))


def _name(config: ChurnConfig) -> str:
    return f"training/{config.name or 'churn'}.parquet"


def _made_of(config: ChurnConfig) -> Mapping[bytes, bytes]:
    horizons = f"{config.horizon!r} {config.label_horizon!r}".encode()
    meaning = "" if config.definition is None else config.definition.ends_by.model_dump_json(exclude_defaults=True)
    return {b"version": _VERSION, b"schema": SCHEMA.encode(), b"horizons": horizons, b"ends_by": meaning.encode()}
