"""A picture that failed never makes a model look better: it is a miss, and no stranger turned away."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sphereface.errors import NotEnoughDataError
from sphereface.evaluation.calibration import calibrate_and_judge
from sphereface.evaluation.crowds import search_crowd
from sphereface.evaluation.discard import error_versus_discard
from sphereface.evaluation.embedding_set import EmbeddingSet
from sphereface.evaluation.folds import fold_accuracy
from sphereface.evaluation.groups.rates import group_rates
from sphereface.evaluation.lists import thresholds_at_fmr
from sphereface.evaluation.lookalikes import within_group_matches
from sphereface.evaluation.paired import compare_pairs
from sphereface.evaluation.person_figures import missed_at_fmr, right_over_folds, unsupported
from sphereface.evaluation.protocol import UnitDistractors, UnitPairs, positions
from sphereface.evaluation.scores import PairScores, listed_pairs
from sphereface.evaluation.settings import Settings
from sphereface.evaluation.threshold_choice import choose_verification_point
from sphereface.evaluation.verification import verify

PEOPLE, EACH, DIMENSION = 60, 6, 12
NAMES = [f"p{person}" for person in range(PEOPLE) for _ in range(EACH)]
TARGETS = (0.1, 0.05)


def pictures(noise: float = 1.0, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    own = generator.standard_normal((PEOPLE, DIMENSION)).repeat(EACH, axis=0)
    return own + noise * np.random.default_rng(seed + 1).standard_normal(own.shape)


def a_list(seed: int = 3) -> UnitPairs:
    """Genuine pairs of the pictures 0 to 3 of a person, impostor pairs of the pictures 4 and 5."""
    person = np.arange(PEOPLE)
    genuine = [(EACH * p + one, EACH * p + two) for p in person for one in range(4) for two in range(one)]
    left, right = np.random.default_rng(seed).integers(PEOPLE, size=(2, 3000))
    kept = left != right
    impostor = np.column_stack([EACH * left + 4, EACH * right + 5])[kept]
    both = np.concatenate([genuine, impostor])
    return UnitPairs("a list", both[:, 0], both[:, 1], np.arange(len(both)) < len(genuine))


def without(pairs: UnitPairs, failed: np.ndarray) -> UnitPairs:
    kept = pairs.same | ~(failed[pairs.first] | failed[pairs.second])
    return UnitPairs(pairs.title, pairs.first[kept], pairs.second[kept], pairs.same[kept])


@pytest.fixture
def failed() -> np.ndarray:
    """A third of the pictures that are in impostor pairs, and a few that are in genuine ones."""
    mask = np.zeros(len(NAMES), dtype=bool)
    mask[np.arange(PEOPLE)[::3] * EACH + 4] = True
    mask[[0, 7]] = True
    return mask


@pytest.fixture
def both(failed: np.ndarray) -> tuple[PairScores, PairScores]:
    """The list with its failures, and the same list without impostor pairs of pictures that failed."""
    pairs = a_list()
    listed, clean = (
        listed_pairs(pictures(), which, NAMES, failed=failed) for which in (pairs, without(pairs, failed))
    )
    assert len(clean.impostor) < 0.8 * len(listed.impostor)
    return listed, clean


def test_every_rate_but_the_accuracy_is_that_of_the_list_without_failed_impostor_pairs(
    both: tuple[PairScores, PairScores],
) -> None:
    found, clean = (verify(scores, fmr_targets=TARGETS) for scores in both)
    for figure in ("eer", "auc", "fnmr_at_fmr", "threshold_at_fmr"):
        assert getattr(found, figure) == getattr(clean, figure), figure
    np.testing.assert_array_equal(found.curve.false, clean.curve.false)
    assert (found.impostor_pairs, found.failed_pairs) == (len(both[0].impostor), both[0].failed)
    assert found.failed_pairs > 400
    assert found.accuracy.value is not None
    assert clean.accuracy.value is not None
    assert found.accuracy.value < clean.accuracy.value - 0.1


def test_a_failed_pair_is_an_error_of_the_accuracy_wherever_it_is_counted(
    both: tuple[PairScores, PairScores],
) -> None:
    listed, _ = both
    figure = right_over_folds(listed)
    assert figure is not None
    assert figure.value == fold_accuracy(listed).value
    scored = np.concatenate([listed.genuine.scores, listed.impostor.scores])
    assert figure.value <= np.isfinite(scored).mean()


def test_everything_else_that_is_measured_on_pairs(both: tuple[PairScores, PairScores]) -> None:
    points = [
        choose_verification_point(scores, 0.1, model_fingerprint="m", data_hash="d", created="now")
        for scores in both
    ]
    assert points[0] == points[1]
    assert points[0].measured.value <= 0.1
    assert thresholds_at_fmr(both[0], TARGETS) == thresholds_at_fmr(both[1], TARGETS)
    reasons = [[unsupported(scores, target) for target in (0.001, 0.01, 0.1)] for scores in both]
    assert reasons[0] == reasons[1]
    assert [bool(reason) for reason in reasons[0]] == [True, True, False]
    figures = [missed_at_fmr(scores, 0.1) for scores in both]
    assert figures[0].value == figures[1].value
    np.testing.assert_array_equal(figures[0].parts, figures[1].parts)
    labels = {name: str(at % 2) for at, name in enumerate(sorted(set(NAMES)))}
    inside = [within_group_matches(scores, labels, [0.3]) for scores in both]
    assert inside[0] == inside[1]
    groups = [group_rates(scores, labels, 0.3) for scores in both]
    assert groups[0] == groups[1]
    discards = [error_versus_discard(scores, np.arange(len(NAMES)), target_fmr=0.1) for scores in both]
    assert discards[0] == discards[1]
    calibrated = [calibrate_and_judge(scores, kinds=["platt"])["platt"] for scores in both]
    assert calibrated[0].cllr == calibrated[1].cllr


def test_two_models_are_compared_on_impostor_pairs_that_both_could_score(failed: np.ndarray) -> None:
    pairs, other = a_list(), np.roll(failed, EACH)
    ours = listed_pairs(pictures(), pairs, NAMES, failed=failed)
    theirs = listed_pairs(pictures(1.2), pairs, NAMES, failed=other)
    found = compare_pairs(ours, theirs, fmr_targets=TARGETS)
    left = without(pairs, failed | other)
    clean = compare_pairs(
        listed_pairs(pictures(), left, NAMES, failed=failed),
        listed_pairs(pictures(1.2), left, NAMES, failed=other),
        fmr_targets=TARGETS,
    )
    for one, two in zip(found, clean, strict=True):
        assert (one == two) == (one.figure != "accuracy"), one.figure


def test_a_crowd_that_failed_was_not_met() -> None:
    x = np.concatenate([pictures()[:120], np.random.default_rng(5).standard_normal((4000, DIMENSION))])
    names = [*NAMES[:120], *(f"d{at}" for at in range(4000))]
    failed = np.arange(len(x)) >= len(x) - 2000
    settings = Settings(fmr_targets=(0.01,))
    some, none = (
        search_crowd(
            EmbeddingSet.of(x, names, failed=mask),
            UnitDistractors("c", positions(range(120)), positions(range(120, stop))),
            settings,
        )
        for mask, stop in ((failed, len(x)), (np.zeros(len(x), dtype=bool), len(x) - 2000))
    )
    assert some.fnmr_at_fmr[0.01].value is not None
    assert some.fnmr_at_fmr == none.fnmr_at_fmr
    assert some.threshold_at_fmr == none.threshold_at_fmr


def test_a_list_without_any_scored_impostor_pair_is_refused(both: tuple[PairScores, PairScores]) -> None:
    listed, _ = both
    impostor = replace(listed.impostor, scores=np.full(len(listed.impostor), -np.inf))
    with pytest.raises(NotEnoughDataError, match="no impostor pair of 'a list' could be scored"):
        verify(replace(listed, impostor=impostor))


def test_models_that_share_no_scored_impostor_pair_are_not_compared(failed: np.ndarray) -> None:
    pairs, other = a_list(), failed.copy()
    other[4::EACH] = True
    ours, theirs = (listed_pairs(pictures(), pairs, NAMES, failed=mask) for mask in (failed, other))
    found = compare_pairs(ours, theirs, fmr_targets=TARGETS)
    assert [one.figure for one in found] == ["EER", "accuracy", "FNMR at FMR 0.1", "FNMR at FMR 0.05"]
    assert {one.reason for one in found} == {"no impostor pair could be scored by both models"}
