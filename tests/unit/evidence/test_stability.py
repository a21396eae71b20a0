"""Question 3: what counts as trained, stuck and diverged, the ladder of the control, and the exact test."""

from __future__ import annotations

import math
from collections.abc import Callable
from math import comb
from pathlib import Path

import pytest

from evidence import plan
from evidence.outcome import outcome
from evidence.plan import Run
from evidence.running import collapsed_loss
from evidence.schedule import planned_runs, stability_runs
from evidence.stability import CLAIMED, LEVEL, Arm, ExactTest, StabilityAnswer, milder, needed, stability
from evidence.stability_section import stability as section_of
from evidence.study import read_study
from evidence.summary import Summary, recipe_hash, write_summary
from sphereface.heads import build_head
from tests.unit.evidence.synthetic import write_people

PEOPLE = 320
LEVEL_OF_CHANCE = math.log(PEOPLE)
TRAINED = {"stopped": "", "last": {"loss": 0.5 * LEVEL_OF_CHANCE, "cosine": 0.4}}
STUCK = {"stopped": "", "last": {"loss": 0.99 * LEVEL_OF_CHANCE, "cosine": 0.02}}
DIVERGED = {"stopped": "the loss at step 3 is not a finite number", "last": None}


def summary(end: Summary, chance: float = LEVEL_OF_CHANCE, collapsed: float | None = None) -> Summary:
    level = chance if collapsed is None else collapsed
    return {"learners": {"people": PEOPLE}, "chance": chance, "collapsed": level, **end}


@pytest.mark.parametrize(
    ("loss", "cosine", "expected"),
    [
        (0.5 * LEVEL_OF_CHANCE, 0.4, "trained"),
        (0.89 * LEVEL_OF_CHANCE, 0.11, "trained"),
        (0.89 * LEVEL_OF_CHANCE, 0.09, "stuck"),
        (0.91 * LEVEL_OF_CHANCE, 0.4, "stuck"),  # all in one place: near its prototype, and near all others
        (1.9 * LEVEL_OF_CHANCE, 0.4, "stuck"),
        (2.1 * LEVEL_OF_CHANCE, 0.4, "diverged"),
    ],
)
def test_the_issue_s_bounds_where_the_norm_is_free(loss: float, cosine: float, expected: str) -> None:
    assert outcome(summary({"stopped": "", "last": {"loss": loss, "cosine": cosine}})) == expected


def test_a_fixed_norm_lifts_the_bounds_with_chance() -> None:
    head = build_head("sphereface-r-v1", num_classes=PEOPLE, embedding_dim=8, scale=30.0, margin=1.4)
    chance = head.chance_loss()
    assert chance == pytest.approx(math.log(PEOPLE - 1) - 30.0 * math.cos(1.4 * math.pi / 2), abs=0.01)
    for loss, expected in (
        (chance - 0.2 * LEVEL_OF_CHANCE, "trained"),
        (chance, "stuck"),
        (chance + 1.1 * LEVEL_OF_CHANCE, "diverged"),
    ):
        end = {"stopped": "", "last": {"loss": loss, "cosine": 0.3}}
        assert outcome(summary(end, chance)) == expected


@pytest.mark.parametrize("arm", plan.ARMS)
@pytest.mark.parametrize("cosine", [0.0, 0.11, 0.17, 0.3, 0.5, 0.9])
def test_who_gives_everybody_one_embedding_has_not_trained(arm: str, cosine: float) -> None:
    """At a fixed norm a margin's loss falls as everybody draws together; the bounds fall with it."""
    run = next(plan.stability(arm, *plan.RUNGS[0]))
    chance, collapsed = (collapsed_loss(run, PEOPLE, at) for at in (0.0, cosine))
    head = build_head(run.head, num_classes=PEOPLE, embedding_dim=8, **run.settings)
    head.advance(1.0)
    assert chance == pytest.approx(head.chance_loss(), abs=0.05)
    if arm.startswith("v1"):
        own, other = (30.0 * math.cos(times * math.acos(cosine)) for times in (1.4, 1.0))
        assert collapsed == pytest.approx(math.log(math.exp(own) + (PEOPLE - 1) * math.exp(other)) - own, abs=0.1)
    if "radius" in run.settings:
        assert collapsed < chance - 0.1 * LEVEL_OF_CHANCE or cosine < 0.2, "what a bound that stays would let pass"
    if arm.startswith("a-softmax"):
        assert collapsed == pytest.approx(LEVEL_OF_CHANCE, abs=0.01)
    for loss, expected in ((collapsed, "stuck"), (collapsed - 0.05 * LEVEL_OF_CHANCE, "stuck")):
        assert (
            outcome(summary({"stopped": "", "last": {"loss": loss, "cosine": cosine}}, chance, collapsed))
            == expected
        )
    told_apart = {"stopped": "", "last": {"loss": collapsed - 0.2 * LEVEL_OF_CHANCE, "cosine": max(cosine, 0.11)}}
    assert outcome(summary(told_apart, chance, collapsed)) == "trained"


