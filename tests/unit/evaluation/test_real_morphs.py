"""Morphs that were made: MMPMR and the attack potential by hand, and their interval against the pairs'."""

from __future__ import annotations

import numpy as np
import pytest

from sphereface.errors import ConfigurationError, DataError
from sphereface.evaluation.counting import false_matches
from sphereface.evaluation.morphing.real import attack_potential, attempt_scores, by_couple, morph_match_rate
from sphereface.evaluation.scores import score_list

NAN = np.nan


def test_by_hand():
    # Four morphs, two attempts each. Accepted attempts of (first, second) contributor at 0.5:
    # (2, 2), (2, 1), (1, 0), (0, 2).
    one = np.array(
        [[[0.6, 0.7], [0.5, 0.9]], [[0.8, 0.8], [0.1, 0.5]], [[0.6, 0.2], [0.4, 0.4]], [[0, 0], [1, 1]]]
    )
    # A second system, threshold 0.2: (2, 2), (1, 2), (2, 2), (0, 0).
    two = np.array(
        [[[0.3, 0.3], [0.2, 0.2]], [[0.3, 0.1], [0.9, 0.9]], [[0.4, 0.4], [0.4, 0.4]], [[0, 0], [0, 0]]]
    )
    couples = [("a", "b"), ("a", "c"), ("b", "c"), ("a", "b")]
    found = morph_match_rate(one, couples, 0.5, fnmr=0.125)
    assert found.mmpmr.value == 0.5
    assert found.rmmr == 0.625
    assert found.mmpmr.low < 0.5 < found.mmpmr.high
    matrix = attack_potential([one, two], couples, [0.5, 0.2], ["one", "two"])
    values = [[rate.value for rate in row] for row in matrix.rates]
    # Once: systems that accept: 2, 2, 1, 0. Twice: 2, 0, 1, 0.
    assert values == [[0.75, 0.5], [0.5, 0.25]]


def test_one_attempt_of_one_system_is_mmpmr_and_it_only_gets_harder():
    generator = np.random.default_rng(0)
    scores = [generator.normal(size=(50, 2, 4)) for _ in range(3)]
    couples = [(f"p{number % 13}", f"q{number % 7}") for number in range(50)]
    matrix = attack_potential(scores, couples, [0.0, 0.1, -0.2], "xyz")
    values = np.array([[rate.value for rate in row] for row in matrix.rates])
    assert values.shape == (4, 3)
    assert (np.diff(values, axis=0) <= 0).all()
    assert (np.diff(values, axis=1) <= 0).all()
    alone = attack_potential(scores[:1], couples, [0.0], "x")
    assert alone.rates[0][0] == morph_match_rate(scores[0], couples, 0.0).mmpmr


def test_attempts_that_were_not_made_or_failed_are_never_accepted():
    scores = np.array([[[0.9, NAN], [0.9, 0.9]], [[0.9, -np.inf], [-np.inf, -np.inf]]])
    couples = [("a", "b"), ("c", "d")]
    values = [[r.value for r in row] for row in attack_potential([scores], couples, [0.5], ["s"]).rates]
    assert values == [[0.5], [0.0]]
    assert morph_match_rate(scores, couples, 0.5).mmpmr.value == 0.5


def test_the_interval_is_that_of_impostor_pairs():
    generator = np.random.default_rng(1)
    sides = generator.integers(0, 9, (60, 2))
    sides = sides[sides[:, 0] != sides[:, 1]]
    events = generator.random(len(sides)) < 0.4
    found = by_couple(events, [(f"p{a}", f"p{b}") for a, b in sides])
    first, second = np.append(sides[:, 0], 0), np.append(sides[:, 1], 0)
    same = np.append(np.zeros(len(sides), dtype=bool), True)
    values = np.append(events.astype(float), 1.0)
    pairs = score_list("list", values, same, first, second, np.arange(9), tuple(f"p{n}" for n in range(9)))
    plain = false_matches(pairs, np.array([0.5]))
    assert found.rate == pytest.approx(plain.rate)
    assert found.variance == pytest.approx(plain.variance)
    assert (found.trials, found.least) == pytest.approx((plain.trials, plain.least))


def test_attempts_are_other_images_and_the_same_for_every_system():
    generator = np.random.default_rng(2)
    names = [name for name in "abc" for _ in range(4)]
    x = generator.standard_normal((12, 6))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    couples = [("a", "b"), ("c", "a")]
    morphs = np.stack([x[0] + x[4], x[8] + x[0]])
    used = np.array([0, 4, 8])
    scores = attempt_scores(morphs, couples, x, names, attempts=3, used=used)
    unit = morphs / np.linalg.norm(morphs, axis=1, keepdims=True)
    for morph, pair in enumerate(couples):
        for side, name in enumerate(pair):
            own = [row for row in range(12) if names[row] == name and row not in used]
            assert np.sort(scores[morph, side]) == pytest.approx(np.sort(x[own] @ unit[morph]), abs=1e-6)
    # Another system sees the same images in the same order; fewer images leave NaN; failures score -inf.
    turned = attempt_scores(np.flip(morphs, 1), couples, np.flip(x, 1), names, attempts=3, used=used)
    assert np.allclose(turned, scores, atol=1e-6)
    five = attempt_scores(morphs, couples, x, names, attempts=5, used=used)
    assert np.isnan(five[:, :, 3:]).all()
    failed = attempt_scores(morphs, couples, x, names, failed=np.arange(12) == 1, failed_morphs=[False, True])
    assert np.isneginf(failed[0, 0]).sum() == 1
    assert np.isneginf(failed[1, :, :4]).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"contributors": [("a", "b"), ("a", "z")]}, "'z' contributes to morph 1"),
        ({"used": np.arange(4)}, "'a' contributes to morph 0 but has no other image"),
        ({"morphs": np.ones((2, 3))}, "one model makes both"),
    ],
)
def test_attempts_that_cannot_be_made(change, words):
    arguments = {
        "morphs": np.ones((2, 6)),
        "contributors": [("a", "b"), ("c", "a")],
        "embeddings": np.ones((12, 6)),
        "identities": [name for name in "abc" for _ in range(4)],
    }
    with pytest.raises(DataError, match=words):
        attempt_scores(**(arguments | change))
    with pytest.raises(ConfigurationError, match="attempts"):
        attempt_scores(**arguments, attempts=0)


def test_scores_that_do_not_fit_are_refused():
    good = np.ones((2, 2, 3))
    couples = [("a", "b"), ("a", "c")]
    with pytest.raises(DataError, match="of shape"):
        morph_match_rate(good[:1], couples, 0.5)
    with pytest.raises(DataError, match="no morph"):
        morph_match_rate(good[:0], [], 0.5)
    with pytest.raises(DataError, match="no attempt at all"):
        morph_match_rate(np.full((2, 2, 3), NAN), couples, 0.5)
    with pytest.raises(DataError, match="'a' twice"):
        morph_match_rate(good, [("a", "a"), ("a", "c")], 0.5)
    other = good.copy()
    other[0, 0, 2] = NAN
    with pytest.raises(DataError, match="same images"):
        attack_potential([good, other], couples, [0.5, 0.5], "xy")
    with pytest.raises(DataError, match="differ"):
        attack_potential([good, good], couples, [0.5], "xy")
