"""The part of Ibis that analyses may use: what gives the same rows in every engine. A test holds all of them to it.

What is not here differs: counts of distinct values (approximate in ClickHouse), ntile, which breaks ties as they come,
ranks (by rows in ClickHouse; `analysis.relations.ranking` has one), JSON, arrays that are collected or cut, seconds
since 1970 (fractions are cut or kept), lags that pass over nulls, approximate figures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis.expr.operations as ops

if TYPE_CHECKING:
    import ibis.expr.types as ir

__all__ = ["ALLOWED", "outside"]

ALLOWED = frozenset(
    """
    UnboundTable Field Literal Date Array StrRight StringAscii Alias Cast Project DropColumns Filter Sort SortKey
    Limit Distinct Aggregate JoinChain JoinTable JoinReference JoinLink SelfReference DummyTable Union TableUnnest
    Unnest ArrayLength StructField IntegerRange And Or Not Equals NotEquals Less LessEqual Greater GreaterEqual
    Between InValues InSubquery IsNull NotNull IfElse SimpleCase SearchedCase Coalesce NullIf Greatest Least Add
    Subtract Multiply Divide FloorDivide Modulus Negate Abs Floor Ceil Round Power Sqrt Ln Log10 Exp Sign Sum Min
    Max Mean Count CountStar Any All ArgMin ArgMax Quantile Median Variance StandardDev First Last WindowFunction
    WindowBoundary RowNumber Lag Lead FirstValue LastValue DateFromYMD DateTruncate DateDelta DateAdd DateSub
    DateDiff IntervalFromInteger ExtractYear ExtractMonth ExtractDay ExtractIsoYear ExtractWeekOfYear DayOfWeekIndex
    StringConcat Strip Lowercase Uppercase Substring StringLength StartsWith EndsWith StringContains ArrayContains
    Hash
    """.split()
)


def outside(expression: ir.Table) -> set[str]:
    """Names of the operations of an expression that are not allowed."""
    return {type(node).__name__ for node in expression.op().find(ops.Node)} - ALLOWED
