"""The figure of all networks of four layers together."""

from __future__ import annotations

from evidence.across import FEW, PLAIN, AcrossAnswer
from evidence.canvas import in_points, name_rows, new_axes, rounded, styled, svg_of, whiskers
from evidence.comparing import FNMR_POINTS
from evidence.drawing import BLUE, HEADLINE, ORANGE
from evidence.wording import loss_words, name_of
from sphereface.report.canvas import GRID, INK

_FREE = {"normface": None, "a-softmax": 1}
"""Losses that have no margin, and those that have none with this one."""


@styled
def across_figure(answer: AcrossAnswer) -> str:
    """Draw the headline of each row less that of NormFace, those without a margin in a colour of their own."""
    axes = new_axes(left=0.48, bottom=0.12, size=(4.4, 3.2))
    plain = name_of(PLAIN.removesuffix(f"-{FEW}steps"))
    rows = [row for row in answer.rows if row.against is not None]
    names = [loss_words(row.run.head, row.run.settings).replace(" down to 5", "") for row in rows]
    values = [rounded(row.against.difference, -1.0) for row in rows if row.against is not None]
    axes.axvspan(-FNMR_POINTS, FNMR_POINTS, color=GRID, alpha=0.7, linewidth=0)
    axes.axvline(0.0, color=INK, linewidth=0.8)
    for free, colour, marker, label in ((False, BLUE, "o", "margin"), (True, ORANGE, "s", "no margin")):
        at = [
            place
            for place, row in enumerate(rows)
            if (row.run.head in _FREE and row.run.settings.get("margin") == _FREE[row.run.head]) is free
        ]
        look = {"color": colour, "marker": marker, "markersize": 3.0, "label": label}
        whiskers(axes, at, [values[place] for place in at], upright=False, **look)
    name_rows(axes, names)
    in_points(axes.xaxis)
    axes.set_xlabel(f"{HEADLINE} less {plain}, points", loc="right")
    axes.legend(loc="upper right")
    return svg_of(axes, f"Headline of small networks less {plain}'s", dict(zip(names, values, strict=True)))
