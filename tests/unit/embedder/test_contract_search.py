"""The search among contracts: few false alarms, faults that hide each other, the simplest answer."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest
from numpy.typing import NDArray

from sphereface.embedder.contract_search import Choices, Scaling, Trial, Variant, judge, recommended, search
from sphereface.embedder.misreadings import Way
from sphereface.embedder.separation import Separation, separation
from sphereface.evaluation.results import Rate

Floats = NDArray[np.float64]


def units(rows: Floats) -> Floats:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def drawn(
    generator: np.random.Generator, people: int, images: int, noise: float = 1.0
) -> tuple[Floats, NDArray[np.int64]]:
    """Embeddings of people who differ, with noise."""
    labels = np.repeat(np.arange(people), images)
    means = generator.standard_normal((people, 16))
    return units(means[labels] + noise * generator.standard_normal((len(labels), 16))), labels


def trial(
    value: float, reading: Way = "as crops", colour: Any = "rgb", scaling: Scaling | None = None, eer: float = 0.1
) -> Trial:
    """A trial of 30 people whose d' is known within about 0.1."""
    found = Separation(value, np.random.default_rng(int(1000 * value)).normal(value, 0.01, 30))
    return Trial(Variant(reading, colour, scaling), found, Rate(eer, 0.0, 1.0, 0.95, 100.0), 0)


CHOICES = Choices(get_args(Way)[:8], ("rgb", "bgr"), tuple(Scaling(float(mean), 1.0) for mean in range(4)))


@pytest.mark.parametrize(
    ("people", "images", "signal"), [(10, 2, 0.0), (10, 4, 1.0), (30, 4, 0.0), (30, 2, 1.0), (20, 4, 3.0)]
)
def test_where_all_variants_are_alike_false_alarms_stay_within_their_level(
    people: int, images: int, signal: float
) -> None:
    """The noise is new in every variant, which tempts more than variants of one picture do."""
    generator = np.random.default_rng(people)
    labels = np.repeat(np.arange(people), images)
    alarms, rounds = 0, 200
    for _ in range(rounds):
        # Heavy tails: some people differ much more from all others, some pictures are much worse.
        means = signal * generator.standard_normal((people, 16)) * generator.standard_t(3, (people, 1))

        def measure(variant: Variant, means: Floats = means) -> Trial:
            noise = generator.standard_normal((len(labels), 16)) * generator.standard_t(3, (len(labels), 1))
            found = separation(units(means[labels] + noise), labels)
            return Trial(variant, found, Rate(0.1, 0.0, 1.0, 0.95, 100.0), 0)

        tried, best = search(CHOICES, measure, separation(*drawn(generator, people, images)))
        alarms += best is not tried[0]
    assert alarms <= 0.05 * rounds


@pytest.mark.parametrize("hidden", [False, True])
def test_two_faults_are_found_even_if_mending_one_gains_nothing(hidden: bool) -> None:
    generator = np.random.default_rng(5)
    means, labels = generator.standard_normal((30, 16)), np.repeat(np.arange(30), 4)
    right = Variant("as crops", "bgr", Scaling(1.0, 1.0))

    def measure(variant: Variant) -> Trial:
        wrong = len(variant.changes(right))
        noise = 50.0 if hidden and wrong else 0.5 + wrong
        return judge(variant, units(means[labels] + noise * generator.standard_normal((120, 16))), labels)

    tried, best = search(CHOICES, measure, separation(*drawn(generator, 30, 4, noise=4.0)))
    assert best.variant == right
    assert tried[0].variant == CHOICES.today
    assert len({trial.variant for trial in tried}) == len(tried)
    assert len(tried) < 30 or hidden  # all pairs of changes are tried only where nothing else helps


def test_more_changes_must_beat_fewer_and_of_equal_ones_the_first_counts() -> None:
    today, colour = trial(1.0), trial(2.0, colour="bgr")
    both = trial(2.04, reading="tighter", colour="bgr")
    assert recommended([today, colour, both], 0.99) is colour
    assert recommended([today, both], 0.99) is both
    assert recommended([today, both, colour, trial(3.0, "tighter", "bgr")], 0.99).separation.value == 3.0
    first, second = (trial(value, scaling=Scaling(127.5, std)) for value, std in ((2.01, 128), (2.04, 127.5)))
    assert recommended([today, first, second], 0.99) is first


def test_a_rise_must_be_relevant_and_not_raise_the_error_rate() -> None:
    today = trial(1.0)
    assert recommended([today, trial(1.09, "looser")], 0.95) is today
    assert recommended([today, trial(2.0, "looser", eer=0.11)], 0.95) is today


def test_nothing_embedded_is_an_error_rate_of_one_half() -> None:
    _, labels = drawn(np.random.default_rng(0), 5, 2)
    found = judge(CHOICES.today, np.full((10, 16), np.nan), labels)
    assert (found.eer.value, found.separation.value, found.failed) == (0.5, 0.0, 10)
