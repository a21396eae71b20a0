"""The verdicts of a study whose outcome is known."""

from __future__ import annotations

import doctest
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from evidence import answers, behaviour_sections, comparing, plan, quality, wording
from evidence.comparing import Comparison, Verdict, verdict
from evidence.plan import CANDIDATES
from evidence.study import read_study
from evidence.summary import read_summary
from sphereface.evaluation.repeated import Repeated
from tests.unit.evidence.synthetic import BASE, KEPT, LEARNERS, PAIRS, PEOPLE, write_people, write_run


def by_first(comparisons: tuple[Comparison, ...]) -> dict[str, Comparison]:
    return {one.first: one for one in comparisons}


@pytest.mark.parametrize("module", [comparing, wording, behaviour_sections], ids=lambda module: module.__name__)
def test_examples_in_docstrings_hold(module: ModuleType) -> None:
    results = doctest.testmod(module)
    assert results.attempted
    assert not results.failed


@pytest.mark.parametrize(
    ("low", "high", "points", "word"),
    [
        (0.001, 0.5, 0.02, Verdict.DIFFERENCE),
        (-0.5, -0.001, 0.02, Verdict.DIFFERENCE),
        (0.001, 0.019, 0.02, Verdict.DIFFERENCE),  # small as it is: the first rule of the plan that fits
        (-0.02, 0.02, 0.02, Verdict.SAME),
        (-0.02, 0.02, 0.01, Verdict.OPEN),
        (-0.021, 0.001, 0.02, Verdict.OPEN),
        (-0.001, 0.001, None, Verdict.OPEN),
    ],
)
def test_the_words_are_those_of_the_plan(low: float, high: float, points: float | None, word: Verdict) -> None:
    assert verdict(Repeated((low + high) / 2, low, high, 0.95, 0.0, 0.0), points) is word


def test_margins_find_the_effects_that_were_put_in(study_folder: Path) -> None:
    found = answers.margins(read_study(study_folder))
    assert found is not None
    against = by_first(found.headline)
    assert list(against) == [head for head in CANDIDATES if head != "normface"]
    assert {one.second for one in found.headline} == {"normface"}
    for head, effect in (("cosface", -0.1), ("a-softmax", 0.1)):
        assert against[head].difference.value == pytest.approx(effect, abs=0.002)
        assert against[head].verdict is Verdict.DIFFERENCE
        assert against[head].survives
    assert against["sphereface"].verdict is Verdict.OPEN
    for head in ("arcface", "sphereface-r-v1", "sphereface-r-v2", "sphereface2-c"):
        assert against[head].verdict is Verdict.SAME
        assert not against[head].survives
    assert found.best == "cosface"
    assert {(one.first, one.second) for one in found.exploratory} == {
        (one, two) for i, one in enumerate(against) for two in list(against)[:i]
    }


def test_a_row_is_the_mean_of_its_runs(study_folder: Path) -> None:
    found = answers.margins(read_study(study_folder))
    assert found is not None
    cosface = {row.name: row for row in found.rows}["cosface"]
    misses = []
    for run in plan.margins({"cosface": CANDIDATES["cosface"][1]}):
        summary = read_summary(run, study_folder)
        assert summary is not None
        misses.append(sum(summary["pairs"]["misses"]) / (PEOPLE * PAIRS))
    assert cosface.seeds == pytest.approx(misses)
    assert cosface.headline.value == pytest.approx(np.mean(misses))
    assert cosface.headline.low < BASE / PAIRS - 0.1 + 2 / PAIRS < cosface.headline.high
    assert cosface.health["effective_rank"] == 101.0


def test_every_person_with_pictures_kept_back_is_in_one_bin(study_folder: Path) -> None:
    found = answers.margins(read_study(study_folder))
    assert found is not None
    assert sum(each.people for each in found.bins) == KEPT
    assert all(one.most < two.fewest for one, two in zip(found.bins, found.bins[1:], strict=False))
    assert {*found.bins[0].error} == {"normface", "cosface"}


def test_gradients_are_compared_for_each_function_and_over_all(study_folder: Path) -> None:
    found = answers.gradients(read_study(study_folder))
    assert found is not None
    assert len(found.rows) == 12
    assert len(found.gradient) == len(found.prototypes) == 4
    for one in found.gradient:
        assert one.verdict is Verdict.DIFFERENCE
        assert one.difference.value == pytest.approx(0.1, abs=0.002)  # full is worse, as was put in
    assert {one.verdict for one in found.prototypes} == {Verdict.SAME}
    width = [one.difference.high - one.difference.low for one in found.gradient]
    assert width[-1] < min(width[:-1])


