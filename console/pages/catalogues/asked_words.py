"""What analyses may be asked, as forms say it: names of parameters, what may be chosen, and what each means."""

from __future__ import annotations

from typing import Any, get_args

from analysis.registry import analyses

__all__ = ["asked_words"]


def asked_words() -> list[str]:
    """All of it, of the analyses there are."""
    found: dict[str, None] = {"true": None, "false": None}
    for analysis in analyses().values():
        for name, field in analysis.parameters.model_fields.items():
            told = [name, *_choices(field.annotation)]
            for words in (*(each.replace("_", " ") for each in told), field.description or ""):
                if words:
                    found[words] = None
    return list(found)


def _choices(annotation: Any) -> list[str]:
    return [each for each in get_args(annotation) if isinstance(each, str)]
