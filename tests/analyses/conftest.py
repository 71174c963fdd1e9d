"""One history for all tests of analyses that only read it, and each analysis run on it once."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, cast

import pytest

from analysis.declaration import Analysis
from analysis.engines.duck import Duck
from analysis.registry import analysis_named
from analysis.result import Result
from analysis.running import run
from console.views.analysing.analysis_desk import AnalysisDesk
from plan import Plan
from tests.analysed import archived
from tests.analyses.history import ENDS, world


class Knowing(AnalysisDesk):
    """A desk that need not run what other tests have: analyses with nothing asked for."""

    def __init__(self, archive: str, plan: Plan, engine: Duck, results: Callable[[str], Result]) -> None:
        super().__init__(archive, plan, opened=lambda: engine)
        self._results = results

    async def run(self, analysis: Analysis[Any], given: Any, figures: Sequence[str] | None = None) -> Result:
        if given == analysis.parameters():
            return self._results(analysis.name)
        return await super().run(analysis, given, figures)


@pytest.fixture(scope="session")
def engine() -> Duck:
    """Over the history of three hundred customers."""
    return world()


@pytest.fixture(scope="session")
def empty() -> Duck:
    """Over an archive in which nobody has done anything."""
    return archived([], until=ENDS)


@pytest.fixture(scope="session")
def results(engine: Duck, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Result]:
    """Answers the result of an analysis of this history, with nothing asked for; made once for all workers."""
    parallel = "PYTEST_XDIST_WORKER" in os.environ
    shared = tmp_path_factory.getbasetemp().parent if parallel else tmp_path_factory.mktemp("results")

    @cache
    def result(name: str) -> Result:
        made = shared / f"{name}.result"
        if made.exists():
            return cast(Result, pickle.loads(made.read_bytes()))
        analysis = analysis_named(name)
        found = run(analysis, engine, analysis.parameters())
        draft = shared / f"{name}.{os.getpid()}"
        draft.write_bytes(pickle.dumps(found))
        draft.rename(made)
        return found

    return result
