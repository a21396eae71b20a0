"""Do the intervals of calibration figures hold the truth as often as they say? Worlds with known answers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from sphereface.evaluation.calibration.figures import calibration_error, cllr, cllr_costs
from sphereface.evaluation.calibration.people import JudgedPairs, cost

WORLDS = {  # people, images each, spread of a person's and of a couple's ratios
    "dense, independent pairs": (40, 4, 0.0, 0.0),
    "dense, effects of people": (40, 4, 1.0, 0.0),
    "dense, effects of couples": (40, 4, 0.0, 1.5),
    "few people": (15, 5, 1.0, 0.5),
}


def draw(generator, people, each, of_person, of_couple):
    owner = np.repeat(np.arange(people), each)
    one, two = np.triu_indices(len(owner), 1)
    same = owner[one] == owner[two]
    person = generator.normal(0, of_person, people)
    couple = generator.normal(0, of_couple, (people, people))
    llr = np.where(same, 1.5, -1.5) + person[owner[one]] + person[owner[two]] + couple[owner[one], owner[two]]
    return JudgedPairs(llr + generator.normal(size=len(one)), same, owner[one], owner[two])


@pytest.mark.faults
@pytest.mark.parametrize("world", WORLDS)
def test_the_interval_of_cllr_holds_the_truth(world):
    settings = WORLDS[world]
    generator = np.random.default_rng(1)
    drawn = [draw(generator, *settings) for _ in range(800)]
    truth = np.mean([cllr(pairs.llr, pairs.same) for pairs in drawn])
    held = 0
    for pairs in drawn:
        _, variance = pairs.sums(cllr_costs(pairs.llr, pairs.same), 0.5)
        rate = cost(cllr(pairs.llr, pairs.same), variance[0], 0.95, pairs.people)
        held += rate.low <= truth <= rate.high
    print(f"{world}: {held / 8:.1f} % of 95 % intervals hold the Cllr {truth:.3f}")
    assert 0.91 <= held / 800 <= 0.99


@pytest.mark.faults
@pytest.mark.parametrize("people", [30, 100])
def test_the_noise_of_the_calibration_error_is_what_true_probabilities_show(people):
    generator = np.random.default_rng(2)
    errors, noises = [], []
    for _ in range(200):
        owner = np.repeat(np.arange(people), 4)
        one, two = np.triu_indices(len(owner), 1)
        same = owner[one] == owner[two]
        # normal scores whose ratio is themselves: mean of half the variance, one side or the other
        llr = np.where(same, 2.0, -2.0) + generator.normal(0, 2.0, len(one))
        error, _, noise = calibration_error(JudgedPairs(llr, same, owner[one], owner[two]), 0.5, 10)
        assert np.isfinite(expit(llr)).all()
        errors.append(error)
        noises.append(noise)
    print(f"{people} people: calibration error {np.mean(errors):.4f}, noise {np.mean(noises):.4f}")
    assert np.mean(noises) == pytest.approx(np.mean(errors), rel=0.15)
