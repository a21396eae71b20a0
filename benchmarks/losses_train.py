"""Does every loss of the table train? SFNet-4 on drawn people, a fixed number of images, two seeds.

    python benchmarks/losses_train.py WORK_FOLDER [--images 20000] [--seeds 1 2] [--only arcface] [--set k=v]

Each loss has its published settings, but for what --set changes (gradient=detached, margin_ramp=0.5). A run
that is done is kept in WORK_FOLDER and not repeated, so the program can be stopped at any time and goes on when
it is called again; at the end it prints the table of docs/results/losses.md. Each run has one thread and takes
about two minutes: as many processes as there are cores can share a folder, with a seed each. A loss *trains* if
the network tells 60 unseen people apart with less than half the equal error rate of an untrained one. One pair
of seeds says nothing about which loss is better.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from sphereface.backbones import build_backbone
from sphereface.data.manifest import Manifest, read_manifest
from sphereface.data.synthetic_folder import write_faces
from sphereface.evaluation import all_pairs, verify
from sphereface.faces.contract import InputContract
from sphereface.faces.image import read_image
from sphereface.heads.table import HEADS
from sphereface.training.journal import read_journal
from sphereface.training.loop import train
from sphereface.training.recipe import Recipe, parse_recipe

LEARNERS, SHOTS, UNSEEN, UNSEEN_SHOTS = 300, 16, 60, 6
SIZE: Final = "112x112"


def recipe(name: str, people: Path, images: int, seed: int, changes: dict[str, Any]) -> Recipe:
    """Return the run's recipe: the loss as published but for the changes, nothing else chosen for it."""
    return parse_recipe(
        {
            "data": {"train": [people]},
            "input": {"size": SIZE},
            "backbone": {"name": "sfnet4", "settings": {"embedding_dim": 256, "batch_norm": True}},
            "head": {"name": name, "settings": changes},
            "optimiser": {"clip_norm": 5.0},
            "training": {
                "images": images,
                "batch_size": 64,
                "seed": seed,
                "threads": 1,
                "checkpoint_every": 100_000,
            },
        }
    )


def equal_error_rate(network: torch.nn.Module, unseen: Manifest) -> dict[str, float | None]:
    """Return the equal error rate on people the network has not seen, with its interval."""
    pixels = np.stack([read_image(path) for path in unseen.paths])
    scaled = torch.from_numpy(InputContract(size=SIZE).normalise(pixels))
    with torch.inference_mode():
        parts = [network(scaled[start : start + 64]) for start in range(0, len(scaled), 64)]
    names = [unseen.identities[label] for label in unseen.labels]
    rate = verify(all_pairs(torch.cat(parts).numpy(), names)).eer
    return {"value": rate.value, "low": rate.low, "high": rate.high}


def run(
    name: str, seed: int, images: int, changes: dict[str, Any], people: Path, unseen: Manifest, work: Path
) -> dict[str, Any]:
    """Train one loss with one seed, or read what an earlier call measured."""
    label = "-".join([f"{name}-{seed}-{images}", *(f"{key}={value}" for key, value in changes.items())])
    kept = work / "done" / f"{label}.json"
    if kept.exists():
        found: dict[str, Any] = json.loads(kept.read_text())
        return found
    began = time.perf_counter()
    folder = work / "runs" / label
    found = {"name": name, "seed": seed}
    try:
        trained = train(recipe(name, people, images, seed, changes), read_manifest(people), folder)
        journal = read_journal(folder / "journal.jsonl")
        found |= {
            "loss": [journal[0]["loss"], journal[-1]["loss"]],
            "degrees": [float(np.degrees(journal[0]["angle"])), float(np.degrees(journal[-1]["angle"]))],
            "remark": next((row["remark"] for row in journal if "remark" in row), ""),
            "eer": equal_error_rate(trained.backbone.eval(), unseen),
        }
    except Exception as error:  # one loss must not end the comparison: what it said is its result
        found["error"] = f"{type(error).__name__}: {error}"
    found["seconds"] = time.perf_counter() - began
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(found))
    return found


def setting(text: str) -> tuple[str, Any]:
    """Return key and value of ``key=value``; what is not JSON is a word."""
    key, _, value = text.partition("=")
    try:
        return key, json.loads(value)
    except json.JSONDecodeError:
        return key, value


def table(runs: list[dict[str, Any]], untrained: float) -> str:
    """Return the Markdown table of all runs so far."""
    lines = [
        "| loss | seed | loss, first to last | own angle | equal error rate, unseen people | trains |",
        "|---|---|---|---|---|---|",
    ]
    for each in runs:
        if "error" in each or each["eer"]["value"] is None:
            said = each.get("error", "no equal error rate")[:80]
            lines.append(f"| `{each['name']}` | {each['seed']} | {said} | | | **no** |")
            continue
        eer, loss, degrees = each["eer"], each["loss"], each["degrees"]
        verdict = "yes" if eer["value"] < untrained / 2 else "**no**"
        if each["remark"]:
            verdict += ", and the loss stood at chance level"
        lines.append(
            f"| `{each['name']}` | {each['seed']} | {loss[0]:.2f} to {loss[1]:.2f} | {degrees[0]:.0f} to "
            f"{degrees[1]:.0f} degrees | {eer['value']:.1%} ({eer['low']:.1%} to {eer['high']:.1%}) | {verdict} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Run what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--only", nargs="+", default=list(HEADS))
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE", type=setting)
    options = parser.parse_args()
    write_faces(options.work / "learn", range(LEARNERS), SHOTS, seed=11)
    write_faces(options.work / "unseen", range(10_000, 10_000 + UNSEEN), UNSEEN_SHOTS, seed=11)
    unseen = read_manifest(options.work / "unseen")
    torch.manual_seed(0)
    network = build_backbone("sfnet4", size=SIZE, embedding_dim=256, batch_norm=True).eval()
    untrained = equal_error_rate(network, unseen)["value"]
    assert untrained is not None  # sixty people with six pictures each
    print(f"equal error rate of an untrained network: {untrained:.1%}")
    runs: list[dict[str, Any]] = []
    for seed in options.seeds:
        for name in options.only:
            runs.append(
                run(name, seed, options.images, dict(options.set), options.work / "learn", unseen, options.work)
            )
            print(json.dumps(runs[-1]), flush=True)
    print(table(sorted(runs, key=lambda each: (list(HEADS).index(each["name"]), each["seed"])), untrained))


if __name__ == "__main__":
    main()
