"""One self-contained HTML page from a report's values: no script, no network, opens from disk."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sphereface.errors import MissingExtraError
from sphereface.evaluation.evaluation import Evaluation
from sphereface.evaluation.results import ClassAccuracy, CrowdSearch, Rate
from sphereface.report.calibration import calibration_rows
from sphereface.report.canvas import to_svg
from sphereface.report.comparison import by_list, compared, difference_in_words
from sphereface.report.content import ReportInput
from sphereface.report.definitions import SOURCES, definitions
from sphereface.report.figures import named_figures, numbered
from sphereface.report.gallery_size import size_rows
from sphereface.report.groups import crossed, unequal_rows
from sphereface.report.hardest import hardest, of_sphere
from sphereface.report.health import health_rates, health_rows
from sphereface.report.key_figures import key_figures, shown
from sphereface.report.learning import panel_figure, training_facts, training_panels
from sphereface.report.morphing import morph_rows
from sphereface.report.opening import opening
from sphereface.report.pictures import picture_address
from sphereface.report.sections import sections
from sphereface.report.sphere import worth_drawing
from sphereface.report.sphere_section import globe_facts, globe_sides
from sphereface.report.wording import NBSP, flat_settings, percent, plain_percent
from sphereface.version import __version__

try:
    import jinja2
    from markupsafe import Markup
except ImportError as error:  # pragma: no cover - exercised in a subprocess
    raise MissingExtraError(
        "The report page needs jinja2, which is not installed: run pip install 'sphereface[report]'."
    ) from error

_HERE = Path(__file__).parent
_MOST_MISSING = 200


def report_page(report: ReportInput) -> str:
    """Return the whole page. Every name, title and setting is escaped; nothing in it can run."""
    addresses = {index: picture_address(picture) for index, picture in report.pictures.items()}
    evaluation, point = report.evaluation, report.operating_point
    sample = report.sphere if worth_drawing(report.sphere) else None
    confused, panels = hardest(report, addresses), _panels(report)
    here = sections(report, confused=bool(confused))
    return (
        _environment()
        .get_template("template.html")
        .render(
            report=report,
            evaluation=evaluation,
            health=evaluation.health,
            style=Markup((_HERE / "style.css").read_text(encoding="utf-8")),  # noqa: S704
            version=__version__,
            opening=opening(report),
            sections=here,
            cards=key_figures(evaluation),
            facts=_facts(evaluation),
            most_missing=_MOST_MISSING,
            samples=[
                (report.names.get(row[0], ""), [addresses[index] for index in row if index in addresses])
                for row in report.samples
                if any(index in addresses for index in row)
            ],
            figures=_figures(report),
            compared=by_list(compared(report)) if report.others else [],
            confused=confused,
            panels=panels,
            training=training_facts(report.journal or []),
            globes=globe_sides(sample) if sample else [],
            sphere=globe_facts(sample) if sample else None,
            extremes=of_sphere(report, addresses),
            health_rows=health_rows(evaluation.health) if evaluation.health else [],
            health_rates=health_rates(evaluation.health) if evaluation.health else [],
            point=flat_settings(point.model_dump(mode="json")) if point else [],
            meaning=point.describe().rstrip(".") if point else "",
            settings=flat_settings({**report.settings, "evaluation": evaluation.settings}),
            definitions=definitions(here),
            sources=SOURCES,
        )
    )


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["nbsp"] = NBSP
    environment.filters.update(
        bar=_bar,
        calibration_rows=calibration_rows,
        confusion_rows=_confusion_rows,
        crossed=crossed,
        difference=difference_in_words,
        morph_rows=morph_rows,
        numbered=numbered,
        opening=_opening,
        plain_percent=plain_percent,
        ranked=_ranked,
        sentence=_sentence,
        share=lambda share: f"{percent(share)}{NBSP}%",
        shown=shown,
        size_rows=size_rows,
        unequal_rows=unequal_rows,
    )
    return environment


def _facts(evaluation: Evaluation) -> list[tuple[str, int]]:
    """Return what was judged, counted; of several lists or galleries their number."""
    judged = "images" if evaluation.unit == "picture" else f"{evaluation.unit}s"
    facts = [("people", evaluation.people), (judged, evaluation.images)]
    pairs, searches, crowds = evaluation.verifications, evaluation.identifications, evaluation.crowds
    if len(pairs) > 1:
        facts.append(("lists of pairs", len(pairs)))
    elif pairs:
        facts += [("genuine pairs", pairs[0].genuine_pairs), ("impostor pairs", pairs[0].impostor_pairs)]
    if len(searches) > 1:
        facts.append(("galleries", len(searches)))
    elif searches:
        facts += [("enrolled people", searches[0].gallery_people), ("strangers", searches[0].non_mated_people)]
    return [*facts, *(("distractors", crowd.distractors) for crowd in crowds[:1])]


def _opening(text: str) -> str:
    return text[:1].upper() + text[1:]


def _sentence(text: str) -> str:
    """Return text that ends as a sentence does."""
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _bar(rate: Rate) -> dict[str, str] | None:
    """Return widths in percent of a track that runs from 0 to an equal error rate of one half."""
    if rate.value is None:
        return None
    low = rate.value if rate.low is None else rate.low
    high = rate.value if rate.high is None else rate.high
    middle, left, right = (min(100.0, max(0.0, share * 200)) for share in (rate.value, low, high))
    return {"width": f"{middle:.2f}", "low": f"{left:.2f}", "span": f"{right - left:.2f}"}


def _ranked(crowd: CrowdSearch) -> list[tuple[int, Rate]]:
    return list(zip(crowd.cmc_ranks, crowd.cmc, strict=True))


def _confusion_rows(told: ClassAccuracy) -> list[tuple[str, list[tuple[int, str]]]]:
    """Return (class, (count, share of its pictures) for each column)."""
    counts: NDArray[np.int64] = np.asarray(told.confusion)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return [
        (name, [(int(count), f"{share:.3f}") for count, share in zip(counts[at], shares[at], strict=True)])
        for at, name in enumerate(told.classes)
    ]


def _figures(report: ReportInput) -> dict[str, Markup]:
    """Return the curves as inline SVG, which follows the page's colours."""
    return {
        figure.name: Markup(to_svg(figure.draw(), f"figure-{figure.name}", figure.description))  # noqa: S704
        for figure in named_figures(report)
        if figure.name not in ("training", "sphere")  # drawn in parts, so that a narrow window can stack them
    }


def _panels(report: ReportInput) -> Sequence[Markup]:
    """Return the training curves, one SVG a column of the journal."""
    journal = report.journal or []
    return [
        Markup(  # noqa: S704
            to_svg(panel_figure(journal, name), f"figure-{name.replace('_', '-')}", f"{title} while training")
        )
        for name, title in training_panels(journal).items()
    ]
