"""A model's card as a page to read: what it is, what it is for, how it was judged, what nobody knows of it.

The sections are those of M. Mitchell et al., Model cards for model reporting, 2019 (arXiv:1810.03993). Every
number comes from ``model.json`` or from a ``report.json`` of exactly this model; nothing is measured here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from sphereface.card.judged import Report, judged, rates, value_words
from sphereface.card.markdown import plain, table
from sphereface.checkpoint import ModelCard
from sphereface.data.learned import LEARNED_FILE, Learned, read_learned
from sphereface.embedder import read_card
from sphereface.errors import DataError, reason_of
from sphereface.report.wording import flat_settings

REPORT_FILE = "report.json"

_LARGEST_REPORT = 256 * 2**20
_SCHEMA = 2
_FOLDERS = ("train", "without")
_TOLD = ("backbone", "head", "regularizers", "optimiser", "augmentation")  # sections of a recipe that make a model
_STEPS = ("optimiser.milestones", "optimiser.factor")  # a cosine schedule has no use for them


def card_page(folder: Path, report: Path | None = None, notes: Sequence[str] = ()) -> str:
    """Return the model card as Markdown.

    Args:
        folder: A model: a run's folder or an ONNX file.
        report: A ``report.json`` of this model; by default the one of the folder, if there is one.
        notes: What else a reader must know, a paragraph each.

    Raises:
        ModelError: If there is no model, or it is damaged.
        DataError: If the report is missing, damaged, or speaks of another model.
    """
    folder = Path(folder)
    card, known = read_card(folder), read_learned(folder)
    own = folder / REPORT_FILE
    said = _read_report(report or own, card) if report is not None or own.is_file() else None
    try:
        return "\n\n".join(_sections(card, known, said, notes)) + "\n"
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise DataError(
            f"'{report or own}' is not a report of schema {_SCHEMA} ({type(error).__name__}: {error}); judge the "
            "model again with 'sphereface evaluate'"
        ) from error


def _read_report(path: Path, card: ModelCard) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST_REPORT + 1)
    except OSError as error:
        raise DataError(f"the report '{path}' cannot be read: {reason_of(error)}") from error
    if len(text) > _LARGEST_REPORT:
        raise DataError(f"'{path}' is larger than any report ({_LARGEST_REPORT // 2**20} MiB)")
    try:
        report = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise DataError(f"'{path}' is damaged, it is not JSON; judge the model again") from error
    if not isinstance(report, dict) or report.get("schema") != _SCHEMA:
        raise DataError(f"'{path}' is not a report of schema {_SCHEMA}; judge the model again")
    settings = report.get("settings")
    whom = settings.get("model_fingerprint") if isinstance(settings, dict) else None
    if whom != card.fingerprint:
        told = f"speaks of model {str(whom)[:12]}" if whom else "does not say of which model it speaks"
        raise DataError(
            f"'{path}' {told}, but this is {card.fingerprint[:12]}; judge it with 'sphereface evaluate' and name "
            "that report"
        )
    return report


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def _sections(
    card: ModelCard, known: Learned | None, report: Report | None, notes: Sequence[str]
) -> Iterator[str]:
    recipe = card.provenance.recipe
    yield f"# {plain(recipe.get('title') or card.architecture.name)}"
    if report is not None:
        yield plain(" ".join(report["in_words"][:2]))
    for note in notes:
        yield plain(note)
    yield "## The model"
    yield table(("", ""), _model(card))
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
    yield "## What it learned from"
    yield _learned(card, known)
    if recipe:
        yield table(("setting", "value"), _recipe(recipe))
    yield "## How it was judged"
    if report is None:
        yield "No report of it is at hand. `sphereface evaluate` makes one."
    else:
        yield from judged(report)
    yield "## Operating points"
    yield _points(card)
    yield "## What is not known"
    yield "\n".join(f"- {plain(line)}" for line in _unknown(card, report))


def _model(card: ModelCard) -> Iterator[tuple[str, str]]:
    contract, made = card.input_contract, card.provenance
    settings = ", ".join(f"{name} {value}" for name, value in flat_settings(card.architecture.settings))
    numbers = f"; {card.parameters:,} parameters" if card.parameters else ""
    yield "network", f"{card.architecture.name}{f' ({settings})' if settings else ''}{numbers}"
    yield (
        "input",
        f"aligned faces of {contract.size} pixels (height by width), {contract.colour.upper()}, "
        f"(value − {contract.mean:g}) / {contract.std:g}",
    )
    mirrored = {
        "none": "",
        "sum": "; those of a picture and of its mirror image are added",
        "concatenate": "; those of a picture and of its mirror image stand end to end",
    }[contract.flip_fusion]
    yield "embedding", f"{card.embedding_dimension:,} numbers, of which the direction counts{mirrored}"
    yield "weights", f"{card.weights_bytes / 1e6:,.1f} MB, SHA-256 `{card.weights_sha256}`"
    yield "fingerprint", f"`{card.fingerprint}`, to which galleries and operating points are bound"
    yield "licence", made.licence
    versions = ", ".join(f"{name} {number}" for name, number in made.versions.items())
    if versions or made.created:
        yield "made with", " ".join(word for word in (versions, made.created) if word)


def _learned(card: ModelCard, known: Learned | None) -> str:
    made = card.provenance
    if not made.recipe and known is None:
        return "The card does not say."
    said = "It learned from pictures of people"
    if known is not None:
        said = f"It learned from {len(known.pictures):,} different pictures of {len(known.people):,} people"
    if made.data_hash:
        said += f" (data hash `{made.data_hash[:12]}`)"
    if made.steps:
        said += f", shown {made.images_seen:,} pictures in {made.steps:,} steps with seed {made.seed}"
    kept = f" `{LEARNED_FILE}` knows them again by hash and shows none." if known is not None else ""
    return f"{said}.{kept}"


def _recipe(recipe: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the settings that made the weights, of folders the last name: where they lay is nobody's business."""
    data = {key: _names(recipe.get("data", {}).get(key)) for key in _FOLDERS}
    training = {key: recipe.get("training", {}).get(key) for key in ("batch_size", "precision")}
    made = {key: recipe[key] for key in _TOLD if key in recipe}
    unused = _STEPS if recipe.get("optimiser", {}).get("schedule") == "cosine" else ()
    for name, value in flat_settings({"data": data, **made, "training": training}):
        if value not in ("none", "") and name not in unused:
            yield f"`{name}`", value


