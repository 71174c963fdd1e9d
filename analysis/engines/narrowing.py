"""Leaves out of an expression the columns that nothing above asks for, step by step, down to the base relations.

Each step of an expression has all columns of the one before, so that analyses can be written without thinking of it;
written out, that would be most of the SQL, and what is read twice would be kept with all its columns.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import ibis.expr.operations as ops
import ibis.expr.types as ir

__all__ = ["narrowed"]

_PASSING = (ops.Filter, ops.Sort, ops.Limit, ops.Reference, ops.DropColumns)
"""What has the columns of its parent, or some of them."""

_COMPUTING = (ops.Project, ops.Aggregate, ops.JoinChain)
"""What has columns of its own, of those of its parents that they name."""


def narrowed(expression: ir.Table) -> ir.Table:
    """The same rows and columns, by steps that have only what later ones ask for."""
    root = expression.op()
    asked = _asked(root)
    made: dict[Any, Any] = {}
    return ir.Table(_remade(root, asked, made)) if asked else expression


def _asked(root: ops.Relation) -> dict[ops.Relation, set[str]]:
    """Of each relation the columns that are asked for by any other, or by whoever asked for the whole."""
    asked: defaultdict[ops.Relation, set[str]] = defaultdict(set)
    asked[root] = set(root.schema)
    for relation in reversed(root.find(ops.Relation, ordered=True)):  # whoever asks comes before who is asked
        for value in _values(relation, asked[relation]):
            _ask(value, asked)
        for parent in _parents(relation):
            if isinstance(relation, _PASSING) or _is_plain(relation):
                asked[parent] |= asked[relation]
            elif not isinstance(relation, _COMPUTING):
                asked[parent] |= set(parent.schema)
    return asked


def _is_plain(relation: ops.Relation) -> bool:
    """Whether it puts rows together as they are, equal ones too."""
    return isinstance(relation, ops.Union) and not relation.distinct


def _parents(relation: ops.Relation) -> Iterator[ops.Relation]:
    for argument in relation.__children__:
        if isinstance(argument, ops.Relation):
            yield argument
        elif isinstance(argument, ops.JoinLink):
            yield argument.table


def _kept(relation: ops.Relation, asked: set[str]) -> dict[str, ops.Value]:
    """The columns of a step that are asked for, and those without which it would have other rows."""
    values: dict[str, ops.Value] = relation.metrics if isinstance(relation, ops.Aggregate) else relation.values
    kept = {name: value for name, value in values.items() if name in asked or value.find(ops.Unnest, filter=ops.Value)}
    alone = not kept and not (isinstance(relation, ops.Aggregate) and relation.groups)
    return dict([next(iter(values.items()))]) if alone else kept  # something has to be selected


def _values(relation: ops.Relation, asked: set[str]) -> Iterator[ops.Node]:
    """What a relation computes of its parents."""
    if isinstance(relation, ops.Project):
        yield from _kept(relation, asked).values()
    elif isinstance(relation, ops.Aggregate):
        yield from relation.groups.values()
        yield from _kept(relation, asked).values()
    elif isinstance(relation, ops.JoinChain):
        yield from _kept(relation, asked).values()
        for link in relation.rest:
            yield from link.predicates
    elif not isinstance(relation, (ops.DropColumns, ops.Set)):
        for argument in relation.__children__:
            if not isinstance(argument, ops.Relation):
                yield argument


def _ask(value: ops.Node, asked: dict[ops.Relation, set[str]]) -> None:
    for node in value.find((ops.Field, ops.Relation), filter=ops.Value):
        if isinstance(node, ops.Field):
            asked[node.rel].add(node.name)
    for subquery in value.find(ops.Subquery, filter=ops.Value):
        asked[subquery.rel] |= set(subquery.rel.schema)


def _remade(node: Any, asked: dict[ops.Relation, set[str]], made: dict[Any, Any]) -> Any:
    if isinstance(node, tuple):
        return tuple(_remade(each, asked, made) for each in node)
    if isinstance(node, dict) or hasattr(node, "items"):
        return {name: _remade(each, asked, made) for name, each in node.items()}
    if not isinstance(node, ops.Node):
        return node
    if node not in made:
        made[node] = _anew(node, asked, made)
    return made[node]


def _anew(node: Any, asked: dict[ops.Relation, set[str]], made: dict[Any, Any]) -> Any:
    args = dict(zip(node.argnames, node.args, strict=True))
    if isinstance(node, (ops.PhysicalTable, ops.DummyTable, ops.Literal)):
        return node
    if isinstance(node, (ops.Project, ops.JoinChain)):
        args["values"] = _kept(node, asked[node])
    elif isinstance(node, ops.Aggregate):
        args["metrics"] = _kept(node, asked[node])
    elif isinstance(node, ops.DropColumns):
        parent = _remade(node.parent, asked, made)
        return _only(parent, [name for name in node.schema if name in asked[node]])
    elif _is_plain(node):
        names = [name for name in node.schema if name in asked[node]] or list(node.schema)[:1]
        left, right = (_only(_remade(side, asked, made), names) for side in (node.left, node.right))
        return ops.Union(left, right, distinct=False)
    return type(node)(**{name: _remade(each, asked, made) for name, each in args.items()})


def _only(relation: ops.Relation, names: list[str]) -> ops.Relation:
    if list(relation.schema) == names or not names:
        return relation
    return ops.Project(relation, {name: ops.Field(relation, name) for name in names})
