"""Comparing ways of training over people and seeds: parts against the jackknife, intervals against worlds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sphereface.errors import DataError, NotEnoughDataError
from sphereface.evaluation.repeated import PersonFigure, RepeatedRuns, error_rate, rate_at_false_rate


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


def named(rows: list[list[PersonFigure]]) -> RepeatedRuns:
    return RepeatedRuns({str(number): runs for number, runs in enumerate(rows)})


def world(
    generator: np.random.Generator, *, people: int, seeds: int, restless: list[float], together: float = 0.0
) -> RepeatedRuns:
    """Draw runs of rows that are equally good: rows differ in whom they find hard, seeds in everything.

    Args:
        generator: Of what is drawn.
        people: P.
        seeds: S.
        restless: How much each row's runs differ.
        together: How much a change moves with the seed, the same for rows 0 to R / 2 against the others.
    """
    trials = generator.integers(1, 20, size=people)
    hard = generator.normal(0, 1.0, people)
    change = generator.normal(0, together, seeds)
    shared = generator.normal(0, 0.1, seeds)
    rows = []
    for row, effect in enumerate(restless):
        by_row, sign = generator.normal(0, 0.5, people), 0.5 if row < len(restless) / 2 else -0.5
        runs = []
        for seed in range(seeds):
            moved = shared[seed] + sign * change[seed] + generator.normal(0, effect)
            chance = 1 / (1 + np.exp(-(hard + by_row + moved - 0.5)))
            runs.append(error_rate(generator.binomial(trials, chance), trials))
        rows.append(runs)
    return named(rows)


@pytest.mark.parametrize(
    ("seeds", "restless", "together"),
    [
        (2, [0.0] * 6, 0.0),
        (2, [0.1] * 6, 0.0),
        (3, [0.1] * 6, 0.0),
        (3, [0.2, 0.2, 0.05, 0.05, 0.05, 0.05, 0.05], 0.0),
        (2, [0.1, 0.1, 0.01, 0.01], 0.0),
    ],
)
def test_intervals_cover_no_difference_in_95_percent_of_worlds(
    seeds: int, restless: list[float], together: float
) -> None:
    generator = np.random.default_rng(10 * seeds + len(restless))
    worlds, covered = 300, 0
    for _ in range(worlds):
        study = world(generator, people=250, seeds=seeds, restless=restless, together=together)
        covered += not study.difference("0", "1").counts
    # What belongs to a person and a seed together counts twice, and the larger of two variances is taken: rather
    # more than 95 %. 300 worlds know a share of 95 % to 1.3 points.
    assert 0.925 <= covered / worlds <= 0.997


@pytest.mark.parametrize("together", [0.0, 0.2])
def test_a_change_that_moves_with_the_seed_is_covered_over_all_losses(together: float) -> None:
    generator, worlds, covered = np.random.default_rng(7), 300, 0
    pairs = [(str(number), str(number + 3)) for number in range(3)]
    for _ in range(worlds):
        study = world(generator, people=250, seeds=3, restless=[0.1] * 6, together=together)
        covered += not study.change(pairs).counts
    assert 0.91 <= covered / worlds <= 0.997


def test_a_mean_knows_what_a_seed_does_to_all_rows() -> None:
    generator, covered, worlds = np.random.default_rng(8), 0, 300
    for _ in range(worlds):
        shared = generator.normal(0, 2.0, 3)
        rows = [
            [PersonFigure(0.5 + shared[seed] + generator.normal(0, 1.0), np.zeros(3)) for seed in range(3)]
            for _ in range(6)
        ]
        mean = named(rows).mean("0")
        covered += mean.low <= 0.5 <= mean.high
    assert 0.92 <= covered / worlds <= 0.997


def test_an_interval_without_seeds_would_be_too_narrow() -> None:
    generator, covered = np.random.default_rng(5), 0
    for _ in range(200):
        study = world(generator, people=2000, seeds=2, restless=[0.2] * 6)
        found = study.difference("0", "1")
        covered += abs(found.value) <= 1.96 * found.people
    assert covered / 200 < 0.8


@given(st.integers(2, 5), st.integers(2, 4), st.integers(0, 10_000))
def test_laws_of_differences(rows: int, seeds: int, draw: int) -> None:
    study = world(np.random.default_rng(draw), people=30, seeds=seeds, restless=[0.2] * rows)
    there, back = study.difference("0", "1"), study.difference("1", "0")
    assert there.value == pytest.approx(-back.value)
    assert there.low == pytest.approx(-back.high)
    assert there.counts == back.counts
    assert there.value == pytest.approx(study.mean("0").value - study.mean("1").value)
    same = study.difference("0", "0")
    assert (same.value, same.low, same.high, same.counts) == (0.0, 0.0, 0.0, False)
    wider = study.difference("0", "1", confidence=0.99)
    assert wider.low <= there.low <= there.high <= wider.high


def test_twins_do_not_differ_at_all() -> None:
    """Rows whose runs came out the same differ by 0 with no doubt, whatever other rows do."""
    generator = np.random.default_rng(3)
    study = world(generator, people=30, seeds=3, restless=[0.3] * 3)
    twins = RepeatedRuns({**study.rows, "twin": study.rows["0"]})
    found = twins.difference("twin", "0")
    assert found.value == 0.0
    assert not found.counts


def test_pooled_noise_is_the_two_way_analysis_of_variance() -> None:
    table = np.array([[1.0, 2.0, 4.0], [2.0, 2.0, 6.0], [0.0, 3.0, 3.0], [5.0, 5.0, 5.0]])
    grand, by_row, by_seed = table.mean(), table.mean(axis=1), table.mean(axis=0)
    squares = sum((table[r, s] - by_row[r] - by_seed[s] + grand) ** 2 for r in range(4) for s in range(3))
    study = named([[PersonFigure(float(value), np.zeros(2)) for value in row] for row in table])
    # Rows 0 and 1 differ by 1, 0 and 2: a variance of 1 over seeds, below twice the mean square.
    assert study.difference("1", "0").seeds ** 2 == pytest.approx(2 * squares / 6 / 3)
    # Rows 1 and 3 differ by 3, 3 and -1, which is more.
    assert study.difference("3", "1").seeds ** 2 == pytest.approx(np.var([3, 3, -1], ddof=1) / 3)


def test_what_cannot_be_compared_is_refused() -> None:
    one, other = error_rate([1, 0], [2, 2]), error_rate([1, 0, 0], [2, 2, 2])
    with pytest.raises(DataError, match="same people"):
        RepeatedRuns({"a": [one, one], "b": [other, other]})
    with pytest.raises(DataError, match="some of the runs are missing"):
        RepeatedRuns({"a": [one, one], "b": [one]})
    with pytest.raises(NotEnoughDataError, match="two seeds of each"):
        RepeatedRuns({"a": [one], "b": [one]})
    with pytest.raises(NotEnoughDataError, match="two ways of training"):
        RepeatedRuns({"a": [one, one]})
    with pytest.raises(DataError, match="no error without a trial"):
        error_rate([3], [2])
    with pytest.raises(NotEnoughDataError, match="nobody has a trial"):
        error_rate([0], [0])
    with pytest.raises(DataError, match="slope must be 0 or less"):
        rate_at_false_rate(one, one, 0.5)
    with pytest.raises(DataError, match="2 people do not go with"):
        rate_at_false_rate(one, other, -0.5)
