"""A file that was sent as other events is known by its bytes, whatever its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.files.register import Register
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
