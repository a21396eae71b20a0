"""Worlds whose truth is known: do intervals of groups and of morphs hold it, and is chance really chance?

``pytest -m faults -s`` prints the coverage.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest

from sphereface.evaluation.groups.rates import group_rates
from sphereface.evaluation.morphing.scores import morph_scores
from sphereface.evaluation.morphing.vulnerability import morph_vulnerability
from sphereface.evaluation.scores import all_pairs

pytestmark = pytest.mark.faults


def world(seed, people, images=4, dimension=16):
    """People anywhere, some of them with noisier pictures than others."""
    generator = np.random.default_rng(seed)
    noise = generator.uniform(0.4, 1.0, (people, 1, 1)) * generator.standard_normal((people, images, dimension))
    x = generator.standard_normal((people, 1, dimension)) + noise
    return x.reshape(-1, dimension), [f"p{number:04d}" for number in np.repeat(np.arange(people), images)]


def test_p_values_of_labels_without_meaning_are_uniform():
    small = defaultdict(list)
    for seed in range(300):
        x, names = world([seed, 1], people=150)
        labels = {name: "abc"[int(name[1:]) % 3] for name in names}
        found = group_rates(all_pairs(x, names), labels, 0.45, permutations=99, seed=seed)
        figures = {f"FMR {key}": value for key, value in found.fmr_ratios.items()}
        figures |= {f"FNMR {key}": value for key, value in found.fnmr_ratios.items()}
        for key, figure in (figures | {"FDR": found.fdr, "GARBE": found.garbe}).items():
            if figure.p_value is not None:
                small[key].append(figure.p_value)
    for key, values in small.items():
        shares = [float(np.mean(np.array(values) <= level)) for level in (0.05, 0.5)]
        print(
            f"\n{key}: p <= 0.05 in {shares[0]:.1%}, p <= 0.5 in {shares[1]:.1%} of {len(values)} worlds", end=""
        )
        assert len(values) > 250
        assert 0.02 <= shares[0] <= 0.09
        assert 0.4 <= shares[1] <= 0.6


def test_rates_of_groups_hold_the_truth():
    large = all_pairs(*world(99, people=2500), images_per_identity=2)
    truth = {
        "FMR": float((large.impostor.scores >= np.float32(0.5)).mean()),
        "FNMR": float((all_pairs(*world(98, people=3000)).genuine.scores < np.float32(0.5)).mean()),
    }
    held = defaultdict(list)
    for seed in range(300):
        x, names = world([seed, 2], people=100)
        found = group_rates(
            all_pairs(x, names), {name: "ab"[int(name[1:]) % 2] for name in names}, 0.5, permutations=20
        )
        for key, rate in (
            ("FNMR", found.fnmr[0]),
            ("FMR", found.fmr[0][0]),
            ("FMR", found.fmr[0][1]),
        ):
            if rate.value is not None:
                held[key].append(rate.low <= truth[key] <= rate.high)
    for key, hits in held.items():
        print(f"\n{key} of a group: {np.mean(hits):.1%} of {len(hits)}", end="")
        assert len(hits) > 250
        assert np.mean(hits) >= 0.91


def test_morph_rates_and_safe_thresholds_hold_the_truth():
    target, threshold = 0.1, 0.55
    large = morph_scores(*world(97, people=4000), attempts=3, most_pairs=400_000)
    held = defaultdict(list)
    for seed in range(300):
        scores = morph_scores(*world([seed, 3], people=130), attempts=3, seed=seed)
        for column, found in enumerate(morph_vulnerability(scores, threshold, targets=(target,), resamples=200)):
            morphs, own = large.morphs[:, column], large.genuine[:, column]
            rate, safe = found.mmpmr, found.safe[target]
            held[f"wcMMPMR, k = {found.attempts}"].append(rate.low <= (morphs >= threshold).mean() <= rate.high)
            if safe.threshold is None:
                continue
            true = np.quantile(morphs, 1 - target)
            held[f"safe threshold, k = {found.attempts}"].append(safe.low <= true <= safe.high)
            cost = float((own < true).mean())
            held[f"its FNMR, k = {found.attempts}"].append(safe.fnmr.low <= cost <= safe.fnmr.high)
    for key, hits in held.items():
        print(f"\n{key}: {np.mean(hits):.1%} of {len(hits)}", end="")
        assert len(hits) > 150
        assert np.mean(hits) >= 0.91
