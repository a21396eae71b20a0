"""``sphereface doctor MODEL DATA``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sphereface.cli.options import Detector, Json, Pictures, model_folder
from sphereface.cli.output import Terminal, print_json, rate_text

_SHOWN = 12  # rows of the table

if TYPE_CHECKING:
    from sphereface.embedder import Embedder
    from sphereface.embedder.contract_search import Trial
    from sphereface.embedder.doctor import Diagnosis


def command(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="Folder of a trained model, an ONNX file, or 'dlib'.")
    ],
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Folder of folders (person / pictures).")],
    people: Annotated[int, typer.Option("--people", help="How many people to look at.")] = 60,
    images: Annotated[int, typer.Option("--images", help="Pictures of each, at most.")] = 4,
    seed: Annotated[int, typer.Option("--seed", help="Of the sample.")] = 0,
    pictures: Pictures = "auto",
    detector: Detector = "yunet",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="Save a copy of the model here if its card is wrong, with the contract that fits."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Say whether colours, scaling and alignment of pictures fit a model; exit with 1 unless they do."""
    from sphereface.embedder import load_embedder
    from sphereface.embedder.doctor import diagnose
    from sphereface.embedder.prescription import sentences

    folder = model_folder(model)
    _check_out(folder, out)
    embedder = load_embedder(folder)
    diagnosis = diagnose(
        embedder,
        data,
        people=people,
        images=images,
        seed=seed,
        pictures=pictures,
        detector=detector,
        progress=Terminal(),
    )
    saved, advice = _contract_advice(folder, embedder, diagnosis, out)
    said = [*sentences(diagnosis), *advice]
    if as_json:
        about = {"model": str(model), "data": str(data), **_as_json(diagnosis), "saved": saved}
        print_json({**about, "sentences": said})
    else:
        _print(diagnosis)
        print()
        for sentence in said:
            print(sentence)
    if diagnosis.verdict != "fits":
        raise typer.Exit(1)


def _check_out(model: Path, out: Path | None) -> None:
    """Refuse before minutes of work what could not be saved after them."""
    from sphereface.data.new_folder import insist_on_new
    from sphereface.embedder.onnx_file import is_onnx
    from sphereface.errors import ConfigurationError

    if out is None:
        return
    if is_onnx(model):
        raise ConfigurationError(
            "--out copies the folder of a trained model; the contract of an ONNX file is changed where it stands, "
            f"in its metadata or in '{model.with_suffix('.json')}'"
        )
    insist_on_new(out)


def _contract_advice(
    model: Path, embedder: Embedder, diagnosis: Diagnosis, out: Path | None
) -> tuple[str | None, list[str]]:
    """Save the copy asked for, if the contract is at fault; return where it is, and what there is to say of it."""
    from sphereface.embedder.onnx_file import is_onnx
    from sphereface.embedder.prescription import prescribed
    from sphereface.embedder.recontract import save_behind
    from sphereface.errors import SpherefaceError, reason_of

    contract = prescribed(diagnosis, embedder.contract)
    if contract == embedder.contract:
        why = {
            "fits": "today's contract fits",
            "nothing separates": "no contract can be told from another",
            "another fits better": "the fault is in the pictures, not in the contract",
        }[diagnosis.verdict]
        return None, [] if out is None else [f"no copy is saved: {why}"]
    if out is not None:
        try:
            save_behind(model, contract, out)
        except (SpherefaceError, OSError) as error:  # what was found must not be lost with it
            reason = reason_of(error) if isinstance(error, OSError) else error
            return None, [f"no copy is saved: {reason}"]
        return str(out), [
            f"a copy of the model with that contract is in '{out}'; its operating points have to be measured anew"
        ]
    if is_onnx(model):
        beside = model.with_suffix(".json")
        where = f"where it stands, in the metadata of the file or in '{beside}'"
        return None, [f"the contract as it should be, to be changed {where}: {json.dumps(contract.model_dump())}"]
    return None, ["'sphereface doctor' with --out FOLDER saves a copy of the model with that contract"]


def _print(diagnosis: Diagnosis) -> None:
    """Print a table of what was tried, best first."""
    from sphereface.embedder.prescription import name_of

    today, tried = diagnosis.today, diagnosis.tried
    print(f"{diagnosis.pictures:,} pictures of {diagnosis.people:,} people")
    if diagnosis.undecoded:
        print(f"{len(diagnosis.undecoded):,} files could not be decoded, such as '{diagnosis.undecoded[0]}'")
    print("\n{:<23}{:<26}{:>6}  {}".format("d' and 95 % interval", "equal error rate", "failed", "contract"))
    shown = [trial for place, trial in enumerate(tried) if place < _SHOWN or trial is today]
    for trial in shown:
        value, low, high = trial.separation.interval()
        name = ("today: " if trial is today else "") + name_of(trial.variant, today.variant)
        figures = f"{value:.2f}  ({low:.2f} to {high:.2f})"
        print(f"{figures:<23}{rate_text(trial.eer):<26}{trial.failed:>6,}  {name}")
    print(f"{diagnosis.pixels.value:.2f}   the pictures' own pixels, without a model")
    if len(tried) > len(shown):
        print(f"{len(tried) - len(shown)} more are worse than the first {_SHOWN}; --json lists them")


def _as_json(diagnosis: Diagnosis) -> dict[str, Any]:
    return {
        "verdict": diagnosis.verdict,
        "people": diagnosis.people,
        "pictures": diagnosis.pictures,
        "undecoded": [str(path) for path in diagnosis.undecoded],
        "variants": diagnosis.choices.others + 1,
        "today": _trial(diagnosis, diagnosis.today),
        "best": _trial(diagnosis, diagnosis.best),
        "tried": [_trial(diagnosis, trial) for trial in diagnosis.tried],
        "d_prime_of_plain_pixels": diagnosis.pixels.interval()._asdict(),
        "skipped": diagnosis.skipped,
    }


def _trial(diagnosis: Diagnosis, trial: Trial) -> dict[str, Any]:
    variant = trial.variant
    return {
        "reading": variant.reading,
        "colour": variant.colour,
        "scaling": None if variant.scaling is None else variant.scaling._asdict(),
        "d_prime": trial.separation.interval()._asdict(),
        "rise_over_today": diagnosis.rise(trial)._asdict(),
        "eer": trial.eer.to_json(),
        "failed": trial.failed,
    }
