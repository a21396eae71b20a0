"""Ways of training compared from files: each run judged by itself, and what is refused before it is read."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from sphereface import repetition
from sphereface.checkpoint import Provenance
from sphereface.errors import ConfigurationError
from sphereface.evaluation.judge import compare
from sphereface.evaluation.person_figures import missed_at_fmr
from sphereface.evaluation.repeated import RepeatedRuns
from sphereface.inquiry import inquire
from sphereface.question import Question
from sphereface.repetition import compare_rows
from tests.end_to_end.test_compare_command import write_run


def test_figures_are_those_of_each_run_by_itself(tmp_path: Path) -> None:
    rows = {
        name: [Path(write_run(tmp_path / f"{name}{seed}.npz", noise, seed + way)) for seed in (1, 2)]
        for way, (name, noise) in enumerate({"one": 0.9, "other": 1.1}.items())
    }
    found = {figure.figure: figure for figure in compare_rows(rows, fmr=0.01, fpir=0.1)}["FNMR at FMR 0.01"]
    alone = {
        name: [missed_at_fmr(compare(inquire((), [run], Question()).faces).pairs[0], 0.01) for run in runs]
        for name, runs in rows.items()
    }
    assert found.runs == {name: tuple(figure.value for figure in figures) for name, figures in alone.items()}
    study = RepeatedRuns(alone)
    assert found.differences["other"] == study.difference("other", "one")
    assert found.means["one"] == study.mean("one")
    assert np.isfinite(found.means["one"].low)


def made_up(tmp_path: Path, ways: int, people: int = 70) -> dict[str, list[Path]]:
    return {
        f"way{way}": [
            Path(write_run(tmp_path / f"{way}-{seed}.npz", 1.0, 10 * way + seed, people)) for seed in (1, 2)
        ]
        for way in range(ways)
    }


def test_intervals_of_several_differences_hold_together(tmp_path: Path) -> None:
    rows = made_up(tmp_path, 5)
    figure = compare_rows(rows, fmr=0.01, confidence=0.9)[0]
    assert {round(found.confidence, 9) for found in figure.differences.values()} == {1 - 0.1 / 4}
    assert {found.confidence for found in figure.means.values()} == {0.9}
    two = compare_rows(dict(list(rows.items())[:2]), fmr=0.01, confidence=0.9)[0]
    assert two.differences["way1"].confidence == pytest.approx(0.9)


@pytest.mark.parametrize(("people", "rate"), [(12, "0.1"), (40, "0.01"), (70, "0.001")])
def test_misses_are_counted_at_a_rate_that_the_data_supports(tmp_path: Path, people: int, rate: str) -> None:
    rows = made_up(tmp_path, 2, people)
    found = compare_rows(rows)[0]
    assert found.figure == f"FNMR at FMR {rate}"
    assert not found.reason
    finer = compare_rows(rows, fmr=float(rate) / 100)[0]
    assert "not supported by this data" in finer.reason


def test_runs_are_paired_by_their_seeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seeds = {"a1": 1, "a2": 2, "b1": 2, "b2": 1}
    monkeypatch.setattr(repetition, "_seed_of", lambda path: seeds[path.name])
    rows = {name: [tmp_path / f"{name}{number}" for number in (1, 2)] for name in "ab"}
    with pytest.raises(ConfigurationError, match="where 'a' has seed 1 'b' has 2"):
        compare_rows(rows)


@pytest.mark.parametrize(("recipe", "seed"), [({"title": "a run"}, 7), ({}, None)])
def test_a_card_that_says_how_a_model_was_trained_says_its_seed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recipe: dict[str, str], seed: int | None
) -> None:
    card = SimpleNamespace(provenance=Provenance(recipe=recipe, seed=7))
    monkeypatch.setattr(repetition, "read_card", lambda _: card)
    assert repetition._seed_of(tmp_path) is None  # no model
    (tmp_path / "model.json").touch()
    assert repetition._seed_of(tmp_path) == seed
