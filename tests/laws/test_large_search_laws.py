"""For every set of vectors and scores: the quick ways give what the plain ones give."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sphereface.evaluation.distractors import Rough, cosines, ranks_among, search_distractors
from sphereface.evaluation.steps import accepted, full_curve, rejected, threshold_at, threshold_in_tail

score = st.one_of(st.integers(-8, 8).map(lambda number: number / 8), st.just(-np.inf))
score_lists = st.lists(score, min_size=1, max_size=40).map(lambda values: np.sort(np.array(values)))


@given(score_lists, score_lists)
def test_the_full_curve_has_every_step_and_no_other(genuine, impostor):
    curve = full_curve(genuine, impostor)
    assert curve.false.tolist() == accepted(impostor, curve.thresholds).tolist()
    assert curve.missed.tolist() == rejected(genuine, curve.thresholds).tolist()
    assert (np.diff(curve.thresholds) > 0).all()
    assert ((np.diff(curve.accepted_impostors) < 0) | (np.diff(curve.rejected_genuine) > 0)).all()
    both = np.concatenate([genuine, impostor])
    assert set(curve.thresholds[:-1]) == set(both[np.isfinite(both)])


@given(score_lists, st.floats(0.0, 1.0))
def test_a_tail_gives_the_threshold_of_all_scores(impostor, target):
    whole = threshold_at(impostor, target)
    least = int(target * len(impostor)) + 2  # rounding may want one more
    assert threshold_in_tail(impostor[-least:], len(impostor), target) == whole


# Few and small numbers: many cosines tie, and some are 1 and -1.
vectors = st.integers(1, 12).flatmap(
    lambda rows: arrays(np.int8, (rows, 3), elements=st.integers(-2, 2)).map(
        lambda x: np.where((x == 0).all(axis=1, keepdims=True), 1, x).astype(np.float32)
    )
)


@settings(deadline=None)
@given(
    vectors,
    vectors,
    st.integers(1, 6),
    st.integers(0, 30),
    st.integers(1, 60),
    st.floats(0.0, 0.5),
    st.integers(0, 99),
)
def test_a_search_is_the_table_of_all_cosines_sorted(probes, distractors, keep, tail, cells, off, seed):
    def product(x):
        def multiply(y):
            wrong = np.random.default_rng(seed).uniform(-off, off, (len(x), len(y)))
            return Rough((x @ y.T + wrong).astype(np.float32), off + 1e-5, 0.0)

        return multiply

    found = search_distractors(probes, distractors, keep=keep, tail=tail, cells=cells, product=product)
    rows, columns = np.indices((len(probes), len(distractors))).reshape(2, -1)
    table = cosines(probes[rows], distractors[columns]).reshape(len(probes), -1)
    assert np.array_equal(found.top, -np.sort(-table, axis=1)[:, :keep])
    # Of all cells by falling score, the earlier probe first where scores tie, the first ones; and then rising.
    highest = np.lexsort((rows, -table.reshape(-1)))[:tail]
    highest = highest[np.lexsort((rows[highest], table.reshape(-1)[highest]))]
    assert np.array_equal(found.tail, table.reshape(-1)[highest])
    assert np.array_equal(found.tail_probes, rows[highest])
    # Every distractor taken for the mate: its rank is the number of scores at least as high, itself included.
    for column in range(len(distractors)):
        own = table[:, column]
        expected = np.minimum(1 + (table >= own[:, None]).sum(axis=1), found.top.shape[1] + 1)
        assert ranks_among(found.top, own).tolist() == expected.tolist()
