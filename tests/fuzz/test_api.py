"""The support API by its own description: every route, with what fits it and what does not, with and without token.

Routes come from the OpenAPI document of the running server, so that a new one is tried from its first day.
"""

from __future__ import annotations

import base64
import time
from typing import Any

import pytest
import schemathesis
from hypothesis import given, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy
from schemathesis import GenerationMode
from schemathesis.config import GenerationConfig, ProjectConfig, ProjectsConfig, SchemathesisConfig
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from tests.fuzz.conftest import TOKEN, Served
from tests.fuzz.odd import EXAMPLES, fuzzing

KNOWN = "user_id:known"

fuzzing_routes = settings(fuzzing, max_examples=max(8, EXAMPLES // 3))
"""Making a case takes longer than answering it, and there are many routes."""


@pytest.fixture(scope="package")
def described(served: Served) -> Any:
    """The document, and a customer to find."""
    served.post("/v1/identify", b'{"userId":"known","traits":{"firstName":"Ada"}}')
    served.post("/v1/track", b'{"userId":"known","event":"Product Viewed","properties":{"product_id":"p1"}}')
    deadline = time.monotonic() + 60
    headers = {"Authorization": f"Bearer {TOKEN}"}
    while served.http.get(f"/v1/profiles/{KNOWN}", headers=headers).status_code != 200:
        assert time.monotonic() < deadline, served.rapport.logs()
        time.sleep(0.2)
    generation = GenerationConfig(max_examples=fuzzing_routes.max_examples, deterministic=fuzzing.derandomize)
    config = SchemathesisConfig(projects=ProjectsConfig(default=ProjectConfig(generation=generation)))
    schema = schemathesis.openapi.from_url(f"{served.url}/openapi.json", config=config)

    @schema.hook
    def map_path_parameters(context: object, path_parameters: dict[str, Any] | None) -> dict[str, Any] | None:
        """Every other time, the customer whom there is."""
        if path_parameters and len(str(path_parameters.get("identity", ""))) % 2:
            path_parameters["identity"] = KNOWN
        return path_parameters

    return schema


NEVER_ENDS = "/v1/live"


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_every_route_does_as_it_says(described: Any, mode: GenerationMode) -> None:
    """No 5xx; statuses, types and documents as described; a wrong body is refused; nothing without the token."""
    failures = []
    for operation in (found.ok() for found in described.get_all_operations()):
        if operation.path == NEVER_ENDS:
            continue
        try:
            try_out(operation.as_strategy(generation_mode=mode))
        except (Unsatisfiable, FailureGroup) as failure:
            if isinstance(failure, FailureGroup):  # else nothing can be wrong about it: it takes no parameters
                failures.append(f"{operation.label}: {failure}")
    assert not failures, "\n\n".join(failures)


@pytest.mark.parametrize("row", ["nan x", "inf x", "-inf x", "1e999 x", "1 \0", "1_0 x", " 1 x", "1", "x"])
def test_cursors_that_no_list_has_answered(described: Any, served: Served, row: str) -> None:
    """Refused or read as what they say."""
    cursor = base64.urlsafe_b64encode(row.encode()).decode()
    for path in ("profiles?order=risk", "profiles?order=recent", "profiles?segment=loyal", "alerts?state=open"):
        answer = served.http.get(f"/v1/{path}&cursor={cursor}", headers={"Authorization": f"Bearer {TOKEN}"})
        assert answer.status_code in {200, 400}, (path, answer.text)


def try_out(cases: SearchStrategy[schemathesis.Case]) -> None:
    """Send each and check the answer."""

    @fuzzing_routes
    @given(cases)
    def answers(case: schemathesis.Case) -> None:
        # What an identity or a cursor looks like cannot be said in the document, and any text may be right in a query.
        # Parameters that a route does not have are tried in tests/console/test_api.py.
        lenient = [positive_data_acceptance, *([] if case.operation.body else [negative_data_rejection])]
        case.call_and_validate(headers={"Authorization": f"Bearer {TOKEN}"}, excluded_checks=lenient, timeout=30)

    answers()
