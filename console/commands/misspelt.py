"""Variables of the environment that look like settings and are none, which would be ignored in silence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

__all__ = ["misspelt"]

_PREFIX = "RAPPORT_"  # as in streams.settings, which is loaded only where it must be

_ELSEWHERE = {"DATA_DIR", "URL", "API_TOKEN", "FUZZ_EXAMPLES"}  # of the command line, of the tests
_FAMILIES = ("WRITE_KEY_", "SINK_", "WEBHOOK_", "TEST_")


def misspelt(environ: Iterable[str]) -> Iterator[str]:
    """What to say of each RAPPORT_* variable that nothing reads."""
    names = [variable.removeprefix(_PREFIX) for variable in sorted(environ) if variable.startswith(_PREFIX)]
    asked = [name for name in names if name not in _ELSEWHERE and not name.startswith(_FAMILIES)]
    if not asked:  # as for most who only ask an API: the settings take longer to load than such a command
        return
    from difflib import get_close_matches  # noqa: PLC0415  (same)

    from streams.settings import Settings  # noqa: PLC0415  (same)

    known = {name.upper() for name in Settings.model_fields} | _ELSEWHERE
    for name in asked:
        if name not in known:
            near = get_close_matches(name, sorted(known), 1)
            hint = f"; did you mean {_PREFIX}{near[0]}?" if near else ""
            yield f"{_PREFIX}{name} is no setting and is ignored{hint}"
