"""The frame of the command line: help, errors and exit codes, the same for every command.

Exit codes: 0 it is done · 1 it failed, or was stopped · 2 wrong use: an argument, the plan or a setting. An error is
one line on standard error; with `--json` it is a JSON document there, {"error": …, "exit_code": …}.
"""

from __future__ import annotations

import functools
import os
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
import typer
from rich.text import Text
from typer.core import TyperCommand, TyperGroup, TyperOption

from console.terminal.output import err, say
from profiles.errors import RapportError, WrongUse
from streams.visible import visible_json

__all__ = ["FAILED", "WRONG_USE", "Command", "CommandGroup", "CommandLine", "group", "show_mistakes"]

FAILED = 1
WRONG_USE = 2

_INTERRUPTED = 130  # what Typer answers for Ctrl-C
_USAGE: type[Any] = typer.BadParameter.__bases__[0]  # what Typer raises of arguments; it has no public name
_SERVERS = {"redis": "Redis", "kafka": "Kafka", "aiokafka": "Kafka", "httpx": "the server"}  # by who raises
_AWAY = {"ConnectionError", "TimeoutError", "KafkaConnectionError", "KafkaTimeoutError", "ConnectError", "ReadTimeout"}


class _Framed:
    """What commands and groups have in common."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The options, with what they take in words of people rather than of Python."""
        parameters: list[Any] = super().get_params(ctx)  # type: ignore[misc]  # of the command that this is mixed into
        for parameter in parameters:
            if not isinstance(parameter, TyperOption):
                parameter.metavar = parameter.metavar or parameter.name.upper()
                parameter.display_type_rich = lambda ctx: None
            elif parameter.metavar is None:
                parameter.metavar = _takes(parameter, ctx)
        return parameters

    def main(
        self, args: Sequence[str] | None = None, prog_name: str | None = None, complete_var: str | None = None,
        standalone_mode: bool = True, windows_expand_args: bool = True, **extra: Any,
    ) -> Any:  # fmt: skip
        """Run, and end the process with one of the three exit codes."""
        given = list(sys.argv[1:] if args is None else args)
        main = super().main  # type: ignore[misc]  # as above
        run = functools.partial(main, given, prog_name or "rapport", complete_var, False, **extra)
        sys.exit(_ended(run, as_json="--json" in given))


class Command(_Framed, TyperCommand):
    """A command."""

    bare: Mapping[str, str] = {}

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Give options that stand without a value the one that this means, which Typer cannot."""
        given = list(args)
        for place, name in enumerate(args):
            alone = place + 1 == len(args) or args[place + 1].startswith("-")
            if name in self.bare and alone:
                given[place] = f"{name}={self.bare[name]}"
        return super().parse_args(ctx, given)


class CommandGroup(_Framed, TyperGroup):
    """A group of commands."""

    otherwise = ""  # the command that is meant where none is named

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """The arguments, with the command that is meant."""
        if self.otherwise and args and args[0] not in {*self.commands, "-h", "--help"}:
            args = [self.otherwise, *args]
        return super().parse_args(ctx, args)


class CommandLine(typer.Typer):
    """The `rapport` command, or one of its groups."""

    def __init__(
        self, *, name: str | None = None, help: str | None = None, otherwise: str = "",
        kind: type[CommandGroup] = CommandGroup, **given: Any,
    ) -> None:  # fmt: skip
        cls = type("CommandGroup", (kind,), {"otherwise": otherwise})
        super().__init__(
            name=name, help=help, cls=cls, rich_markup_mode="markdown", pretty_exceptions_enable=False,
            context_settings={"help_option_names": ["-h", "--help"]}, **given,
        )  # fmt: skip

    def command(
        self, name: str | None = None, *, bare: Mapping[str, str] | None = None, **given: Any
    ) -> Callable[[Any], Any]:
        """Add a command; see `typer.Typer.command`.

        Args:
            name: of the command; that of the function if None.
            bare: options that may stand without a value, with the one that this means.
            given: what else Typer takes.
        """
        cls = type("Command", (Command,), {"bare": bare}) if bare else Command
        return super().command(name, cls=cls, **given)


def _takes(option: TyperOption, ctx: Any) -> str:
    """What an option takes, as in FILE, NUMBER and kafka|archive; nothing if it is a flag."""
    kind = option.type_descriptor
    if option.is_flag:
        return ""
    if kind.is_choice:
        return option.display_type(ctx).strip("<>")
    return "PATH" if kind.is_path else "NUMBER" if kind.annotation in (int, float) else "TEXT"


def group(name: str, help: str, otherwise: str = "") -> CommandLine:
    """A group of commands; by itself it shows its help. `otherwise` is the one that need not be named."""
    return CommandLine(name=name, help=help, otherwise=otherwise, no_args_is_help=True)


def show_mistakes() -> None:
    """Have an error that nobody expected shown with its stack trace, but no control character that it quotes."""
    sys.excepthook = lambda *raised: say("".join(traceback.format_exception(*raised)), err=True)


def _ended(run: Callable[[], Any], *, as_json: bool) -> int:
    """The exit code of a command; what was expected to go wrong has been said in one line."""
    try:
        code = run()
        sys.stdout.flush()
    except BrokenPipeError:  # such as `rapport … | head`: nobody listens any more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except typer.Abort:
        return _say("stopped; nothing was done", FAILED, as_json=as_json)
    except _USAGE as error:
        return _misused(error, as_json=as_json)
    except Exception as error:
        if (told := _expected(error)) is None:
            raise
        return _say(told, WRONG_USE if isinstance(error, WrongUse) else FAILED, as_json=as_json)
    if code == _INTERRUPTED:
        return _say("stopped", FAILED, as_json=as_json)
    return code if isinstance(code, int) else 0


def _expected(error: BaseException) -> str | None:
    """What to say of an error that may happen to anybody; None of a mistake of ours."""
    if isinstance(error, RapportError):
        return str(error)
    if server := _SERVERS.get(type(error).__module__.partition(".")[0]):
        away = "does not answer" if type(error).__name__ in _AWAY else "refuses"
        return f"{server} {away}: {str(error) or type(error).__name__}"
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}" if error.filename else str(error)
    return None


def _misused(error: Any, *, as_json: bool) -> int:
    if type(error).__name__ == "NoArgsIsHelpError":
        typer.echo(error.ctx.get_help())
        return 0
    hint = f" (`{error.ctx.command_path} --help` tells more)" if error.ctx is not None else ""
    return _say(f"{error.format_message().rstrip('.')}{hint}", WRONG_USE, as_json=as_json)


def _say(message: str, code: int, *, as_json: bool) -> int:
    if as_json:
        say(visible_json(orjson.dumps({"error": message, "exit_code": code}).decode()), err=True)
    else:
        err.print(Text.assemble(("Error:", "bold red"), f" {message}"), soft_wrap=True)
    return code
