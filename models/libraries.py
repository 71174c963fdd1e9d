"""Loading heavy libraries late, and one at a time.

River and SciPy take seconds to load, and only the learner and the census need them; so they are loaded when they are
first used, often in a thread. When two threads load parts of such a library at the same time, Python lets one of them
go on with a module that is only half loaded ("cannot import name … from partially initialized module"). So whatever is
loaded late is loaded through here.

River offers a reader of scikit-learn's data sets, for which it imports all of scikit-learn and pandas where they are
installed: 70 MiB and two seconds for nothing, so it does not find them here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from threading import RLock
from typing import Any

__all__ = ["load"]

_ON_RIVER = ("river", "models.churn.")  # modules that import it
_loading = RLock()  # a module that is being loaded may ask for another one


def load(module: str) -> Any:
    """The module of this name, loaded now if it has not been before; no other thread loads one meanwhile."""
    with _loading:
        if not module.startswith(_ON_RIVER):
            return import_module(module)
        with _hidden("sklearn"):
            return import_module(module)


@contextmanager
def _hidden(library: str) -> Iterator[None]:
    """Let nobody import a library that is not imported yet; Python takes None among the modules for "not there"."""
    if library in sys.modules:
        yield
        return
    sys.modules[library] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[library]
