"""Worst-case morphs: the definition in loops, solved cases, the trivial bound, thresholds that keep a promise."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from sphereface.errors import ConfigurationError, DataError, NotEnoughDataError
from sphereface.evaluation.morphing import scores as module
from sphereface.evaluation.morphing.pairs import morph_pairs
from sphereface.evaluation.morphing.scores import morph_scores
from sphereface.evaluation.morphing.vulnerability import morph_vulnerability


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def world(people=40, images=5, noise=0.6, dimension=24, seed=0):
    generator = np.random.default_rng(seed)
    who = np.repeat(np.arange(people), images)
    x = generator.standard_normal((people, dimension))[who]
    return x + noise * generator.standard_normal((len(who), dimension)), [f"p{number:03d}" for number in who]


@pytest.mark.parametrize("cells", [1, 1 << 23])
def test_scores_are_their_definition(cells, monkeypatch):
    monkeypatch.setattr(module, "_CELLS", cells)
    x, names = world(people=9, images=4)
    x, names = x[2:], names[2:]  # the first person has two images only
    failed = np.zeros(len(x), dtype=bool)
    failed[5] = True
    found = morph_scores(x, names, attempts=3, failed=failed, seed=1)
    people, images = module._drawn(names, failed, 3, 1)
    u = unit(x)
    rows = [[int(image) for image in row if image >= 0] for row in images]
    assert found.names == people
    assert all(names[image] == name for name, row in zip(people, rows, strict=True) for image in row)
    assert 5 not in itertools.chain.from_iterable(rows)
    assert sorted(map(len, rows)) == [2, 3] + [4] * 7
    couples = list(itertools.combinations(range(9), 2))
    assert list(zip(found.one, found.two, strict=True)) == couples
    for number, (a, b) in enumerate(couples):
        z = unit(u[rows[a][0]] + u[rows[b][0]])
        for column, k in enumerate((1, 3)):
            best = [max(z @ u[image] for image in rows[person][1 : 1 + k]) for person in (a, b)]
            assert found.morphs[number, column] == pytest.approx(min(best), abs=1e-6)
        assert found.trivial[number] == pytest.approx(z @ u[rows[a][0]], abs=1e-6)
        assert found.trivial[number] == pytest.approx(z @ u[rows[b][0]], abs=1e-6)
    for person, row in enumerate(rows):
        best = max(u[row[0]] @ u[image] for image in row[1:])
        assert found.genuine[person, 1] == pytest.approx(best, abs=1e-6)


def test_people_at_right_angles_with_identical_images():
    # Whoever they are, the midpoint lies 45 degrees from both.
    x, names = np.repeat(np.eye(120), 3, axis=0), [f"p{number:03d}" for number in np.repeat(np.arange(120), 3)]
    scores = morph_scores(x, names, attempts=2)
    assert np.allclose(scores.morphs, np.sqrt(0.5), atol=1e-6)
    below, above = (morph_vulnerability(scores, threshold, targets=(0.5,))[0] for threshold in (0.7, 0.71))
    assert (below.mmpmr.value, below.trivial, below.fnmr.value, below.rmmr) == (1.0, 1.0, 0.0, 1.0)
    assert (above.mmpmr.value, above.trivial, above.rmmr) == (0.0, 0.0, 0.0)
    assert 0 < above.mmpmr.high < 0.2
    assert above.safe[0.5].threshold == pytest.approx(np.sqrt(0.5), abs=1e-6)
    assert above.safe[0.5].fnmr.value == 0.0


def test_the_mean_score_of_one_side_is_what_independent_noise_gives():
    # Images of one person meet at cosine rho, of two at c: E cos(z, other image) = (rho + c) / sqrt(2 (1 + c)).
    generator = np.random.default_rng(0)
    dimension, people, rho, half = 512, 200, 0.6, np.radians(40.0)
    basis = np.linalg.qr(generator.standard_normal((dimension, dimension)))[0]
    tilt = np.sqrt(np.cos(2 * half) / rho)  # images of two people then meet at an angle of 2 x half on average
    centres = tilt * basis[0] + np.sqrt(1 - tilt**2) * basis[1 : people + 1]
    noise = unit(generator.standard_normal((people, 2, dimension)))
    x = unit(np.sqrt(rho) * centres[:, None] + np.sqrt(1 - rho) * noise).reshape(-1, dimension)
    scores = morph_scores(x, [f"p{number:03d}" for number in np.repeat(np.arange(people), 2)], attempts=1)
    both = np.concatenate([scores.one, scores.two])
    assert len(both) == people * (people - 1)
    # One person's side alone: the minimum over both lies below.
    u = x.reshape(people, 2, dimension)
    z = unit(u[scores.one, 0] + u[scores.two, 0])
    c = float(np.einsum("nd,nd->n", u[scores.one, 0], u[scores.two, 0]).mean())
    mean = np.einsum("nd,nd->n", z, u[scores.one, 1]).mean()
    assert mean == pytest.approx((rho + c) / np.sqrt(2 * (1 + c)), abs=0.01)
    assert scores.morphs[:, 0].mean() < mean


def test_more_attempts_help_the_attacker_and_a_higher_threshold_hinders():
    scores = morph_scores(*world(), attempts=4)
    assert (scores.morphs[:, 1] >= scores.morphs[:, 0]).all()
    assert (scores.morphs[:, 1] > scores.morphs[:, 0]).mean() > 0.5
    rates = [morph_vulnerability(scores, threshold) for threshold in (0.3, 0.5, 0.7)]
    for one, two in itertools.pairwise(rates):
        assert [r.mmpmr.value for r in one] >= [r.mmpmr.value for r in two]
        assert [r.fnmr.value for r in one] <= [r.fnmr.value for r in two]
    assert [r.attempts for r in rates[0]] == [1, 4]
    assert len(morph_vulnerability(morph_scores(*world(), attempts=1), 0.5)) == 1


def test_rates_are_shares_of_the_scores_and_trivial_is_the_bound():
    scores = morph_scores(*world(people=80))
    for column, found in enumerate(morph_vulnerability(scores, 0.62)):
        assert found.mmpmr.value == (scores.morphs[:, column] >= 0.62).mean()
        assert found.fnmr.value == (scores.genuine[:, column] < 0.62).mean()
        assert found.rmmr == found.mmpmr.value + found.fnmr.value
        assert found.mmpmr.low < found.mmpmr.value < found.mmpmr.high
        # c >= 2 T² - 1 is the same as sqrt((1 + c) / 2) >= T.
        c = 2 * scores.trivial**2 - 1
        assert found.trivial == (c >= 2 * 0.62**2 - 1).mean()
        assert found.trivial >= found.mmpmr.value


def test_the_safe_threshold_is_the_smallest_that_keeps_the_target():
    scores = morph_scores(*world(people=150, images=3), attempts=2)
    for column, found in enumerate(morph_vulnerability(scores, 0.5, targets=(0.05, 0.2))):
        for target, safe in found.safe.items():
            morphs = scores.morphs[:, column]
            assert (morphs >= safe.threshold).mean() <= target
            assert (morphs >= np.nextafter(safe.threshold, -1)).mean() > target
            assert safe.low <= safe.threshold <= safe.high
            assert safe.fnmr.value == pytest.approx((scores.genuine[:, column] < safe.threshold).mean())
            # The ends are where the band of the rate meets the target.
            ends = [morph_vulnerability(scores, end)[column].mmpmr for end in (safe.low, safe.high)]
            assert ends[0].low <= target
            assert ends[1].high <= target
            just_below = morph_vulnerability(scores, safe.high - 0.02)[column].mmpmr
            assert just_below.high > target
        assert found.safe[0.05].threshold > found.safe[0.2].threshold
        assert found.safe[0.05].fnmr.value > found.safe[0.2].fnmr.value


def test_a_target_beyond_the_evidence_has_no_threshold():
    found = morph_vulnerability(morph_scores(*world(people=12)), 0.5, targets=(1e-4,))[0].safe[1e-4]
    assert (found.threshold, found.low, found.high, found.fnmr.value) == (None, None, None, None)
    assert "not supported" in found.fnmr.reason


def test_accomplices_who_look_alike_are_the_worse_case():
    x, names = world(people=120, dimension=12, noise=0.3)
    everybody, chosen = (morph_scores(x, names, kind) for kind in ("all", "nearest"))
    assert len(chosen.one) < 120
    assert np.median(chosen.morphs[:, 0]) > np.quantile(everybody.morphs[:, 0], 0.9)


def test_nearest_pairs_by_brute_force():
    x = unit(np.random.default_rng(4).standard_normal((60, 5)))
    one, two, total = morph_pairs("nearest", x, [str(number) for number in range(60)])
    cosines = x @ x.T - 3 * np.eye(60)
    expected = {tuple(sorted((row, int(cosines[row].argmax())))) for row in range(60)}
    assert set(zip(one.tolist(), two.tolist(), strict=True)) == expected
    assert total == len(expected)


def test_pairs_of_a_group_stay_in_it():
    names = [f"p{number:02d}" for number in range(20)]
    groups = {name: ("", "x", "y")[number % 3] for number, name in enumerate(names)}
    one, two, total = morph_pairs("same group", np.zeros((20, 2)), names, groups=groups)
    expected = {
        (a, b) for a, b in itertools.combinations(range(20), 2) if groups[names[a]] == groups[names[b]] != ""
    }
    assert set(zip(one.tolist(), two.tolist(), strict=True)) == expected
    assert total == len(one) == len(expected)


@pytest.mark.parametrize("kind", ["all", "same group"])
def test_a_draw_of_pairs_repeats_none_and_misses_no_place(kind):
    names = [f"p{number:02d}" for number in range(40)]
    groups = {name: "xy"[number % 2] for number, name in enumerate(names)}
    seen = np.zeros((40, 40), dtype=int)
    for seed in range(60):
        one, two, total = morph_pairs(kind, np.zeros((40, 2)), names, groups=groups, most_pairs=50, seed=seed)
        assert total == (780 if kind == "all" else 380)
        assert len(one) == 50
        assert len(set(zip(one.tolist(), two.tolist(), strict=True))) == 50
        assert (one < two).all()
        assert (np.diff(one) >= 0).all()
        seen[one, two] += 1
    allowed = np.triu(np.ones((40, 40), dtype=bool), 1)
    if kind == "same group":
        allowed &= (np.arange(40)[:, None] + np.arange(40)) % 2 == 0
    assert not seen[~allowed].any()
    assert (seen[allowed] > 0).mean() > 0.95


def test_the_draw_of_images_does_not_depend_on_who_else_is_there():
    x, names = world(people=30)
    whole, part = morph_scores(x, names), morph_scores(x[:50], names[:50])
    assert np.array_equal(whole.genuine[:10], part.genuine)
    assert morph_scores(x, names, most_pairs=20).possible == 435
    assert not np.array_equal(whole.genuine, morph_scores(x, names, seed=1).genuine)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"attempts": 0}, ConfigurationError, "attempts"),
        ({"attempts": 1000}, ConfigurationError, "attempts"),
        ({"most_pairs": 0}, ConfigurationError, "most_pairs"),
        ({"kind": "everybody"}, ConfigurationError, "not 'everybody'"),
        ({"kind": "same group"}, ConfigurationError, "give `groups`"),
        ({"kind": "same group", "groups": {"stranger": "x"}}, DataError, "'stranger'"),
        ({"kind": "same group", "groups": {"p000": "x"}}, NotEnoughDataError, "no pair"),
        ({"identities": [str(number) for number in range(200)]}, NotEnoughDataError, "0 people have two"),
        ({"failed": np.ones(200, dtype=bool)}, NotEnoughDataError, "no pair"),
    ],
)
def test_bad_input_is_answered_in_words(change, error, words):
    x, names = world()
    with pytest.raises(error, match=words):
        morph_scores(**({"embeddings": x, "identities": names} | change))
