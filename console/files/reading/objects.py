"""JSON values of a file: one a line, over several lines, or in an array. A broken one does not break the next."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple, TextIO

import orjson

from console.files.delivery import MAX_EVENT
from console.files.reading.text import LONGEST, TOO_LONG, Line, Lines
from profiles.bounds import excess, may_exceed
from streams.collector.json_text import loads, loads_exactly

__all__ = ["Found", "in_array", "in_lines"]

_LONGEST_PRINTED = 8 * MAX_EVENT
"""Characters of a value over several lines, indented: an event has at most MAX_EVENT bytes without the spaces."""

_PATIENCE = 2  # characters that are looked through a character read, in a file that is broken all over

_BLOCK = 1 << 16
_TEXT = re.compile(r'"(?:[^"\\]|\\.)*+("?)')  # or what begins as one and has no end
_GAP = re.compile(r"[\s,]*")
_NEXT = re.compile(r"\n[ \t]*(?=\{)|\}\s*,\s*(?=\{)|,\s*(?=\{\s*\")")
_NO_VALUE = re.compile(r".[^,{\]]*", re.DOTALL)
_LONG = re.compile(rb"[0-9]{16}")  # figures of a number, or a text, that a parser may round
_DECODER = json.JSONDecoder()


class Found(NamedTuple):
    """One value, or what is wrong with it."""

    line: int  # from 1, the last that it stands in
    value: Any
    raw: str  # as it stands in the file, of an array the part
    problem: str = ""


def in_lines(lines: Lines) -> Iterator[Found]:
    """Values of which each begins in a line of its own; a comma behind one is passed over."""
    looked = 0  # characters behind broken values that were looked through for their ends, less what was read
    for line in lines:
        looked -= _PATIENCE * len(line.text)
        text = line.text.strip().removesuffix(",")
        if not text:
            continue
        if len(line.text) > LONGEST:
            yield Found(line.number, None, line.text, TOO_LONG)
            continue
        try:
            yield Found(line.number, *_loaded(text))
        except ValueError as error:
            rest = _rest_of(text, lines) if text[0] == "{" and looked < _BLOCK else []
            whole = "".join([line.text, *(more.text for more in rest)])
            if found := _several(whole.strip().removesuffix(",")):
                yield from (Found((rest or [line])[-1].number, *each) for each in found)
                continue
            looked += len(whole)
            lines.put_back(rest)
            yield Found(line.number, None, line.text.rstrip("\r\n"), _why(error))


def _rest_of(text: str, lines: Lines) -> list[Line]:
    """The lines up to where a value that begins in one seems to end, or to where it is seen to be broken.

    Args:
        text: of the line that it begins in.
        lines: behind it; what is answered is taken.
    """
    taken: list[Line] = []
    most = _LONGEST_PRINTED
    depth = _depth(text)
    while depth is not None and depth > 0 and most > 0:
        line = next(lines, None)
        if line is None:
            break
        taken.append(line)
        most -= len(line.text)
        more = None if _is_event(line.text) else _depth(line.text)
        depth = None if more is None else depth + more
    return taken


def _depth(text: str) -> int | None:
    """How many more brackets a line opens than it closes; None if a text in it has no end: JSON has none over lines."""
    bare = _TEXT.sub(lambda found: "" if found[1] else '"', text)
    if '"' in bare:
        return None
    return bare.count("{") + bare.count("[") - bare.count("}") - bare.count("]")


def _is_event(text: str) -> bool:
    """Whether a line is an event by itself: then the value before it has lost its end."""
    if not text.startswith("{"):
        return False
    try:
        return _looks_like_event(orjson.loads(text.strip().removesuffix(",").encode("utf-8", "surrogateescape")))
    except ValueError:
        return False


def _begins_event(text: str, at: int) -> bool:
    """Whether an event begins there, behind a comma: then the value before it has lost its end."""
    before = at - 1
    while text[before].isspace():
        before -= 1
    try:
        return text[before] == "," and _looks_like_event(_DECODER.raw_decode(text, at)[0])
    except (ValueError, RecursionError):
        return False


def _looks_like_event(value: object) -> bool:
    return type(value) is dict and "type" in value and ("userId" in value or "anonymousId" in value)


def _several(text: str) -> list[tuple[Any, str, str]]:
    """The objects that a text holds, one behind the other; [] if it holds anything else."""
    found: list[tuple[Any, str, str]] = []
    at = 0
    try:
        while at < len(text):
            end = _DECODER.raw_decode(text, at)[1]
            found.append(_loaded(text[at:end]))
            gap = _GAP.match(text, end)
            at = gap.end() if gap else end
    except (ValueError, RecursionError):
        return []
    return found


def _loaded(text: str) -> tuple[Any, str, str]:
    """A value of JSON as the collector reads it, its text, and what of it is beyond bounds.

    A number that would be rounded is its text: as an id it would be that of others.

    Raises:
        ValueError: it is none.
    """
    raw = text.encode("utf-8", "surrogateescape")
    value = loads_exactly(raw) if _LONG.search(raw) else loads(raw)
    if may_exceed(raw) and (found := excess(value)):
        return None, text, f"the event has {found.message}"
    return value, text, ""


def _why(error: ValueError) -> str:
    said = str(error)
    if "surrogates" in said or "UTF-8" in said:
        return f"{said}; is --encoding right? Such as cp1252 for a file of Windows"
    return said


class _Buffer:
    """What is at hand of a file that may be one long line."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self.text = ""
        self.at = 0
        self.line = 1
        self.ended = False

    def more(self) -> bool:
        """Read on, at least as much again as is at hand, up to the longest; False if there is no more to be had."""
        held = len(self.text) - self.at
        if self.ended or held > LONGEST:
            return False
        block = self._file.read(max(_BLOCK, held))
        self.ended = not block
        self.text = self.text[self.at :] + block
        self.at = 0
        return not self.ended

    def skip(self, gap: re.Pattern[str]) -> str:
        """Pass over what this matches, and answer with the character behind it; "" at the end."""
        while True:
            found = gap.match(self.text, self.at)
            self.take(found.end() if found else self.at)
            if self.at < len(self.text) or not self.more():
                return self.text[self.at : self.at + 1]

    def take(self, end: int) -> str:
        """What stands up to there."""
        taken = self.text[self.at : end]
        self.line += taken.count("\n")
        self.at = end
        if end > _BLOCK:  # an error counts the lines from the beginning of the text
            self.text, self.at = self.text[end:], 0
        return taken


