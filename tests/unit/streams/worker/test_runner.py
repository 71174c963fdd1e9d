"""Whether a worker may start."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from plan import Plan
from profiles.errors import WrongUse
from streams.settings import Settings
from streams.worker.runner import run_worker


def test_no_worker_starts_that_could_verify_no_user_id(plan_of: Callable[..., Plan]) -> None:
    """It would take every customer who is logged in for a stranger."""
    plan = plan_of(("version: 1", "version: 1\nverify_user_ids: required"))

    with pytest.raises(WrongUse, match=r"RAPPORT_USER_ID_KEY is not set, .* `verify_user_ids: required`"):
        run_worker(Settings(), plan)
