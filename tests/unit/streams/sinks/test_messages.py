"""The messages and what `docs/schemas/` says of them."""

from __future__ import annotations

import json

import jsonschema_rs
import pytest

from streams.sinks.messages import NoticeData, NoticeMessage, money, schemas, written
from tests import REPOSITORY

FOLDER = REPOSITORY / "docs" / "schemas"


@pytest.mark.parametrize("name", sorted(schemas()))
def test_the_schema_is_in_the_docs(name):
    """After a change: write `json.dumps(schemas()[name], indent=2, ensure_ascii=False)` there."""
    assert json.loads((FOLDER / name).read_text()) == schemas()[name]
    jsonschema_rs.meta.validate(schemas()[name])


def test_the_docs_have_no_other_schema():
    assert {file.name for file in FOLDER.iterdir()} == set(schemas())


def test_what_is_written_is_as_its_schema_says():
    body = NoticeMessage(type="model.notice", timestamp="2026-11-30T09:00:00.000000Z", data=NoticeData("a", None, {}))
    checker = jsonschema_rs.validator_for(schemas()["notice.json"])
    checker.validate(json.loads(written(body)))
    assert not checker.is_valid(json.loads(written(body)) | {"type": "alert.opened"})


def test_money_is_exact():
    assert (money(81240, "EUR").amount, money(81240, "JPY").amount) == ("812.40", "81240")
