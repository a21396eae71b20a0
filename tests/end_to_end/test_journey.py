"""The whole story on drawn people: what a run leaves behind, and that it is worth something."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from sphereface.checkpoint import load_card
from sphereface.data.manifest import read_manifest
from sphereface.embedder import embed_files, load_embedder
from sphereface.journey import journey
from sphereface.training.recipe import parse_recipe


def test_a_run_folder_holds_everything(story: Any) -> None:
    names = {path.name for path in story.folder.iterdir()}
    assert names >= {
        "model.safetensors",
        "model.json",
        "journal.jsonl",
        "report.html",
        "report.json",
        "recipe.json",
        "checkpoints",
        "gallery.db",
    }
    card = load_card(story.folder)
    assert card.architecture.name == "sfnet4"
    assert card.provenance.images_seen == 2_560
    assert {point.kind for point in card.operating_points} == {"fpir", "fmr"}
    assert all(point.model_fingerprint == card.fingerprint for point in card.operating_points)
    page = (story.folder / "model-card.md").read_text(encoding="utf-8")
    assert f"| licence | {card.provenance.licence} |" in page
    assert "It knows nothing of the faces of people." in page


def test_nobody_is_on_two_sides(story: Any) -> None:
    parts = [
        set(read_manifest(story.folder / "faces" / part).identities)
        for part in ("learn", "judge", "enrol", "strangers")
    ]
    assert sum(map(len, parts)) == len(set.union(*parts))


def test_the_report_has_every_rate_with_its_interval(story: Any) -> None:
    report = json.loads((story.folder / "report.json").read_text())
    rates: list[dict[str, Any]] = []

    def collect(value: Any) -> None:
        if isinstance(value, dict):
            if {"low", "high", "confidence", "n"} <= value.keys() and value.get("value") is not None:
                rates.append(value)
            for inner in value.values():
                collect(inner)
        elif isinstance(value, list):
            for inner in value:
                collect(inner)

    collect(report)
    assert len(rates) > 10
    for rate in rates:
        assert rate["low"] <= rate["value"] <= rate["high"]
        assert rate["confidence"] == 0.95
    verification, identification = report["verification"][0], report["identification"][0]
    assert {"eer", "auc", "accuracy", "fnmr_at_fmr"} <= verification.keys()
    assert set(verification["fnmr_at_fmr"]) == {"0.01", "0.001", "0.0001"}
    assert verification["fnmr_at_fmr"]["0.0001"]["value"] is None
    assert "not supported by this data" in verification["fnmr_at_fmr"]["0.0001"]["reason"]
    assert set(identification["fnir_at_fpir"]) == {"0.01", "0.1"}


def test_training_beats_the_shortcuts(story: Any) -> None:
    shortcuts = {each.name: each.rate.value for each in story.result.report.shortcuts}
    trained = shortcuts.pop("the trained network")
    assert len(shortcuts) == 4
    assert trained < min(shortcuts.values())
    assert shortcuts["raw pixels"] > 0.2
    assert shortcuts["untrained network"] > 0.2
    assert shortcuts["colour of the face"] > 0.3
    assert shortcuts["background and light"] > 0.4


def test_the_trial_counts_every_search(story: Any) -> None:
    trial = story.result.report.gallery_trial
    assert (trial.gallery_people, trial.known_searches, trial.stranger_searches) == (6, 12, 20)
    assert trial.stated_fpir == 0.4
    assert trial.realised_fpir.low <= 0.4  # six people are fewer than the operating point was measured with


def test_the_stored_model_is_the_trained_one(story: Any) -> None:
    """The embedder reads what training wrote: same network, same contract, hence the same embedding."""
    import torch

    embedder = load_embedder(story.folder)
    people = story.result.audit.people
    faces = embed_files(embedder, people.paths[:8])
    raw = story.result.audit.faces.embeddings[:8]
    units = raw / np.linalg.norm(raw, axis=1, keepdims=True)
    stored = np.stack([face.embedding for face in faces if face.embedding is not None])
    assert np.allclose(stored, units, atol=1e-6)
    backbone = story.result.trained.backbone.eval()
    from sphereface.faces.image import read_image

    pixels = np.stack([read_image(path) for path in people.paths[:8]])
    with torch.inference_mode():
        whole = [
            backbone(torch.from_numpy(embedder.contract.normalise(view.copy()))).numpy()
            for view in (pixels, pixels[:, :, ::-1])
        ]
    joined = whole[0] + whole[1]
    assert np.allclose(stored, joined / np.linalg.norm(joined, axis=1, keepdims=True), atol=1e-4)


def test_the_same_journey_again_trains_nothing_and_changes_nothing(story: Any) -> None:
    before = load_card(story.folder)
    again = journey(parse_recipe(before.provenance.recipe), story.folder)
    assert again.trained.resumed_at == again.trained.steps
    after = load_card(story.folder)
    assert after.fingerprint == before.fingerprint
    old, new = story.result.audit.evaluation, again.audit.evaluation
    assert new.verification.eer == old.verification.eer
