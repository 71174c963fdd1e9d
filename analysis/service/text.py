"""What customers write: about what, and whether they are satisfied, as far as their ratings teach it."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from pydantic import Field

from analysis.base import Base
from analysis.declaration import Analysis, Chart, Column, Count, Customers, Need, Ratio, Row, Share, Text, Words
from analysis.parameters import OverTime
from models.texts.foretold import Foretold, quality_of
from models.texts.sentiment import LATEST, LEAST, LEAST_OF_EACH, RIGHT
from models.texts.text_reader import WRITING
from models.texts.topics import SHIPPED

__all__ = ["EVERY_TOPIC", "NO_TOPIC", "TEXT", "Asked"]

EVERY_TOPIC, NO_TOPIC = "every topic", "no topic"
"""The row of all texts, and the one of those about nothing that is known."""

_BESIDE = Chart("stacked", x="topic", y=("negative", "unknown", "middle", "positive"))


class Asked(OverTime):
    """Of which texts."""

    language: str = Field("", description="Only texts in this language: en, zh, or another code.")
    kind: str = Field("", description="Only texts of this role, such as review or ticket_opened; all unless said.")


def _members(base: Base, asked: Asked) -> ir.Table:
    """A row for each text, and one more for each of its topics."""
    told = base.chosen(base.within(base.of(*([asked.kind] if asked.kind in WRITING else WRITING))))
    told = base.broken_down(told.filter(told.text.fill_null("") != ""))
    since, _ = asked.period(base.frame)
    told = told.select(
        "by", "customer", "home", "us", "log_partition", "log_offset", "text",
        period=base.period_of(told.day) if asked.over_time else ibis.date(since),
    )  # fmt: skip
    read = base.readings
    if asked.language:
        read = read.filter(read.language == asked.language)
    place = ["home", "us", "log_partition", "log_offset"]
    texts = told.inner_join(read.select(*place, "tone", "topics"), place).select(
        "period", "by", "customer", "topics", "text", "us", negative=read.tone == "negative",
        middle=read.tone == "middle", positive=read.tone == "positive", unknown=read.tone == "", known=read.tone != "",
    )  # fmt: skip
    topics = texts.mutate(topic=texts.topics.unnest())
    topics = topics.mutate(topic=(topics.topic == "").ifelse(NO_TOPIC, topics.topic))
    return texts.mutate(topic=ibis.literal(EVERY_TOPIC)).drop("topics").union(topics.drop("topics"))


def _finish(rows: list[Row], base: Base, asked: Asked) -> list[Row]:
    """All texts first, then what most are about, then those about nothing known."""
    last = {EVERY_TOPIC: 0, NO_TOPIC: 2}
    return sorted(
        rows, key=lambda row: (row["period"], row["by"], last.get(row["topic"], 1), -row["texts"], row["topic"])
    )


def _drawn(asked: Asked) -> Chart:
    """Topics beside each other, or the course of each."""
    if not asked.over_time:
        return _BESIDE
    return Chart("lines", "period", "negative_share", "topic", low="negative_share_low", high="negative_share_high")


def _sentence(rows: list[Row], base: Base, asked: Asked) -> Text | None:
    if asked.over_time or any(row["by"] for row in rows):
        return None
    every = rows[0]
    told = every["texts"] - every["unknown"]
    if not told:
        return Text(
            f"Of none of {every['texts']:,} texts can be told whether who wrote it is satisfied.",
            f"{every['texts']:,} 条文字均无法判断作者是否满意。",
        )
    about = [row for row in rows if row["topic"] not in (EVERY_TOPIC, NO_TOPIC) and row["negative"]]
    worst = max(about, key=lambda row: (row["negative"], row["topic"]), default=None)
    end = Text("", "")
    if worst is not None:
        end = Text(
            f"; most of these are about {worst['topic']} ({worst['negative']:,})",
            f"，其中最多的主题是 {worst['topic']}（{worst['negative']:,} 条）",
        )
    return Text(
        f"Of {every['texts']:,} texts {told:,} can be told; {every['negative']:,} of them are of dissatisfied "
        f"customers{end.en}.",
        f"{every['texts']:,} 条文字中可判断 {told:,} 条，其中 {every['negative']:,} 条来自不满意的客户{end.zh}。",
    )


def _notes(rows: list[Row], base: Base, asked: Asked) -> list[Text]:
    """How good the model of each language was with the latest rated texts."""
    read = base.readings.filter(base.readings.satisfied.notnull() & base.readings.chance.notnull())
    newest = ibis.window(
        group_by="language", order_by=[ibis.desc("us"), ibis.desc("log_partition"), ibis.desc("log_offset")]
    )
    read = read.mutate(_place=ibis.row_number().over(newest))
    read = read.filter(read._place < LATEST).select("language", "chance", "guess", "satisfied")
    found: dict[str, list[Foretold]] = {}
    for row in base.engine.fetch(read.order_by(["language", "chance", "guess", "satisfied"])).to_pylist():
        found.setdefault(row["language"], []).append(Foretold(row["chance"], row["guess"], row["satisfied"]))
    notes = [note for language in sorted(found) for note in _quality(language, found[language])]
    if not notes:
        notes.append(Text("No text came with a rating, so nothing was learned.", "没有带评分的文字，因此无从学习。"))
    return notes


def _quality(language: str, foretold: list[Foretold]) -> list[Text]:
    quality = quality_of(foretold)
    auc = "–" if quality.auc is None else f"{quality.auc:.2f}"
    if quality.right is None:
        return [
            Text(
                f"Model of {language}: silent. Of the last {quality.texts} rated texts it had {quality.accuracy:.0%} "
                f"right before it learned from them (AUC {auc}); it speaks from {LEAST} rated texts, {LEAST_OF_EACH} "
                f"of each kind, and where {RIGHT:.0%} were right.",
                f"{language} 模型：不作判断。最近 {quality.texts} 条带评分的文字，学习之前判断正确 "
                f"{quality.accuracy:.0%}（AUC {auc}）；须有 {LEAST} 条带评分的文字、两类各 {LEAST_OF_EACH} 条，且 "
                f"{RIGHT:.0%} 正确之处方作判断。",
            )
        ]
    return [
        Text(
            f"Model of {language}: of the last {quality.texts} rated texts it spoke of {quality.coverage:.0%}, and was "
            f"right in {quality.right:.0%} of these; had it spoken of all, {quality.accuracy:.0%} (AUC {auc}).",
            f"{language} 模型：最近 {quality.texts} 条带评分的文字，作出判断的占 {quality.coverage:.0%}，其中正确 "
            f"{quality.right:.0%}；若全部判断则为 {quality.accuracy:.0%}（AUC {auc}）。",
        )
    ]


TEXT = Analysis(
    name="text",
    room="service",
    title=Text("What customers write", "客户写了什么"),
    question=Text("About what do customers write, and are they satisfied?", "客户写的是什么，他们满意吗？"),
    how=Text(
        "Texts of answers, reviews, tickets, complaints, inquiries and cancellations. A text with a rating says what "
        "the rating says (CSAT and reviews: negative up to 2, positive from 4; NPS: up to 6, from 9; between them "
        "middle). Of the others a model of its language tells, learned from the texts with a rating alone: first it "
        "foretells, then it learns. It speaks from 300 of these on, 50 of each kind, and only where it was right in "
        "nine of ten among the latest 500; of the rest it cannot be told, which is not the same as middle. Topics are "
        "what the ticket itself names, and words of the plan's list; a text of several counts in each, so rows do not "
        "add up. The share of the dissatisfied is of customers of whom anything can be told.",
        "答卷、评价、工单、投诉、咨询与取消中的文字。带评分的文字以评分为准（CSAT 与评价：2 分及以下为负面，4 分及以上"
        "为正面；NPS：6 分及以下、9 分及以上；其间为中间）。其余由该语言的模型判断，模型只从带评分的文字学习：先判断，"
        "再学习。满 300 条、两类各 50 条后，且仅在最近 500 条中九成正确之处方作判断；其余为无法判断，并不等于中间。主题"
        "取工单自身所注及方案词表；含多个主题的文字在各主题中各计一次，因此各行不可相加。不满意占比以可判断的客户为分母。",
    ),
    parameters=Asked,
    needs=(
        Need("csat|nps|review|ticket_opened|complaint|inquiry|subscription_cancel", ("text",)),
        Need("csat|nps|review", ("rating", "text"), ("negative", "positive", "share of the dissatisfied")),
        Need("ticket_opened|complaint|inquiry", ("topic",), ("topics that tickets name",)),
    ),
    members=_members,
    dimensions=(
        Column("period", Text("Period", "时期"), "date", "dimension"),
        Column("by", Text("By", "维度"), "text", "dimension"),
        Column("topic", Text("Topic", "主题"), "text", "dimension", words=Words((EVERY_TOPIC, NO_TOPIC, *SHIPPED))),
    ),
    measures=(
        Count("texts", Text("Texts", "文字")),
        Customers("customers", Text("Customers", "客户")),
        Count("negative", Text("Negative", "负面"), where="negative"),
        Count("unknown", Text("Cannot tell", "无法判断"), where="unknown"),
        Count("middle", Text("Middle", "中间"), where="middle"),
        Count("positive", Text("Positive", "正面"), where="positive"),
        Customers("heard", Text("Customers of whom can be told", "可判断的客户"), where="known"),
        Customers("dissatisfied", Text("Dissatisfied customers", "不满意的客户"), where="negative"),
        Share("negative_share", Text("Dissatisfied, share", "不满意占比"), part="dissatisfied", whole="heard"),
        Ratio(
            "unknown_share", Text("Cannot tell, share of texts", "无法判断占比"), "share", part="unknown", whole="texts"
        ),
    ),
    finish=_finish,
    sentence=_sentence,
    notes=_notes,
    chart=_BESIDE,
    drawn=_drawn,
    quoted=Column("text", Text("Wrote last", "最近写道"), "text", "note"),
)
