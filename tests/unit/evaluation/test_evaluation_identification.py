"""Open-set search: who is enrolled, what counts as a miss or an alarm, all by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sphereface.errors import DataError, NotEnoughDataError
from sphereface.evaluation import search as module
from sphereface.evaluation.identification import identify
from sphereface.evaluation.search import OpenSetSplit, SearchScores, open_set_split, search_gallery


def at(*degrees):
    angle = np.radians(degrees)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def split(templates, mated, non_mated):
    return OpenSetSplit("fixture", *(np.array(part, dtype=np.int64) for part in (templates, mated, non_mated)))


#          0    1    2    3    4    5    6    7
DEGREES = (0, 20, 90, 10, 60, 100, 30, 200)
PEOPLE = ["a", "a", "b", "a", "a", "b", "stranger", "other"]
SPLIT = split([0, 1, 2], [3, 4, 5], [6, 7])


def cosines(*degrees):
    return pytest.approx(np.cos(np.radians(degrees)), abs=1e-6)


@pytest.mark.parametrize("cells", [3, 1 << 24])
def test_searches_by_hand(cells, monkeypatch):
    monkeypatch.setattr(module, "_CELLS", cells)
    found = search_gallery(at(*DEGREES), PEOPLE, SPLIT)
    # a is enrolled at 0 and 20 degrees, b at 90. A person's score is that of the nearest template.
    assert found.mated_scores == cosines(10, 40, 10)
    assert found.mated_ranks.tolist() == [1, 2, 1]  # 60 is nearer to b (30 away) than to a (40)
    assert found.non_mated_scores == cosines(10, 110)
    assert [found.names[code] for code in found.non_mated_nearest] == ["a", "b"]
    assert (found.gallery_people, found.gallery_templates, found.failed_enrolments) == (2, 3, 0)


def test_identification_by_hand():
    result = identify(search_gallery(at(*DEGREES), PEOPLE, SPLIT))
    # Above both strangers' scores, cos 110 and cos 10: the mated scores cos 10 are not above cos 10.
    assert result.curve.false[0] == 1.0
    assert result.curve.missed[0] == pytest.approx(1 / 3)  # rank 2 is a miss at every threshold
    assert result.curve.false[-1] == 0.0
    assert result.curve.missed[-1] == 1.0
    assert [rate.value for rate in result.cmc] == pytest.approx([2 / 3, 1.0])
    assert (result.mated_searches, result.non_mated_searches, result.non_mated_people) == (3, 2, 2)
    assert result.fnir_at_fpir[0.1].value is None
    assert "needs about 100 non-mated searches" in result.fnir_at_fpir[0.1].reason


def test_ties_between_people_count_against_us():
    found = search_gallery(at(0, 20, 10), ["a", "b", "a"], split([0, 1], [2], []))
    assert found.mated_ranks.tolist() == [2]


def test_failures_are_counted_and_never_dropped():
    failed = np.zeros(8, dtype=bool)
    failed[[2, 3, 7]] = True  # b's only template, a probe of a, a stranger
    found = search_gallery(at(*DEGREES), PEOPLE, SPLIT, failed=failed)
    result = identify(found)
    assert found.mated_scores == pytest.approx([-np.inf, np.cos(np.radians(40)), -np.inf])
    assert found.mated_ranks.tolist() == [3, 1, 3]
    # N is people enrolled, with or without a usable template.
    assert (result.gallery_people, result.gallery_templates, result.failed_enrolments) == (2, 2, 1)
    assert (result.failed_mated, result.failed_non_mated) == (2, 1)
    # Denominators stay 3 and 2: two misses at every threshold, at most one alarm.
    assert result.curve.missed[0] == pytest.approx(2 / 3)
    assert result.curve.false[0] == 0.5
    assert [rate.value for rate in result.cmc] == pytest.approx([1 / 3, 1 / 3])
    assert np.isfinite(result.mated_scores).all()
    assert np.isfinite(result.non_mated_scores).all()


def scores_of(mated, non_mated, *, ranks=None):
    """Every search by a person of its own."""
    m, q = len(mated), len(non_mated)
    return SearchScores(
        title="fixture",
        gallery_people=m,
        gallery_templates=m,
        names=tuple(f"{number:05d}" for number in range(m + q)),
        mated_scores=np.array(mated, dtype=np.float32),
        mated_ranks=np.ones(m, dtype=np.int64) if ranks is None else np.array(ranks),
        mated_people=np.arange(m, dtype=np.int32),
        non_mated_scores=np.array(non_mated, dtype=np.float32),
        non_mated_people=np.arange(m, m + q, dtype=np.int32),
        non_mated_nearest=np.arange(q, dtype=np.int32) % m,
    )


def test_fnir_at_fpir_needs_the_mate_first_and_above_the_threshold():
    # One alarm in ten allowed: 20 of 200. T lies directly above 0.179.
    result = identify(scores_of([0.18, 0.179, 0.5, 0.9], np.arange(200)[::-1] / 1000, ranks=[1, 1, 2, 1]))
    rate = result.fnir_at_fpir[0.1]
    assert result.threshold_at_fpir[0.1] == np.nextafter(np.float32(0.179), np.float32(1))
    assert rate.value == 0.5
    assert rate.low < 0.5 < rate.high
    assert result.fnir_at_fpir[0.01].value is None


def test_one_enrolled_person_who_resembles_everybody_widens_the_band():
    mated, non_mated = np.full(50, 0.9), np.arange(500) / 1000
    spread = scores_of(mated, non_mated)
    one = replace(
        spread, non_mated_nearest=np.where(non_mated > 0.4, 0, spread.non_mated_nearest).astype(np.int32)
    )
    widths = []
    for scores in (spread, one):
        curve = identify(scores).curve
        where = int(np.argmax(curve.false <= 0.1))
        widths.append(curve.false_high[where] - curve.false_low[where])
    assert widths[1] > 2 * widths[0]


def test_the_split_is_by_person_and_does_not_depend_on_the_others():
    people = [f"p{number % 50}" for number in range(400)]
    found = open_set_split(people, templates_per_person=3, seed=1)
    names = np.array(people)
    enrolled, strangers = set(names[found.templates]), set(names[found.non_mated])
    assert not enrolled & strangers
    assert enrolled | strangers == set(people)
    assert set(names[found.mated]) == enrolled
    assert not set(found.templates) & set(found.mated)
    assert np.bincount([int(name[1:]) for name in names[found.templates]]).max() == 3
    assert len(found.templates) + len(found.mated) + len(found.non_mated) == 400
    again = open_set_split(people[:200], templates_per_person=3, seed=1)
    assert {names[i] for i in again.templates} == enrolled
    assert 15 <= len(enrolled) <= 35


def test_people_with_few_images_keep_one_to_search_with():
    people = ["a"] * 2 + ["b"] + ["c"] * 9 + ["d"] * 9 + ["e"] * 2 + ["f"]
    for seed in range(20):
        found = open_set_split(people, templates_per_person=4, images_per_identity=5, seed=seed)
        names = np.array(people)
        for name in set(names[found.templates]):
            templates, probes = (int((names[part] == name).sum()) for part in (found.templates, found.mated))
            images = min(people.count(name), 5)
            assert (templates, probes) == (max(1, min(4, images - 1)), images - max(1, min(4, images - 1)))


def test_what_cannot_be_searched():
    with pytest.raises(NotEnoughDataError, match="empty"):
        search_gallery(at(0, 1), ["a", "b"], split([], [], [0, 1]))
    with pytest.raises(NotEnoughDataError, match="empty"):
        search_gallery(at(0, 1), ["a", "b"], split([0], [], [1]), failed=np.array([True, False]))
    with pytest.raises(DataError, match="'a' is both enrolled and a stranger"):
        search_gallery(at(0, 1), ["a", "a"], split([0], [], [1]))
    with pytest.raises(DataError, match="'b' searches as an enrolled person"):
        search_gallery(at(0, 1), ["a", "b"], split([0], [1], []))
    with pytest.raises(NotEnoughDataError, match="no searches by enrolled people"):
        identify(search_gallery(at(0, 1), ["a", "b"], split([0], [], [1])))
    with pytest.raises(NotEnoughDataError, match="strangers"):
        open_set_split(["a", "a"])
    for wrong in ({"enrolled_fraction": 0.0}, {"enrolled_fraction": 1.0}, {"templates_per_person": 0}):
        with pytest.raises(DataError):
            open_set_split(["a", "b"], **wrong)


def test_without_strangers_only_ranks_are_known():
    found = identify(scores_of([0.5, 0.4], []), fpir_targets=(0.1,))
    assert found.cmc[0].value == 1.0
    assert found.non_mated_searches == 0
    assert found.fnir_at_fpir[0.1].value is None
    assert "no searches by strangers" in found.fnir_at_fpir[0.1].reason
    assert len(found.curve.thresholds) == 0
