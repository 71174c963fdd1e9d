"""The learner: predict, then learn; judge all models on what they said; choose the champion; notice what goes wrong.

Training records come in one order, and everything that follows from them is decided by their count or their own times,
never by how they were batched or by a clock. So a learner that is killed and reads again comes to the same state, to
the byte.

- A short label is judged by every model before any learns it; then those learn that learn from short labels.
- A label of the whole horizon judges what every model had said when the snapshot was taken; then those learn that learn
  from full labels.
- A label of hindsight judges and teaches who had left, or was about to (`models.leaving`).
- An order summary has no label: it tells how active customers are, and some models learn from a sample of them.

A label that an acted-on alert may have changed is judged, and learned by nobody: the models say what happens to a
customer whom nobody looks after. Whom people do not act on, they still learn from, whatever the risk.

`judge` judges, `choice` chooses, `guard` keeps checkpoints and goes back to them; here they are tied together.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import msgspec
import numpy as np

from models.churn.calibration import log_odds
from models.churn.kinds.bgnbd import MIN_CUSTOMERS
from models.churn.kinds.btyd import Btyd
from models.churn.panel import MODELS, Panel
from models.codec import Array, decode, encode
from models.config import ChurnConfig
from models.durations import WEEK
from models.features.table import COLUMN, SCHEMA
from models.labels.examples import Border, Example, GrownModel, ModelCommand, OrderSummary, OwnRecord
from models.labels.groups import in_words
from models.labels.habits import habits
from models.learning.calibration import GroupEffects
from models.learning.checkpoint import (
    FORMAT,
    HEAD,
    Discarded,
    Head,
    Reached,
    Taken,
    discarded,
    dump,
    ends_by,
    load,
    some,
)  # fmt: skip
from models.learning.choice import REVIEW, Choice
from models.learning.drift import Alarm
from models.learning.guard import Guard
from models.learning.judge import HAZARD, Judge
from models.learning.kept import Kept
from models.learning.learning_models import LearningModels, Saved
from models.learning.notices import Decided, Notice, Told, ToldBefore
from models.learning.promotion import Change, Chosen, Promotion
from models.learning.quality import Ledger
from models.learning.records.changed import Changed, GroupDrift
from models.learning.records.repeats import Repeats
from models.learning.records.rows import Rows
from models.learning.records.sample import Sample
from models.leaving.learning import Learned, LearningDepartures
from models.leaving.standing import Standing
from profiles.errors import Misconfigured

__all__ = ["Learner"]

_LAST_GAP = COLUMN["last_gap"]  # weeks
_AT_ONCE = 512  # training records whose features are read, and shown to the models that do not learn from them, at once
_FIT_LEAST, _FIT_MOST = 500, 20_000  # order summaries between two fits to orders; in between, an eighth of all
_UNSEEN = 6.0  # snapshot intervals after which a customer leaves the sample; of the silent, every fourth is taken


def _is_finite(seen: OrderSummary) -> bool:
    return all(map(math.isfinite, (seen.at, seen.orders, seen.first, seen.last, seen.fast, seen.slow)))


class Learner:
    """The one writer of the models.

    Args:
        config: horizons, and how much must be learned before a learned model may be the champion.
    """

    def __init__(self, config: ChurnConfig) -> None:
        self.config = config
        self.models = LearningModels(config)
        self.judge = Judge(config)
        self.choice = Choice(config)
        self.guard = Guard(config)
        self.told = Told([], [])
        self.counts = Taken()
        self.trained_until = 0.0
        self.border = 0.0  # the latest that has come
        self.groups = self._no_effects(self.choice.promotion.champion)
        self.changed = GroupDrift.new(self.groups.model, config.horizon)
        self.departures = LearningDepartures(config)
        self._sample = Sample()
        self._repeats = Repeats()
        self._next_fit = MIN_CUSTOMERS

    def take(self, records: Iterable[OwnRecord]) -> int:
        """Take training records in, in the order of their log.

        Skipped, and counted in `skipped`, are repeats, examples of other features or of another horizon, and what is
        not finite.

        Returns:
            How many examples were judged.
        """
        before = self.counts.short + self.counts.full
        waiting = iter(records)
        while batch := list(islice(waiting, _AT_ONCE)):
            rows = Rows(batch, self.config)
            for place, record in enumerate(batch):
                if isinstance(record, Border):  # no news of customers, and may come any number of times
                    self.border = record.passed(self.border)
                    continue
                self.counts.records += 1
                if not self._is_sound(record, rows.at[place]) or not self._repeats.first_time(record.key):
                    self.counts.skipped += 1
                elif isinstance(record, Example):
                    self._example(record, rows, rows.at[place])
                elif isinstance(record, OrderSummary):
                    self._summary(record)
                elif isinstance(record, GrownModel):
                    self._take_up(record)
                else:
                    self._command(record)
        return self.counts.short + self.counts.full - before

    def _is_sound(self, record: Example | OrderSummary | ModelCommand | GrownModel, row: int) -> bool:
        """Whether its numbers are finite, and an example has a row of features."""
        if isinstance(record, Example):
            return row >= 0 and (record.seen is None or _is_finite(record.seen))
        if isinstance(record, OrderSummary):
            return _is_finite(record)
        return math.isfinite(record.time)

    @property
    def examples(self) -> int:
        """How many short labels have been learned."""
        return self.models.examples

    @property
    def promotion(self) -> Promotion:
        """Which model is the champion."""
        return self.choice.promotion

    def panel(self) -> Panel:
        """Every model that can be asked, and which is the champion."""
        models = self.models.export()
        champion = self.promotion.champion if self.promotion.champion in models else "rules"
        calibration = self.groups.export() if self.groups.model == champion else None
        leaving = self.departures.export(self.config) if self.judge.leaving.speaks else None
        return Panel(
            champion, models, self.counts.records, self.trained_until, calibration=calibration, leaving=leaving
        )

    def quality(self) -> dict[str, dict[str, dict[str, float]]]:
        """Rolling figures by model and horizon: of all labels, each judged before it was learned."""
        return self.judge.quality()

    def news(self) -> list[Notice]:
        """What has happened since the last call."""
        return self.told.news()

    # Order summaries

    def _summary(self, seen: OrderSummary) -> None:
        self.counts.summaries += 1
        self._sample.add(seen)
        self._alarm(self.judge.on_seen(seen))
        if self.counts.summaries >= self._next_fit:
            summaries = self.counts.summaries
            self._next_fit = summaries + min(max(_FIT_LEAST, summaries // 8), _FIT_MOST)
            self._sample.forget(seen.at - _UNSEEN * self.config.snapshot_every)
            if self.models.learn_orders(self._sample.orders()):
                self._changed(self.choice.review_short(self.models, seen.at))

    # Labels

    def _example(self, example: Example, rows: Rows, row: int) -> None:
        self.counts.treated += example.treated
        if example.horizon == "short":
            self.counts.short += 1
            self._short(example, rows, row)
        elif example.horizon == "hindsight":
            self.counts.hindsight += 1
            self._hindsight(example, rows, row)
        else:
            self.counts.full += 1
            self._full(example, rows.x[row])

    def _short(self, example: Example, rows: Rows, row: int) -> None:
        x = rows.x[row]
        answers = self._asked(x, example.due)
        answers |= {name: rows.short(name, model, row) for name, model in self.models.steady().items()}
        self.judge.on_short(answers, example)
        if not example.treated:
            self.choice.on_short(answers, example, float(x[_LAST_GAP]) * WEEK)
            if self.models.enough:
                ask = rows.short
                self.guard.comparison.add(example.y, answers[HAZARD], lambda weights: ask("kept", weights, row))
                self._alarm(self.judge.on_error(example, self.models, rows, row))
            self.models.learn_short(x, example.y, example.weight)
            self.trained_until = max(self.trained_until, example.due)
        due = self.counts.short % REVIEW == 0
        if due or not self.models.finite:
            self._check(example.due)
        if due:
            self._changed(self.choice.review_short(self.models, example.due))
            self._refuse(example.due)
            if self.guard.history.due(self.examples):
                self._keep(example.due, "count")

    def _asked(self, x: Array, at: float) -> dict[str, float]:
        """The answers for a row of the models that learn from every short label."""
        answers = self.models.answers(x)
        if math.isfinite(answers.get(HAZARD, 0.5)):
            return answers
        self._check(at)  # whatever spoilt it must not reach the figures
        return self.models.answers(x)

    def _full(self, example: Example, x: Array) -> None:
        risks = np.frombuffer(example.risks, dtype="<f4").tolist()
        said = {model: risk for model, risk in zip(MODELS, risks, strict=True) if math.isfinite(risk)}
        self.judge.on_full(said, example)
        shown = self._groups(said, example, [*example.groups, *habits(x[None])[0]])
        self.judge.on_acting(shown, example)
        if example.treated:
            return
        for change in self.choice.on_full(example, risks, self.judge):
            self._changed(change)
        self.models.learn_full(x, example.y, example.weight)
        self.models.learn_said(said, not example.y, example.weight)
        self.trained_until = max(self.trained_until, example.due)
        if not self.models.finite:
            self._check(example.due)

    def _hindsight(self, example: Example, rows: Rows, row: int) -> None:
        """Learn who had left, or was about to, once BTYD can tell."""
        btyd = self.models.steady().get("btyd")
        if example.treated or not isinstance(btyd, Btyd):
            return
        told, place = rows.hindsight(btyd, row)
        standing = self.judge.leaving
        spoke = standing.speaks
        self.departures.judge(rows.x[row], told, place, example.weight, standing)
        self.departures.learn(rows.x[row], told, place, example.weight)
        if not self.departures.sound:
            self.departures, self.judge.leaving = LearningDepartures(self.config), Standing()
        if self.judge.leaving.speaks != spoke:
            self._leaving_changed(example.due)

    def _leaving_changed(self, at: float) -> None:
        standing = self.judge.leaving
        causes, btyd = (standing.ledger.of(name).log_loss for name in ("causes", "btyd"))
        by = "with what is known of causes" if standing.speaks else "by orders and visits alone"
        text = (
            f"the leaving score is told {by}: in hindsight its log loss is {causes:.3f} with causes, {btyd:.3f} without"
        )
        evidence = {"speaks": standing.speaks, "labels": standing.labels, "causes": causes, "btyd": btyd}
        self.told.tell(Notice(f"leaving:{at!r}:{self.counts.records}", "leaving", at, text, evidence))

    def _groups(self, said: Mapping[str, float], example: Example, groups: Sequence[str]) -> float | None:
        """Learn by group how far the champion is off; of another one, from the beginning."""
        champion = self.promotion.champion
        if self.groups.model != champion:
            self.groups = self._no_effects(champion)
            self.judge.groups = Ledger.new()
            self.changed = GroupDrift.new(champion, self.config.horizon)
        if champion not in said:
            return None
        odds = float(log_odds(np.array([said[champion]]))[0])
        p = self.groups.risk(odds, groups)
        self.judge.on_groups({"champion": p, "uncalibrated": said[champion]}, example)
        if not example.treated:
            known = [name for name in example.groups if name in self.groups.groups]
            for change in self.changed.add(example.at, said[champion], known, not example.y, example.weight):
                self._has_changed(change)
            self.groups.learn(odds, groups, not example.y, example.weight, example.due)
        return p

    def _no_effects(self, champion: str) -> GroupEffects:
        config = self.config
        apart = config.snapshot_every / config.horizon if config.lasts else 1.0  # where every snapshot waits for it
        return GroupEffects.new(champion, config.horizon / 2, apart)

    # Models that another process has grown

    def _take_up(self, grown: GrownModel) -> None:
        """Go on with a model that was grown anew; one that cannot be asked here is refused, and that is told."""
        try:
            self.models.take_up(grown.model, grown.document)
        except Misconfigured as error:
            text = f"the {grown.model} model that `rapport models refit` sent is not taken up: {error}"
            self.told.tell(Notice(f"grown:{grown.id}", "grown", grown.time, text, {"model": grown.model}))

    # Decisions of people

    def _command(self, command: ModelCommand) -> None:
        done, text = self._carry_out(command)
        decided = Decided(command.id, command.action, command.target, command.time, command.by, done, text)
        self.told.decided(decided)

    def _carry_out(self, command: ModelCommand) -> tuple[bool, str]:
        who = command.by or "somebody"
        if command.action == "promote":
            change, text = self.choice.promote(command.target, self.panel().models, command.time, who)
            self._changed(change)
            return change is not None, text
        if command.action == "rollback":
            return self._roll_back(command.target, command.time, who)
        if not self.promotion.pinned:
            return False, "nobody has promoted a model by hand; the rule chooses already"
        self._changed(self.promotion.release(command.time, who, self.panel().models))
        self._changed(self.choice.review_short(self.models, command.time))
        return True, f"the rule chooses again; {self.promotion.champion} is the champion until it finds a better one"

    def _roll_back(self, version: str, at: float, by: str) -> tuple[bool, str]:
        kept = self.guard.history.find(int(version)) if version.isdecimal() else None
        if kept is None:
            held = ", ".join(str(kept.version) for kept in self.guard.history.kept) or "none"
            return False, f"there is no checkpoint {version!r}; there are {held}"
        self._go_back(kept, at, f"decided by {by}", by)
        return True, f"what was learned is that of checkpoint {kept.version}, of {kept.examples} examples"

    # What follows

    def _changed(self, change: Change | None) -> None:
        if change is not None and change.model != change.before:
            text = f"{change.model} is the champion instead of {change.before}: {change.text}"
            id_ = f"champion:{change.at!r}:{self.counts.records}"
            self.told.tell(Notice(id_, "champion", change.at, text, change.evidence, change.by))
            self._keep(change.at, "champion")

    def _refuse(self, at: float) -> None:
        """Tell once in a while that short labels cannot decide; again if the last time is forgotten."""
        if (text := self.choice.refusal(self.models)) and not self.told.tells("refused"):
            floor = self.choice.floor
            evidence = {"label_horizon": self.config.label_horizon, "reached": floor.reached, "usual": floor.usual}
            self.told.tell(Notice(f"refused:{at!r}", "refused", at, text, evidence))

    def _keep(self, at: float, why: str) -> None:
        race, champion, figures = self.promotion.race, self.promotion.champion, self.judge.figures()
        self.guard.keep(self.models, race, champion=champion, at=at, why=why, figures=figures)

    def _check(self, at: float) -> None:
        if why := self.guard.alarm(self.models):
            self._go_back(self.guard.watched, at, why)

    def _go_back(self, kept: Kept | None, at: float, why: str, by: str = "") -> None:
        """Learn on from a kept checkpoint; from nothing if there is none that is sound."""
        had = self.examples
        self.models, self.promotion.race = self.guard.go_back(kept)
        self.judge.forget_hazard()
        version, champion = (kept.version, kept.champion) if kept is not None else (0, "rules")
        where = f"checkpoint {version}" if version else "the beginning"
        text = f"what was learned is set back to {where}, from {had} examples to {self.examples}: {why}"
        evidence = {"version": version, "examples_before": had, "examples": self.examples, "reason": why}
        self.told.tell(Notice(f"rollback:{at!r}:{self.counts.records}", "rollback", at, text, evidence, by))
        able = self.panel().models  # the champion may have learned less then
        self.promotion.hand_over(able, at, "roll-back", text, heir=champion, by=by, evidence=evidence)

    def _alarm(self, alarm: Alarm | None) -> None:
        if alarm is not None:
            off = self.judge.short.biased(self.promotion.speaks_short)
            groups = self.judge.groups.biased("champion")
            evidence: dict[str, Any] = {**msgspec.to_builtins(alarm), "segments": off, "groups": groups}
            text = alarm.text + (f"; most in the segments {', '.join(off)}" if off else "")
            text += f"; over the whole horizon, customers {' and '.join(map(in_words, groups))}" if groups else ""
            self.told.tell(Notice(alarm.id, "drift", alarm.at, text, evidence))

    def _has_changed(self, change: Changed) -> None:
        since = datetime.fromtimestamp(change.since, UTC)
        text = (
            f"customers {in_words(change.group)} leave {change.times:.1f} times as often as before, since about "
            f"{since.day} {since:%B %Y} (all others {change.others:.1f} times)"
        )
        self.told.tell(Notice(change.id, "changed", change.at, text, msgspec.to_builtins(change)))

    # Checkpoints

    def parts(self) -> dict[str, bytes]:
        """Everything, in parts of JSON; `from_parts` goes on from them as if nothing had happened."""
        config = self.config
        head = Head(
            FORMAT,
            SCHEMA,
            MODELS,
            config.label_horizon,
            config.horizon,
            self.counts,
            self.trained_until,
            self._next_fit,
            self.border,
            ends_by(config),
        )
        return {
            HEAD: encode(head),
            "learned": encode(self.models.state()),
            "groups": encode(self.groups),
            "changed": encode(self.changed),
            **({} if self.config.definition else {"departures": encode(self.departures.state())}),
            "notices": encode(self.told),
            **self.judge.parts(),
            **self.choice.parts(),
            **self.guard.parts(),
            **{f"sample:{name}": part for name, part in self._sample.parts().items()},
            **{f"seen:{name}": part for name, part in self._repeats.parts().items()},
        }

    def checkpoint(self) -> bytes:
        """Everything, as one JSON document; `restore` continues from it as if nothing had happened."""
        return dump(self.panel().to_json(), self.parts())

    @classmethod
    def restore(cls, data: bytes, config: ChurnConfig) -> Learner:
        """The learner that wrote the checkpoint; see `from_parts`.

        Raises:
            Misconfigured: the checkpoint is damaged.
        """
        return cls.from_parts(load(data)[1], config)

    @classmethod
    def from_parts(cls, parts: Mapping[str, bytes], config: ChurnConfig, now: float = 0.0) -> Learner:
        """The learner whose `parts` these are.

        It begins anew if those are of another format, other features, other models or another label horizon; of
        another churn horizon, what was learned of that is forgotten. Either is told, and recorded as a change.

        Args:
            parts: of a checkpoint.
            config: of churn, from the plan.
            now: when that is; it is taken to be no earlier than what was learned last.

        Raises:
            Misconfigured: they are damaged.
        """
        learner = cls(config)
        lost = discarded(parts.get(HEAD, b""), config)
        if lost is not None and lost.everything:
            learner._begin_anew(lost, parts, now)
            return learner
        learner._restore(parts)
        if lost is not None:
            learner._new_horizon(lost, now)
        learner._hand_over("short label", "the plan asks for more labels than it has learned")
        return learner

    def _restore(self, parts: Mapping[str, bytes]) -> None:
        head = decode(parts[HEAD], Head, "the head of the model checkpoint")
        self.counts, self.trained_until, self._next_fit = head.counts, head.trained_until, head.next_fit
        self.border = head.border
        self.models = LearningModels(self.config, decode(parts.get("learned", b""), Saved, "what the models learned"))
        if "groups" in parts:
            self.groups = decode(parts["groups"], GroupEffects, "the effects of groups")
        if "changed" in parts:
            self.changed = decode(parts["changed"], GroupDrift, "what is known of each group over time")
        self.told = decode(parts.get("notices", b""), Told, "what people were told")
        self.judge.restore(parts)
        self._restore_departures(parts.get("departures"))
        self.choice.restore(parts)
        self.guard.restore(parts)
        self._sample = Sample.from_parts(some(parts, "sample:"))
        self._repeats = Repeats.from_parts(some(parts, "seen:"))

    def _restore_departures(self, part: bytes | None) -> None:
        kept = decode(part, Learned, "what was learned of who leaves") if part is not None else None
        if kept is not None and kept.within == self.config.leaving_within:
            self.departures = LearningDepartures(self.config, kept)
        else:
            self.judge.leaving = Standing()

    def _begin_anew(self, lost: Discarded, parts: Mapping[str, bytes], now: float) -> None:
        """Go on from what people were told and have decided, each as far as it can be read, and from nothing else."""
        with contextlib.suppress(Misconfigured):
            before = decode(parts.get("promotion", b""), Chosen, "")
            self.promotion.changes, self.promotion.champion = before.changes, before.champion
        with contextlib.suppress(Misconfigured):
            told = decode(parts.get("notices", b""), ToldBefore, "")
            self.told = Told(told.notices, told.decisions)
        with contextlib.suppress(Misconfigured):
            head = decode(parts[HEAD], Reached, "")
            now, self.border = max(now, head.trained_until), head.border
        self._tell_anew(lost, "learning", "rules", now)

    def _new_horizon(self, lost: Discarded, now: float) -> None:
        self.models.forget_full()
        self.groups = self._no_effects(self.promotion.champion)
        self.changed = GroupDrift.new(self.promotion.champion, self.config.horizon)
        self.judge.forget_full()
        self.choice.forget_full()
        what = "learning from labels of the whole horizon"
        self._tell_anew(lost, what, self.promotion.champion, max(now, self.trained_until))
        self._hand_over("whole horizon", "the churn horizon has changed")

    def _tell_anew(self, lost: Discarded, what: str, champion: str, at: float) -> None:
        if lost.records:
            text = f"{what} began anew: {lost.reason}; {lost.records:,} training records are of no use any more"
            evidence = {"everything": lost.everything, "reason": lost.reason, "records": lost.records}
            self.promotion.change(champion, at, "learning anew", text, evidence=evidence)
            self.told.tell(Notice(f"anew:{at!r}", "anew", at, text, evidence))

    def _hand_over(self, why: str, text: str) -> None:
        self._changed(self.promotion.hand_over(self.panel().models, self.trained_until, why, text))
