"""``sphereface dataset import SOURCE DST``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sphereface.cli.options import Json
from sphereface.cli.output import Terminal, print_json


def command(
    source: Annotated[Path, typer.Argument(help="A .rec, .lst or .bin file, or a folder that holds train.rec.")],
    destination: Annotated[Path, typer.Argument(metavar="DST", help="A new folder.")],
    prefix: Annotated[
        str | None,
        typer.Option(
            "--prefix", help="Before each person's number [default: the new folder's name and a hyphen]."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Turn a legacy data set into folders of pictures: InsightFace's RecordIO, lists and evaluation files.

    Pictures stay byte for byte as they are. Nothing is unpickled and no code is run.
    """
    from sphereface.data.importing import PAIRS_FILE, PICTURES_FOLDER, import_dataset

    imported = import_dataset(source, destination, prefix=prefix, progress=Terminal())
    if as_json:
        print_json({"destination": str(destination), **imported.to_json()})
        return
    print(f"{imported.pictures:,} pictures of {imported.people:,} people: {destination}")
    for remark in imported.remarks:
        print(f"note: {remark}")
    if imported.pairs is not None:
        print(
            f"{imported.pairs.pairs:,} pairs; judge a model on them: sphereface evaluate "
            f"--data {destination / PICTURES_FOLDER} --pairs {destination / PAIRS_FILE}"
        )
