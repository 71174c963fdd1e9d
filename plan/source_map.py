"""YAML with line numbers: reads a plan as plain data and answers on which line a path stands."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import yaml

__all__ = ["Location", "SourceMap", "format_path"]

Location = Sequence[str | int]


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
    """

    def __init__(self, text: str) -> None:
        loader = _Loader(text)
        try:
            self._root: yaml.Node | None = loader.get_single_node()
            self.repeated: list[tuple[list[str | int], int]] = []
            if self._root is not None:
                self._find_repeated(self._root, [], set())
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
        _, line, path = _walk(self._root, tuple(location), self._root.start_mark.line)
        if location and isinstance(location[-1], str) and (not path or path[-1] != location[-1]):
            path.append(location[-1])
        return line + 1, path

    def _find_repeated(self, node: yaml.Node, path: list[str | int], seen: set[int]) -> None:
        if id(node) in seen:
            return
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            keys: set[str] = set()
            for key, value in node.value:
                name = str(key.value)
                if name in keys and name != "<<":
                    self.repeated.append(([*path, name], key.start_mark.line + 1))
                keys.add(name)
                self._find_repeated(value, [*path, name], seen)
        elif isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                self._find_repeated(item, [*path, index], seen)


def format_path(path: Location) -> str:
    """`["events", 3, "type"]` as `events[3].type`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


def _walk(node: yaml.Node, location: tuple[str | int, ...], line: int) -> tuple[int, int, list[str | int]]:
    """(score, line, path) of the longest part of a location that exists below a node."""
    if not location:
        return 0, line, []
    head, rest = location[0], location[1:]
    score, found, path = _walk(node, rest, line) if rest else (0, line, [])
    child, at = _child(node, head)
    if child is not None:
        deeper, below, names = _walk(child, rest, at)
        deeper += 1 if rest else 2  # reaching the last part settles a tie
        if deeper >= score:
            return deeper, below, [head, *names]
    return score, found, path


def _child(node: yaml.Node, part: str | int) -> tuple[yaml.Node | None, int]:
    if isinstance(node, yaml.MappingNode):
        for key, value in reversed(node.value):
            if str(key.value) == str(part):
                return value, key.start_mark.line
    elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and 0 <= part < len(node.value):
        return node.value[part], node.value[part].start_mark.line
    return None, 0
