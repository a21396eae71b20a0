"""One self-contained HTML page from a report's values: no script, no network, opens from disk."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sphereface.errors import MissingExtraError
from sphereface.evaluation.results import Rate, ScoredPair
from sphereface.report.arrangement import place_on_globe
from sphereface.report.canvas import PEOPLE, to_png, to_svg
from sphereface.report.content import ReportInput, SphereSample
from sphereface.report.definitions import DEFINITIONS, SOURCES
from sphereface.report.figures import named_figures
from sphereface.report.learning import column
from sphereface.report.pictures import picture_address, png_address
from sphereface.report.sphere import people_of
from sphereface.report.wording import (
    NBSP,
    flat_settings,
    headline,
    headline_target,
    percent,
    percent_range,
)
from sphereface.version import __version__

try:
    import jinja2
    from markupsafe import Markup
except ImportError as error:  # pragma: no cover - exercised in a subprocess
    raise MissingExtraError(
        "The report page needs jinja2, which is not installed: run pip install 'sphereface[report]'."
    ) from error

_HERE = Path(__file__).parent
_RASTER = {"sphere"}  # hundreds of shaded marks: smaller as pixels than as paths


@dataclass(frozen=True, slots=True)
class Shown:
    """A rate as the page prints it."""

    value: str
    unit: str
    interval: str
    note: str
    supported: bool


@dataclass(frozen=True, slots=True)
class Card:
    """A key figure: its name, its rate and one line of explanation."""

    name: str
    rate: Shown
    explanation: str


@dataclass(frozen=True, slots=True)
class PicturedPair:
    """Two pictures with their people's names, cosine and angle."""

    first: str
    second: str
    first_name: str
    second_name: str
    score: str
    angle: str


def shown(rate: Rate) -> Shown:
    """Return the texts of a rate; without a value its reason and, where known, its upper bound."""
    sure = f"{rate.confidence * 100:g}{NBSP}%"
    if rate.value is None:
        reason = rate.reason or "too few trials"
        if rate.high is not None:
            reason = f"{reason} (at most {percent(rate.high)}{NBSP}%, {sure} confidence)"
        return Shown("", "", "", reason, supported=False)
    interval = percent_range(rate)
    return Shown(
        percent(rate.value),
        f"{NBSP}%",
        f"{sure} interval {interval}{NBSP}%" if interval else "no interval",
        f"worth {rate.n:,.0f} independent trials" if rate.n else "",
        supported=True,
    )


def key_figures(report: ReportInput) -> list[Card]:
    """Return the cards on top: open-set first, because that is what a gallery lives by."""
    verification, search = report.evaluation.verification, report.evaluation.identification
    cards = []
    target = headline_target(search)
    asked = target if target is not None else next(iter(search.fnir_at_fpir), None)
    if asked is not None:
        cards.append(
            Card(
                f"FNIR at FPIR {percent(asked)}{NBSP}%",
                shown(search.fnir_at_fpir[asked]),
                f"enrolled people missed, {search.gallery_people:,} in the gallery",
            )
        )
    if search.cmc:
        cards.append(Card("Rank 1", shown(search.cmc[0]), "own person is the best match, no threshold"))
    cards.append(Card("Equal error rate", shown(verification.eer), "where FMR and FNMR meet, all pairs"))
    supported = [fmr for fmr, rate in verification.fnmr_at_fmr.items() if rate.value is not None]
    fmr = 1e-3 if 1e-3 in supported else min(supported or verification.fnmr_at_fmr, default=None)
    if fmr is not None:
        cards.append(
            Card(
                f"FNMR at FMR {percent(fmr)}{NBSP}%",
                shown(verification.fnmr_at_fmr[fmr]),
                "genuine pairs missed, all pairs",
            )
        )
    pairs = report.evaluation.listed or verification
    cards.append(
        Card("Accuracy, ten folds", shown(pairs.accuracy), f"threshold from the other nine; {pairs.title}")
    )
    cards.append(
        Card("Area under ROC", shown(verification.auc), "a genuine pair scores above an impostor pair")
    )
    return cards


def pictured(
    report: ReportInput, pairs: Iterable[ScoredPair], addresses: Mapping[int, str], most: int = 6
) -> list[PicturedPair]:
    """Return the first ``most`` pairs both of whose pictures were handed in."""
    found = []
    for pair in pairs:
        if pair.first in addresses and pair.second in addresses and len(found) < most:
            angle = math.degrees(math.acos(min(1.0, max(-1.0, pair.score))))
            names = (report.names.get(pair.first, ""), report.names.get(pair.second, ""))
            texts = (f"{pair.score:.3f}".replace("-", "−"), f"{angle:.0f}°")
            found.append(PicturedPair(addresses[pair.first], addresses[pair.second], *names, *texts))
    return found


