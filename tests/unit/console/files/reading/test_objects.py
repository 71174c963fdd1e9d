"""JSON values are found in whatever layout they stand, and a broken one costs only itself."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.files.reading.objects import Found, in_array, in_lines
from console.files.reading.text import LONGEST, Lines

EVENTS = [{"type": "track", "userId": f"u{n}", "properties": {"products": [{"n": n}, {"t": '"}{'}]}} for n in range(3)]
ONE = json.dumps(EVENTS[0])


def read(text: str) -> list[Found]:
    """All of a file, as its first character says."""
    file = io.StringIO(text, newline="")
    return list(in_array(file) if text.lstrip().startswith("[") else in_lines(Lines(file)))


def values(text: str) -> list[Any]:
    """What was found; None for each that is bad."""
    return [None if found.problem else found.value for found in read(text)]


@pytest.mark.parametrize("joint", ["\n", ",\n", "\r\n\r\n", " ", "", ", "])
@pytest.mark.parametrize("indent", [None, 0, 2])
def test_every_layout(joint: str, indent: int | None) -> None:
    """A value a line, over several lines, side by side, in an array."""
    text = joint.join(json.dumps(event, indent=indent) for event in EVENTS)

    assert values(f"[{text}]") == EVENTS
    if indent is None or "\n" in joint:  # a value over several lines ends its line
        assert values(text) == EVENTS


def test_an_array_of_one_long_line_is_not_held_whole() -> None:
    """Nor read twice: values of some 90 bytes, 4 MB of them, each with its number."""
    many = EVENTS * 15_000
    found = read(json.dumps(many))

    assert [each.value for each in found] == many
    assert not any(each.problem for each in found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"type":"track",\n' + ONE, [None, EVENTS[0]]),
        ('{"type":"track","a":"\n' + ONE, [None, EVENTS[0]]),
        ("{\n" * 3 + ONE, [None, None, None, EVENTS[0]]),
        (ONE + "]\n" + ONE, [None, EVENTS[0]]),
        (f"[{ONE},\n", [EVENTS[0], None]),
        (f"[{ONE}, oh, {ONE}\n,{ONE}]", [EVENTS[0], None, EVENTS[0], EVENTS[0]]),
        (f'[{{"type":"track",\n{ONE},\n{ONE}]', [None, EVENTS[0], EVENTS[0]]),
        (f"[1, {ONE}]", [1, EVENTS[0]]),
        (f"[{ONE}]\n[{ONE}]", [EVENTS[0], EVENTS[0]]),
        ('{"a": NaN, "b": [Infinity, -Infinity]}', [{"a": None, "b": [None, None]}]),
        ('[{"a": NaN}]', [{"a": None}]),
        ('{"a": 12345678901234567890123}', [{"a": "12345678901234567890123"}]),
        ('{"a": "\\ud83d"}', [{"a": "\ufffd"}]),
        ('{"a": "\udcff"}', [None]),
        ("[" * 100_000, [None, None]),
        ("[[[[", [None, None]),
        ('{"a":' + "[" * 100 + "]" * 100 + "}", [None]),
        ('{"a":"' + "x" * (LONGEST + 9) + '"}\n' + ONE, [None, EVENTS[0]]),
    ],
)
def test_a_broken_value_costs_itself(text: str, expected: list[Any]) -> None:
    """And is told, with the part of the file that it is."""
    assert values(text) == expected


@pytest.mark.parametrize("joint", [", ", ",", ",\n", " ,   "])
def test_a_value_of_an_array_that_has_lost_its_end_costs_no_other(joint: str) -> None:
    """Wherever it was cut but in a list, of which the rest might be; also where all stands in one line."""
    cut = '{"type": "track", "userId": "u9", "properties": {"a": 1.5, "b": "c"}}'

    for end in range(1, len(cut)):
        assert values(f"[{joint.join([ONE, cut[:end], *map(json.dumps, EVENTS[1:])])}]") == [
            EVENTS[0],
            None,
            *EVENTS[1:],
        ], cut[:end]


def test_where_it_is_bad_is_told() -> None:
    """The line, and in an array the number of the event."""
    (bad,) = [found for found in read(f"[{ONE},\n{ONE},\nnonsense]") if found.problem]

    assert (bad.line, bad.raw) == (3, "nonsense")
    assert bad.problem.startswith("event 3 of the array: Expecting value")


@given(
    st.lists(st.sampled_from([ONE, json.dumps(EVENTS[1], indent=1), "{", '"', "}", "[1,", '{"a":', ","]), max_size=8)
)
def test_every_whole_event_is_found(parts: list[str]) -> None:
    """Whatever is broken before and behind it; all else is told."""
    found = read("\n".join(["{}", *parts]))

    good = [each.value for each in found if not each.problem and each.value]
    assert good.count(EVENTS[0]) == parts.count(ONE)
    told = "".join(each.raw for each in found)
    assert all(part in told for part in parts if part != ",")
