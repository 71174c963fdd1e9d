"""What analyses may be asked, as forms say it: names of parameters, what may be chosen, and what each means; and the
words of their cells."""

from __future__ import annotations

from typing import Any, get_args

from analysis.registry import analyses
from models.conditions.client import DEVICES

__all__ = ["asked_words", "cell_words"]


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


def cell_words() -> list[str]:
    """Words of Rapport's own that cells of analyses hold."""
    from analysis.running import columns_of  # noqa: PLC0415  (ibis takes a second to import)

    columns = [column for analysis in analyses().values() for column in columns_of(analysis)]
    said = [column.words for column in columns if column.words is not None]
    known = [word for words in said for word in (*words.known, *(meaning for _, meaning in words.meant))]
    return list(dict.fromkeys(word.replace("_", " ") for word in (*known, *DEVICES)))


def _choices(annotation: Any) -> list[str]:
    return [each for each in get_args(annotation) if isinstance(each, str)]