def _sphere_facts(sample: SphereSample) -> dict[str, Any]:
    """Return the legend and how true the globe is, over the people it shows."""
    people = people_of(sample)
    rows = [index for index, name in enumerate(sample.people) if name in people]
    owners = np.array([people.index(sample.people[index]) for index in rows])
    vectors = np.asarray(sample.embeddings, dtype=np.float64)[rows]
    globe = place_on_globe(vectors)
    angles = []
    for points in (vectors, globe.points):
        points = points / np.linalg.norm(points, axis=1, keepdims=True)
        between = np.degrees(np.arccos(np.clip(points @ points.T, -1, 1)))
        same = owners[:, None] == owners[None, :]
        upper = np.triu(np.ones_like(same), 1).astype(bool)
        angles.append([_median(between[upper & same]), _median(between[upper & ~same])])
    return {
        "people": list(zip(people, PEOPLE, strict=False)),
        "dimension": vectors.shape[1],
        "true": angles[0],
        "globe": angles[1],
        "error": f"{math.degrees(globe.angle_error):.0f}°",
    }


def _median(degrees: np.ndarray[Any, np.dtype[np.float64]]) -> str:
    return f"{np.median(degrees):.0f}°" if len(degrees) else "–"


def _training_facts(report: ReportInput) -> list[tuple[str, str]]:
    journal = report.journal or []
    facts = []
    images, loss = column(journal, "loss")
    if len(loss):
        tail = max(1, len(loss) // 20)
        facts = [
            ("training images seen", f"{images[-1]:,.0f}"),
            ("loss, first and last twentieth", f"{loss[:tail].mean():.2f} → {loss[-tail:].mean():.2f}"),
        ]
    _, angle = column(journal, "angle")
    if len(angle):
        tail = max(1, len(angle) // 20)
        first, last = np.degrees([angle[:tail].mean(), angle[-tail:].mean()])
        facts.append(("angle to own prototype", f"{first:.0f}° → {last:.0f}°"))
    _, speed = column(journal, "images_per_second")
    if len(speed):
        facts.append(("images per second, median", f"{np.median(speed):,.0f}"))
    return facts


def _bar(rate: Rate) -> dict[str, str] | None:
    """Return widths in percent of a track that runs from 0 to an equal error rate of one half."""
    if rate.value is None:
        return None
    low = rate.value if rate.low is None else rate.low
    high = rate.value if rate.high is None else rate.high
    place = lambda share: min(100.0, max(0.0, share * 200))  # noqa: E731
    return {
        "width": f"{place(rate.value):.2f}",
        "low": f"{place(low):.2f}",
        "span": f"{place(high) - place(low):.2f}",
    }


def _figures(report: ReportInput) -> dict[str, Markup]:
    """Return every figure as HTML: SVG that follows the page's colours, or a PNG where that is smaller."""
    drawn = {}
    for figure in named_figures(report):
        if figure.name in _RASTER:
            address = png_address(to_png(figure.draw(), 150, transparent=True))
            html = Markup('<img src="{}" alt="{}" width="1260" height="660">').format(
                address, figure.description
            )
        else:
            html = Markup(to_svg(figure.draw(), f"figure-{figure.name}", figure.description))  # noqa: S704
        drawn[figure.name] = html
    return drawn


def report_page(report: ReportInput) -> str:
    """Return the whole page. Every name, title and setting is escaped; nothing in it can run."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(shown=shown, percent=percent, bar=_bar)
    addresses = {index: picture_address(picture) for index, picture in report.pictures.items()}
    evaluation = report.evaluation
    return environment.get_template("template.html").render(
        report=report,
        evaluation=evaluation,
        verification=evaluation.verification,
        listed=evaluation.listed,
        search=evaluation.identification,
        health=evaluation.health,
        style=Markup((_HERE / "style.css").read_text(encoding="utf-8")),  # noqa: S704
        version=__version__,
        headline=headline(report),
        cards=key_figures(report),
        samples=[
            (report.names.get(row[0], ""), [addresses[index] for index in row if index in addresses])
            for row in report.samples
            if any(index in addresses for index in row)
        ],
        figures=_figures(report),
        alike=pictured(report, evaluation.verification.hardest_impostor, addresses),
        unlike=pictured(report, evaluation.verification.hardest_genuine, addresses),
        sphere=_sphere_facts(report.sphere) if report.sphere else None,
        training=_training_facts(report),
        point=flat_settings(report.operating_point.model_dump(mode="json")) if report.operating_point else [],
        settings=flat_settings({**report.settings, "evaluation": evaluation.settings}),
        definitions=DEFINITIONS,
        sources=SOURCES,
        degrees=math.degrees,
        nbsp=NBSP,
    )
