"""Nobody is judged by a calibration that has seen them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from sphereface.errors import ConfigurationError, DataError, NotEnoughDataError
from sphereface.evaluation import calibration
from sphereface.evaluation.calibration import (
    calibrate,
    calibrate_and_judge,
    cllr,
    cross_fit,
    fit_faircal,
    fit_local,
    fit_platt,
    split_people,
)
from sphereface.evaluation.score_normalisation import flattened, normalised_pairs
from sphereface.evaluation.scores import all_pairs, score_list


def faces(people=60, each=4, seed=0, dimension=16):
    generator = np.random.default_rng(seed)
    images = np.repeat(generator.normal(size=(people, dimension)), each, axis=0)
    images = images + 0.8 * generator.normal(size=images.shape)
    return (
        images,
        [f"{number:03d}" for number in range(people) for _ in range(each)],
        generator.normal(size=(90, dimension)),
    )


@pytest.fixture(scope="module")
def world():
    images, names, cohort = faces()
    return all_pairs(images, names), images, cohort


class Memory:
    """The perfect cheat: certain about every pair it has an image of, silent about the others."""

    kind = "memory"

    def __init__(self, seen):
        self.seen = {tuple(row) for row in seen}

    def log_likelihood_ratio(self, scores, sides=None):
        known = np.array([tuple(row) in self.seen for row in sides.embeddings])
        return np.where(known[sides.first] | known[sides.second], np.where(scores > 0.6, 9.0, -9.0), 0.0)


def test_a_cheat_who_remembers_images_gains_nothing(world):
    scores, images, _ = world
    judged = cross_fit(scores, images, lambda scores, same, sides: Memory(sides.embeddings))
    assert np.array_equal(judged.llr, np.zeros(len(judged.llr)))
    assert cllr(judged.llr, judged.same) == 1.0
    # and on people it has seen the cheat does win, so that the line above means something
    values, same, sides = flattened(scores, images)
    assert cllr(Memory(images).log_likelihood_ratio(values, sides), same) != 1.0


def test_a_fit_sees_its_own_half_only_and_everyone_is_judged_once(world):
    scores, images, _ = world
    half = split_people(scores.names)
    seen = []

    def spy(values, same, sides):
        assert len(values) == len(same) == len(sides.first) == len(sides.second)
        where = [int(np.flatnonzero((images == row).all(axis=1))[0]) for row in sides.embeddings]
        seen.append(set(scores.people[where].tolist()))
        products = (sides.embeddings[sides.first] * sides.embeddings[sides.second]).sum(axis=1)
        norms = np.linalg.norm(sides.embeddings, axis=1)
        np.testing.assert_allclose(values, products / norms[sides.first] / norms[sides.second], atol=1e-5)
        return fit_platt(values, same)

    judged = cross_fit(scores, images, spy)
    assert [set(np.flatnonzero(half == number).tolist()) for number in (1, 0)] == seen
    assert seen[0].isdisjoint(seen[1])
    assert (half[judged.first] == half[judged.second]).all()
    for number in (0, 1):
        count = int((half == number).sum())
        inside = half[judged.first] == number
        assert (inside & judged.same).sum() == count * 6
        assert (inside & ~judged.same).sum() == count * (count - 1) // 2 * 16


def test_the_ratios_are_those_of_the_other_half_s_fit(world):
    scores, images, _ = world
    judged = cross_fit(scores, images, fit_platt)
    values, same, sides = flattened(scores, images)
    half = split_people(scores.names)[scores.people]
    for number in (0, 1):
        learn = (half[sides.first] != number) & (half[sides.second] != number)
        test = (half[sides.first] == number) & (half[sides.second] == number)
        expected = fit_platt(values[learn], same[learn]).log_likelihood_ratio(values[test])
        mine = judged.llr[split_people(scores.names)[judged.first] == number]
        assert np.array_equal(mine, expected)


def test_halves_are_even_fixed_by_name_and_differ_by_seed():
    names = [f"{number}" for number in range(4000)]
    half = split_people(names)
    assert abs(half.mean() - 0.5) < 0.03
    assert np.array_equal(split_people(names[::-1])[::-1], half)
    assert abs((split_people(names, seed=1) == half).mean() - 0.5) < 0.03


def test_every_kind_is_judged(world):
    scores, images, cohort = world
    kinds = ("platt", "beta", "isotonic", "local", "faircal")
    results = calibrate_and_judge(scores, images, kinds, cohort=cohort, prior=0.2)
    assert tuple(results) == kinds
    for kind, result in results.items():
        assert result.kind == kind
        assert result.min_cllr - 1e-9 <= result.cllr.value < result.min_cllr + 0.1
        assert result.prior == 0.2
    fits = {"local": partial(fit_local, cohort=cohort), "faircal": fit_faircal}
    for kind, fit in fits.items():
        assert (
            cross_fit(scores, images, fit).llr.tolist()
            == cross_fit(scores, images, partial(fit, seed=0)).llr.tolist()
        )
        assert results[kind].cllr.value == cllr(
            *(getattr(cross_fit(scores, images, fit), x) for x in ("llr", "same"))
        )


def test_scores_alone_are_enough_for_kinds_that_look_at_scores(world):
    scores, images, _ = world
    one, two = calibrate_and_judge(scores), calibrate_and_judge(scores, images)
    assert {kind: result.cllr for kind, result in one.items()} == {
        kind: result.cllr for kind, result in two.items()
    }


def test_a_scale_of_the_scores_changes_nothing_after_platt(world):
    scores, images, cohort = world
    normalised = normalised_pairs(scores, images, cohort, "z")
    assert calibrate_and_judge(normalised, kinds=["platt"])["platt"].cllr.value < 1.0


def test_failed_comparisons_count_and_are_counted(world):
    scores, _, _ = world
    genuine = scores.genuine.scores.copy()
    genuine[:40] = -np.inf
    worse = replace(scores, genuine=replace(scores.genuine, scores=genuine))
    before, after = (calibrate_and_judge(pairs, kinds=["platt"])["platt"] for pairs in (scores, worse))
    assert before.failed_pairs == 0
    assert after.failed_pairs == 40
    assert after.cllr.value > before.cllr.value + 0.1
    assert np.isfinite(after.cllr.value)


def test_calibrate_learns_from_everyone(world):
    scores, images, cohort = world
    values, same, sides = flattened(scores, images)
    assert calibrate(scores) == fit_platt(values, same)
    mine = calibrate(scores, images, "local", cohort=cohort).log_likelihood_ratio(values, sides)
    expected = fit_local(values, same, sides, cohort=cohort).log_likelihood_ratio(values, sides)
    assert np.array_equal(mine, expected)


def test_what_cannot_be_judged_is_refused(world):
    scores, images, cohort = world
    with pytest.raises(DataError, match="2 people of the cohort are also judged, such as '003'"):
        calibrate_and_judge(scores, images, ["local"], cohort=cohort, cohort_identities=["003", "017", "x"])
    with pytest.raises(ConfigurationError, match="'local' needs a cohort"):
        calibrate_and_judge(scores, images, ["platt", "local"])
    with pytest.raises(ConfigurationError, match="a prior"):
        calibrate_and_judge(scores, prior=0.0)
    few = score_list(
        "few",
        np.array([0.5, 0.1]),
        np.array([True, False]),
        np.array([0, 0]),
        np.array([1, 2]),
        np.array([0, 0, 1]),
        ("a", "b"),
    )
    with pytest.raises(NotEnoughDataError, match=r"half [12] of the people in 'few' has no genuine pair"):
        calibrate_and_judge(few)


def test_public_names_exist():
    for name in calibration.__all__:
        assert getattr(calibration, name) is not None
    assert dir(calibration) == calibration.__all__
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        calibration.nothing  # noqa: B018
