"""Loading heavy libraries late, and one at a time.

River and SciPy take seconds to load, and only the learner and the census need them; so they are loaded when they are
first used, often in a thread. When two threads load parts of such a library at the same time, Python lets one of them
go on with a module that is only half loaded ("cannot import name … from partially initialized module"). So whatever is
loaded late is loaded through here.
"""

from __future__ import annotations

from importlib import import_module
from threading import RLock
from typing import Any

__all__ = ["load"]

_loading = RLock()  # a module that is being loaded may ask for another one


def load(module: str) -> Any:
    """The module of this name, loaded now if it has not been before; no other thread loads one meanwhile."""
    with _loading:
        return import_module(module)
