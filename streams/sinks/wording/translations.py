"""Catalogues of translations in gettext's format, read without being compiled before."""

from __future__ import annotations

import io
from gettext import GNUTranslations, NullTranslations

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

__all__ = ["translations_of"]


def translations_of(catalogue: bytes, language: str) -> NullTranslations:
    """What a `.po` file says.

    Args:
        catalogue: the file.
        language: of it, as zh_Hans.
    """
    compiled = io.BytesIO()
    write_mo(compiled, read_po(io.BytesIO(catalogue), locale=language))
    compiled.seek(0)
    return GNUTranslations(compiled)
