"""Options that several verbs share, and their defaults."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sphereface.checkpoint import ModelCard
    from sphereface.embedder import Embedder

from sphereface.faces.choices import DetectorName, PictureKind, Policy

DEFAULT_MODEL = Path("runs/demo")

Model = Annotated[
    Path | None,
    typer.Option(
        "--model",
        help="Folder of a trained model, an ONNX file, or 'dlib' [default: $SPHEREFACE_MODEL, else runs/demo].",
    ),
]
GalleryFile = Annotated[
    Path | None,
    typer.Option("--gallery", help="Gallery file [default: $SPHEREFACE_GALLERY, else one in your data folder]."),
]
EmbeddingFile = Annotated[
    Path | None, typer.Option("--embeddings", help="File of embeddings (.npz) instead of a model.")
]
DataFolders = Annotated[
    list[Path] | None, typer.Option("--data", help="Folder of pictures [default: the run's own test people].")
]
Figures = Annotated[
    Path | None,
    typer.Option("--figures", help="Also write every figure of the report as PNG and PDF to this folder."),
]
Pictures = Annotated[
    PictureKind,
    typer.Option(
        "--pictures", help="Photographs, aligned crops, or auto: a picture of 112x112 or 112x96 pixels is a crop."
    ),
]
Faces = Annotated[
    Policy, typer.Option("--faces", help="Which face of a photograph counts; error refuses several.")
]
Detector = Annotated[DetectorName, typer.Option("--detector", help="Who finds the faces of a photograph.")]
Limits = Annotated[
    list[str] | None,
    typer.Option(
        "--limit",
        metavar="NAME=NUMBER",
        help="Refuse faces of low quality: least-sharpness=0.2, most-clipped=0.05, most-yaw=40...; repeatable.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, everything else on stderr.")]


def model_folder(given: Path | None) -> Path:
    """Return the model's folder: the one given, else ``$SPHEREFACE_MODEL``, else ``runs/demo``."""
    from sphereface.embedder.pretrained import model_folder as folder_of

    return folder_of(given or Path(os.environ.get("SPHEREFACE_MODEL") or DEFAULT_MODEL))


def is_there(text: str) -> bool:
    """Say whether a text is the path of something; a person's name may be too long to be one."""
    try:
        return Path(text).exists()
    except OSError:
        return False


def gallery_file(given: Path | None) -> Path:
    """Return the gallery's file: the one given, else the default."""
    from sphereface.gallery import default_gallery_path

    return given or default_gallery_path()


def load_model(given: Path | None) -> tuple[Embedder, ModelCard]:
    """Load the embedder and its card.

    Raises:
        ModelError: If there is none; the message names the command that makes one.
    """
    from sphereface.embedder import load_model as load

    return load(model_folder(given))
