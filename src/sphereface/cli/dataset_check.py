"""``sphereface dataset check FOLDER``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sphereface.cli.options import Detector, Faces, Json, Pictures, model_folder
from sphereface.cli.output import Terminal, print_json
from sphereface.errors import ConfigurationError, DataError

if TYPE_CHECKING:
    from sphereface.data.manifest import Manifest
    from sphereface.embedder.face_check import FaceCheck
    from sphereface.progress import Progress
    from sphereface.report.sheet import SheetRow

_MOST_ROWS = 500  # a page that nobody reads to its end


def command(
    folder: Annotated[Path, typer.Argument(help="A folder with one folder a person.")],
    against: Annotated[
        Path | None,
        typer.Option("--against", help="Another data set that must not share people or pictures."),
    ] = None,
    model: Annotated[
        Path | None, typer.Option("--model", help="Also compare faces, with this model (a folder, or 'dlib').")
    ] = None,
    recall: Annotated[
        float | None,
        typer.Option("--recall", help="Share of one's own pictures that must count as alike [default: 0.8]."),
    ] = None,
    sheet: Annotated[
        Path | None, typer.Option("--sheet", help="Write what faces give away to this HTML page, to look at.")
    ] = None,
    pictures: Pictures = "auto",
    faces: Faces = "largest",
    detector: Detector = "yunet",
    as_json: Json = False,
) -> None:
    """Find unreadable files, duplicates, people with one picture, and people shared with another set.

    With a model faces are compared too: people shared under other names, one person under two names, and pictures
    that look as if they lay in the wrong folder. These are candidates and no problems: look at them.

    Exits with 1 if there are problems.
    """
    from sphereface.data.check import check_dataset

    if model is None and (sheet is not None or recall is not None):
        raise ConfigurationError("--sheet and --recall are about faces, which need --model (for example 'dlib')")
    if faces == "all":
        raise ConfigurationError("one face of each picture is compared: choose --faces largest, central or error")
    progress = Terminal()
    found = check_dataset(folder, against=against, progress=progress)
    if not as_json:
        for problem in found.problems:
            print(f"problem: {problem}")
        for note in found.notes:
            print(f"note: {note}", flush=True)
    by_face: FaceCheck | None = None
    people = None if model is None else _people(folder, against, progress, insist=found.ok)
    if people is not None:
        from sphereface.embedder import load_embedder
        from sphereface.embedder.face_check import check_faces
        from sphereface.embedder.resemblance import RECALL
        from sphereface.faces.detectors import reader

        embedder = load_embedder(model_folder(model))
        by_face = check_faces(
            embedder,
            *people,
            reader=reader(embedder.contract.size, pictures, faces, detector),
            recall=RECALL if recall is None else recall,
            workers=1 if pictures == "aligned" else None,
            progress=progress,
        )
    if as_json:
        print_json(found.to_json() | ({} if by_face is None else {"faces": by_face.to_json()}))
    else:
        for line in () if by_face is None else by_face.lines():
            print(f"by face: {line}")
        print("ready to train on" if found.ok else f"kinds of problems: {len(found.problems)}", flush=True)
    if by_face is not None and sheet is not None:
        _write_sheet(sheet, by_face)
        print(f"sheet: {sheet}", file=sys.stderr if as_json else sys.stdout)
    if not found.ok:
        raise typer.Exit(1)


def _people(
    folder: Path, against: Path | None, progress: Progress, *, insist: bool
) -> tuple[Manifest, Manifest | None] | None:
    """Read both sets; None where that cannot be done for problems that were told, unless somebody insists."""
    from sphereface.data.manifest import read_manifest

    try:
        ours = read_manifest(folder, progress=progress)
        return ours, None if against is None else read_manifest(against, progress=progress)
    except DataError:
        if insist:
            raise
        print("note: faces are compared once the problems are mended", file=sys.stderr)
        return None


def _write_sheet(path: Path, found: FaceCheck) -> None:
    from sphereface.report.sheet import write_sheet

    found_rows = [
        *(
            (f"in both sets? {pair.score:.3f}: {pair.first} and {pair.second}", pair.pictures)
            for pair in found.shared
        ),
        *(
            (f"one person? {pair.score:.3f}: {pair.first} and {pair.second}", pair.pictures)
            for pair in found.twice
        ),
        *(
            (
                f"{stray.score:.3f} like {stray.person}, {stray.nearest_score:.3f} like {stray.nearest}",
                (stray.picture, stray.own_picture, stray.nearest_picture),
            )
            for stray in found.strays
        ),
    ]
    shown = f", the first {_MOST_ROWS} of {len(found_rows)}" if len(found_rows) > _MOST_ROWS else ""
    rows = [_row(caption, files) for caption, files in found_rows[:_MOST_ROWS]]
    write_sheet(path, f"What faces give away{shown}", rows)


def _row(caption: str, files: tuple[str, ...]) -> SheetRow:
    from sphereface.faces.image import read_image
    from sphereface.report.sheet import SheetRow

    return SheetRow(caption, [("/".join(Path(file).parts[-2:]), read_image(Path(file))) for file in files])
