"""The plan: every row has the same chances, and can be built."""

from __future__ import annotations

import json
import math
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from evidence import plan
from evidence.plan import CANDIDATES, Run
from evidence.schedule import QUESTIONS, chosen_settings, runs_to_make
from evidence.summary import load_summary, read_summary, recipe_hash, write_summary
from sphereface.errors import DataError
from sphereface.heads import build_head
from sphereface.heads.table import HEADS
from sphereface.training.network_check import check_networks

FIRST = {head: settings[0] for head, settings in CANDIDATES.items()}
EVERY = [
    *plan.trials(),
    *plan.margins(FIRST),
    *plan.gradients(),
    *(run for arm in plan.ARMS for rung in plan.RUNGS for run in plan.stability(arm, *rung)),
    *plan.milder(),
    *plan.sizes(),
    *plan.norms(),
    *plan.budgets(),
]


def test_no_two_runs_share_a_name_or_a_recipe_within_a_question() -> None:
    assert len({run.name for run in EVERY}) == len(EVERY)
    for question in {run.question for run in EVERY}:
        hashes = [recipe_hash(run) for run in EVERY if run.question == question]
        assert len(set(hashes)) == len(hashes)


@pytest.mark.parametrize("run", [run for run in EVERY if run.seed == 1], ids=lambda run: run.name)
def test_every_row_can_be_built(run: Run) -> None:
    recipe = run.recipe()
    check_networks(recipe)
    assert recipe.training.steps == run.steps


def test_every_loss_has_the_same_trials_and_the_same_budget() -> None:
    trials = list(plan.trials())
    assert set(Counter(run.head for run in trials).values()) == {5}
    assert {(run.steps, run.batch, run.backbone, run.seed) for run in trials} == {(300, 64, "sfnet4", 1)}
    for question in (plan.margins(FIRST), plan.gradients(), plan.norms()):
        assert len({(run.steps, run.batch, run.backbone, run.learning_rate) for run in question}) == 1


def test_rows_of_a_question_share_their_seeds() -> None:
    for question in (plan.margins(FIRST), plan.gradients(), plan.norms()):
        seeds: dict[str, set[int]] = {}
        for run in question:
            seeds.setdefault(run.row, set()).add(run.seed)
        assert len({frozenset(row) for row in seeds.values()}) == 1


def test_the_best_trial_chooses_the_settings(tmp_path: Path) -> None:
    assert chosen_settings(tmp_path) == {}
    rates = {"cosface-1": 0.9, "cosface-2": 0.7, "cosface-3": 0.7, "cosface-4": None, "cosface-5": 0.8}
    for run in plan.trials():
        if run.row not in rates:
            continue
        rate = rates[run.row]
        trial = {"stopped": "a number was not finite"} if rate is None else {"trial": {"fnmr": rate}}
        write_summary(run.name, {"recipe_hash": recipe_hash(run), **trial}, tmp_path)
    # The lowest rate wins, of equal ones the first; a trial that stopped never does.
    assert chosen_settings(tmp_path) == {"cosface": CANDIDATES["cosface"][1]}
    assert {run.row for run in runs_to_make(["margins"], tmp_path)} == {"cosface"}


def test_twins_with_the_same_settings_are_run_once() -> None:
    same = {head: {"scale": 15.0, "margin": 1.2} for head in plan.TWINS}
    assert {run.row for run in plan.margins(same)} == {plan.TWINS[0]}
    (check,) = plan.twins(same)
    first = next(plan.margins(same))
    assert (check.settings, check.seed, check.backbone, check.steps) == (
        first.settings,
        first.seed,
        first.backbone,
        first.steps,
    )
    other = {**same, plan.TWINS[1]: {"scale": 15.0, "margin": 1.4}}
    assert {run.row for run in plan.margins(other)} == {*plan.TWINS}
    assert not list(plan.twins(other))


def test_twins_are_the_same_where_nothing_is_beyond_their_border() -> None:
    embeddings, labels = torch.randn(16, 8), torch.arange(16) % 4
    losses = {}
    for head in plan.TWINS:
        torch.manual_seed(0)
        built = build_head(head, num_classes=4, embedding_dim=8, scale=15.0, margin=1.2)
        result = built(embeddings, labels)
        assert float(result.target_angle.max()) < math.pi / 1.2
        losses[head] = result.per_sample
    torch.testing.assert_close(*losses.values(), rtol=0.0, atol=0.0)


def test_the_functions_of_question_2_differ_at_its_margins() -> None:
    angles = torch.linspace(0.1, 3.1, 50)
    drawn = [HEADS[head].psi(angles, margin) for head, margin in plan.FUNCTIONS.items()]
    for number, one in enumerate(drawn):
        assert all(float((one - other).abs().max()) > 0.1 for other in drawn[:number])


def test_a_plan_does_not_change_after_its_runs(tmp_path: Path) -> None:
    run = next(plan.gradients())
    write_summary(run.name, {"recipe_hash": "another"}, tmp_path)
    with pytest.raises(DataError, match="a plan does not change after its runs"):
        read_summary(run, tmp_path)


def test_every_question_is_scheduled() -> None:
    assert {run.question for run in EVERY} <= {*QUESTIONS}


@given(st.lists(st.integers(0, 2**31 - 1), min_size=1, max_size=400), st.integers(0, 5))
def test_a_summary_comes_back_as_it_was(counts: list[int], number: int) -> None:
    summary = {"run": "a", "pairs": {"misses": counts, "few": [number]}, "rates": [0.5] * 300, "nothing": None}
    with tempfile.TemporaryDirectory() as folder:
        write_summary("a", summary, Path(folder))
        assert load_summary(Path(folder) / "a.json") == summary


def test_counts_of_many_people_are_small_in_a_file(tmp_path: Path) -> None:
    counts = np.random.default_rng(0).poisson(3, 4_000).tolist()
    write_summary("a", {"pairs": {"false_matches": counts}}, tmp_path)
    assert (tmp_path / "a.json").stat().st_size < len(json.dumps(counts)) / 2
