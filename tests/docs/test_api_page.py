"""docs/api.md is true of the support API: its routes, its errors, the fields of a customer, an alert."""

from __future__ import annotations

import json
import re

from console.api import create_api
from console.views.matters.alerts import AlertView
from console.views.profile import ProfileView
from tests import REPOSITORY
from tests.console.people import store
from tests.console.support_api import api_deps

OF_AN_ANALYSIS = re.compile(r"/v1/analyses/[a-z0-9_]+")
PAGE = (REPOSITORY / "docs" / "api.md").read_text()


def section(heading: str) -> str:
    """What stands below a heading."""
    return PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def test_every_route_is_told_and_no_other() -> None:
    """By method and path."""
    document = create_api(api_deps(store())).openapi()
    routes = {
        f"{method.upper()} {OF_AN_ANALYSIS.sub(r'/v1/analyses/{name}', path)}"
        for path, methods in document["paths"].items()
        for method in methods
    }

    assert set(re.findall(r"`((?:GET|POST|PATCH|DELETE) /[^`?]*)`", PAGE)) == routes


def test_every_code_of_an_error_is_told_and_no_other() -> None:
    """Those that routes raise, and those of what goes wrong on the way to them."""
    code = "\n".join(file.read_text() for file in (REPOSITORY / "console" / "api").rglob("*.py"))
    raised = set(re.findall(r'(?:ApiError\(|_answer\(|else )[^"\n]*?"([a-z_]+)"', code))
    raised |= {"history_incomplete", "not_ready", "not_found", "method_not_allowed"}
    told = {name for row in re.findall(r"^\| \d{3}.*", PAGE, re.MULTILINE) for name in re.findall(r"`([a-z_]+)`", row)}

    assert raised == told


def test_every_field_of_a_customer_is_told() -> None:
    """In the table."""
    rows = re.findall(r"^\| (`[^|]*`) \|", section("Customers"), re.MULTILINE)
    told = {name for row in rows for name in re.findall(r"`([a-z_]+)`", row)}

    assert told == set(ProfileView.model_fields)


def test_the_alert_is_one() -> None:
    """With every field, and its times in their one spelling."""
    [shown] = re.findall(r"```json\n(.*?)```", section("Alerts"), re.DOTALL)

    assert AlertView.model_validate_json(shown).model_dump(mode="json") == json.loads(shown)
