"""A card as the HTML of a mail: simple enough for every mail program, without anything that is fetched."""

from __future__ import annotations

from jinja2 import Environment

from streams.sinks.wording.cards import Card
from streams.sinks.wording.plain import OPEN, OPEN_ALL, WHY

__all__ = ["FOOT", "html_of"]

FOOT = "You get this mail because a plan of Rapport names your address."
"""Why somebody has it, in English."""

_COLOURS = {"critical": "#b42318", "warning": "#b54708", "info": "#175cd3"}

_PAGE = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
    """\
<!DOCTYPE html>
<html lang="{{ card.words.language }}"><head><meta charset="utf-8"><title>{{ card.title }}</title></head>
<body style="margin:0;padding:16px;font-family:sans-serif;font-size:14px;line-height:1.5;color:#1d2939">
<h1 style="font-size:18px;margin:0 0 12px;color:{{ colour }}"><bdi>{{ card.title }}</bdi></h1>
{% for line in card.lines %}
<p style="margin:0 0 4px"><bdi>{{ line }}</bdi></p>
{% endfor %}
{% for item in card.items %}
<div style="border-top:1px solid #d0d5dd;padding:12px 0">
{% if item.title %}
<h2 style="font-size:15px;margin:0 0 6px"><bdi>{{ item.title }}</bdi></h2>
{% endif %}
<table style="border-collapse:collapse">
{% for fact in item.facts %}
<tr><td style="padding:0 12px 0 0;color:#667085;vertical-align:top;white-space:nowrap">{{ fact.name }}</td>\
<td><bdi>{{ fact.text }}</bdi>\
</td></tr>
{% endfor %}
</table>
{% if item.reasons %}
<p style="margin:6px 0 0;color:#667085">{{ card.words.gettext(why) }}</p>
<ul style="margin:0;padding-left:20px">
{% for reason in item.reasons %}
<li><bdi>{{ reason }}</bdi></li>
{% endfor %}
</ul>
{% endif %}
{% if item.url %}
<p style="margin:6px 0 0"><a href="{{ item.url }}">{{ card.words.gettext(open) }}</a></p>
{% endif %}
</div>
{% endfor %}
{% if card.rest %}
<p style="border-top:1px solid #d0d5dd;padding-top:12px">{{ card.rest }}</p>
{% endif %}
{% if card.url %}
<p><a href="{{ card.url }}">{{ card.words.gettext(all) }}</a></p>
{% endif %}
<p style="color:#667085;font-size:12px">{{ card.words.gettext(foot) }}</p>
</body></html>
"""
)


def html_of(card: Card) -> str:
    """All of it."""
    return _PAGE.render(card=card, colour=_COLOURS[card.level], why=WHY, open=OPEN, all=OPEN_ALL, foot=FOOT)
