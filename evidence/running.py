"""One run after the other, each to its summary; whatever is done is skipped, whatever was killed goes on."""

from __future__ import annotations

import hashlib
import math
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from evidence.measuring import (
    Crops,
    counted_people,
    embed,
    measure_judged,
    measure_kept,
    measure_learners,
    measure_trial,
)
from evidence.people import MOST, People, gather_people
from evidence.plan import Run
from evidence.schedule import runs_to_make
from evidence.summary import SUMMARIES, Summary, load_summary, read_summary, recipe_hash, write_summary
from sphereface.atomic import held
from sphereface.data.manifest import Manifest
from sphereface.errors import ConfigurationError, DataError, NonFiniteLossError
from sphereface.faces.contract import InputContract
from sphereface.faces.image import read_image
from sphereface.faces.quality import appearance
from sphereface.surroundings import processor
from sphereface.training.journal import read_journal
from sphereface.training.loop import build_networks, train
from sphereface.training.network_check import check_networks
from sphereface.version import __version__

WAIT_SECONDS = 5.0
LAST_STEPS = 50
NEARLY_NOTHING = 1e-3  # length of an embedding that gives up


class _MadeElsewhereError(Exception):
    """Another process makes this run."""


@dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures that every run embeds: whose, and their decoded crops (N, 112, 96, 3)."""

    people: Manifest
    crops: Crops

    @cached_property
    def sharpness(self) -> NDArray[np.float64]:
        """Of each crop, (N,); no network has a part in it."""
        return np.array([appearance(crop)[0] for crop in self.crops])


def work(shared: Path, folder: Path, only: Sequence[str] = (), summaries: Path = SUMMARIES) -> None:
    """Make every run that is still to be made, beside any number of other processes that do the same."""
    torch.set_num_threads(1)
    people = gather_people(shared)
    folder.mkdir(parents=True, exist_ok=True)
    with held(folder):
        _keep_people(people, summaries)
        shown = {part: Pictures(manifest, _crops(manifest, folder)) for part, manifest in _parts(people).items()}
    while True:
        waiting = [run for run in runs_to_make(only, summaries) if read_summary(run, summaries) is None]
        if not waiting:
            return
        for run in waiting:
            home = folder / run.name
            home.mkdir(parents=True, exist_ok=True)
            try:
                with held(home, busy=_MadeElsewhereError()):
                    if read_summary(run, summaries) is None:
                        print(f"{datetime.now(UTC):%H:%M} {run.name}", flush=True)
                        write_summary(run.name, make(run, people, shown, home), summaries)
                        shutil.rmtree(home / "checkpoints", ignore_errors=True)
                        break  # the list may have changed
            except _MadeElsewhereError:
                continue
        else:
            time.sleep(WAIT_SECONDS)


def start(shared: Path, folder: Path, jobs: int, only: Sequence[str] = (), summaries: Path = SUMMARIES) -> int:
    """Start so many processes that work, one thread each, and wait for them; return the worst exit status."""
    if not runs_to_make(only, summaries):
        raise SystemExit(
            f"nothing of {' '.join(only)} can be run yet: it waits for the runs of 'tuning', make those first"
        )
    command = [sys.executable, "-m", "evidence", "work", "--shared", str(shared), "--work", str(folder)]
    command += ["--summaries", str(summaries)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    started = [subprocess.Popen([*command, *only], env=environment) for _ in range(jobs)]
    return max(abs(process.wait()) for process in started)


def make(run: Run, people: People, shown: Mapping[str, Pictures], folder: Path) -> Summary:
    """Train and measure one run."""
    recipe = run.recipe()
    learners = people.tuning[0] if run.kind == "trial" else people.learners
    check_networks(recipe)  # so that a wrong setting is not taken for a run that stopped
    stopped, network, measured = "", None, {}
    # Only what a loss can do to a run is told as its end; a picture that cannot be read stops the study.
    try:
        network = train(recipe, learners, folder).backbone
    except NonFiniteLossError as error:
        stopped = str(error).partition(". Try")[0]
    else:
        try:
            measured = _measured(run, network, people, shown, recipe.input, folder)
        except (ConfigurationError, DataError) as error:  # embeddings of no length
            stopped = str(error)
    journal = read_journal(folder / "journal.jsonl")
    last = _last(journal)
    summary: Summary = {
        "run": run.name,
        "kind": run.kind,
        "recipe_hash": recipe_hash(run),
        "recipe": recipe.model_dump(mode="json", include={"backbone", "head", "regularizers", "optimiser"}),
        "seed": run.seed,
        "learners": {"people": len(learners.identities), "images": len(learners), "hash": learners.data_hash[:12]},
        "judged": people.judged.data_hash[:12],
        "stopped": stopped,
        "versions": {"sphereface": __version__, "torch": torch.__version__.partition("+")[0]},
        "processor": processor(),
        "ended": f"{datetime.now(UTC):%Y-%m-%d %H:%M}",
        "seconds": _seconds(journal, run.batch),
        "journal": _thinned(journal),
        "last": last,
    }
    if run.kind == "stress":
        count = len(learners.identities)
        summary |= {"chance": collapsed_loss(run, count, 0.0)}
        summary |= {"collapsed": None if last is None else collapsed_loss(run, count, last["cosine"])}
    if network is not None:
        summary |= {"weights": _weights_hash(network), **measured}
    return summary


def _measured(
    run: Run,
    network: nn.Module,
    people: People,
    shown: Mapping[str, Pictures],
    contract: InputContract,
    folder: Path,
) -> dict[str, Any]:
    wanted = {"stress": (), "trial": ("tuning",), "judged": ("judged", "kept", "learners")}[run.kind]
    found = {part: embed(network, shown[part].people, shown[part].crops, contract) for part in wanted}
    if run.kind == "stress":
        return {}
    # Beside the weights, outside the project: what is asked tomorrow need not be trained again.
    for part, each in found.items():
        np.save(folder / f"embeddings-{part}.npy", each.faces.embeddings.astype(np.float16), allow_pickle=False)
    if run.kind == "trial":
        return {"trial": measure_trial(found["tuning"])}
    judged = measure_judged(found["judged"], people, shown["judged"].sharpness)
    return {
        **judged,
        "kept": measure_kept(found["kept"], judged["threshold"]),
        "learned": measure_learners(found["learners"]),
    }


def _parts(people: People) -> dict[str, Manifest]:
    """Return whose pictures are embedded, by the part they take."""
    return {
        "judged": people.judged,
        "kept": people.kept,
        "tuning": people.tuning[1],
        "learners": people.learners.at_most(MOST),
    }


def _crops(people: Manifest, folder: Path) -> Crops:
    """Return the decoded crops (N, 112, 96, 3), kept outside the project once they have been read."""
    path = folder / f"crops-{people.data_hash[:16]}.npy"
    if not path.exists():
        contract = InputContract(size="112x96")
        crops = np.stack([contract.crop(read_image(file)[None])[0] for file in people.paths])
        unfinished = path.with_suffix(".unfinished.npy")
        np.save(unfinished, crops, allow_pickle=False)
        unfinished.replace(path)
    loaded: Crops = np.load(path, mmap_mode="r", allow_pickle=False)
    return loaded


def _keep_people(people: People, summaries: Path) -> None:
    """Write what all summaries count against, or insist that it is what it was."""
    counted = {
        "judged_hash": people.judged.data_hash[:12],
        "learners_hash": people.learners.data_hash[:12],
        "tuning_hash": people.tuning[1].data_hash[:12],
        **counted_people(people),
    }
    path = summaries / "people.json"
    if not path.exists():
        write_summary("people", counted, summaries)
    elif load_summary(path) != counted:
        raise SystemExit(f"the pictures at hand are not those behind {path}: runs made of them cannot be compared")


def _seconds(journal: list[dict[str, Any]], batch: int) -> int:
    """Return the seconds of all steps, those before a kill included; not those of a process that was held."""
    steps = [0, *(int(row["step"]) for row in journal)]
    return int(
        sum(
            (row["step"] - before) * batch / row["images_per_second"]
            for before, row in zip(steps, journal, strict=False)
            if row["images_per_second"] > 0  # 0 is less than one in twenty seconds: the machine slept
        )
    )


def _thinned(journal: list[dict[str, Any]]) -> dict[str, list[float]]:
    rows = [row for row in journal if row["step"] % 20 == 0]
    return {
        "step": [row["step"] for row in rows],
        "loss": [round(row["loss"], 4) for row in rows],
        "gradient_norm": [row["gradient_norm"] for row in rows],
        "angle": [round(row["angle"], 4) for row in rows],
    }


def _last(journal: list[dict[str, Any]]) -> dict[str, float] | None:
    """Return means over the last 50 steps that were written down, and the step of the last."""
    rows = [row for row in journal if row["step"] > journal[-1]["step"] - LAST_STEPS]
    if not rows:
        return None
    return {
        "step": rows[-1]["step"],
        "loss": float(np.mean([row["loss"] for row in rows])),
        "cosine": float(np.mean([math.cos(row["angle"]) for row in rows])),
    }


def collapsed_loss(run: Run, people: int, cosine: float) -> float:
    """Return the loss, with margins at their full, of a network that gives everybody one and the same embedding.

    At a fixed norm a margin's loss falls where all embeddings and all prototypes draw together, though nobody is
    told from anybody. Where the norm is free nothing is lower than ln C, at a length of 0.

    Args:
        run: Whose loss.
        people: Number of prototypes.
        cosine: Between the embedding and all of them.
    """
    _, head = build_networks(run.recipe(), people, torch.device("cpu"))
    head.advance(1.0)
    with torch.no_grad():
        head.prototypes.zero_()
        head.prototypes[..., 0] = 1.0
        embedding = torch.zeros(1, head.prototypes.shape[-1])
        embedding[0, :2] = NEARLY_NOTHING * torch.tensor([cosine, math.sqrt(max(1.0 - cosine**2, 0.0))])
        return float(head(embedding, torch.zeros(1, dtype=torch.int64)).loss)


def _weights_hash(network: nn.Module) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