def test_a_run_that_is_not_finite_diverged() -> None:
    assert outcome(summary(DIVERGED)) == "diverged"


def write_runs(folder: Path, end_of: Callable[[Run], Summary]) -> list[Run]:
    """Make the runs as the schedule asks for them, until it asks for no more."""
    made: dict[str, Run] = {}
    while new := [run for run in stability_runs(folder) if run.name not in made]:
        for run in new:
            write_end(run, folder, end_of(run))
            made[run.name] = run
    return list(made.values())


def write_end(run: Run, folder: Path, end: Summary) -> None:
    recipe = run.recipe().model_dump(mode="json", include={"backbone", "head", "regularizers", "optimiser"})
    common = {"recipe_hash": recipe_hash(run), "recipe": recipe, "seed": run.seed, "seconds": 1}
    write_summary(run.name, {**common, **summary(end)}, folder)


def answer(folder: Path, end_of: Callable[[Run], Summary]) -> tuple[StabilityAnswer, list[Run]]:
    write_people(folder)
    runs = write_runs(folder, end_of)
    found = stability(read_study(folder))
    assert found is not None
    return found, runs


def test_a_control_that_fails_at_once_is_tested_on_the_first_rung(tmp_path: Path) -> None:
    def end_of(run: Run) -> Summary:
        if "unannealed" in run.row:
            return DIVERGED
        return STUCK if "annealed" in run.row and run.seed > 6 else TRAINED

    found, runs = answer(tmp_path, end_of)
    assert len(runs) == len(plan.ARMS) * 8
    arms = {arm.name: arm for arm in found.arms}
    assert (arms[plan.CONTROL].diverged, arms["v1-full"].trained, arms["a-softmax-annealed"].stuck) == (8, 8, 2)
    p_of = {test.first: test.p for test in found.against_control}
    # Eight of eight against none of eight: two of all the ways to choose eight of sixteen.
    assert p_of["v1-detached"] == pytest.approx(2 / comb(16, 8))
    written = section_of(found)
    assert "v1 (detached) 8 of 8" in written.verdict
    assert "| A-Softmax (no lambda) | 0 | 0 | 0 | 8 | – | 0 | 0 | 0 | – |" in written.body
    assert "SFNet-10 at rate 0.1: 8 of 8 seeds fail" in written.body


def test_the_ladder_goes_on_until_half_the_seeds_fail(tmp_path: Path) -> None:
    def end_of(run: Run) -> Summary:
        fails = "unannealed" in run.row and run.seed <= (3 if "rate0.1" in run.row else 4)
        return STUCK if fails else TRAINED

    found, runs = answer(tmp_path, end_of)
    assert [(backbone, rate) for backbone, rate, _ in found.tried] == [*plan.RUNGS[:2]]
    assert len(runs) == (1 + len(plan.ARMS)) * 8
    assert found.tested
    assert "train more often" not in section_of(found).verdict  # 8 of 8 against 4 of 8: p = 0.08


def test_a_control_that_never_fails_tests_nothing(tmp_path: Path) -> None:
    found, runs = answer(tmp_path, lambda _: TRAINED)
    assert len(runs) == len(plan.RUNGS) * 8
    assert not found.tested
    assert section_of(found).verdict.startswith("Not tested: ")


def test_nothing_is_said_before_all_runs_are_done(tmp_path: Path) -> None:
    write_people(tmp_path)
    runs = write_runs(tmp_path, lambda run: DIVERGED if "unannealed" in run.row else TRAINED)
    (tmp_path / f"{runs[-1].name}.json").unlink()
    study = read_study(tmp_path)
    assert stability(study) is None
    assert (study.progress["stability"].done, study.progress["stability"].planned) == (63, 64)


def test_arms_are_to_come_on_the_rung_that_is_being_tried(tmp_path: Path) -> None:
    write_people(tmp_path)
    for run in plan.stability(plan.CONTROL, *plan.RUNGS[0]):
        write_end(run, tmp_path, TRAINED)
    seeds = len(plan.STRESS_SEEDS)
    assert planned_runs("stability", tmp_path) == 2 * seeds + (len(plan.ARMS) - 1) * seeds


