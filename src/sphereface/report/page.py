"""One self-contained HTML page from a report's values: no script, no network, opens from disk."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sphereface.errors import MissingExtraError
from sphereface.evaluation.results import Floats, Rate, ScoredPair
from sphereface.report.arrangement import place_on_globe
from sphereface.report.canvas import PEOPLE, to_png, to_svg
from sphereface.report.content import ReportInput, SphereSample
from sphereface.report.definitions import DEFINITIONS, SOURCES
from sphereface.report.figures import named_figures
from sphereface.report.health import health_rows
from sphereface.report.key_figures import key_figures, shown
from sphereface.report.learning import column, panel_figure, training_panels
from sphereface.report.pictures import picture_address, png_address
from sphereface.report.sphere import CAPTIONS, Side, people_of, shown_rows, sphere_figure, worth_drawing
from sphereface.report.wording import NBSP, flat_settings, headline, plain_percent
from sphereface.version import __version__

try:
    import jinja2
    from markupsafe import Markup
except ImportError as error:  # pragma: no cover - exercised in a subprocess
    raise MissingExtraError(
        "The report page needs jinja2, which is not installed: run pip install 'sphereface[report]'."
    ) from error

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class PicturedPair:
    """Two pictures with their people's names, cosine and angle."""

    first: str
    second: str
    first_name: str
    second_name: str
    score: str
    angle: str


def pictured(
    report: ReportInput, pairs: Iterable[ScoredPair], addresses: Mapping[int, str], most: int = 8
) -> list[PicturedPair]:
    """Return the first ``most`` pairs both of whose pictures were handed in."""
    found: list[PicturedPair] = []
    for pair in pairs:
        if pair.first in addresses and pair.second in addresses and len(found) < most:
            angle = math.degrees(math.acos(min(1.0, max(-1.0, pair.score))))
            names = (report.names.get(pair.first, ""), report.names.get(pair.second, ""))
            texts = (f"{pair.score:.3f}".replace("-", "−"), f"{angle:.0f}°")
            found.append(PicturedPair(addresses[pair.first], addresses[pair.second], *names, *texts))
    return found


def _sphere_facts(sample: SphereSample) -> dict[str, Any]:
    """Return the legend and how true the globe is, over the people it shows."""
    people, vectors, owners = shown_rows(sample)
    globe = place_on_globe(vectors)
    same = owners[:, None] == owners[None, :]
    upper = np.triu(np.ones_like(same), 1).astype(bool)
    medians = []
    for points in (vectors, globe.points):
        angles = np.degrees(np.arccos(np.clip(points @ points.T, -1, 1)))
        medians.append([_median(angles[upper & same]), _median(angles[upper & ~same])])
    return {
        "people": list(zip(people, PEOPLE, strict=False)),
        "dimension": vectors.shape[1],
        "true": medians[0],
        "globe": medians[1],
        "error": f"{math.degrees(globe.angle_error):.0f}°",
    }


def _median(degrees: Floats) -> str:
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
        first, last = math.degrees(angle[:tail].mean()), math.degrees(angle[-tail:].mean())
        facts.append(("angle to own prototype", f"{first:.0f}° → {last:.0f}°"))
    _, speed = column(journal, "images_per_second")
    if len(speed):
        facts.append(("images per second, median", f"{np.median(speed):,.0f}"))
    return facts


def _opening(text: str) -> str:
    return text[:1].upper() + text[1:]


def _bar(rate: Rate) -> dict[str, str] | None:
    """Return widths in percent of a track that runs from 0 to an equal error rate of one half."""
    if rate.value is None:
        return None
    low = rate.value if rate.low is None else rate.low
    high = rate.value if rate.high is None else rate.high
    middle, left, right = (min(100.0, max(0.0, share * 200)) for share in (rate.value, low, high))
    return {"width": f"{middle:.2f}", "low": f"{left:.2f}", "span": f"{right - left:.2f}"}


def _figures(report: ReportInput) -> dict[str, Markup]:
    """Return the curves as inline SVG, which follows the page's colours."""
    return {
        figure.name: Markup(to_svg(figure.draw(), f"figure-{figure.name}", figure.description))  # noqa: S704
        for figure in named_figures(report)
        if figure.name not in ("training", "sphere")  # drawn in parts, so that a narrow window can stack them
    }


def _panels(report: ReportInput) -> list[Markup]:
    """Return the training curves, one SVG a column of the journal."""
    journal = report.journal or []
    return [
        Markup(  # noqa: S704
            to_svg(panel_figure(journal, name), f"figure-{name.replace('_', '-')}", f"{title} while training")
        )
        for name, title in training_panels(journal).items()
    ]


def _globes(sample: SphereSample) -> list[tuple[str, str, str]]:
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


def report_page(report: ReportInput) -> str:
    """Return the whole page. Every name, title and setting is escaped; nothing in it can run."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(shown=shown, opening=_opening, plain_percent=plain_percent, bar=_bar)
    addresses = {index: picture_address(picture) for index, picture in report.pictures.items()}
    evaluation, point = report.evaluation, report.operating_point
    sample = report.sphere if worth_drawing(report.sphere) else None
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
        cards=key_figures(evaluation),
        samples=[
            (report.names.get(row[0], ""), [addresses[index] for index in row if index in addresses])
            for row in report.samples
            if any(index in addresses for index in row)
        ],
        figures=_figures(report),
        alike=pictured(report, evaluation.verification.hardest_impostor, addresses),
        unlike=pictured(report, evaluation.verification.hardest_genuine, addresses),
        panels=_panels(report),
        globes=_globes(sample) if sample else [],
        sphere=_sphere_facts(sample) if sample else None,
        health_rows=health_rows(evaluation.health),
        training=_training_facts(report),
        point=flat_settings(point.model_dump(mode="json")) if point else [],
        meaning=point.describe().rstrip(".") if point else "",
        settings=flat_settings({**report.settings, "evaluation": evaluation.settings}),
        definitions=DEFINITIONS,
        sources=SOURCES,
        nbsp=NBSP,
        sure=shown(evaluation.verification.eer).confidence,
    )
