"""Nobody buys time with a long input: every parser that outsiders reach takes time and memory in proportion to it.

Each entrance meets each shape, at sizes up to its limits: whatever is past a limit is refused, which is cheap.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiokafka.structs import ConsumerRecord
from pydantic import ValidationError

from console.api.error_answers import ApiError
from console.api.paths import one_segment, parse_identity
from console.files.ids import Ids
from console.files.rows import FileSpec, read_items
from console.services.preview import compile_request
from console.views.segments import PreviewRequest
from models.population.snapshot import PopulationSnapshot
from plan import PlanError, load_plan, parse_plan
from profiles.errors import RapportError, Unacceptable
from streams.collector.body import Body, Limits, Refused
from streams.collector.wire import open_batch, open_single, stamp
from streams.dead_letters.masking import Masker
from streams.dead_letters.rejections import name_of
from streams.judge import Judge
from streams.scrub import Scrubbing, scrub
from tests import REPOSITORY
from tests.fuzz.growth import assert_linear
from tests.plans import BASE

PLAN_FILE = REPOSITORY / "tracking_plan.yaml"
PLAN = load_plan(PLAN_FILE, {})
NOW = 1_800_000_000.0
LIMITS = Limits()
SPEC = FileSpec(source="web")

RUNS: dict[str, str] = {
    "letters": "a", "digits": "1", "hex": "f", "spaces": " ", "quotes": '"', "backslashes": "\\", "ats": "@",
    "percents": "%40", "addresses": "a@b!", "dots": ".", "colons": ":", "groups": "1:", "octets": "1.",
    "numbers": "+1 ", "brackets": "(", "dashes": "-", "marks": "\u0301", "emoji": "😀", "newlines": "\n",
    "halves": "\\ud800",
}  # fmt: skip
"""One or more characters, repeated."""

FRAMES = ("{}", "@{}", "{}@", "a@{}.", "1:1:1:{}z", "a::{}z", "a%40{}%40", "1.1.1.1{}", "+31{}", '"{}\\')
"""What stands around them: the start and the end at which a search gives up."""


def _text(run: str, n: int) -> str:
    return RUNS[run] * (n // len(RUNS[run]))


SHAPES: dict[str, Callable[[int], Any]] = {
    "many keys": lambda n: {f"k{number}": number for number in range(n // 10)},
    "many traits of ours": lambda n: {f"consent.{number}": True for number in range(n // 20)},
    "many long keys": lambda n: {f"{number}{'k' * 300}": 1 for number in range(n // 310)},
    "a long key": lambda n: {"k" * n: 1},
    "a long key with an address": lambda n: {"@" + "k" * n: 1},
    "a long value": lambda n: {"name": "v" * n},
    "a list": lambda n: {"products": [1] * (n // 2)},
    "a list of objects": lambda n: {"products": [{"product_id": number, "price": "x"} for number in range(n // 40)]},
    "a list of lists": lambda n: {"products": [[]] * (n // 3)},
    "deep lists": lambda n: {"products": _nested(n // 2, "[", "]")},
    "deep objects": lambda n: {"products": _nested(n // 6, '{"a":', "}")},
    "a long number": lambda n: {"revenue": int("9" * min(n, 4000))},
    "identities": lambda n: {"externalIds": [{"type": "user_id", "id": str(number)} for number in range(n // 40)]},
}
"""Objects of an event."""


class _Raw(str):
    """JSON that is written already."""


def _nested(levels: int, opening: str, closing: str) -> _Raw:
    return _Raw(opening * levels + "1" + closing * levels)


def _json(value: Any) -> str:
    if isinstance(value, _Raw):
        return value
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{_json(inner)}" for key, inner in value.items()) + "}"
    return json.dumps(value)


def events(shape: Callable[[int], Any], n: int) -> list[str]:
    """Events that have an object of this shape in every place that holds one."""
    held, who = _json(shape(n)), '"userId":"u","timestamp":"2026-01-01T00:00:00Z"'
    return [
        f'{{"type":"track","event":"Product Viewed",{who},"properties":{held}}}',
        f'{{"type":"identify",{who},"traits":{held}}}',
        f'{{"type":"page",{who},"context":{held},"other":{held}}}',
    ]


def named(text: str) -> list[str]:
    """Events in which a text is what is a text."""
    said = json.dumps(text)
    return [
        f'{{"type":"track","event":{said},"userId":"u","timestamp":"2026-01-01T00:00:00Z","properties":{{{said}:1}}}}',
        f'{{"type":"identify","userId":{said},"messageId":{said},"traits":{{"email":{said},"phone":{said}}}}}',
        f'{{"type":{said},"timestamp":{said},"anonymousId":{said},"context":{{"ip":{said},"locale":{said},{said}:{said}}}}}',
    ]


def collected(body: bytes) -> None:
    """Through the collector, as the one event of a request and as one of a batch."""
    for sent in (body, gzip.compress(body, 1)):
        held = Body(LIMITS)
        try:
            for start in range(0, len(sent), 4096):
                held.feed(sent[start : start + 4096])
            plain = held.finish()
            envelopes = [open_single(plain, "track")]
        except Refused:
            continue
        with contextlib.suppress(Refused):
            envelopes.append(open_batch(b'{"batch":[' + plain + b"]}", LIMITS))
        with contextlib.suppress(Refused):
            envelopes.append(open_batch(b'{"batch":[{"type":"page","userId":"u"}],"context":' + plain + b"}", LIMITS))
        for envelope in envelopes:
            for raw in envelope.events:
                with contextlib.suppress(Unacceptable):
                    stamp(
                        raw, envelope, received=NOW, identities=PLAN.extract, limits=LIMITS, ip="1.2.3.4", browser=True
                    )


JUDGE = Judge(PLAN, NOW)
MASKER = Masker(PLAN)


def ingested(body: bytes) -> None:
    """By a worker, from a topic that any producer may write to."""
    record = ConsumerRecord("events.web", 0, 0, int(NOW * 1000), 0, None, body, None, 0, len(body), ())
    intake = asyncio.run(JUDGE.intake("web", [record]))
    for rejection in intake.rejected:
        rejection.encode()


def masked(body: bytes) -> None:
    """Shown to people."""
    MASKER.event("web", body)
    MASKER.event("web", body[:-1])
    name_of(body)


def read(body: bytes, folder: Path) -> None:
    """As a line of a file, and as a row of a table."""
    for name, spec in (
        ("events.jsonl", SPEC),
        ("rows.csv", FileSpec.model_validate({"source": "web", "columns": ["a", "b"], "event": "x",
                              "map": {"user_id": {"column": "a"}, "timestamp": {"column": "b"}}})),
    ):  # fmt: skip
        path = folder / name
        path.write_bytes(body + b"\n" + body)
        with contextlib.suppress(RapportError):
            list(read_items(path, spec, Ids()))


def _each(entrance: Callable[[bytes], object]) -> Callable[[list[str]], object]:
    return lambda texts: [entrance(text.encode()) for text in texts]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("entrance", [collected, ingested, masked], ids=lambda entrance: entrance.__name__)
def test_events_of_every_shape(entrance: Callable[[bytes], None], shape: str) -> None:
    assert_linear(_each(entrance), lambda n: events(SHAPES[shape], n), 7_000)


@pytest.mark.parametrize("item", ["1", "[]", "{}", '{"a":1,"price":"x"}'])
@pytest.mark.parametrize("entrance", [ingested, masked], ids=lambda entrance: entrance.__name__)
def test_lists_of_what_is_wrong(entrance: Callable[[bytes], None], item: str) -> None:
    """In proportion is not enough here: one wrong item of two bytes once cost as much as a small event."""
    held = ",".join([item] * (28_000 // (len(item) + 1)))
    body = f'{{"type":"track","event":"Order Completed","userId":"u","properties":{{"products":[{held}]}}}}'.encode()
    entrance(body)

    began = time.thread_time()
    for _ in range(3):
        entrance(body)

    assert time.thread_time() - began < 3 * len(body) * 2e-5


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("entrance", [collected, ingested, masked], ids=lambda entrance: entrance.__name__)
def test_events_of_every_text(entrance: Callable[[bytes], None], run: str) -> None:
    """As name, key, identity and value."""
    assert_linear(_each(entrance), lambda n: named("@{0}1:1:1:{0}z".format(_text(run, n // 2))), 1_500)


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("frame", FRAMES)
def test_masking_of_every_text(run: str, frame: str) -> None:
    """Also far past what an event may hold: logs and messages of libraries are masked, too."""
    assert_linear(scrub, lambda n: frame.replace("{}", _text(run, n)), 5_000)


@pytest.mark.parametrize("run", RUNS)
def test_masking_of_what_cannot_be_read(run: str) -> None:
    assert_linear(masked, lambda n: f'{{"{_text(run, n)}'.encode(), 5_000)


@pytest.mark.parametrize("shape", SHAPES)
def test_rows_of_files(shape: str, tmp_path: Path) -> None:
    assert_linear(_each(lambda body: read(body, tmp_path)), lambda n: events(SHAPES[shape], n), 7_000)


FILES: dict[str, Callable[[int], str]] = {
    "quotes that nothing closes": lambda n: '7,"x\n' * (n // 5),
    "quotes within quotes": lambda n: '7,"""x\n' * (n // 7),
    "one quote and many rows": lambda n: '7,"x\n' + "7,2026-01-01\n" * (n // 13),
    "objects without an end": lambda n: '{"a":[1,\n' * (n // 9),
    "one object without an end": lambda n: '{"type":"page",\n' + '{"type":"page"}\n' * (n // 16),
    "texts without an end": lambda n: '{"a":"\\"\\"\n' * (n // 11),
    "an escape a letter": lambda n: '{"a":"' + '\\"' * (n // 2),
    "an array of broken objects": lambda n: "[" + '{"a":1,,},' * (n // 10),
    "an array of objects in objects that are broken": lambda n: "[" + '{"a":{"b":\\},{' * (n // 14),
    "an array of nothing": lambda n: "[" + "\n" * n + "x",
    "objects side by side": lambda n: "{}" * (n // 2),
}
"""Files that are broken in every row, or whose break is found late."""


@pytest.mark.parametrize("shape", FILES)
def test_files_that_are_broken(shape: str, tmp_path: Path) -> None:
    assert_linear(lambda text: read(text.encode(), tmp_path), FILES[shape], 1_000)


CONDITIONS: dict[str, Callable[[int], Any]] = {
    "all of all": lambda n: _Raw('{"all":[' * (n // 8) + '{"risk":"above 0.5"}' + "]}" * (n // 8)),
    "not not": lambda n: _Raw('{"not":' * (n // 8) + '{"risk":"above 0.5"}' + "}" * (n // 8)),
    "any and a mistake": lambda n: _Raw('{"any":[' * (n // 8) + '{"risc":1}' + "]}" * (n // 8)),
    "many statements": lambda n: {"any": [{"count": "purchase", "at_least": number} for number in range(n // 40)]},
    "many mistakes": lambda n: {"any": [{"count": "purchase", "bogus": number} for number in range(n // 40)]},
    "many unknown keys": lambda n: {"count": "purchase", **{f"k{number}": 1 for number in range(n // 10)}},
    "many unknown roles": lambda n: {"any": [{"count": f"r{number}", "at_least": 1} for number in range(n // 40)]},
    "many unknown segments": lambda n: {"any": [{"segment": f"buyer{number}"} for number in range(n // 30)]},
    "a long name": lambda n: {"segment": "s" * n},
    "a long comparison": lambda n: {"risk": "above " + "0" * n},
    "a long duration": lambda n: {"since": "purchase", "more_than": "1" * n + "d"},
    "a list": lambda n: {"trait": "country", "in": ["NL"] * (n // 6)},
    **{run: (lambda n, run=run: {"segment": _text(run, n), _text(run, n): 1}) for run in RUNS},  # type: ignore[misc]
}
"""What a person or a program may ask of `POST /v1/segments/preview`, or write into a plan."""


def previewed(body: bytes) -> None:
    """Asked of the API, up to where customers are looked at."""
    with contextlib.suppress(RapportError, ApiError, ValidationError):
        compile_request(PreviewRequest.model_validate_json(body), PLAN, PopulationSnapshot.empty())


def _rules(condition: str, n: int) -> str:
    rules = ",".join(f'{{"name":"s{number}","when":{{"count":"purchase"}}}}' for number in range(n // 60))
    return f'{{"condition":{condition},"others":[{rules}]}}'


@pytest.mark.parametrize("shape", CONDITIONS)
def test_conditions_asked_of_the_api(shape: str) -> None:
    assert_linear(_each(previewed), lambda n: [f'{{"condition":{_json(CONDITIONS[shape](n))}}}'], 4_000)
    assert_linear(_each(previewed), lambda n: [_rules(_json(CONDITIONS[shape](n // 2)), n // 2)], 4_000)


@pytest.mark.parametrize("levels", [2, 11, 20, 21, 40])
def test_conditions_of_few_levels(levels: int) -> None:
    """Which a person might write: they once took seconds from eleven on, with a mistake or without."""
    for inner in ('{"risk":"above 0.5"}', '{"risc":1}'):
        text = '{"condition":' + '{"all":[' * levels + inner + "]}" * levels + "}"
        assert_linear(_each(previewed), lambda n: [text] * n, 1)  # noqa: B023


@pytest.mark.parametrize("shape", CONDITIONS)
def test_plans(shape: str) -> None:
    """With a segment of this shape."""

    def planned(condition: str) -> None:
        with contextlib.suppress(PlanError):
            parse_plan(BASE.replace("segments:\n", f"segments:\n  - {{name: s, when: {condition}}}\n"), "p", {})

    assert_linear(planned, lambda n: _json(CONDITIONS[shape](n)), 3_000)


PLANS: dict[str, Callable[[int], str]] = {
    "lists in lists": lambda n: "a: " + "[" * n,
    "objects in objects": lambda n: "{a: " * n,
    "blocks in blocks": lambda n: "- " * n,
    "indented": lambda n: "".join(" " * level + "a:\n" for level in range(min(n, 600))),
    "keys": lambda n: "".join(f"k{number}: 1\n" for number in range(n // 8)),
    "one key": lambda n: "k: 1\n" * (n // 5),
    "aliases": lambda n: "a: &a [1]\n" + "b: [" + "*a, " * (n // 4) + "]",
    "aliases of aliases": lambda n: "a0: &a0 [1, 1]\n" + "".join(
        f"a{number}: &a{number} [*a{number - 1}, *a{number - 1}]\n" for number in range(1, min(n // 30, 60))
    ),
    "merges": lambda n: "a0: &a0 {x: 1}\n" + "".join(
        f"a{number}: &a{number} {{<<: [*a{number - 1}, *a{number - 1}]}}\n" for number in range(1, min(n // 30, 60))
    ),
    "a key that is a list": lambda n: "? [" + "a, " * (n // 3) + "]\n: 1",
    "an anchor in itself": lambda n: "a: &a [" + "*a, " * (n // 4) + "]",
    "a long number": lambda n: "version: " + "9" * n,
    "escapes": lambda n: 'name: "' + "\\n" * n,
}  # fmt: skip


@pytest.mark.parametrize("shape", PLANS)
def test_texts_that_are_no_plans(shape: str) -> None:
    def parsed(text: str) -> None:
        with pytest.raises(PlanError):
            parse_plan(text, "p", {})

    assert_linear(parsed, PLANS[shape], 4_000)


@pytest.mark.parametrize("run", RUNS)
def test_identities_in_paths(run: str) -> None:
    def asked(text: str) -> None:
        with contextlib.suppress(ApiError):
            parse_identity(one_segment(f"/v1/profiles/email:{text}".encode())[len("/v1/profiles/") :], PLAN)

    assert_linear(asked, lambda n: "@" + _text(run, n), 4_000)


@pytest.mark.parametrize("run", RUNS)
def test_lines_of_logs(run: str) -> None:
    """Which may quote what was sent."""
    log = Scrubbing()

    def logged(text: str) -> None:
        log.format(logging.LogRecord("x", logging.ERROR, "", 0, "of %s: %s", (text, text), None))

    assert_linear(logged, lambda n: f"@{_text(run, n)}z", 5_000)
