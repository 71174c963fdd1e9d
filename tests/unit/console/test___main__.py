"""The way into the command line."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from console.__main__ import main


class Slow(ModuleType):
    """A library that is stopped while it is being loaded."""

    def __getattr__(self, name: str) -> object:
        raise KeyboardInterrupt


def test_ctrl_c_before_anything_runs_shows_no_stack_trace(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "console.commands.main", Slow("console.commands.main"))

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 1
    assert capsys.readouterr().err == "Error: stopped\n"
