"""A model's card as a page to read: what it is, what it is for, how it was judged, what nobody knows of it.

The sections are those of M. Mitchell et al., Model cards for model reporting, 2019 (arXiv:1810.03993). It stands
beside the report whose figures it has.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sphereface.atomic import write_text
from sphereface.card.judged import judged, rate_words
from sphereface.card.markdown import code, prose, table
from sphereface.card.unknown import unknown
from sphereface.checkpoint import ModelCard
from sphereface.data.learned import LEARNED_FILE, Learned
from sphereface.errors import DataError, reason_of
from sphereface.evaluation.operating_point import MeasuredRate, OperatingPoint
from sphereface.evaluation.results import Rate
from sphereface.report import ReportInput
from sphereface.report.opening import headline
from sphereface.report.wording import flat_settings, plain_percent

CARD_PAGE = "model-card.md"

_MADE_BY = ("backbone", "head", "optimiser", "augmentation")  # sections of a recipe that make the weights
_UNUSED = {
    ("schedule", "cosine"): ("optimiser.milestones", "optimiser.factor"),
    ("name", "sgd"): ("optimiser.beta2",),
}


def write_card(folder: Path, card: ModelCard, learned: Learned | None, report: ReportInput) -> Path:
    """Write ``model-card.md`` beside a report, whole or not at all.

    Args:
        folder: Of the report.
        card: Of the model that it judges.
        learned: Whom the model has learned from, if that is known.
        report: What the page is made of.

    Raises:
        DataError: If the folder cannot be written.
    """
    path = folder / CARD_PAGE
    try:
        write_text(path, card_page(card, learned, report))
    except OSError as error:
        raise DataError(f"cannot write '{path}': {reason_of(error)}") from error
    return path


def card_page(card: ModelCard, learned: Learned | None, report: ReportInput) -> str:
    """Return the card as Markdown; of training folders it tells the last name only."""
    return "\n\n".join(_blocks(card, learned, report)) + "\n"


def _blocks(card: ModelCard, learned: Learned | None, report: ReportInput) -> Iterator[str]:
    recipe = card.provenance.recipe
    yield f"# {prose(recipe.get('title') or card.architecture.name)}"
    yield prose(headline(report))
    yield "## The model"
    yield table(("part", "what it is"), _model(card))
    yield "## What it is for"
    yield (
        "Comparing aligned pictures of faces: do two of them show one person, and who of the enrolled people is "
        "this, if anybody? The people should have agreed to be enrolled. A decision is taken at an operating "
        "point, never at a bare number, and one that matters to somebody is not left to a program."
    )
    yield (
        "It cannot tell a living face from a picture of one. It is not made to find out anything else about a "
        "person. Its error rates hold for pictures like those it was judged on; for others they must be measured."
    )
    if notes := recipe.get("notes"):
        yield "## What its maker says"
        yield "\n".join(f"- {prose(note)}" for note in (notes if isinstance(notes, list) else [notes]))
    yield "## What it learned from"
    yield _learned_from(card, learned)
    if recipe:
        yield table(("setting", "value"), _settings(recipe))
    yield "## How it was judged"
    yield from judged(report)
    yield "## Operating points"
    yield from _points(card)
    yield "## What is not known"
    seed = card.provenance.seed if recipe else None
    yield "\n".join(f"- {sentence}" for sentence in unknown(report, seed))


def _model(card: ModelCard) -> Iterator[tuple[str, str]]:
    contract, made = card.input_contract, card.provenance
    settings = ", ".join(f"{name} {value}" for name, value in flat_settings(card.architecture.settings))
    numbers = f"; {card.parameters:,} parameters" if card.parameters else ""
    yield "network", prose(f"{card.architecture.name}{f' ({settings})' if settings else ''}{numbers}")
    raw = contract.mean == 0.0 and contract.std == 1.0
    scaling = "values as they are" if raw else f"(value − {contract.mean:g}) / {contract.std:g}"
    yield (
        "input",
        f"aligned faces of {contract.size} pixels (height by width), {contract.colour.upper()}, {scaling}",
    )
    mirrored = {
        "none": "",
        "sum": "; those of a picture and of its mirror image are added",
        "concatenate": "; those of a picture and of its mirror image stand end to end",
    }[contract.flip_fusion]
    yield "embedding", f"{card.embedding_dimension:,} numbers, of which the direction counts{mirrored}"
    yield "weights", f"{card.weights_bytes / 1e6:,.1f} MB, SHA-256 {code(card.weights_sha256)}"
    yield "fingerprint", f"{code(card.fingerprint)}, to which galleries and operating points are bound"
    yield "licence", prose(made.licence)
    versions = ", ".join(f"{name} {number}" for name, number in made.versions.items())
    if versions:
        yield "made with", prose(versions)
    if made.created:
        yield "made on", prose(made.created[:10])


def _learned_from(card: ModelCard, learned: Learned | None) -> str:
    made = card.provenance
    if not made.recipe and learned is None:
        return "Nobody says."
    said = "It learned from pictures of people"
    if learned is not None:
        said = f"It learned from {len(learned.pictures):,} different pictures of {len(learned.people):,} people"
    if made.data_hash:
        said += f" (data hash {code(made.data_hash[:12])})"
    if made.steps:
        said += f", shown {made.images_seen:,} pictures in {made.steps:,} steps with seed {made.seed}"
    if made.start:
        said += f", beginning with the weights of model {code(made.start[:12])}, whose people are counted too"
    return f"{said}." if learned is None else f"{said}. {code(LEARNED_FILE)} knows them again and shows none."


def _settings(recipe: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    data, training = _part(recipe, "data"), _part(recipe, "training")
    terms = recipe.get("regularizers")
    told = {
        "data": {"train": _names(data.get("train")), "without": _names(data.get("without"))},
        **{name: _part(recipe, name) for name in _MADE_BY},
        "backbone": {**_part(recipe, "backbone"), "start": _names(_part(recipe, "backbone").get("start"))},
        "regularizers": {str(at): term for at, term in enumerate(terms, 1)} if isinstance(terms, list) else {},
        "training": {name: training.get(name) for name in ("batch_size", "precision")},
    }
    solver = _part(recipe, "optimiser")
    unused = [name for (key, value), names in _UNUSED.items() if solver.get(key) == value for name in names]
    for name, value in flat_settings(told):
        if value not in ("none", "") and name not in unused:
            yield code(name), prose(value)


def _part(recipe: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = recipe.get(name)
    return found if isinstance(found, Mapping) else {}


def _names(folders: object) -> list[str]:
    """Return the last name of each folder, however its system writes paths: where it lies is nobody's business."""
    paths = folders if isinstance(folders, list | tuple) else [] if folders is None else [folders]
    names = [re.split(r"[\\/]", str(path).rstrip("\\/"))[-1] for path in paths]
    return [name for name in names if name.strip(".")]


def _points(card: ModelCard) -> Iterator[str]:
    if not card.operating_points:
        yield (
            f"None is stored, so no gallery answers with it yet. {code('sphereface operating-point')} measures "
            f"one, {code('sphereface evaluate --store')} keeps it."
        )
        return
    head = ("for", "accept from cosine", "asked for", "measured", "missed")
    yield table(head, map(_point, card.operating_points))


def _point(point: OperatingPoint) -> tuple[str, ...]:
    searching = point.kind == "fpir"
    basis = "" if point.basis == "measured" else f" ({point.basis})"
    return (
        f"searching, {point.holds_for_people:,} people enrolled{basis}" if searching else "comparing two pictures",
        f"{point.threshold:.4f}",
        prose(f"{point.kind.upper()} {plain_percent(point.target)}"),
        *(rate_words(_rate(measured)) for measured in (point.measured, point.missed)),
    )


def _rate(measured: MeasuredRate) -> Rate:
    return Rate(measured.value, measured.low, measured.high, measured.confidence, measured.n)
