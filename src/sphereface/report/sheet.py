"""A page of pictures side by side, for somebody to look at and decide."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from sphereface.atomic import write_text
from sphereface.errors import DataError, reason_of
from sphereface.report.content import Picture
from sphereface.report.pictures import picture_address

_LONGEST_SIDE = 224


@dataclass(frozen=True, eq=False)
class SheetRow:
    """Pictures that belong together, and what they are shown for.

    Attributes:
        caption: One line.
        pictures: Each with its own label; (H, W, 3), uint8, RGB, of any size.
    """

    caption: str
    pictures: Sequence[tuple[str, Picture]]


def write_sheet(path: Path, title: str, rows: Sequence[SheetRow]) -> None:
    """Write a self-contained page: no script, no network, opens from disk.

    Raises:
        DataError: If the file cannot be written.
    """
    parts = [_HEAD.format(title=html.escape(title)), f"<h1>{html.escape(title)}</h1>"]
    for number, row in enumerate(rows, 1):
        figures = "".join(
            f'<figure><img src="{picture_address(_small(pixels))}" alt=""><figcaption>{html.escape(label)}'
            "</figcaption></figure>"
            for label, pixels in row.pictures
        )
        parts.append(f"<section><h2>{number}. {html.escape(row.caption)}</h2>{figures}</section>")
    try:
        write_text(path, "\n".join([*parts, "</body></html>"]) + "\n")
    except OSError as error:
        raise DataError(f"cannot write the sheet '{path}': {reason_of(error)}") from error


_HEAD = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
body {{ font: 15px/1.4 system-ui, sans-serif; margin: 2rem; background: #fff; color: #222 }}
section {{ border-top: 1px solid #ddd; padding: .6rem 0 }}
h1 {{ font-size: 1.4rem }} h2 {{ font-size: 1rem; font-weight: 600; margin: .2rem 0 .4rem }}
figure {{ display: inline-block; margin: 0 .8rem .4rem 0; max-width: 224px; vertical-align: top }}
img {{ height: 112px; display: block }} figcaption {{ font-size: .8rem; color: #555; overflow-wrap: anywhere }}
@media (prefers-color-scheme: dark) {{ body {{ background: #1b1b1b; color: #ddd }} }}
</style></head><body>"""


def _small(pixels: Picture) -> Picture:
    longest = max(pixels.shape[:2])
    if longest <= _LONGEST_SIDE:
        return pixels
    size = tuple(max(1, round(side * _LONGEST_SIDE / longest)) for side in (pixels.shape[1], pixels.shape[0]))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BOX))
