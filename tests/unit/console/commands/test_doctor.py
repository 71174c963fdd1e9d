"""What the doctor finds without asking any server."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from console.commands.doctor import addresses_as_ids, examine, learned, missing_part, nightly
from console.commands.main import create_cli
from console.local.connection import Connection, claim, has_ended, write_connection
from models.learning.learner import Learner
from models.learning.notices import Notice
from plan import load_plan
from profiles.types import Profile
from streams.settings import Settings
from tests import REPOSITORY

PLAN = REPOSITORY / "tracking_plan.yaml"


def own_write_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for source in ("WEB", "APP", "SUPPORT", "PURCHASE"):
        monkeypatch.setenv(f"RAPPORT_WRITE_KEY_{source}", f"{source}-0123456789abcdef")


def test_write_keys_that_everybody_knows_are_told_but_not_of_a_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the collector listens: a proxy may stand before it."""
    monkeypatch.setenv("RAPPORT_PII_KEY", "x" * 32)
    own_write_keys(monkeypatch)
    monkeypatch.setenv("RAPPORT_WRITE_KEY_APP", "short-one")
    monkeypatch.delenv("RAPPORT_WRITE_KEY_WEB")
    settings = Settings(plan=PLAN, pii_key=SecretStr("x" * 32), kafka="127.0.0.1:1")

    found = list(islice(examine(settings), 2))[1]
    assert (found.what, found.verdict) == ("write keys", "warning")
    assert "RAPPORT_WRITE_KEY_WEB, RAPPORT_WRITE_KEY_APP, each" in found.message
    assert next(islice(examine(settings, trial=True), 1, None)).what == "Kafka"


def test_an_installation_without_a_key_of_its_own_is_warned(monkeypatch) -> None:
    """Before anything is held by it: later it cannot be changed."""
    monkeypatch.delenv("RAPPORT_PII_KEY", raising=False)

    found = list(islice(examine(Settings(plan=PLAN, pii_key=None)), 2))

    assert [(finding.what, finding.verdict) for finding in found] == [
        ("tracking plan", "ok"), ("key of identities", "warning"),
    ]  # fmt: skip
    assert "set it" in found[1].message


def test_an_installation_with_a_key_is_not(monkeypatch) -> None:
    """The next thing to be looked at is Kafka."""
    monkeypatch.setenv("RAPPORT_PII_KEY", "x" * 32)
    own_write_keys(monkeypatch)

    settings = Settings(plan=PLAN, pii_key=SecretStr("x" * 32), kafka="127.0.0.1:1")

    assert [finding.what for finding in islice(examine(settings), 2)] == ["tracking plan", "Kafka"]


def test_it_looks_at_the_plan_that_is_in_use(tmp_path: Path, monkeypatch) -> None:
    """That of `rapport up`, as all other commands do; or one that is not in use yet."""
    for name in ("RAPPORT_PLAN", "RAPPORT_KAFKA", "RAPPORT_REDIS"):
        monkeypatch.delenv(name, raising=False)
    used, other = tmp_path / "used.yaml", tmp_path / "other.yaml"
    for file in (used, other):
        file.write_text("version: soon")
    held = Connection(
        url="", write_keys={}, api_token="", kafka="127.0.0.1:1", redis="redis://127.0.0.1:1/0", plan=str(used)
    )
    write_connection(tmp_path, held)

    def checked(*options: str) -> str:
        arguments = ["doctor", "--data-dir", str(tmp_path), "--json", *options]
        [found] = json.loads(CliRunner().invoke(create_cli(), arguments).stdout)
        return str(found["message"])

    assert str(used) in checked()
    assert str(other) in checked("--plan", str(other))


def test_a_connection_file_that_cannot_be_read_is_told_without_a_trace(tmp_path: Path, monkeypatch) -> None:
    """With the file and what to do."""
    for name in ("RAPPORT_KAFKA", "RAPPORT_REDIS"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "rapport.json").write_text("{")

    told = CliRunner().invoke(create_cli(), ["doctor", "--data-dir", str(tmp_path)])

    assert told.exit_code == 1
    assert "start `rapport up` again" in " ".join(told.stderr.split())


