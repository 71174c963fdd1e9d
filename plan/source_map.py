"""YAML with line numbers: reads a plan as plain data and answers on which line a path stands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import yaml

__all__ = ["LARGEST", "LEVELS", "VALUES", "Location", "SourceMap", "format_path"]

Location = Sequence[str | int]

LARGEST = 4 * 1024 * 1024
"""Characters of a document."""

LEVELS = 64
"""Of nesting: twenty levels of conditions take forty-four. (The library stops at a thousand by itself.)"""

VALUES = 200_000
"""Keys, values, lists and objects, each counted as often as aliases repeat it: ten lines of them could say billions."""


class _Loader(yaml.CSafeLoader):
    """YAML 1.2's plain values: `no` is Norway, 12:30 and 2024-01-01 are text, only true and false are booleans."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  (PyYAML's own shape)


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), "tTfF")
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?[0-9]+$"), "-+0123456789")
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$"),
    "-+.0123456789",
)
_Loader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile(r"^(?:<<)$"), "<")


def _decimal_int(loader: _Loader, node: yaml.ScalarNode) -> int:
    return int(loader.construct_scalar(node))


# PyYAML reads 010 as eight; YAML 1.2 reads ten.
_Loader.add_constructor("tag:yaml.org,2002:int", _decimal_int)


class SourceMap:
    """A parsed YAML document: its `data`, its repeated keys, and the line of any path in it.

    Raises:
        yaml.YAMLError: the text is not YAML.
        ValueError: it is longer, has more values or is nested more deeply than any plan.
    """

    def __init__(self, text: str) -> None:
        if len(text) > LARGEST:
            raise ValueError(f"it has {len(text)} characters; {LARGEST} at most")
        loader = _Loader(text)
        try:
            self._root: yaml.Node | None = loader.get_single_node()
            self.repeated: list[tuple[list[str | int], int]] = []
            self._sizes: dict[int, tuple[int, int] | None] = {}
            self._children: dict[int, dict[str | int, _Child]] = {}
            if self._root is not None:
                self._walk(self._root, [])
            self.data: Any = None if self._root is None else loader.construct_document(self._root)
        finally:
            loader.dispose()

    def locate(self, location: Location) -> tuple[int, list[str | int]]:
        """The line (from 1) of a pydantic error location and the location as written in the file.

        Parts that are not in the file (tags of unions) are skipped; a last part that is not there (a missing key)
        is kept, on the line of what lacks it.
        """
        if self._root is None:
            return 1, list(location)
        line, path = self._longest(tuple(location))
        if location and isinstance(location[-1], str) and (not path or path[-1] != location[-1]):
            path.append(location[-1])
        return line + 1, path

    def _walk(self, node: yaml.Node, path: list[str | int]) -> tuple[int, int]:
        """Note what is below a node, and which of its keys are repeated; answers (values, levels) with all aliases."""
        if id(node) in self._sizes:
            if (known := self._sizes[id(node)]) is None:
                raise ValueError("an alias stands inside of what it is an alias of")
            return known
        if len(path) >= LEVELS:
            raise ValueError(_TOO_MUCH)
        self._sizes[id(node)] = None  # until all below it is known
        values = levels = 1
        below = self._children[id(node)] = {}
        for name, value, line in _parts(node):
            if name in below and name != "<<":
                self.repeated.append(([*path, name], line + 1))
            below[name] = _Child(value, line)
            inside, deep = (1, 1) if isinstance(value, yaml.ScalarNode) else self._walk(value, [*path, name])
            values, levels = values + 1 + inside, max(levels, 1 + deep)
            if values > VALUES or levels > LEVELS:
                raise ValueError(_TOO_MUCH)
        self._sizes[id(node)] = values, levels
        return values, levels

    def _longest(self, location: tuple[str | int, ...]) -> tuple[int, list[str | int]]:
        """(line, path) of the longest part of a location that exists.

        From each node that is reached, each part of the location is looked at once, last part first.
        """
        assert self._root is not None
        reached: list[dict[int, yaml.Node]] = [{id(self._root): self._root}]
        for part in location:
            into = dict(reached[-1])
            for node in reached[-1].values():
                if (child := self._child(node, part)) is not None:
                    into[id(child.node)] = child.node
            reached.append(into)
        found: dict[int, _Found] = {key: _Found(0, None, None) for key in reached[-1]}
        last = len(location) - 1
        for at in range(last, -1, -1):
            now: dict[int, _Found] = {}
            for key, node in reached[at].items():
                best = found[key]
                if (child := self._child(node, location[at])) is not None:
                    deeper = found[id(child.node)]
                    score = deeper.score + (2 if at == last else 1)  # reaching the last part settles a tie
                    if score >= best.score:
                        best = _Found(score, (location[at], child.line), deeper)
                now[key] = best
            found = now
        line, path = self._root.start_mark.line, []
        step: _Found | None = found[id(self._root)]
        while step is not None and step.taken is not None:
            part, line = step.taken
            path.append(part)
            step = step.then
        return line, path

    def _child(self, node: yaml.Node, part: str | int) -> _Child | None:
        below = self._children.get(id(node), {})
        return below.get(str(part) if isinstance(node, yaml.MappingNode) else part)


class _Child(NamedTuple):
    node: yaml.Node
    line: int


class _Found(NamedTuple):
    """What of a location is found below a node: how much, and step by step."""

    score: int
    taken: tuple[str | int, int] | None
    then: _Found | None


_TOO_MUCH = f"it has over {VALUES} values, or more than {LEVELS} levels of nesting"


def _parts(node: yaml.Node) -> Iterator[tuple[str | int, yaml.Node, int]]:
    """What is in a mapping or a list: (key, value, line from 0)."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:  # a key that is no scalar is refused when the data are made
            yield str(key.value) if isinstance(key, yaml.ScalarNode) else "?", value, key.start_mark.line
    elif isinstance(node, yaml.SequenceNode):
        yield from ((index, item, item.start_mark.line) for index, item in enumerate(node.value))


def format_path(path: Location) -> str:
    """`["events", 3, "type"]` as `events[3].type`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text
