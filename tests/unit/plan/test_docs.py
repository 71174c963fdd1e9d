"""The page of what is collected and why."""

from __future__ import annotations

from html.parser import HTMLParser

from plan import render_html, render_markdown


def test_everything_in_the_plan_is_on_the_page(shipped):
    """Sources, events with owner and reason, properties, personal data, identities, segments, alerts."""
    page = render_markdown(shipped)

    for source in shipped.sources.values():
        assert source.description in page
    for rule in shipped.rules:
        for text in (rule.description, f"**Owner:** {rule.owner}.", rule.why):
            assert text in page
        for name, prop in rule.spec.properties.items():
            assert f"| `{name}` | {prop.type}" in page
    for name in [*shipped.traits, *(rule.type for rule in shipped.identities)]:
        assert f"| `{name}` |" in page
    for rule in (*shipped.segments, *shipped.alerts):
        assert f"| `{rule.name}` | {rule.description} |" in page


def test_it_says_whose_keys_anybody_has(shipped):
    """And what that means for what they say."""
    page = render_markdown(shipped)

    assert "| `web` | anybody |" in page
    assert "| `purchase` | our servers |" in page
    assert "is **claimed**" in page


def test_no_secret_is_on_the_page(shipped):
    """The page is for everybody."""
    for source in shipped.sources.values():
        assert source.write_key.get_secret_value() not in render_markdown(shipped) + render_html(shipped)


def test_tables_are_whole(shipped):
    """Every row of a table has as many cells as its head, also with a pipe in a pattern."""
    for block in render_markdown(shipped).split("\n\n"):
        if block.startswith("|"):
            assert len({line.replace("\\|", "").count("|") for line in block.splitlines()}) == 1


class _Balance(HTMLParser):
    """Every tag that opens closes, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_html_is_one_well_formed_file_without_scripts(shipped, plan_of):
    """And what the plan says cannot become markup."""
    parser = _Balance()
    parser.feed(render_html(shipped))

    assert parser.open == []
    assert "script" not in parser.seen
    assert {"table", "h3", "code", "strong"} <= parser.seen
    page = render_html(plan_of(("description: Web site", "description: '<script>alert(1)</script>'")))
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
