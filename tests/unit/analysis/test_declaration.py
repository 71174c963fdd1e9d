"""Words of Rapport's own in cells, beside those of the data."""

from __future__ import annotations

import pytest

from analysis.declaration import Words

CHINESE = {"won back": "赢回", "visit": "访问", "view": "浏览", "(end)": "（结束）", "bought {0}": "购买过 {0}",
           "{0}, {1}: {2}": "{2}：{0}（{1}）", "most satisfied": "最满意"}  # fmt: skip
WORDS = Words(
    ("won_back", "visit", "view", "(end)", "bought {0}", "{0}, {1}: {2}"),
    joint=" > ",
    meant=(("top", "most satisfied"),),
)


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("won_back", "赢回"),
        ("visit > view > (end)", "访问 > 浏览 > （结束）"),
        ("visit > kettle", "访问 > kettle"),
        ("bought tea", "购买过 tea"),
        ("bought visit", "购买过 访问"),
        ("big, visit: a.b", "a.b：big（访问）"),
        ("top", "最满意"),
        ("visits", "visits"),
        ("", ""),
        ("{0}", "{0}"),
    ],
)
def test_what_is_not_of_ours_stays(cell: str, said: str) -> None:
    assert WORDS.said(cell, lambda word: CHINESE[word]) == said
