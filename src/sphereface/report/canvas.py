"""How every figure looks, and how a figure becomes SVG inside a page or a PNG file.

matplotlib is used through its objects only (no pyplot): nothing here keeps a figure alive or depends on
a display. Inline SVG keeps its text as text and takes its colours from the page's CSS variables, so the
figures follow the page into dark mode and onto paper.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from html import escape
from typing import Any, ParamSpec

from sphereface.errors import MissingExtraError

try:
    import matplotlib
    from matplotlib.axes import Axes
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_pdf import FigureCanvasPdf
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure
    from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator
except ImportError as error:  # pragma: no cover - exercised in a subprocess
    raise MissingExtraError(
        "Figures need matplotlib, which is not installed: run pip install 'sphereface[report]'."
    ) from error

__all__ = [
    "ACCENT",
    "GENUINE",
    "GRID",
    "IMPOSTOR",
    "INK",
    "MUTED",
    "PEOPLE",
    "WARN",
    "Axes",
    "Figure",
    "FixedLocator",
    "FuncFormatter",
    "MaxNLocator",
    "NullLocator",
    "as_label",
    "new_figure",
    "nothing_to_draw",
    "percent_label",
    "share_ticks",
    "styled",
    "to_pdf",
    "to_png",
    "to_svg",
]

# Okabe and Ito's palette, darkened where a thin line needs it: told apart with any colour vision.
INK, MUTED, GRID, PAPER = "#1d2733", "#5b6673", "#dfe4ea", "#fdfdfc"
GENUINE, IMPOSTOR, ACCENT, WARN = "#0068a8", "#d1570b", "#00795c", "#a93f7c"
OCHRE, SKY = "#8a6d00", "#2f9fd8"
PEOPLE = (GENUINE, IMPOSTOR, ACCENT, WARN, OCHRE, SKY)
VARIABLES = {
    INK: "ink", MUTED: "muted", GRID: "grid", PAPER: "paper",
    GENUINE: "genuine", IMPOSTOR: "impostor", ACCENT: "accent", WARN: "warn",
    OCHRE: "ochre", SKY: "sky",
}  # fmt: skip

_STYLE: Any = {
    "font.family": ["sans-serif"],
    "font.size": 9.5,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.labelsize": 9.5,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "text.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
    "figure.facecolor": PAPER,
    "axes.facecolor": "none",
    "svg.fonttype": "none",
    "pdf.fonttype": 42,  # whole letters, which publishers ask for
    "svg.hashsalt": "sphereface",
}


_P = ParamSpec("_P")


def styled(draw: Callable[_P, Figure]) -> Callable[_P, Figure]:
    """Let a figure function run in the house style and leave matplotlib's settings as they were."""

    @wraps(draw)
    def drawn(*args: _P.args, **kwargs: _P.kwargs) -> Figure:
        with matplotlib.rc_context(_STYLE):
            return draw(*args, **kwargs)

    return drawn


def new_figure(
    width: float = 5.4, height: float = 3.9, rows: int = 1, columns: int = 1
) -> tuple[Figure, list[Axes]]:
    """Return an empty figure (inches) and its axes, row by row; call it in a :func:`styled` function."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, list(figure.subplots(rows, columns, squeeze=False).ravel())


def percent_label(value: float, _position: int | None = None) -> str:
    """Return a tick label for a share in percent.

    >>> [percent_label(share).replace(chr(160), " ") for share in (0.0001, 0.05, 1.0)]
    ['0.01 %', '5 %', '100 %']
    """
    return f"{value * 100:.6g}\u00a0%"


def as_label(text: str, most: int = 44) -> str:
    r"""Return a foreign text as matplotlib prints it: no mathematics, one line, seen in legends, not endless.

    >>> print(as_label("_a$b$"), len(as_label("long " * 50)))
     _a\$b\$ 44
    """
    text = " ".join(text.split())
    if len(text) > most:
        text = f"{text[: most // 2]}…{text[most // 2 + 1 - most :]}"
    text = text.replace("$", r"\$")
    return f" {text}" if text.startswith("_") else text  # matplotlib hides labels that begin with a line


@contextmanager
def _drawing() -> Iterator[None]:
    """Draw in the house style; letters that no font on this machine has are the reader's business."""
    with matplotlib.rc_context(_STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def share_ticks(axis: Any, ticks: Sequence[float]) -> None:
    """Put percent ticks exactly at ``ticks`` and nowhere else."""
    axis.set_major_locator(FixedLocator(list(ticks)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(percent_label))


def nothing_to_draw(axes: Axes, text: str) -> None:
    """Say in the middle of empty axes why they are empty."""
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=MUTED)


def to_svg(figure: Figure, name: str, description: str) -> str:
    """Return the figure as an inline ``<svg>`` element.

    Args:
        figure: What to draw.
        name: Prefix of every id inside, unique on the page (letters, digits, hyphens).
        description: What the picture shows, for people who do not see it.
    """
    buffer = io.StringIO()
    with _drawing():
        FigureCanvasSVG(figure)
        figure.savefig(
            buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None, "Format": None}
        )
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :].strip()
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r"url\(#", f"url(#{name}-", svg)
    svg = re.sub(r'xlink:href="#', f'href="#{name}-', svg)
    svg = re.sub(r"font-family: [^;\"]+", "font-family: sans-serif", svg)
    svg = re.sub(r"(font: (?:[\w.]+ )*[\d.]+px) [^;\"]+", r"\1 sans-serif", svg)
    for colour, variable in VARIABLES.items():
        svg = svg.replace(colour, f"var(--{variable}, {colour})")
    head, body = svg.split(">", 1)
    head = re.sub(r' (?:width|height|version|xmlns:xlink)="[^"]*"', "", head)
    label = f"{name}-title"
    title = f'<title id="{label}">{escape(description)}</title>'
    return f'{head} role="img" aria-labelledby="{label}">{title}{body}'


def to_png(figure: Figure, dots_per_inch: int = 200, transparent: bool = False) -> bytes:
    """Return the figure as PNG bytes, the same for the same figure."""
    buffer = io.BytesIO()
    with _drawing():
        FigureCanvasAgg(figure)
        figure.savefig(
            buffer, format="png", dpi=dots_per_inch, transparent=transparent, metadata={"Software": None}
        )
    return buffer.getvalue()


def to_pdf(figure: Figure) -> bytes:
    """Return the figure as PDF bytes on white, the same for the same figure: lines and letters, for a paper."""
    buffer = io.BytesIO()
    undated = {"Creator": None, "Producer": None, "CreationDate": None}
    with _drawing():
        FigureCanvasPdf(figure)
        figure.savefig(buffer, format="pdf", facecolor="white", metadata=undated)
    return buffer.getvalue()
