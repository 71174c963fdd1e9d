"""Kafka's clients are made in one place, so that security, names and time-outs hold for all of them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests import REPOSITORY

PACKAGES = ("profiles", "models", "plan", "analysis", "streams", "console")
FACTORY = REPOSITORY / "streams" / "kafka" / "client.py"
MODULES = sorted(path for package in PACKAGES for path in (REPOSITORY / package).rglob("*.py") if path != FACTORY)
CLIENT = re.compile(r"(AIO)?Kafka(Consumer|Producer|AdminClient)$")


def made(source: str) -> Iterator[str]:
    """What of a client a module spells by itself: a construction, or where the brokers are."""
    tree = ast.parse(source)
    theirs = {
        name.asname or name.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in ("kafka", "aiokafka")
        for name in node.names
        if CLIENT.match(name.name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in theirs or (isinstance(node.func, ast.Attribute) and CLIENT.match(name)):
                yield f"line {node.lineno} makes a {name}"
        elif isinstance(node, ast.keyword) and node.arg == "bootstrap_servers":
            yield f"line {node.lineno} says where the brokers are"
        elif isinstance(node, ast.Constant) and node.value == "kafka://":
            yield f"line {node.lineno} says where Faust's brokers are"


def test_only_the_factory_makes_clients_of_kafka() -> None:
    found = {str(module.relative_to(REPOSITORY)): list(made(module.read_text())) for module in MODULES}
    assert not {name: what for name, what in found.items() if what}, "use streams/kafka/client.py"


@pytest.mark.parametrize(
    "source",
    [
        "from aiokafka import AIOKafkaConsumer\nAIOKafkaConsumer()",
        "from kafka import KafkaProducer as P\nP()",
        "import kafka\nkafka.KafkaConsumer()",
        "from kafka.admin import KafkaAdminClient\nKafkaAdminClient()",
        "make(bootstrap_servers=1)",
        "f'kafka://{server}'",
    ],
)
def test_a_client_of_ones_own_is_noticed(source: str) -> None:
    assert list(made(source))
