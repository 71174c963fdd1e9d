"""Apache Spark: a cluster, or this machine; it reads the same tables from the archive's folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.operations as ops
import pyarrow as pa
from ibis.config import Config

from analysis.archive.folder import Folder
from analysis.engines.duck import Duck
from analysis.engines.engine import FACTS_VIEW, typed
from analysis.engines.narrowing import narrowed
from profiles.errors import Misconfigured

if TYPE_CHECKING:
    import ibis.expr.types as ir

__all__ = ["Spark", "spark_sql"]


class _Options(Config):  # type: ignore[misc]  # Ibis has no types
    """What Ibis asks when it writes Spark's SQL, and else knows only once its own Spark backend is loaded."""

    treat_nan_as_null: bool = False


class Spark:
    """The analyses' relations in Spark.

    Args:
        url: `spark://HOST:PORT` of a cluster's master, `spark://local` for a Spark in this process, or
            `sc://HOST:PORT` of a Spark Connect server.
        duck: the same archive: it has made the tables that Spark reads.
        folder: of the archive, as Spark's machines see it too.

    Raises:
        Misconfigured: PySpark is not installed.
    """

    name = "spark"

    def __init__(self, url: str, duck: Duck, folder: Folder) -> None:
        try:
            from pyspark.sql import SparkSession  # noqa: PLC0415  (an extra)
        except ImportError as error:
            raise Misconfigured("RAPPORT_ENGINE=spark://… needs PySpark: pip install 'rapport-cdp[spark]'") from error
        self.frame = duck.frame
        self.number = duck.number
        builder = SparkSession.builder.appName("rapport").config("spark.sql.session.timeZone", "UTC")
        builder = builder.config("spark.sql.ansi.enabled", "true").config("spark.ui.enabled", "false")
        builder = builder.config("spark.log.level", "ERROR")
        if url == "spark://local":  # a stage of 200 parts, as is usual, is for clusters
            builder = builder.master("local[*]").config("spark.sql.shuffle.partitions", "4")
        elif url.startswith("sc://"):
            builder = builder.remote(url)
        else:
            builder = builder.master(url)
        self._spark: Any = builder.getOrCreate()
        self._duck, self._reads = duck, False
        published = {name: [path] for name, path in duck.publish(folder).items()}
        for name, paths in {"made_facts": duck.paths["facts"], **published}.items():
            self._spark.read.parquet(*paths).createOrReplaceTempView(name)
        self._spark.sql(FACTS_VIEW.format(granted=duck.granted)).createOrReplaceTempView("facts")

    def read_texts(self) -> None:
        """Make the relation `readings`, if there is none yet: DuckDB reads the texts."""
        if not self._reads:
            self._spark.read.parquet(*self._duck.read_texts()).createOrReplaceTempView("readings")
            self._reads = True

    def fetch(self, expression: ir.Table, sql: str = "") -> pa.Table:
        rows = self._spark.sql(sql or self.sql(expression)).collect()  # sums and lists: thousands at most
        schema = expression.schema().to_pyarrow()
        return typed(pa.Table.from_pylist([row.asDict(recursive=True) for row in rows], schema=schema), expression)

    def sql(self, expression: ir.Table) -> str:
        return spark_sql(expression)


def spark_sql(expression: ir.Table) -> str:
    """An expression in Spark's SQL; needs no Spark. A number with a point is a decimal to it, and what is computed with
    one is rounded: it is said of each that it is none."""

    def known(node: Any, changed: dict[str, Any] | None) -> Any:
        made = node.__recreate__(changed) if changed else node
        return ops.Cast(made, made.dtype) if isinstance(made, ops.Literal) and made.dtype.is_floating() else made

    ibis.options.pyspark = ibis.options.pyspark or _Options()
    return str(ibis.to_sql(narrowed(expression).op().replace(known).to_expr(), dialect="pyspark"))
