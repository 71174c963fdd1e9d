"""Text as a YAML scalar on one line: plain where nobody could read it otherwise, else in double quotes."""

from __future__ import annotations

import re

import yaml

__all__ = ["scalar"]

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]*(?:;?[ -][A-Za-z0-9_'.;-]*[A-Za-z0-9_.])*\.?")


def scalar(text: str) -> str:
    """`text`, so that any reader of YAML 1.1 or 1.2 takes it as this text."""
    if len(text) > 1 and _PLAIN.fullmatch(text) and isinstance(yaml.safe_load(text), str):
        return text
    return yaml.safe_dump(text, default_style='"', allow_unicode=True, width=float("inf")).rstrip("\n")
