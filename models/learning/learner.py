"""The learner: predict, then learn; judge all models on what they said; let the best one speak; notice what goes wrong.

TrainingRecords come in one order, and everything that follows from them is decided by their count or their own times,
never by how they were batched or by a clock. So a learner that is killed and reads again comes to the same state, to
the byte.

- A short label is judged by every model before any learns it; then hazard, ftrl, recency and base rate learn it.
- A label of the whole horizon judges what every model had said when the snapshot was taken; then the direct model and
  the base rate learn it.
- An order summary has no label: it tells how active customers are, and BG/NBD is fitted to a sample of them.

A label that an acted-on alert may have changed is judged, and learned by nobody: the models say what happens to a
customer whom nobody looks after. Whom people do not act on, they still learn from, whatever the risk.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.churn.kinds import bgnbd
from models.churn.kinds.rules import rules
from models.churn.lagged import Lagged
from models.churn.model import Model
from models.churn.panel import MODELS, Panel
from models.churn.weights import Weights
from models.config import ChurnConfig
from models.durations import WEEK
from models.features.features import SCHEMA
from models.labels.examples import Example, ModelCommand, OrderSummary, TrainingRecord
from models.learning import checkpoint
from models.learning.anew import Discarded, discarded
from models.learning.checkpoint import FORMAT, HEAD
from models.learning.drift import Alarm, Drift
from models.learning.guard import Guard, History, Kept
from models.learning.learning_models import Learned
from models.learning.notices import Decided, Notice
from models.learning.promotion import Blocks, Change, Promotion, Race
from models.learning.quality import UNTOUCHED, Ledger
from models.learning.repeats import Repeats
from models.learning.rows import Rows
from models.learning.sample import Sample
from profiles.errors import Misconfigured

__all__ = ["Learner"]

Array = NDArray[np.float64]

_REVIEW = 50  # short labels between two looks at which is the champion and whether what was learned is sound
_REMEMBERED = 50  # notices and decisions
_AT_ONCE = 512  # training records whose features are read, and shown to the models that do not learn from them, at once
_RACERS = ("hazard", "bgnbd", "rules")  # compared on the short label
_FIT_LEAST, _FIT_MOST = 500, 20_000  # order summaries between two fits of BG/NBD; in between, an eighth of all
_UNSEEN = 6.0  # snapshot intervals after which a customer leaves the sample; the silent are photographed every fourth


class Learner:
    """The one writer of the models.

    Args:
        config: horizons, and how much must be learned before the learned model speaks.
    """

    def __init__(self, config: ChurnConfig) -> None:
        self.config = config
        self.rules = rules(config)
        self.learned = Learned()
        self.short, self.full = Ledger(), Ledger()
        self.drift = Drift(config.label_horizon + 2 * WEEK)
        self._lagged = Lagged(config.label_horizon)
        self.promotion = Promotion()
        self.blocks = Blocks()
        self.history = History()
        self.notices: list[Notice] = []  # the latest, newest last
        self.decisions: list[Decided] = []  # the same
        self.counts = {"records": 0, "summaries": 0, "short": 0, "full": 0, "treated": 0, "skipped": 0}
        self.trained_until = 0.0
        self._guard = Guard()
        self._sample = Sample()
        self._repeats = Repeats()
        self._next_fit = bgnbd.MIN_CUSTOMERS
        self._news: list[Notice] = []

    def take(self, records: Iterable[TrainingRecord]) -> int:
        """Take training records in, in the order of their log.

        Skipped, and counted in `skipped`, are repeats, examples of other features or of another horizon, and what is
        not finite.

        Returns:
            How many examples were judged.
        """
        before = self.counts["short"] + self.counts["full"]
        waiting = iter(records)
        while batch := list(islice(waiting, _AT_ONCE)):
            rows = Rows(batch, self.config)
            for place, record in enumerate(batch):
                self.counts["records"] += 1
                if type(record) is Example:
                    self._example(record, rows, place)
                elif type(record) is OrderSummary:
                    self._summary(record)
                elif type(record) is ModelCommand:
                    self._command(record)
        return self.counts["short"] + self.counts["full"] - before

    def news(self) -> list[Notice]:
        """What has happened since the last call."""
        news, self._news = self._news, []
        return news

    @property
    def examples(self) -> int:
        """How many short labels the hazard has learned."""
        return self.learned.hazard.examples

    @property
    def skipped(self) -> int:
        """How many training records were of no use."""
        return self.counts["skipped"]

    def panel(self) -> Panel:
        """Every model that can be asked, and which is the champion."""
        models: dict[str, Model] = {**self.learned.export(self.config), "rules": self.rules}
        champion = self.promotion.champion if self.promotion.champion in models else "rules"
        return Panel(champion, models, self.counts["records"], self.trained_until)

    def quality(self) -> dict[str, dict[str, dict[str, float]]]:
        """Rolling figures by model and horizon: of all labels, each judged before it was learned."""
        return {
            model: {
                "short": self.short.of(model).report(),
                "full": self.full.of(model).report(),
            }
            for model in MODELS
        }

    # Sightings

    def _summary(self, seen: OrderSummary) -> None:
        if not all(map(math.isfinite, (seen.at, seen.orders, seen.first, seen.last))) or not self._first_time(seen):
            self.counts["skipped"] += 1
            return
        self.counts["summaries"] += 1
        self._sample.add(seen)
        if (alarm := self.drift.seen(seen.active, seen.at)) is not None:
            self._alarm(alarm)
        if self.counts["summaries"] >= self._next_fit:
            self._fit(seen.at)

    def _fit(self, at: float) -> None:
        summaries = self.counts["summaries"]
        self._next_fit = summaries + min(max(_FIT_LEAST, summaries // 8), _FIT_MOST)
        self._sample.forget(at - _UNSEEN * self.config.snapshot_every)
        found = bgnbd.fit(*self._sample.histories(), start=self.learned.bgnbd)
        if found is not None:
            self.learned.bgnbd = found
            self._choose(at)

    # Labels

    def _example(self, example: Example, rows: Rows, place: int) -> None:
        row = rows.at[place]
        if row < 0 or not self._first_time(example):
            self.counts["skipped"] += 1
            return
        self.counts[example.horizon] += 1
        self.counts["treated"] += example.treated
        if example.horizon == "short":
            self._short(example, rows, row)
        else:
            self._full(example, rows.x[row])

    def _short(self, example: Example, rows: Rows, row: int) -> None:
        x = rows.x[row]
        said = self.learned.short(x)
        if not math.isfinite(said.get("hazard", 0.5)):  # whatever spoilt it must not reach the figures
            self._check(example.due)
            said = self.learned.short(x)
        hazard = said.get("hazard", 0.5)
        if self.learned.bgnbd is not None:
            said["bgnbd"] = rows.short("bgnbd", self.learned.bgnbd, row)
        said["rules"] = rows.short("rules", self.rules, row)
        self.short.add(said, example.y, example.weight, touched=example.treated, segments=example.segments)
        if not example.treated:
            self.promotion.race.add({name: said[name] for name in _RACERS if name in said}, example.y, example.weight)
            if self.learned.ready(self.config):
                self._guard.add(example.y, hazard, lambda weights: rows.short("kept", weights, row))
                self._watch_drift(example, rows, row)
            self.learned.learn_short(x, example.y, example.weight)
            self.trained_until = max(self.trained_until, example.due)
        if self.counts["short"] % _REVIEW == 0 or not self.learned.finite:
            self._check(example.due)
        if self.counts["short"] % _REVIEW == 0:
            self._choose(example.due)
            if self.history.due(self.examples):
                self._keep(example.due, "count")

    def _watch_drift(self, example: Example, rows: Rows, row: int) -> None:
        if self._lagged.due(example.due) and self.learned.sound:
            self._lagged.advance(example.due, self.learned.hazard.export(self.config))
        if (weights := self._lagged.weights) is not None:
            error = example.y - rows.short("lagged", weights, row)
            if (alarm := self.drift.erred(error, example.due)) is not None:
                self._alarm(alarm)

    def _full(self, example: Example, x: Array) -> None:
        risks = np.frombuffer(example.risks, dtype="<f4").tolist()
        said = {model: risk for model, risk in zip(MODELS, risks, strict=True) if math.isfinite(risk)}
        churned = not example.y
        self.full.add(said, churned, example.weight, touched=example.treated, segments=example.segments)
        if example.treated:
            return
        if self.blocks.add(example.profile, example.due, churned, example.weight, risks):
            change = self.promotion.review_full(self.blocks, example.due, self._ece, self._lately)
            if change is not None:
                self._changed(change)
        self.learned.learn_full(x, example.y, example.weight)
        self.trained_until = max(self.trained_until, example.due)
        if not self.learned.finite:
            self._check(example.due)

    def _first_time(self, record: TrainingRecord) -> bool:
        return self._repeats.first_time(record.key)

    # Who speaks

    def _choose(self, at: float) -> None:
        change = self.promotion.review_short(
            at,
            fits=self.learned.bgnbd is not None,
            ready=self.learned.ready(self.config),
            enough=min(self.config.min_examples, 2 * _REVIEW),
        )
        if change is not None:
            self._changed(change)

    def _ece(self, model: str) -> float | None:
        quality = self.full.of(model, UNTOUCHED)
        return quality.ece if quality.rows else None

    def _lately(self, model: str) -> float | None:
        quality = self.short.of(model, UNTOUCHED)
        return quality.log_loss if quality.rows else None

    def _changed(self, change: Change) -> None:
        if change.model != change.before:
            text = f"{change.model} speaks instead of {change.before}: {change.text}"
            id_ = f"champion:{change.at!r}:{self.counts['records']}"
            self._tell(Notice(id_, "champion", change.at, text, change.evidence, change.by))
            self._keep(change.at, "champion")

    def _command(self, command: ModelCommand) -> None:
        if not math.isfinite(command.time) or not self._first_time(command):
            self.counts["skipped"] += 1
            return
        done, text = self._carry_out(command)
        decided = Decided(command.id, command.action, command.target, command.time, command.by, done, text)
        self.decisions = [*self.decisions, decided][-_REMEMBERED:]

    def _carry_out(self, command: ModelCommand) -> tuple[bool, str]:
        who = command.by or "somebody"
        if command.action == "release":
            if not self.promotion.pinned:
                return False, "nobody has promoted a model by hand; the rule chooses already"
            self._changed(self.promotion.release(command.time, who, self.panel().models))
            self._choose(command.time)
            return True, f"the rule chooses again; {self.promotion.champion} speaks until it finds a better one"
        if command.action == "promote":
            if command.target not in MODELS:
                return False, f"there is no model {command.target!r}; there are {', '.join(MODELS)}"
            if command.target not in self.panel().models:
                return False, f"{command.target} has not learned enough to speak"
            self._changed(self.promotion.pin(command.target, command.time, who))
            return True, f"{command.target} speaks until it is released"
        kept = self.history.find(int(command.target)) if command.target.isdecimal() else None
        if kept is None:
            held = ", ".join(str(kept.version) for kept in self.history.kept) or "none"
            return False, f"there is no checkpoint {command.target!r}; there are {held}"
        self._go_back(kept, command.time, f"decided by {who}", who)
        return True, f"what was learned is that of checkpoint {kept.version}, of {kept.examples} examples"

    # Damage

    def _check(self, at: float) -> None:
        kept = self.history.find(self._guard.version)
        why = self._guard.alarm(self.learned, kept)
        if why:
            self._go_back(kept, at, why)

    def _go_back(self, kept: Kept | None, at: float, why: str, by: str = "") -> None:
        """Learn on from a kept checkpoint; from nothing if there is none that is sound."""
        had = self.examples
        if kept is None:
            self.learned, race, champion, version = Learned(), Race(), "rules", 0
        else:
            state = msgspec.json.decode(kept.state)
            self.learned, champion, version = Learned.from_state(state["learned"]), kept.champion, kept.version
            if kept.horizon != self.config.horizon:
                self.learned.forget_full()
            race = Race()
            race.rows, race.losses = state["race"]["rows"], dict(state["race"]["losses"])
        self.promotion.race = race
        self._lagged = Lagged(self.config.label_horizon)
        self.history.went_back(self.examples)
        self._watch(kept)
        where = f"checkpoint {version}" if version else "the beginning"
        text = f"what was learned is set back to {where}, from {had} examples to {self.examples}: {why}"
        evidence = {"version": version, "examples_before": had, "examples": self.examples, "reason": why}
        self._tell(Notice(f"rollback:{at!r}:{self.counts['records']}", "rollback", at, text, evidence, by))
        able = self.panel().models  # the one that speaks may have learned less then
        self.promotion.hand_over(able, at, "roll-back", text, heir=champion, by=by, evidence=evidence)

    def _keep(self, at: float, why: str) -> None:
        figures = {
            horizon: {
                model: {name: report[name] for name in ("rows", "auc", "log_loss", "ece", "bias") if name in report}
                for model in MODELS
                if (report := ledger.of(model).report())["rows"]
            }
            for horizon, ledger in (("short", self.short), ("full", self.full))
        }
        if not self.learned.sound:
            return
        race = {"rows": self.promotion.race.rows, "losses": self.promotion.race.losses}
        watched = self.history.find(self._guard.version)
        sound = not self._guard.alarm(self.learned, watched) and not self._guard.worse
        kept = Kept(
            version=self.history.versions + 1,
            at=at,
            examples=self.examples,
            why=why,
            champion=self.promotion.champion,
            sound=sound,
            norms=self.learned.norms(),
            figures=figures,
            state=msgspec.Raw(msgspec.json.encode({"learned": self.learned.state(), "race": race})),
            horizon=self.config.horizon,
        )
        self.history.keep(kept, self._guard.version)
        self._move_on(kept)

    def _move_on(self, kept: Kept) -> None:
        """Let the guard compare with a newer checkpoint, if it may."""
        guard = self._guard
        if guard.version == 0:
            if self.learned.ready(self.config):
                self._watch(kept)
        elif guard.worse is not None:
            if not guard.worse and (proved := self.history.find(guard.next)) is not None:
                self._watch(proved)
            guard.start(kept.version)

    def _watch(self, kept: Kept | None) -> None:
        if kept is None or not kept.examples:
            self._guard.watch(0, None)
        else:
            self._guard.watch(kept.version, self._hazard_of(kept))

    def _hazard_of(self, kept: Kept) -> Weights:
        return Learned.from_state(msgspec.json.decode(kept.state)["learned"]).hazard.export(self.config)

    # News

    def _alarm(self, alarm: Alarm) -> None:
        off = self.short.biased(self.promotion.champion)
        evidence: dict[str, Any] = {**msgspec.to_builtins(alarm), "segments": off}
        text = alarm.text + (f"; most in the segments {', '.join(off)}" if off else "")
        self._tell(Notice(alarm.id, "drift", alarm.at, text, evidence))

    def _tell(self, notice: Notice) -> None:
        self.notices = [*self.notices, notice][-_REMEMBERED:]
        self._news.append(notice)

    # Checkpoints

    def parts(self) -> dict[str, bytes]:
        """Everything, in parts of JSON; `from_parts` goes on from them as if nothing had happened."""
        encode = msgspec.json.encode
        head = {
            "format": FORMAT,
            "schema": SCHEMA,
            "label_horizon": self.config.label_horizon,
            "horizon": self.config.horizon,
            "counts": self.counts,
            "trained_until": self.trained_until,
            "next_fit": self._next_fit,
            "history": self.history.state(),
            "blocks": self.blocks.state(),
        }
        found = {
            HEAD: encode(head),
            "learned": encode(self.learned.state()),
            "quality": encode({"short": self.short.state(), "full": self.full.state()}),
            "drift": encode(self.drift.state()),
            "lagged": encode(self._lagged.state()),
            "promotion": encode(self.promotion.state()),
            "guard": encode(self._guard.state()),
            "notices": encode({"notices": self.notices, "decisions": self.decisions}),
        }
        found |= {f"block:{name}": part for name, part in self.blocks.parts().items()}
        found |= {f"kept:{name}": part for name, part in self.history.parts().items()}
        found |= {f"sample:{name}": encode(part) for name, part in self._sample.parts().items()}
        found |= {f"seen:{name}": encode(part) for name, part in self._repeats.parts().items()}
        return found

    def checkpoint(self) -> bytes:
        """Everything, as one JSON document; `restore` continues from it as if nothing had happened."""
        return checkpoint.dump(self.panel().to_json(), self.parts())

    @classmethod
    def restore(cls, data: bytes, config: ChurnConfig) -> Learner:
        """The learner that wrote the checkpoint; see `from_parts`.

        Raises:
            Misconfigured: the checkpoint is damaged.
        """
        return cls.from_parts(checkpoint.parts_of(data), config)

    @classmethod
    def from_parts(cls, parts: Mapping[str, bytes], config: ChurnConfig, now: float = 0.0) -> Learner:
        """The learner whose `parts` these are.

        It begins anew if those are of another format, other features or another label horizon; of another churn
        horizon, what was learned of that is forgotten. Either is told, and recorded as a change.

        Args:
            parts: of a checkpoint.
            config: of churn, from the plan.
            now: when that is; it is taken to be no earlier than what was learned last.

        Raises:
            Misconfigured: they are damaged.
        """
        learner = cls(config)
        try:
            head = msgspec.json.decode(parts[HEAD])
            lost = discarded(head, config)
            if lost is not None and lost.everything:
                learner._begin_anew(lost, parts, now)
                return learner
            learner._restore(head, parts)
            if lost is not None:
                learner._new_horizon(lost, now)
            learner._hand_over("short label", "the plan asks for more labels than it has learned")
        except (KeyError, TypeError, ValueError, AttributeError, msgspec.MsgspecError) as error:
            raise Misconfigured(f"the model checkpoint is damaged: {error!r}") from error
        return learner

    def _restore(self, head: dict[str, Any], parts: Mapping[str, bytes]) -> None:
        def some(prefix: str) -> dict[str, bytes]:
            return {name.removeprefix(prefix): part for name, part in parts.items() if name.startswith(prefix)}

        def one(name: str) -> Any:
            return msgspec.json.decode(parts[name])

        self.counts = {name: int(head["counts"][name]) for name in self.counts}
        self.trained_until, self._next_fit = float(head["trained_until"]), int(head["next_fit"])
        self.learned = Learned.from_state(one("learned"))
        quality = one("quality")
        self.short, self.full = Ledger.from_state(quality["short"]), Ledger.from_state(quality["full"])
        self.drift = Drift.from_state(one("drift"), self.drift.within)
        self._lagged = Lagged.from_state(one("lagged"), self.config.label_horizon)
        self.promotion = Promotion.from_state(one("promotion"))
        self.blocks = Blocks.from_state(head["blocks"], some("block:"))
        self.history = History.from_state(head["history"], some("kept:"))
        self._read_notices(parts)
        self._sample = Sample.from_parts({name: msgspec.json.decode(part) for name, part in some("sample:").items()})
        self._repeats = Repeats.from_parts({name: msgspec.json.decode(part) for name, part in some("seen:").items()})
        guard = one("guard")
        watched = self.history.find(int(guard["version"]))
        self._guard.restore(guard, self._hazard_of(watched) if watched is not None else None)

    def _read_notices(self, parts: Mapping[str, bytes]) -> None:
        told = msgspec.json.decode(parts["notices"])
        self.notices = msgspec.convert(told["notices"], list[Notice])
        self.decisions = msgspec.convert(told["decisions"], list[Decided])

    def _begin_anew(self, lost: Discarded, parts: Mapping[str, bytes], now: float) -> None:
        """Go on from what people were told and have decided, if it can be read, and from nothing else."""
        with contextlib.suppress(KeyError, TypeError, ValueError, AttributeError, msgspec.MsgspecError, Misconfigured):
            before = Promotion.from_state(msgspec.json.decode(parts["promotion"]))
            self._read_notices(parts)
            self.promotion.changes, self.promotion.champion = before.changes, before.champion
            now = max(now, float(msgspec.json.decode(parts[HEAD])["trained_until"]))
        self._tell_anew(lost, "learning", "rules", now)

    def _new_horizon(self, lost: Discarded, now: float) -> None:
        self.learned.forget_full()
        self.full, self.blocks = Ledger(), Blocks()
        self.promotion.settled, self.promotion.standings = False, []
        what = "learning from labels of the whole horizon"
        self._tell_anew(lost, what, self.promotion.champion, max(now, self.trained_until))
        self._hand_over("whole horizon", "the churn horizon has changed")

    def _tell_anew(self, lost: Discarded, what: str, champion: str, at: float) -> None:
        if lost.records:
            text = f"{what} began anew: {lost.reason}; {lost.records:,} training records are of no use any more"
            evidence = {"everything": lost.everything, "reason": lost.reason, "records": lost.records}
            self.promotion.change(champion, at, "learning anew", text, evidence=evidence)
            self._tell(Notice(f"anew:{at!r}", "anew", at, text, evidence))

    def _hand_over(self, why: str, text: str) -> None:
        change = self.promotion.hand_over(self.panel().models, self.trained_until, why, text)
        if change is not None:
            self._changed(change)
