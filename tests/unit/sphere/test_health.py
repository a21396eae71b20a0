"""Each figure of health solved by hand, the same from numpy and torch, blocked and in one piece."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sphereface.sphere import health


def at(*degrees):
    angle = np.radians(np.array(degrees, dtype=np.float64))
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def squares(x):
    return ((x[:, None] - x[None]) ** 2).sum(axis=2)[np.triu_indices(len(x), 1)]


@pytest.fixture
def faces():
    generator = np.random.default_rng(0)
    people = np.repeat(np.arange(30), generator.integers(1, 9, 30))
    x = generator.standard_normal((30, 16))[people] + 0.7 * generator.standard_normal((len(people), 16))
    shuffle = generator.permutation(len(people))
    return x[shuffle] * 5.0, people[shuffle]


def test_alignment_averages_people_and_not_pairs(faces):
    x, people = faces
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    each = [squares(unit[people == p]).mean() for p in np.unique(people) if (people == p).sum() > 1]
    assert health.alignment(x, people) == pytest.approx(np.mean(each), abs=1e-12)
    # Chords: 90 degrees is sqrt(2), 180 is 2. The person with three images counts once.
    assert health.alignment(at(0, 90, 7, 7, 7), [0, 0, 1, 1, 1]) == pytest.approx(1.0)


def test_uniformity(faces):
    x, _ = faces
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    assert health.uniformity(x) == pytest.approx(np.log(np.exp(-2 * squares(unit)).mean()), abs=1e-12)
    assert health.uniformity(at(0, 180)) == pytest.approx(-8.0)
    assert health.uniformity(at(3, 3, 3)) == pytest.approx(0.0)


@pytest.mark.parametrize("s", [0, 1, 2])
def test_energy(faces, s):
    x, _ = faces
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    distance = np.sqrt(squares(unit))
    expected = (-np.log(distance) if s == 0 else distance**-s).mean()
    assert health.energy(x, s) == pytest.approx(expected, rel=1e-10)
    # A square: four sides of sqrt(2), two diagonals of 2.
    sides = [math.sqrt(2)] * 4 + [2.0] * 2
    by_hand = np.mean([-math.log(d) if s == 0 else d**-s for d in sides])
    assert health.energy(at(0, 90, 180, 270), s) == pytest.approx(by_hand)
    assert math.isfinite(health.energy(at(0, 0, 90), s))


def test_energy_knows_three_exponents():
    with pytest.raises(ValueError, match="s = 0, 1 or 2"):
        health.energy(at(0, 90), 3)


def test_the_even_arrangement_has_the_lowest_energy():
    generator = np.random.default_rng(0)
    for s in (0, 1, 2):
        even = health.energy(at(0, 72, 144, 216, 288), s)
        assert all(health.energy(at(*generator.uniform(0, 360, 5)), s) > even for _ in range(50))


def test_angular_fisher_score_by_hand():
    # Two people at 0 and 90 degrees, images 10 degrees to either side; a third with one image has no say.
    x = at(-10, 10, 80, 100, 200)
    within = 1 - math.cos(math.radians(10))
    between = 1 - math.cos(math.radians(45))
    assert health.angular_fisher_score(x, [0, 0, 1, 1, 2]) == pytest.approx(within / between)
    assert math.isnan(health.angular_fisher_score(x, [0, 0, 1, 2, 3]))


def test_the_papers_criterion_by_hand():
    apart = health.extreme_angles(at(0, 20, 90, 100), [0, 0, 1, 1])
    assert apart.largest_intra == pytest.approx(math.radians(20))
    assert apart.smallest_inter == pytest.approx(math.radians(70))
    assert apart.met
    close = health.extreme_angles(at(0, 50, 90, 100), [0, 0, 1, 1])
    assert (close.largest_intra, close.smallest_inter) == pytest.approx((math.radians(50), math.radians(40)))
    assert not close.met
    # Equal angles do not meet it, and without a pair of one kind there is nothing to say.
    assert not health.extreme_angles(np.eye(3), [0, 0, 1]).met
    alone = health.extreme_angles(np.eye(3), [0, 1, 2])
    assert math.isnan(alone.largest_intra)
    assert not alone.met


def test_tiny_angles_are_exact_in_single_precision():
    x = np.array([[1.0, 0.0], [1.0, 1e-5], [0.0, 1.0]], dtype=np.float32)
    assert health.extreme_angles(x, [0, 0, 1]).largest_intra == pytest.approx(1e-5, rel=1e-3)


def test_people_meet_the_criterion_one_by_one():
    # Person 0 is tight and far away; 1 and 2 are mixed: each has a stranger nearer than its own image.
    x = at(0, 2, 4, 100, 140, 120, 160)
    draws = health.ideal_criterion_draws(x, [0, 0, 0, 1, 1, 2, 2], images=2)
    assert (draws.people, draws.images, draws.draws) == (3, 2, 20)
    assert draws.drawn == [20, 20, 20]
    assert draws.met == [20, 0, 0]
    assert draws.rate == pytest.approx(1 / 3)


def test_the_draw_is_fixed_by_its_seed_and_takes_all_where_there_are_few(faces):
    x, people = faces
    one = health.ideal_criterion_draws(x, people, images=3, count=5, seed=1)
    assert one == health.ideal_criterion_draws(x, people, images=3, count=5, seed=1)
    assert one != health.ideal_criterion_draws(x, people, images=3, count=5, seed=2)
    assert sum(one.drawn) == 5 * 20
    eligible = int((np.bincount(people) >= 3).sum())
    assert health.ideal_criterion_draws(x, people, images=3).people == eligible
    nobody = health.ideal_criterion_draws(x, people, images=50)
    assert nobody.people == 0
    assert math.isnan(nobody.rate)


@pytest.mark.parametrize("kappa", [20.0, 200.0])
def test_concentration_is_recovered_whatever_the_number_of_images(kappa):
    from scipy.stats import vonmises_fisher

    dimension = 32
    for images, people in ((3, 600), (30, 60)):
        mean = np.eye(dimension)[0]
        x = vonmises_fisher(mean, kappa, seed=1).rvs(images * people)
        found = health.vmf_concentration(x, np.repeat(np.arange(people), images))
        assert np.median(found) == pytest.approx(kappa, rel=0.1)


def test_concentration_at_the_ends():
    assert health.vmf_concentration(at(5, 5, 0, 180, 9), [0, 0, 1, 1, 2])[1] == 0.0
    assert health.vmf_concentration(at(5, 5, 0, 180, 9), [0, 0, 1, 1, 2])[0] > 1e12


def test_nobody_with_two_images():
    x = at(0, 90)
    assert math.isnan(health.alignment(x, [0, 1]))
    assert health.vmf_concentration(x, [0, 1]) == []
    assert math.isnan(health.uniformity(x[:1]))
    assert math.isnan(health.energy(x[:1]))


def figures(x, people):
    angles = health.extreme_angles(x, people)
    return [
        health.alignment(x, people),
        health.uniformity(x),
        *(health.energy(x, s) for s in (0, 1, 2)),
        health.class_energy(x, people),
        health.angular_fisher_score(x, people),
        angles.largest_intra,
        angles.smallest_inter,
        health.ideal_criterion_draws(x, people, images=3).rate,
        *health.vmf_concentration(x, people),
    ]


def test_blocks_change_nothing(faces, monkeypatch):
    x, people = faces
    whole = figures(x, people)
    monkeypatch.setattr(health, "_ROWS", 7)
    assert figures(x, people) == pytest.approx(whole, rel=1e-12)


def test_torch_tensors_give_the_same_figures(faces):
    torch = pytest.importorskip("torch")
    x, people = faces
    assert figures(torch.tensor(x), torch.tensor(people)) == pytest.approx(figures(x, people), rel=1e-10)
    single = figures(torch.tensor(x, dtype=torch.float32), people.tolist())
    assert single == pytest.approx(figures(x, people), rel=1e-3)
