"""Which servers and plan a command uses: its option, the environment, what `rapport up` left, the default."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.clients.reach import is_trial, reach, shipped_plan
from console.local.connection import Connection, write_connection
from profiles.errors import WrongUse


@pytest.fixture
def left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory as `rapport up` leaves it; nothing is set in the environment."""
    for name in ("KAFKA", "REDIS", "PLAN", "ARCHIVE"):
        monkeypatch.delenv(f"RAPPORT_{name}", raising=False)
    monkeypatch.chdir(tmp_path)
    connection = Connection(
        url="http://127.0.0.1:1", write_keys={}, api_token="t", kafka="up:1", redis="redis://up:2/0", plan="/up.yaml",
        archive="/of-up",
    )  # fmt: skip
    write_connection(tmp_path, connection)
    return tmp_path


def test_what_up_left_is_found_where_nothing_else_is_said(left: Path) -> None:
    found = reach(left)

    assert (found.kafka, found.redis.get_secret_value()) == ("up:1", "redis://up:2/0")
    assert (str(found.plan), found.archive) == ("/up.yaml", "/of-up")


def test_the_environment_counts_more(left: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAPPORT_KAFKA", "mine:9092")
    monkeypatch.setenv("RAPPORT_ARCHIVE", "history")

    found = reach(left)

    assert (found.kafka, found.redis.get_secret_value()) == ("mine:9092", "redis://127.0.0.1:6379/0")
    assert (found.plan, found.archive) == (shipped_plan(), "history")


def test_a_plan_of_the_environment_goes_with_the_servers_of_up(left: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAPPORT_PLAN", "mine.yaml")

    assert (reach(left).kafka, str(reach(left).plan)) == ("up:1", "mine.yaml")


def test_options_count_most(left: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAPPORT_ARCHIVE", "history")

    found = reach(left, Path("named.yaml"), archive="told", port=None)

    assert (str(found.plan), found.archive, found.port) == ("named.yaml", "told", 8000)


def test_an_empty_variable_says_nothing(left: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAPPORT_KAFKA", "")

    assert reach(left).kafka == "up:1"


def test_options_are_checked_as_the_environment_is(left: Path) -> None:
    with pytest.raises(WrongUse, match="RAPPORT_HOST"):
        reach(left, host="http://here")


def test_servers_of_the_environment_are_no_trial(left: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is there one where no `rapport up` was."""
    assert is_trial(left)
    assert not is_trial(left / "elsewhere")
    monkeypatch.setenv("RAPPORT_KAFKA", "mine:9092")
    assert not is_trial(left)
