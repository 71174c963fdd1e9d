"""A file that was sent as other events is known by its bytes, whatever its name."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from console.files.register import Register, sent_before_ids
from profiles.errors import Misconfigured


def test_a_file_that_was_sent_in_another_way_is_known(tmp_path: Path) -> None:
    """In one that it was sent in before, it is not: those are known repeats."""
    assert Register(tmp_path, "here 1").otherwise("a") is None

    Register(tmp_path, "here 1").note("a")
    Register(tmp_path, "here 1").note("b")

    assert Register(tmp_path, "here 1").otherwise("a") is None
    other = Register(tmp_path, "here 1").otherwise("c")
    assert other is not None
    assert other.says == "b"
    assert Register(tmp_path, "there 1").otherwise("c") is None


def test_what_cannot_be_read_says_how_to_go_on(tmp_path: Path) -> None:
    """Not a stack trace."""
    register = Register(tmp_path, "here")
    register.note("a")
    register.path.write_text("{")

    with pytest.raises(Misconfigured, match="delete it"):
        register.otherwise("a")


def test_what_a_version_with_other_ids_has_sent_is_known(tmp_path: Path) -> None:
    """All of it or a part, unless the file has changed since; what this version notes is told apart."""
    file, sends = tmp_path / "a.csv", tmp_path / "sends"
    file.write_text("x")
    sends.mkdir()
    Register(tmp_path, "here").note("a")
    now = {"file": str(file), "row": 7, "events": 7, "complete": False}
    (sends / "now.json").write_text(json.dumps(now))
    assert sent_before_ids(tmp_path, file) is None

    (sends / "old.json").write_text(json.dumps({"file": str(file), "line": 7, "events": 7, "complete": False}))

    assert sent_before_ids(tmp_path, file) is not None
    assert sent_before_ids(tmp_path, tmp_path / "b.csv") is None
    os.utime(sends / "old.json", (1, 1))
    assert sent_before_ids(tmp_path, file) is None
