"""What the page says of the globe it shows: whose pictures, and how true the angles are."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sphereface.evaluation.results import Floats
from sphereface.report.arrangement import place_on_globe
from sphereface.report.canvas import PEOPLE, to_png
from sphereface.report.content import SphereSample
from sphereface.report.pictures import png_address
from sphereface.report.sphere import CAPTIONS, Side, people_of, shown_rows, sphere_figure


@dataclass(frozen=True, slots=True)
class GlobeFacts:
    """The legend and how true the globe is.

    Attributes:
        people: Name and colour of each.
        dimension: Of the embedding.
        true: Median angles within and between people, as the embedding has them.
        globe: The same as the globe shows them.
        error: Half of the angles are off by more than this.
    """

    people: list[tuple[str, str]]
    dimension: int
    true: list[str]
    globe: list[str]
    error: str


def globe_facts(sample: SphereSample) -> GlobeFacts:
    """Return the legend and how true the globe is, over the people it shows."""
    people, vectors, owners = shown_rows(sample)
    globe = place_on_globe(vectors)
    same = owners[:, None] == owners[None, :]
    upper = np.triu(np.ones_like(same), 1).astype(bool)
    medians = []
    for points in (vectors, globe.points):
        angles = np.degrees(np.arccos(np.clip(points @ points.T, -1, 1)))
        medians.append([_median(angles[upper & same]), _median(angles[upper & ~same])])
    return GlobeFacts(
        people=list(zip(people, PEOPLE, strict=False)),
        dimension=vectors.shape[1],
        true=medians[0],
        globe=medians[1],
        error=f"{math.degrees(globe.angle_error):.0f}°",
    )


def globe_sides(sample: SphereSample) -> list[tuple[str, str, str]]:
    """Return (address, description, caption) of the globe's sides; so many shaded marks are smaller as pixels."""
    sides: tuple[tuple[Side, str], ...] = (("front", "the front"), ("back", "behind"))
    return [
        (
            png_address(to_png(sphere_figure(sample, (side,), captions=False), 170, transparent=True)),
            f"A globe seen from {words}; pictures of {len(people_of(sample))} people lie on it as dots, one "
            "colour a person.",
            CAPTIONS[side],
        )
        for side, words in sides
    ]


def _median(degrees: Floats) -> str:
    return f"{np.median(degrees):.0f}°" if len(degrees) else "–"
