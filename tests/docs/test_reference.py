"""Settings, metrics, topics, dependencies, commands: each is on its page, and nothing else is."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from pydantic_core import PydanticUndefined
from typer.main import get_command

from console.commands.main import create_cli
from plan import load_plan
from plan.load import write_key_variable
from plan.sinks.sink import variable
from streams.archive.metrics import ArchiveMetrics
from streams.kafka.topics import topics
from streams.metrics import CollectorMetrics, WorkerMetrics
from streams.nightly.gauges import RefitMetrics
from streams.settings import Settings
from streams.sinks.audiences.audience_metrics import AudienceMetrics
from streams.sinks.gauges import DeliveryMetrics
from tests import REPOSITORY

ROOT = REPOSITORY
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

ELSEWHERE = {"RAPPORT_URL", "RAPPORT_DATA_DIR", "RAPPORT_WEBHOOK_NAME_SECRET", "RAPPORT_WRITE_KEY_SOURCE"}
"""Variables that are no settings: the command line reads them, and the plan."""


def section(page: str, heading: str) -> str:
    """What stands under a heading, up to the next of its rank."""
    return page.split(f"\n## {heading}\n")[1].split("\n## ", maxsplit=1)[0]


def rows(text: str) -> dict[str, list[str]]:
    """Rows of tables by the code that their first cell is or holds."""
    found = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| `"):
            for name in re.findall(r"`([^`]+)`", cells[0]):
                found[name] = cells[1:]
    return found


def default_of(name: str) -> str:
    """A setting's default as the page writes it."""
    value: Any = Settings.model_fields[name].default
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    return "none" if value in (None, "", PydanticUndefined) else f"`{value}`"


def exported() -> dict[str, tuple[str, set[str]]]:
    """Kind and labels of every metric, by the name that Prometheus sees."""
    registry = CollectorRegistry()
    kinds = (ArchiveMetrics, AudienceMetrics, CollectorMetrics, DeliveryMetrics, RefitMetrics, WorkerMetrics)
    holders = [kind(registry) for kind in kinds]
    labels = {metric._name: set(metric._labelnames) for holder in holders for metric in vars(holder).values()}
    return {
        family.name + ("_total" if family.type == "counter" else ""): (family.type, labels[family.name])
        for family in registry.collect()
    }


def test_every_setting_is_in_the_table_with_its_default_and_meaning() -> None:
    """And no variable is that the code does not read."""
    table = rows(section(OPERATIONS, "Settings"))

    assert {name for name in table if name.startswith("RAPPORT_")} - ELSEWHERE == {
        f"RAPPORT_{name.upper()}" for name in Settings.model_fields
    }
    for name, field in Settings.model_fields.items():
        default, meaning = table[f"RAPPORT_{name.upper()}"]
        assert default == default_of(name)
        assert meaning.startswith(str(field.description))


def test_no_page_speaks_of_a_variable_that_does_not_exist() -> None:
    """A misspelt setting is silently ignored, so pages must not misspell them."""
    known = ELSEWHERE | {f"RAPPORT_{name.upper()}" for name in Settings.model_fields}
    known |= {"RAPPORT_FUZZ_EXAMPLES"}  # of tests/fuzz
    known |= {write_key_variable(source) for source in load_plan(ROOT / "tracking_plan.yaml").sources}
    known |= {"RAPPORT_WEBHOOK_STRIPE_SECRET", "RAPPORT_WRITE_KEY_", "RAPPORT_"}  # names being explained
    sinks = ("crm", "ads", "care", "mail")  # of examples
    known |= {variable(sink, what) for sink in sinks for what in ("URL", "SECRET", "ALLOW_PRIVATE")}
    for file in [*(ROOT / "tests" / "servers").glob("*.py"), *(ROOT / "tests" / "fuzz").glob("*.py")]:
        known |= set(re.findall(r"RAPPORT_(?:TEST|FUZZ)_[A-Z_]+", file.read_text()))
    for page in [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "docker-compose.yml", ROOT / "Dockerfile"]:
        assert set(re.findall(r"RAPPORT_[A-Z_]*", page.read_text())) <= known, page.name


def test_every_metric_is_in_the_table_with_its_kind_and_labels() -> None:
    """Under the name that Prometheus sees."""
    table = rows(section(OPERATIONS, "Metrics"))

    assert {
        name: (cells[0], set(re.findall(r"`([^`]+)`", cells[1])))
        for name, cells in table.items()
        if name.startswith("rapport_")
    } == exported()


def test_no_page_speaks_of_a_metric_that_does_not_exist() -> None:
    """Alarms are copied from pages."""
    for page in PAGES:
        named = set(re.findall(r"(?<![/\w])rapport_[a-z_]+\b(?!\.py)", page.read_text()))
        assert named <= exported().keys(), page.name


def test_every_topic_is_in_the_table() -> None:
    """With its partitions, and how long it is kept."""
    table = rows(section(OPERATIONS, "Topics"))
    specs = topics(Settings(topic_prefix="", partitions=16), load_plan(ROOT / "tracking_plan.yaml"))

    assert {name for name in table if re.fullmatch(r"[a-z]+(\.[a-z]+)?", name)} == {spec.name for spec in specs}
    for spec in specs:
        partitions, kept = table[spec.name][:2]
        compacted = spec.config["cleanup.policy"] == "compact"
        assert partitions == ("1" if spec.partitions == 1 else "all")
        assert kept == ("compacted" if compacted else f"{int(spec.config['retention.ms']) // 86_400_000} days")


def test_every_dependency_says_why_it_is_there() -> None:
    """And nothing is explained that is not needed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = project["dependencies"] + [part for more in project["optional-dependencies"].values() for part in more]
    names = {re.split(r"[^A-Za-z0-9_.-]", requirement)[0] for requirement in wanted}

    assert rows(section(ARCHITECTURE, "Dependencies")).keys() == names


def test_every_command_is_on_a_page() -> None:
    """Somebody who reads README and docs learns of all of them."""
    text = "\n".join(page.read_text() for page in PAGES)
    commands = get_command(create_cli()).commands  # type: ignore[attr-defined]
    for name, command in commands.items():
        if command.hidden:
            continue
        parts = {} if name == "analyse" else getattr(command, "commands", {})  # of analyses their own page has a table
        for full in [f"{name} {sub}" for sub in parts] or [name]:
            assert f"rapport {full}" in text, full


def test_the_parts_of_a_step_by_step_account_exist() -> None:
    """Every step of the two pipelines is a file that the page on architecture names or lists."""
    steps = {path.stem for path in (ROOT / "streams" / "steps").glob("[a-z]*.py")} - {"intake", "work"}
    words = set(re.findall(r"[a-z]+", ARCHITECTURE))

    assert steps <= words