def _names(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [Path(str(each)).name for each in value]
    return None if value is None else Path(str(value)).name


def _points(card: ModelCard) -> str:
    if not card.operating_points:
        return (
            "None is stored, so no gallery answers with it yet. `sphereface operating-point` measures one, "
            "`sphereface evaluate --store` keeps it."
        )
    rows = []
    for point in card.operating_points:
        what = "searching" if point.kind == "fpir" else "comparing two"
        gallery = f", {point.holds_for_people:,} people enrolled" if point.kind == "fpir" else ""
        measured, missed = (value_words(rate.model_dump()) for rate in (point.measured, point.missed))
        basis = "" if point.basis == "measured" else f" ({point.basis})"
        rows.append((what + gallery, f"{point.threshold:.4f}", measured + basis, missed))
    return table(("for", "accept from cosine", "false alarms or matches", "missed"), rows)


def _unknown(card: ModelCard, report: Report | None) -> Iterator[str]:
    if report is None:
        yield "How often it errs: it has not been judged, or not here."
        return
    findings = report["findings"] or {}
    if not findings.get("groups"):
        yield (
            "Whether it errs as often with one group of people as with another: nobody has judged it by group "
            "(`sphereface evaluate --groups`)."
        )
    if not findings.get("gallery_sizes"):
        searched = [search["gallery_people"] for search in report["identification"]]
        larger = f" of more than {max(searched):,} people" if searched else ""
        yield f"How often it raises a false alarm in a gallery{larger}: that grows with every person enrolled."
    if not findings.get("morphing"):
        yield "Whether a picture morphed of two people passes for both."
    missing = [name for _, name, rate in rates(report) if rate["value"] is None]
    if missing:
        yield f"What this data cannot support: {', '.join(dict.fromkeys(missing))}."
    if card.provenance.recipe:
        yield (
            f"Whether another seed would do as well: this is one run, with seed {card.provenance.seed}, and its "
            "intervals cover the people judged and not the seed (`sphereface compare` takes several runs)."
        )
