"""Which Rapport a command talks to: what is given, else the environment, else what `rapport up` left behind."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from console.local.connection import read_connection
from console.terminal.options import options_of
from profiles.errors import WrongUse

__all__ = ["DEFAULT_DATA_DIR", "DataDir", "Found", "Target", "Url", "find", "trust", "with_target"]

DEFAULT_DATA_DIR = Path(".rapport")

DataDir = Annotated[
    Path, typer.Option(envvar="RAPPORT_DATA_DIR", metavar="FOLDER", help="Data directory of `rapport up`.")
]
Url = Annotated[
    str | None,
    typer.Option(envvar="RAPPORT_URL", metavar="URL", help="Of another Rapport, e.g. https://cdp.example.com."),
]
Token = Annotated[str | None, typer.Option(envvar="RAPPORT_API_TOKEN", help="Bearer token of the support API.")]


@dataclass(frozen=True, slots=True)
class Found:
    """A Rapport and what a client needs there."""

    url: str
    write_keys: Mapping[str, str] = field(default_factory=dict)  # by source
    token: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """Which Rapport a command was told to talk to; found when it is first asked, once the command is sure of itself."""

    url: str | None
    token: str | None
    data_dir: Path

    def find(self) -> Found:
        """See `find`.

        Raises:
            Misconfigured: nothing says where Rapport is, or the connection file cannot be read.
        """
        return find(self.data_dir, self.url, self.token)


def find(
    data_dir: Path, url: str | None = None, token: str | None = None, write_keys: Mapping[str, str] | None = None
) -> Found:
    """The Rapport to talk to.

    The keys and token of the data directory are used only for the URL they belong to: giving another leaves them out.

    Raises:
        WrongUse: this is no URL.
        Misconfigured: nothing says where Rapport is, or the connection file cannot be read.
    """
    url = (url or "").rstrip("/")
    if url and not url.startswith(("http://", "https://")):
        raise WrongUse(f"{url!r} is no URL; write such as http://127.0.0.1:8000")
    if url and not (data_dir / "rapport.json").exists():
        return Found(url, dict(write_keys or {}), token or "")
    known = read_connection(data_dir)
    if url and url != known.url.rstrip("/"):
        return Found(url, dict(write_keys or {}), token or "")
    return Found(known.url.rstrip("/"), {**known.write_keys, **(write_keys or {})}, token or known.api_token)


def _told(*, url: Url = None, token: Token = None, data_dir: DataDir = DEFAULT_DATA_DIR) -> Target:
    return Target(url, token, data_dir)


with_target = options_of(_told)
"""A command whose first parameter is the `Target`, told on a terminal by `--url`, `--token` and `--data-dir`."""


def trust(url: str) -> ssl.SSLContext | bool:
    """What httpx verifies certificates with. Loading the store takes longer than a command; plain HTTP needs none."""
    return ssl.create_default_context() if url.startswith("https:") else False
