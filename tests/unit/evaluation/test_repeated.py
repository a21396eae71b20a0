"""Comparing ways of training over people and seeds: parts against the jackknife, intervals against worlds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sphereface.errors import DataError, NotEnoughDataError
from sphereface.evaluation.repeated import (
    PersonFigure,
    error_rate,
    mean_difference,
    rate_at_false_rate,
    repeated_difference,
    repeated_mean,
    seed_noise,
)


def jackknife(rate_without: list[float], rate: float) -> np.ndarray:
    """Return what each person does to a figure, by leaving the person out."""
    people = len(rate_without)
    return (people - 1) / people * (rate - np.array(rate_without))


def test_parts_of_a_rate_are_those_of_the_jackknife() -> None:
    generator = np.random.default_rng(0)
    trials = generator.integers(1, 30, size=300)
    errors = generator.binomial(trials, generator.beta(1, 3, size=300))
    figure = error_rate(errors, trials)
    without = [
        (errors.sum() - wrong) / (trials.sum() - count) for wrong, count in zip(errors, trials, strict=True)
    ]
    assert figure.value == errors.sum() / trials.sum()
    assert figure.parts.sum() == pytest.approx(0.0, abs=1e-12)
    np.testing.assert_allclose(figure.parts, jackknife(without, figure.value), atol=2e-5)


def test_parts_of_a_miss_rate_know_that_people_move_the_threshold() -> None:
    # Scores of pairs whose people differ: a threshold that is chosen again whenever somebody is left out.
    generator = np.random.default_rng(1)
    people, target = 120, 0.02
    easy, similar = generator.normal(0, 0.7, people), generator.normal(0, 0.5, people)
    own = [easy[person] + generator.normal(2.0, 1.0, 1000) for person in range(people)]
    one, two = np.triu_indices(people, 1)
    other = similar[one] + similar[two] + generator.normal(0, 1, (8, len(one)))

    def measure(left: np.ndarray) -> tuple[float, float, float, float]:
        impostor = np.sort(other[:, left[one] & left[two]].ravel())
        genuine = np.concatenate([own[person] for person in np.flatnonzero(left)])
        at, low, high = (np.quantile(impostor, 1.0 - target * factor) for factor in (1.0, 1.5, 1 / 1.5))
        slope = (np.mean(genuine < low) - np.mean(genuine < high)) / (target * 1.5 - target / 1.5)
        return float(np.mean(genuine < at)), float(at), float(slope), float(np.mean(impostor >= at))

    everybody = np.ones(people, dtype=bool)
    rate, threshold, slope, _ = measure(everybody)
    without = []
    for person in range(people):
        left = everybody.copy()
        left[person] = False
        without.append(measure(left)[0])
    hits = (other >= threshold).sum(axis=0)
    false = np.bincount(one, hits, people) + np.bincount(two, hits, people)
    both = error_rate(false, np.full(people, 8 * (people - 1)))
    missed = error_rate([int((scores < threshold).sum()) for scores in own], [1000] * people)
    parts = rate_at_false_rate(missed, PersonFigure(both.value, 2.0 * both.parts), slope).parts
    expected = jackknife(without, rate)
    assert np.corrcoef(parts, expected)[0, 1] > 0.98
    assert (parts**2).sum() == pytest.approx((expected**2).sum(), rel=0.1)
    # Without the threshold's share the parts would be another's.
    assert np.corrcoef(missed.parts, expected)[0, 1] < 0.95


def world(generator: np.random.Generator, *, people: int, seeds: int, rows: int, seed_effect: float) -> list:
    """Draw runs of rows that are equally good: rows differ in whom they find hard, seeds in everything."""
    trials = generator.integers(1, 20, size=people)
    hard = generator.normal(0, 1.0, people)
    by_row = generator.normal(0, 0.5, (rows, people))
    by_seed = generator.normal(0, seed_effect, seeds)
    by_run = generator.normal(0, seed_effect, (rows, seeds))
    figures = []
    for row in range(rows):
        runs = []
        for seed in range(seeds):
            chance = 1 / (1 + np.exp(-(hard + by_row[row] + by_seed[seed] + by_run[row, seed] - 0.5)))
            runs.append(error_rate(generator.binomial(trials, chance), trials))
        figures.append(runs)
    return figures


@pytest.mark.parametrize("seed_effect", [0.0, 0.1])
@pytest.mark.parametrize("seeds", [2, 3])
def test_intervals_cover_no_difference_in_95_percent_of_worlds(seeds: int, seed_effect: float) -> None:
    generator = np.random.default_rng(10 * seeds + int(10 * seed_effect))
    worlds, covered = 300, 0
    for _ in range(worlds):
        figures = world(generator, people=250, seeds=seeds, rows=6, seed_effect=seed_effect)
        noise = seed_noise([[run.value for run in runs] for runs in figures])
        covered += not repeated_difference(figures[0], figures[1], noise).counts
    # 95 % and up to what chance in both people and seed counts twice; 300 worlds know it to 1.3 points.
    assert 0.925 <= covered / worlds <= 0.997


def test_an_interval_without_seeds_would_be_too_narrow() -> None:
    generator = np.random.default_rng(5)
    covered = 0
    for _ in range(200):
        figures = world(generator, people=2000, seeds=2, rows=6, seed_effect=0.2)
        noise = seed_noise([[0.0, 0.0]] * 2)
        covered += not repeated_difference(figures[0], figures[1], noise).counts
    assert covered / 200 < 0.8


@given(st.integers(2, 5), st.integers(2, 4), st.integers(0, 10_000))
def test_laws_of_differences(rows: int, seeds: int, draw: int) -> None:
    generator = np.random.default_rng(draw)
    figures = world(generator, people=30, seeds=seeds, rows=rows, seed_effect=0.2)
    noise = seed_noise([[run.value for run in runs] for runs in figures])
    there, back = (repeated_difference(figures[a], figures[b], noise) for a, b in ((0, 1), (1, 0)))
    assert there.value == pytest.approx(-back.value)
    assert there.low == pytest.approx(-back.high)
    assert there.counts == back.counts
    assert there.value == pytest.approx(
        repeated_mean(figures[0], noise).value - repeated_mean(figures[1], noise).value
    )
    same = repeated_difference(figures[0], figures[0], noise)
    assert same.value == 0.0
    assert not same.counts
    wider = repeated_difference(figures[0], figures[1], noise, confidence=0.99)
    assert wider.low <= there.low <= there.high <= wider.high
    one = mean_difference([(figures[0], figures[1])], noise)
    assert (one.value, one.low, one.high) == pytest.approx((there.value, there.low, there.high))


def test_seed_noise_is_the_two_way_analysis_of_variance() -> None:
    table = np.array([[1.0, 2.0, 4.0], [2.0, 2.0, 6.0], [0.0, 3.0, 3.0], [5.0, 5.0, 5.0]])
    grand, by_row, by_seed = table.mean(), table.mean(axis=1), table.mean(axis=0)
    squares = sum((table[r, s] - by_row[r] - by_seed[s] + grand) ** 2 for r in range(4) for s in range(3))
    noise = seed_noise(table.tolist())
    assert noise.residual == pytest.approx(squares / 6)
    assert noise.residual_freedom == 6
    assert noise.within == pytest.approx(table.var(axis=1, ddof=1).mean())


def test_what_cannot_be_compared_is_refused() -> None:
    one, other = error_rate([1, 0], [2, 2]), error_rate([1, 0, 0], [2, 2, 2])
    noise = seed_noise([[0.1, 0.2], [0.3, 0.1]])
    with pytest.raises(DataError, match="same people"):
        repeated_difference([one, one], [other, other], noise)
    with pytest.raises(DataError, match="same people"):
        repeated_mean([one, other], noise)
    with pytest.raises(DataError, match="one has 1 and one 2"):
        repeated_difference([one], [one, one], noise)
    with pytest.raises(DataError, match="some runs are missing"):
        seed_noise([[0.1, 0.2], [0.3]])
    with pytest.raises(NotEnoughDataError, match="two rows and two seeds"):
        seed_noise([[0.1], [0.3]])
    with pytest.raises(DataError, match="no error without a trial"):
        error_rate([3], [2])
    with pytest.raises(NotEnoughDataError, match="nobody has a trial"):
        error_rate([0], [0])
    with pytest.raises(DataError, match="slope must be 0 or less"):
        rate_at_false_rate(one, one, 0.5)
    with pytest.raises(DataError, match="2 people do not go with"):
        rate_at_false_rate(one, other, -0.5)
