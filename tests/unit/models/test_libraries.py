"""Heavy libraries are loaded late, and by one thread at a time."""

from __future__ import annotations

import ast
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from models.libraries import load
from tests import REPOSITORY

SLOW = """
import time
begun = True
time.sleep(0.5)  # in which another thread asks for a part
from slow_library.part import answer
"""


def test_two_threads_may_ask_for_parts_of_one_library_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As census and learner do: the package waits for its part in one thread, the part for its package in the other."""
    (tmp_path / "slow_library").mkdir()
    (tmp_path / "slow_library" / "__init__.py").write_text(SLOW)
    (tmp_path / "slow_library" / "part.py").write_text("from slow_library import begun\nanswer = 42\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    with ThreadPoolExecutor(2) as threads:
        whole = threads.submit(load, "slow_library")
        while not hasattr(sys.modules.get("slow_library"), "begun") and not whole.done():
            time.sleep(0.001)
        part = threads.submit(load, "slow_library.part")

    assert whole.result().answer == part.result().answer == 42


def test_river_comes_without_scikit_learn_which_others_still_find() -> None:
    """It would bring 70 MiB, and pandas, into every learner."""
    script = """
import sys
from models.libraries import load
for module in ("river.drift", "river.cluster", "models.churn.gradient", "models.churn.bayes"):
    load(module)
assert not {"sklearn", "pandas"} & sys.modules.keys()
import sklearn
"""
    subprocess.run([sys.executable, "-c", script], check=True, cwd=REPOSITORY)


def test_what_a_thread_may_load_late_is_loaded_nowhere_else() -> None:
    """River and SciPy stand at the top of modules that are themselves loaded so, and in no function."""
    late = {"river", "scipy"}
    found = [
        f"{path.relative_to(REPOSITORY)}:{node.lineno}"
        for package in ("profiles", "models", "plan", "analysis", "streams")
        for path in (REPOSITORY / package).rglob("*.py")
        for function in ast.walk(ast.parse(path.read_text()))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
        if name.partition(".")[0] in late
    ]
    assert not found, f"use models.libraries.load: {found}"
