"""A token is used until shortly before it expires, and what is wrong with its command is said."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from pathlib import Path

import pytest

from profiles.errors import Misconfigured
from streams.clock import SteppedClock
from streams.kafka.tokens import AsyncTokens, Tokens

NOW = 1_800_000_000.0


def command(place: Path, *, life: float | None) -> str:
    """A command that prints another token each time, which lives so many seconds from the start on."""
    counter = place / "count"
    counter.write_text("0")
    script = place / "token.py"
    script.write_text(
        "import pathlib\n"
        f"counter = pathlib.Path({str(counter)!r})\n"
        "number = int(counter.read_text()) + 1\n"
        "counter.write_text(str(number))\n"
        f"print({'opaque-' if life is None else jwt(life)!r} + str(number))\n"
    )
    return f"{sys.executable} -I {script}"


def jwt(life: float) -> str:
    claims = base64.urlsafe_b64encode(json.dumps({"sub": "rapport", "exp": NOW + life}).encode()).decode().rstrip("=")
    return f"e30.{claims}.signature-"


@pytest.mark.parametrize(("life", "used"), [(1000.0, 800), (None, 60)], ids=["JWT", "opaque"])
def test_a_token_is_used_until_shortly_before_it_expires(tmp_path: Path, life: float | None, used: int) -> None:
    clock = SteppedClock(NOW)
    tokens = Tokens(command(tmp_path, life=life), clock)
    first = tokens.token()
    assert first.endswith("-1")
    clock.advance(used - 1)
    assert tokens.token() == first
    clock.advance(2)
    assert tokens.token().endswith("-2")


def test_aiokafka_gets_the_same_token(tmp_path: Path) -> None:
    tokens = Tokens(command(tmp_path, life=1000), SteppedClock(NOW))
    assert asyncio.run(AsyncTokens(tokens).token()) == tokens.token()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("/no/such/command", "cannot be run (FileNotFoundError)"),
        ("echo 'not closed", "cannot be run (ValueError)"),
        ("true", "prints no token"),
        (f"{sys.executable} -I -c 'raise SystemExit(\"no such user\")'", "fails with status 1: no such user"),
    ],
)
def test_a_command_that_gives_no_token_is_told_by_its_variable(given: str, said: str) -> None:
    with pytest.raises(Misconfigured, match="RAPPORT_KAFKA_TOKEN_COMMAND") as caught:
        Tokens(given).token()
    assert said in str(caught.value)
