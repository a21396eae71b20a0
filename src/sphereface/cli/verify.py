"""``sphereface verify A B``."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sphereface.cli.options import (
    Detector,
    Faces,
    GalleryFile,
    Json,
    Limits,
    Model,
    Pictures,
    gallery_file,
    is_there,
    load_model,
    model_folder,
)
from sphereface.cli.output import print_json
from sphereface.cli.points import PointFile, cosine_text, end_undecided, point_for, preprocessing
from sphereface.errors import ConfigurationError, DataError, GalleryError, ModelError, nearest

if TYPE_CHECKING:
    from sphereface.embedder import Embedder
    from sphereface.faces.reading import Reader

_FURTHEST = 700.0  # nats: the exponential of 710 is no float


def command(
    first: Annotated[str, typer.Argument(metavar="A", help="A picture, or an enrolled person's name.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="A picture.")],
    model: Model = None,
    gallery: GalleryFile = None,
    pictures: Pictures = "auto",
    faces: Faces = "largest",
    detector: Detector = "yunet",
    limits: Limits = None,
    point_file: PointFile = None,
    calibration: Annotated[
        Path | None,
        typer.Option("--calibration", help="File of 'sphereface calibrate' [default: the model's own, if any]."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Say whether two pictures show one person, or whether a picture shows an enrolled person."""
    from sphereface.calibrating import evidence_of
    from sphereface.cli.pictures import embed_pictures, reader_for
    from sphereface.gallery.decision import check_pair_point, read_otherwise

    if faces == "all":
        raise ConfigurationError("two faces are compared: choose --faces largest, central or error")
    embedder, card = load_model(model)
    point = point_for(card, "fmr", point_file)
    if point is not None:
        check_pair_point(point, embedder.fingerprint)
        if warning := read_otherwise(point, preprocessing(pictures, faces, detector, limits)):
            print(f"warning: {warning}", file=sys.stderr)
    reading = reader_for(embedder, pictures, faces, detector, limits)
    ratio: float | None = None
    if is_there(first) or (gallery is None and not gallery_file(None).exists()):
        vectors = embed_pictures(embedder, [Path(first), second], reading)
        score = float(vectors[0] @ vectors[1])
        try:
            ratio = evidence_of(embedder, model_folder(model), vectors, calibration)
            if ratio is not None:
                ratio = _told(ratio)
        except DataError as error:
            if calibration is not None:
                raise
            print(f"warning: no likelihood ratio: {error}", file=sys.stderr)
        against: dict[str, Any] = {"first": first}
    else:
        if calibration is not None:
            raise ConfigurationError("a calibration is for two pictures; a person enrolled may have several")
        score = _score_of(embedder, gallery_file(gallery), first, second, reading)
        against = {"person": first, "gallery": str(gallery_file(gallery))}
    score = max(-1.0, min(1.0, score))
    told = {**against, "second": str(second), "score": score, "log_likelihood_ratio": ratio}
    likely = [] if ratio is None else [_likely(ratio)]
    if point is None:
        reason = ModelError(
            "this model has no operating point for comparing two pictures, so no score can be called a match; "
            "measure one with 'sphereface evaluate --target-fmr RATE --store', on more people or at a higher rate"
        )
        end_undecided(reason, [f"  score {cosine_text(score)}", *likely], told, as_json)
    same = score >= point.threshold
    if as_json:
        print_json(
            {
                **told,
                "decision": "match" if same else "no-match",
                "threshold": point.threshold,
                "operating_point": point.model_dump(mode="json"),
            }
        )
        return
    print("same person" if same else "not the same person")
    print(f"  score {score:.3f} {'reaches' if same else 'is below'} the threshold {point.threshold:.3f}")
    for line in (*likely, f"  {point.describe()}"):
        print(line)


def _likely(ratio: float) -> str:
    more, less = ("one person", "two") if ratio >= 0 else ("two people", "one")
    return f"  {times(ratio)} times as likely of {more} as of {less} (log-likelihood ratio {ratio:+.2f})"


def _told(ratio: float) -> float:
    """Return a log-likelihood ratio as far as its exponential is a number; no calibration has evidence beyond."""
    if not math.isfinite(ratio):
        raise DataError(
            f"the calibration gives these two pictures a log-likelihood ratio of {ratio}; fit a new one with "
            "'sphereface calibrate'"
        )
    return max(-_FURTHEST, min(_FURTHEST, ratio))


def times(ratio: float) -> str:
    """Return how many times a log-likelihood ratio is, in either direction, to two digits.

    >>> times(4.6), times(-0.7), times(12.0)
    ('99', '2', '160,000')
    """
    return f"{float(f'{math.exp(abs(ratio)):.2g}'):,.10g}"


def _score_of(embedder: Embedder, path: Path, name: str, image: Path, reading: Reader) -> float:
    """Return how alike a picture is to an enrolled person's most similar template."""
    from sphereface.cli.pictures import embed_pictures
    from sphereface.gallery import clean_name, open_gallery

    with open_gallery(path, fingerprint=embedder.fingerprint, dimension=embedder.dimension, create=False) as book:
        known = [person.name for person in book.people()]
        wanted = clean_name(name)
        if wanted not in known:
            raise GalleryError(
                f"'{name}' is neither a file nor a person enrolled in '{path}'.{nearest(name, known)}"
            )
        found = book.search(embed_pictures(embedder, [image], reading), k=len(known))[0]
        count = next(person.templates for person in book.people() if person.name == wanted)
    if count > 1:
        print(
            f"note: the best of {count} enrolled pictures counts, but the threshold is for single pairs: "
            f"false matches are up to {count} times as frequent as stated",
            file=sys.stderr,
        )
    return next(candidate.score for candidate in found if candidate.name == wanted)