def in_array(file: TextIO) -> Iterator[Found]:
    """The values of an array, or of several; each is told with the number that it has in the file."""
    buffer = _Buffer(file)
    buffer.skip(re.compile("\ufeff?"))
    depth = count = 0
    while first := buffer.skip(_GAP):
        if first == "]" or (first == "[" and not depth):
            depth = int(first == "[")
            buffer.take(buffer.at + 1)
            continue
        count += 1
        yield _next_of(buffer, count)
    if depth:
        yield Found(buffer.line, None, "", "the file ends before its array does: is all of it there?")


def _next_of(buffer: _Buffer, count: int) -> Found:
    while True:
        try:
            size = _DECODER.raw_decode(buffer.text, buffer.at)[1] - buffer.at
            if buffer.at + size < len(buffer.text) or not buffer.more():  # a number may go on
                break
        except (ValueError, RecursionError) as error:
            bad = max(1, getattr(error, "pos", 0) - buffer.at - 1)
            if not buffer.more():
                return _broken(buffer, count, bad, error)
    text = buffer.take(buffer.at + size)
    try:
        value, text, problem = _loaded(text)
    except ValueError as error:
        value, problem = None, _why(error)
    return Found(buffer.line, value, text, problem and f"event {count} of the array: {problem}")


def _broken(buffer: _Buffer, count: int, bad: int, error: ValueError | RecursionError) -> Found:
    """Up to where the next value seems to begin, behind the place that is bad, or right before it.

    If a value has lost its end, what is bad is only seen in the next.
    """
    at, text = buffer.at, buffer.text
    if text[at] != "{":
        found = _NO_VALUE.match(text, at)
        end = found.end() if found else len(text)
    elif (end := text.rfind("{", at + 1, at + bad + 2)) < 0 or not _begins_event(text, end):
        found = _NEXT.search(text, at + bad)
        end = found.end() if found else len(text)
    why = "nested too deeply" if isinstance(error, RecursionError) else getattr(error, "msg", str(error))
    text = buffer.take(end)
    return Found(buffer.line, None, text.strip("\r\n, "), f"event {count} of the array: {why}")