def test_where_nothing_trains_nothing_is_more_stable(tmp_path: Path) -> None:
    found, _ = answer(tmp_path, lambda run: STUCK if "v" in run.row[0] else DIVERGED)
    written = section_of(found)
    assert written.short.startswith(
        "None of the eight arms trains at this rate, A-Softmax without a margin neither"
    )
    assert "What is stuck in all seeds: v1 (full), v1 (detached), v2 (full) and v2 (detached)." in written.verdict
    assert "train more often" not in written.verdict
    assert "| v1 (full) | 0 | 8 | 0 | 0 | 0.02 to 0.02 | 0 | 0 | 0 | 1.000 |" in written.body
    assert [*written.figures] == ["stability"]


def test_the_lower_rate_is_a_question_of_its_own(tmp_path: Path) -> None:
    write_people(tmp_path)
    assert milder(read_study(tmp_path)) is None
    for run in plan.milder():
        write_end(run, tmp_path, DIVERGED if run.row.startswith(plan.CONTROL) else TRAINED)
    found = milder(read_study(tmp_path))
    assert found is not None
    assert [(backbone, rate) for backbone, rate, _ in found.tried] == [plan.MILDER]
    written = section_of(found, "milder")
    assert "SFNet-10 at rate 0.03: 8 of 8 seeds fail" in written.body
    assert "train more often than it. Beside 0 of 8 at least 6 of 8 have to" in written.verdict
    assert [*written.figures] == ["milder"]


def test_a_control_that_trains_at_the_lower_rate_tests_nothing(tmp_path: Path) -> None:
    write_people(tmp_path)
    for run in plan.milder():
        write_end(run, tmp_path, STUCK if run.row.startswith(plan.CONTROL) and run.seed < 4 else TRAINED)
    found = milder(read_study(tmp_path))
    assert found is not None
    assert not found.tested
    assert section_of(found, "milder").short == "Not tested: the control never fails"


def test_who_trains_less_often_than_the_control_is_not_praised() -> None:
    arms = {name: Arm(name, 0, 8, 0) for name in plan.ARMS} | {plan.CONTROL: Arm(plan.CONTROL, 8, 0, 0)}
    tests = tuple(ExactTest(name, plan.CONTROL, 0.0002) for name in CLAIMED)
    written = section_of(
        StabilityAnswer((("sfnet10", 0.03, arms[plan.CONTROL]),), tuple(arms.values()), tests, ())
    )
    assert "v2 (full) and v2 (detached) train less often than it" in written.verdict
    assert "more often" not in written.verdict
    assert "Beside 8 of 8 not even all would be a difference." in written.verdict
    assert "| < 0.001 |" in written.body


def test_how_many_have_to_train_is_what_the_exact_test_says() -> None:
    for trained in range(9):
        control = Arm(plan.CONTROL, trained, 8 - trained, 0)
        least = needed(control)
        for count in range(trained + 1, 9):
            # The tail of the hypergeometric distribution, on both sides of two groups of eight.
            total = count + trained
            ways = [comb(8, k) * comb(8, total - k) for k in range(max(0, total - 8), min(8, total) + 1)]
            own = comb(8, count) * comb(8, trained)
            p = sum(way for way in ways if way <= own) / comb(16, total)
            assert (p < LEVEL) == (least is not None and count >= least)


def test_what_a_milder_bound_says_stands_beside(tmp_path: Path) -> None:
    near = {"stopped": "", "last": {"loss": 0.5 * LEVEL_OF_CHANCE, "cosine": 0.07}}
    together = {"stopped": "", "last": {"loss": 0.99 * LEVEL_OF_CHANCE, "cosine": 0.97}}

    def end_of(run: Run) -> Summary:
        if run.row.startswith("v1-detached"):
            return near if run.seed < 4 else TRAINED
        return together if run.row.startswith("v1-full") else DIVERGED

    found, _ = answer(tmp_path, end_of)
    body = section_of(found).body
    assert "| v1 (detached) | 5 | 3 | 0 | 0 | 0.07 to 0.40 | 8 | 5 | 8 | 0.026 |" in body
    assert "| v1 (full) | 0 | 8 | 8 | 0 | 0.97 to 0.97 | 0 | 0 | 0 | 1.000 |" in body
    assert "Of the runs with a fixed norm 24 of 40 diverge, with a free one 24 of 24." in section_of(found).verdict
