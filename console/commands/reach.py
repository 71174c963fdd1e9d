"""Commands that talk to Kafka and Redis themselves: which ones, and by which plan."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from pydantic import SecretStr

from console.commands.plan import default_plan
from console.local.connection import read_connection
from streams.settings import Settings

__all__ = ["PlanFile", "reach"]

PlanFile = Annotated[
    Path | None,
    typer.Option(
        "--plan", metavar="FILE", help="The tracking plan. [default: RAPPORT_PLAN, else that of `rapport up`]"
    ),
]


def reach(data_dir: Path, plan: Path | None = None) -> Settings:
    """Settings that lead to the servers of RAPPORT_KAFKA and RAPPORT_REDIS, else to those of the last `rapport up`.

    Raises:
        Misconfigured: the connection file cannot be read.
    """
    settings = Settings()
    if "RAPPORT_KAFKA" in os.environ or "RAPPORT_REDIS" in os.environ or not (data_dir / "rapport.json").exists():
        return settings.model_copy(update={"plan": plan or default_plan()})
    known = read_connection(data_dir)
    used = Path(known.plan) if known.plan and "RAPPORT_PLAN" not in os.environ else default_plan()
    return settings.model_copy(update={"kafka": known.kafka, "redis": SecretStr(known.redis), "plan": plan or used})