def test_steps_up_have_their_own_pool_of_seeds(study_folder: Path) -> None:
    found = answers.sizes(read_study(study_folder))
    assert found is not None
    assert {row.name.partition("-")[0]: len(row.seeds) for row in found.rows} == {"annealed": 3, "whole": 2}
    words = {series: [one.verdict for one in steps] for series, steps in found.steps.items()}
    assert words == {
        "annealed": [Verdict.SAME, Verdict.SAME, Verdict.DIFFERENCE],
        "whole": [Verdict.SAME] * 3,
        "depth": [Verdict.SAME, Verdict.DIFFERENCE],
    }
    assert found.steps["depth"][1].difference.value == pytest.approx(-0.1, abs=0.002)


def test_the_criterion_is_a_share_of_people(study_folder: Path) -> None:
    study = read_study(study_folder)
    found = answers.criterion(study)
    assert found is not None
    rows = study.progress["sizes"].made["whole-m2-sfnet4"]
    for who, met, people in (
        ("strangers", [run["ideal"]["met"] for run in rows], PEOPLE),
        ("learned from", [run["learned"]["ideal"]["met"] for run in rows], LEARNERS),
    ):
        share = dict(found.share["whole", who])
        assert share[2].value == pytest.approx(np.mean([len(each) / people for each in met]))
    assert {one.verdict for one in found.rise.values()} <= {Verdict.DIFFERENCE, Verdict.OPEN}


def test_leaving_pictures_out_is_compared_within_each_run(study_folder: Path) -> None:
    study = read_study(study_folder)
    found = quality.norms(study)
    assert found is not None
    for row in found.rows:
        run = study.progress["norms"].made[row.name][0]
        left = run["discard"]["norm"]
        assert row.by_norm.verdict is Verdict.DIFFERENCE
        assert row.by_norm.difference.value < 0
        assert row.between.difference.value == pytest.approx(
            row.by_norm.difference.value - row.by_sharpness.difference.value
        )
        assert row.without.value == pytest.approx(row.headline.value + row.by_norm.difference.value)
        # What is common to all of a person's pairs is not chance of a difference within a run.
        assert row.by_norm.difference.people < row.without.people / 2
        assert [share for share, _ in row.curve] == left["shares"]
    assert found.radial.verdict is Verdict.SAME


def test_a_run_that_stopped_counts_with_the_worst_figure(study_folder: Path, stopped_folder: Path) -> None:
    whole, broken = (answers.margins(read_study(folder)) for folder in (study_folder, stopped_folder))
    assert whole is not None
    assert broken is not None
    one, two = ({row.name: row for row in found.rows}["sphereface2-c"] for found in (whole, broken))
    assert two.seeds == (one.seeds[0], 1.0, one.seeds[2])
    assert two.headline.value == pytest.approx(np.mean(two.seeds))
    assert two.health == pytest.approx(one.health)  # of the runs that reached their end
    before, after = (by_first(found.headline)["sphereface2-c"].difference.value for found in (whole, broken))
    assert after - before == pytest.approx((1.0 - one.seeds[1]) / 3)
    assert [run["run"] for run in read_study(stopped_folder).progress["margins"].stopped] == [
        "margins/sphereface2-c-seed2"
    ]
    both = [quality.norms(read_study(folder)) for folder in (study_folder, stopped_folder)]
    free, free_broken = ({row.name: row for row in found.rows}["nfn"] for found in both if found is not None)
    assert free_broken.without.value > free.without.value
    assert free_broken.by_norm.difference.value == pytest.approx(free.by_norm.difference.value / 2, abs=0.002)
    assert [rate for _, rate in free_broken.curve] == pytest.approx(
        [(1.0 + rate) / 2 for _, rate in free.curve], abs=0.02
    )


@pytest.mark.parametrize("question", ["margins", "gradients", "sizes", "norms"])
def test_nothing_is_compared_before_all_runs_are_done(partial: Callable[..., Path], question: str) -> None:
    study = read_study(partial(f"{question}/*m*-seed2.json"))
    progress = study.progress[question]
    assert 0 < progress.done < progress.planned
    made = {"margins": answers.margins, "gradients": answers.gradients, "sizes": answers.sizes}
    found = made[question](study) if question in made else quality.norms(study)
    assert found is None
    assert (answers.criterion(study) is None) == (question == "sizes")


def test_question_1_is_counted_before_its_settings_are_chosen(tmp_path: Path) -> None:
    write_people(tmp_path)
    for run in plan.trials():
        if run.head == "normface":
            write_run(run, tmp_path)
    for run in plan.margins({"normface": CANDIDATES["normface"][1]}):
        write_run(run, tmp_path)
    study = read_study(tmp_path)
    assert (study.progress["margins"].done, study.progress["margins"].planned) == (3, 24)
    assert (study.progress["tuning"].done, study.progress["tuning"].planned) == (4, 32)
    assert answers.margins(study) is None
    assert answers.trials(study) is None


def test_the_best_trial_of_each_loss_is_marked(study_folder: Path) -> None:
    found = answers.trials(read_study(study_folder))
    assert found is not None
    chosen = {trial.head: trial.settings for trial in found if trial.chosen}
    assert chosen == {head: settings[1] for head, settings in CANDIDATES.items()}
    assert len(found) == 32
