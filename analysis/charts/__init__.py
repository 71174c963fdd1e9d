"""Charts of results, as SVG that needs no script: the same for pages, reports and mails. `draw` is the way in."""

from analysis.charts.drawing import draw

__all__ = ["draw"]
