"""Control characters written out: nothing that steers a terminal or forges a line is left, all else is as it was."""

from __future__ import annotations

import json

import pytest

from streams.visible import visible, visible_json, visible_lines

STEERING = [
    *map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0)), "\u2028", "\u2029",
    *map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A)), "\ud800", "\udfff",
]  # fmt: skip


@pytest.mark.parametrize("character", STEERING, ids=ascii)
def test_each_is_written_out(character: str) -> None:
    told = visible(f"a{character}b")

    assert told.isprintable()
    assert told == "a" + repr(character)[1:-1] + "b"


def test_our_own_layout_may_stay() -> None:
    assert visible_lines("one\n\ttwo\x1b") == "one\n\ttwo\\x1b"


@pytest.mark.parametrize(
    "text", ["Zoë 東京 👩‍👩‍👧 ﷽", "שלום\u200f", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "[red]C:\\new"]
)
def test_all_scripts_are_left_alone(text: str) -> None:
    assert visible(text) == text


def test_json_says_the_same() -> None:
    document = {"a\u202e": "".join(STEERING[:-2])}
    told = visible_json(json.dumps(document, ensure_ascii=False, indent=2))

    assert json.loads(told) == document
    assert all(character.isprintable() or character == "\n" for character in told)
