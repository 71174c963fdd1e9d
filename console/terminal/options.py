"""Options that several commands share, told to a command as one argument."""

from __future__ import annotations

import functools
from collections.abc import Callable
from inspect import Signature, signature
from typing import Any

__all__ = ["options_of"]


def options_of(make: Callable[..., Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A decorator of commands: the first parameter is what `make` makes of its own parameters, which become options.

    The command's own options come first in its help. Of several of them the lowest makes the first parameter.
    """
    shared = signature(make, eval_str=True).parameters

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        _made, *own = signature(command, eval_str=True).parameters.values()

        @functools.wraps(command)
        def called(*made: Any, **given: Any) -> None:  # by those that decorate this one
            command(make(**{name: given.pop(name) for name in shared}), *made, **given)

        options = [*own, *shared.values()]
        called.__signature__ = Signature([o.replace(kind=o.KEYWORD_ONLY) for o in options])  # type: ignore[attr-defined]  # what Typer makes the options of
        called.__annotations__ = {option.name: option.annotation for option in options}
        return called

    return decorate
