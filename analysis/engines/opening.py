"""From the name of an engine and of an archive to an engine over it."""

from __future__ import annotations

from collections.abc import Callable

from analysis.archive.folder import Folder
from analysis.engines.clickhouse import ClickHouse
from analysis.engines.duck import Duck
from analysis.engines.engine import Engine
from analysis.engines.spark import Spark
from analysis.engines.trino import Trino
from plan import Plan
from profiles.errors import Misconfigured

__all__ = ["ENGINES", "open_engine"]

ENGINES: dict[str, Callable[[str, Duck, Folder], Engine]] = {
    "spark": Spark,
    "sc": Spark,
    "clickhouse": ClickHouse,
    "trino": Trino,
    "trino+https": Trino,
}
"""By the scheme of `RAPPORT_ENGINE`; "" is DuckDB in this process."""


def open_engine(
    url: str, archive_url: str, plan: Plan, tell: Callable[[int, int], None] = lambda done, of: None
) -> Engine:
    """An engine over an archive as it is now. Tables that are missing are made first, by DuckDB in this process.

    Args:
        url: of the engine; "" for DuckDB itself.
        archive_url: folder or fsspec URL.
        plan: whose calendar, currency and consent hold.
        tell: hears how many parts of how many have been made.

    Raises:
        Misconfigured: there is no such archive or engine, or its client is not installed.
    """
    made = ENGINES.get(url.partition("://")[0])
    if url and made is None:
        raise Misconfigured(
            f"RAPPORT_ENGINE={url} is none of spark://, sc://, clickhouse://, trino://; empty is DuckDB"
        )
    duck = Duck.open(archive_url, plan, tell=tell)
    return duck if made is None else made(url, duck, Folder(archive_url))
