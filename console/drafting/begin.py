"""The beginning of a plan, from options and, on a terminal, answers; checked before anybody gets it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import typer

from console.clients.reach import shipped_plan
from console.drafting.draft import draft
from console.drafting.guesses import Guesses
from console.drafting.like import Particulars, currency_of, name_of, particulars_of, plan_like, region_of
from console.drafting.observed import Seen, observe
from console.files.rows import FileSpec, is_json, read_items
from console.terminal.figures import counted
from plan import load_plan, parse_plan
from profiles.errors import WrongUse

__all__ = ["Answers", "Begun", "begin"]


@dataclass(frozen=True, slots=True)
class Answers:
    """What options say of a business; None of what they do not."""

    name: str | None
    currency: str | None
    region: str | None
    asks: bool  # whether somebody sits at a terminal

    def particulars(self, usual: Particulars) -> Particulars:
        """What was said, or is answered; else what is usual.

        Raises:
            WrongUse: an option says what cannot be.
        """
        return Particulars(
            self._said("Name of the plan", self.name, usual.name, name_of),
            self._said("Currency", self.currency, usual.currency, currency_of),
            self._said("Region of telephone numbers", self.region, usual.region, region_of),
        )

    def _said(self, question: str, given: str | None, usual: str, checked: Callable[[str], str]) -> str:
        if given is not None:
            return checked(given)
        if not self.asks:
            return usual

        def answered(text: str) -> str:
            try:
                return checked(text)
            except WrongUse as error:
                raise typer.BadParameter(str(error)) from None

        return str(typer.prompt(question, default=usual, value_proc=answered, err=True))


@dataclass(frozen=True, slots=True)
class Begun:
    """A plan that can be used."""

    text: str
    particulars: Particulars
    guesses: int = 0  # lines that are marked so
    left_out: tuple[str, ...] = ()  # what of the events is not in it


def begin(like: str | None, events: Path | None, source: str, answers: Answers) -> Begun:
    """A plan like a shipped one, or of the events of a file.

    Args:
        like: "shop" or "b2b"; None with events.
        events: the file.
        source: of events that name none.
        answers: what is known of the business.

    Raises:
        WrongUse: the file cannot be read or says nothing of anybody, or an option is wrong.
    """
    begun = _from(events, source, answers) if events is not None else _like(like or "shop", answers)
    parse_plan(begun.text, "the new plan", {})
    return begun


def _like(business: str, answers: Answers) -> Begun:
    path = shipped_plan(business)
    particulars = answers.particulars(particulars_of(load_plan(path, {})))
    return Begun(plan_like(path.read_text(encoding="utf-8"), particulars, uuid.uuid4()), particulars)


def _from(file: Path, source: str, answers: Answers) -> Begun:
    spec = FileSpec(source=source)
    if not is_json(file, spec):
        raise WrongUse(f"{file} holds a table; a plan is drafted from events as JSON lines")
    bad = _Bad()
    seen = observe(_events(file, spec, bad))
    if not seen.count:
        raise WrongUse(f"no event of {file} can be used: {bad.first or 'it is empty'}")
    shop, b2b = (load_plan(shipped_plan(business), {}) for business in ("shop", "b2b"))
    plans = (b2b, shop) if seen.named("groupId").count or seen.named("context.groupId").count else (shop, b2b)
    particulars = answers.particulars(_usual(file, seen, particulars_of(shop)))
    text = draft(seen, Guesses(plans), particulars, uuid.uuid4(), file.name)
    left_out = [f"{counted(bad.count, 'row')} left out; the first: {bad.first}"] if bad.count else []
    if seen.left_out:
        left_out.append(f"{counted(seen.left_out, 'event')} of further names left out: too many names for one plan")
    return Begun(text, particulars, text.count("  # guessed\n"), tuple(left_out))


@dataclass(slots=True)
class _Bad:
    """Rows that are no events."""

    count: int = 0
    first: str = ""


def _events(file: Path, spec: FileSpec, bad: _Bad) -> Iterator[tuple[str, dict[str, Any]]]:
    for item in read_items(file, spec):
        if item.problem:
            bad.count += 1
            bad.first = bad.first or f"line {item.line}: {item.problem}"
        elif not item.meant:
            yield item.source, orjson.loads(item.event)


def _usual(file: Path, seen: Seen, usual: Particulars) -> Particulars:
    """What the events say of the business."""
    regions = [region for region, _ in seen.regions.most_common() if _known(region)]
    name = "".join(character for character in file.name.partition(".")[0] if character.isprintable()).strip()
    return Particulars(name[:200] or "Drafted", seen.currency() or usual.currency, (regions or [usual.region])[0])


def _known(region: str) -> bool:
    try:
        return bool(region_of(region))
    except WrongUse:
        return False