def test_a_part_of_the_work_that_nobody_does_is_named() -> None:
    assert missing_part(["a-1-ingest", "b-2-ingest"]) == "profile"
    assert missing_part(["a-1-profile"]) == "ingest"
    assert missing_part(["a-1-ingest", "a-2-profile"]) is None
    assert missing_part(["a-1-ingest", "a-2"]) is None
    assert missing_part(["a-1"]) is None


def test_it_asks_whose_keys_are_public_and_for_the_key_of_user_ids(tmp_path: Path, monkeypatch) -> None:
    """A plan that does not say it is used as before, and nobody can say they were not told."""
    monkeypatch.delenv("RAPPORT_USER_ID_KEY", raising=False)
    plan = tmp_path / "plan.yaml"
    text = (
        PLAN.read_text().replace("    public: true\n", "").replace("verify_user_ids: off", "verify_user_ids: optional")
    )
    plan.write_text(text)

    found = {finding.what: finding for finding in islice(examine(Settings(plan=plan, pii_key=None)), 4)}

    assert found["public keys"].verdict == "warning"
    assert "whether web, app are `public`" in found["public keys"].message
    assert found["signed user ids"].verdict == "error"


def test_user_ids_that_look_like_addresses_are_told() -> None:
    """Each spelling of one is another customer, which only the plan can mend."""
    plan = load_plan(PLAN, {})
    mails = [Profile("p", identities={"user_id": {"Ada@example.com": 1.0, "7": 1.0}}), Profile("q")]

    (found,) = addresses_as_ids(plan, mails)

    assert (found.what, found.verdict) == ("identity user_id", "warning")
    assert found.message.startswith("1 of the latest 2 look like e-mail addresses")
    assert list(addresses_as_ids(plan, [Profile("p", identities={"user_id": {"7": 1.0, "ada@work": 1.0}})])) == []


def test_a_rapport_up_that_has_ended_is_told_to_be_started_again(tmp_path: Path, monkeypatch) -> None:
    """Its servers went with it; nobody is to look for a Redis."""
    for name in ("RAPPORT_KAFKA", "RAPPORT_REDIS"):
        monkeypatch.delenv(name, raising=False)
    held = Connection(
        url="", write_keys={}, api_token="", kafka="127.0.0.1:1", redis="redis://127.0.0.1:1/0", plan=str(PLAN)
    )
    write_connection(tmp_path, held)
    assert not has_ended(tmp_path)
    with claim(tmp_path):
        assert not has_ended(tmp_path)
    assert has_ended(tmp_path)

    told = CliRunner().invoke(create_cli(), ["doctor", "--data-dir", str(tmp_path), "--json"])

    found = {finding["what"]: finding["message"] for finding in json.loads(told.stdout)}
    again = f"the `rapport up` of {tmp_path} has ended: start `rapport up` again."
    assert found["Kafka"].startswith(again)
    assert found["Redis"].startswith(again)


def test_labels_that_cannot_decide_are_told_until_learning_begins_anew() -> None:
    """The learner's own notice: where the label horizon is shorter than the rhythm of the customers."""
    plan = load_plan(REPOSITORY / "tracking_plan.yaml")
    learner = Learner(plan.churn)
    learner.told.tell(Notice("refused:1", "refused", 1e9, "the label horizon of 2w is shorter than the usual gap"))

    found = list(learned(learner.parts(), plan))
    assert [finding.verdict for finding in found] == ["warning", "ok"]
    assert "2001-09-09" in found[0].message
    assert "shorter than the usual gap" in found[0].message

    learner.told.tell(Notice("anew:2", "anew", 2e9, "another label horizon"))
    assert [finding.verdict for finding in learned(learner.parts(), plan)] == ["ok"]


@pytest.mark.parametrize(
    ("made", "every", "verdict"),
    [(None, 0.0, None), (None, 86_400.0, "ok"), (9.9e8, 0.0, "warning"), (9.999e8, 0.0, "ok"), (9.9e8, 1e7, "ok")],
)
def test_a_nightly_model_that_nobody_grows_any_more_is_told(made, every, verdict) -> None:
    panel = json.dumps({"models": {} if made is None else {"survival": {"made": made}}}).encode()

    found = list(nightly(panel, every, 1e9))

    assert [finding.verdict for finding in found] == ([verdict] if verdict else [])
    assert list(nightly(None, 0.0, 1e9)) == list(nightly(b"{", 0.0, 1e9)) == []
