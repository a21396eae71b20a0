"""A few people among a crowd that some resemble: how often does the interval of FNMR at an FMR hold the truth?"""

from __future__ import annotations

import os

import numpy as np
import pytest

from sphereface.evaluation.crowds import crowd_scores, judge_crowd
from sphereface.evaluation.embedding_set import EmbeddingSet
from sphereface.evaluation.protocol import UnitDistractors, positions
from sphereface.evaluation.settings import Settings

WORLDS = int(os.environ.get("SPHEREFACE_WORLDS", "300"))


def scores(seed, resembling, target, people=20, distractors=3000, images=8, dimension=32):
    """Everybody leans towards the crowd by a share of their own, up to ``resembling``."""
    generator = np.random.default_rng(seed)
    towards = np.eye(dimension)[0]
    centres = generator.standard_normal((people, dimension))
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    centres += resembling * generator.random((people, 1)) * towards
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    noise = generator.standard_normal((people * images, dimension)) / np.sqrt(dimension)
    crowd = generator.standard_normal((distractors, dimension)) / np.sqrt(dimension) + 0.4 * towards
    x = np.concatenate([np.repeat(centres, images, axis=0) + 0.9 * noise, crowd])
    probes = people * images
    names = [f"p{at // images}" for at in range(probes)] + [f"d{at}" for at in range(distractors)]
    which = UnitDistractors("world", positions(range(probes)), positions(range(probes, len(x))))
    return crowd_scores(EmbeddingSet.of(x, names), which, (target,))


@pytest.mark.faults
@pytest.mark.parametrize("resembling", [0.3, 1.0])
@pytest.mark.parametrize("target", [1e-2, 1e-3])
def test_the_interval_holds_the_truth_in_95_worlds_of_100(resembling, target):
    settings = Settings(fmr_targets=(target,))
    truth = judge_crowd(scores(9999, resembling, target, people=1500, distractors=2000), settings)
    inside = []
    for seed in range(WORLDS):
        rate = judge_crowd(scores(seed, resembling, target), settings).fnmr_at_fmr[target]
        if rate.value is not None:
            inside.append(rate.low <= truth.fnmr_at_fmr[target].value <= rate.high)
    print(f"\nresembling {resembling}, FMR {target:g}: {np.mean(inside):.1%} of {len(inside)}", end="", flush=True)
    assert len(inside) > 0.9 * WORLDS
    assert 0.91 <= np.mean(inside) <= 0.99
