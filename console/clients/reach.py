"""Which Kafka, Redis and tracking plan a command uses.

For each, in this order: the command's option, the environment (RAPPORT_KAFKA, RAPPORT_REDIS, RAPPORT_PLAN), what the
last `rapport up` of the data directory left there, the default.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import SecretStr

from console.clients.target import DEFAULT_DATA_DIR, Found
from console.local.connection import Connection, read_connection
from streams.settings import Settings

__all__ = ["PlanFile", "default_plan", "is_of", "is_trial", "reach", "shipped_plan"]

PlanFile = Annotated[
    Path | None,
    typer.Option(
        "--plan", metavar="FILE", help="The tracking plan. [default: RAPPORT_PLAN, else that of `rapport up`]"
    ),
]


def reach(data_dir: Path = DEFAULT_DATA_DIR, plan: Path | None = None, **given: Any) -> Settings:
    """The settings with which a command reaches the servers.

    Args:
        data_dir: where `rapport up` leaves its connection details.
        plan: the tracking plan that was named.
        given: settings that options say; None of those that were not given.

    Raises:
        WrongUse: a setting cannot be used.
        Misconfigured: the connection file cannot be read.
    """
    settings = Settings()
    told = {name: value for name, value in given.items() if value is not None}
    known = _left_by_up(data_dir, settings)
    if known is not None:
        left = {"kafka": known.kafka, "redis": SecretStr(known.redis) if known.redis else ""}
        told = {name: value for name, value in left.items() if value} | told
        if known.archive and "archive" not in settings.model_fields_set:
            told = {"archive": known.archive} | told
    of_up = Path(known.plan) if known is not None and known.plan and "plan" not in settings.model_fields_set else None
    return Settings(**{**told, "plan": plan or of_up or default_plan(settings)})


def is_of(settings: Settings, found: Found, data_dir: Path = DEFAULT_DATA_DIR) -> bool:
    """Whether the servers that a command reaches are known to be those of the Rapport that it was told to talk to.

    Raises:
        Misconfigured: the connection file cannot be read.
    """
    if Settings().model_fields_set & {"kafka", "redis"}:
        return True
    if not (data_dir / "rapport.json").exists():
        return False
    known = read_connection(data_dir)
    reached = (settings.kafka, settings.redis.get_secret_value())
    return known.url.rstrip("/") == found.url and (known.kafka, known.redis) == reached


def is_trial(data_dir: Path = DEFAULT_DATA_DIR) -> bool:
    """Whether a command reaches the `rapport up` of a data directory.

    Raises:
        Misconfigured: the connection file cannot be read.
    """
    return _left_by_up(data_dir, Settings()) is not None


_SHIPPED = {"shop": "tracking_plan.yaml", "b2b": "b2b.yaml"}


def default_plan(settings: Settings | None = None) -> Path:
    """The plan to use when none is named: that of the settings, else the one that comes with Rapport."""
    settings = settings or Settings()
    if "plan" in settings.model_fields_set or settings.plan.exists():
        return settings.plan
    return shipped_plan()


def shipped_plan(business: str = "shop") -> Path:
    """A plan that comes with Rapport: of a shop with a subscription, or of B2B software ("b2b")."""
    return Path(str(files("plan") / _SHIPPED[business]))


def _left_by_up(data_dir: Path, settings: Settings) -> Connection | None:
    named = settings.model_fields_set & {"kafka", "redis"}
    return None if named or not (data_dir / "rapport.json").exists() else read_connection(data_dir)
