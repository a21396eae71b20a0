"""A threshold is issued with its evidence, or not at all; its file is whole, or refused."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from sphereface.errors import ConfigurationError, DataError, NotEnoughDataError
from sphereface.evaluation.gallery_size.draws import alarm_rate
from sphereface.evaluation.operating_point import read_operating_point, write_operating_point
from sphereface.evaluation.scores import all_pairs
from sphereface.evaluation.search import SearchScores, open_set_split, search_gallery
from sphereface.evaluation.threshold_choice import FURTHEST, choose_operating_point, choose_verification_point

WHOSE = {"model_fingerprint": "f" * 64, "data_hash": "d" * 64}


def searches(strangers=400, each=1, people=50):
    generator = np.random.default_rng(0)
    highest = np.repeat(generator.normal(0.2, 0.1, strangers), each)  # a stranger's searches all alike
    return SearchScores(
        title="fixture",
        gallery_people=people,
        gallery_templates=2 * people,
        names=tuple(f"{number:05d}" for number in range(people + strangers)),
        mated_scores=generator.normal(0.6, 0.1, 3 * people).astype(np.float32),
        mated_ranks=np.ones(3 * people, dtype=np.int64),
        mated_people=np.repeat(np.arange(people, dtype=np.int32), 3),
        non_mated_scores=highest.astype(np.float32),
        non_mated_people=np.repeat(np.arange(people, people + strangers, dtype=np.int32), each),
        non_mated_nearest=generator.integers(0, people, strangers * each).astype(np.int32),
    )


@pytest.fixture(scope="module")
def point():
    return choose_operating_point(searches(), 0.1, created="2026-01-01T00:00:00+00:00", **WHOSE)


def test_the_threshold_is_the_smallest_that_keeps_the_target(point):
    scores = searches().non_mated_scores
    assert (scores >= point.threshold).sum() == 40
    assert (scores >= np.nextafter(np.float32(point.threshold), np.float32(-1))).sum() == 41
    assert point.measured.value == 0.1
    assert point.measured.low < 0.1 < point.measured.high
    assert (point.kind, point.target, point.trials) == ("fpir", 0.1, 400)
    assert (point.gallery_people, point.gallery_templates) == (50, 100)
    assert point.missed.value == pytest.approx(np.mean(searches().mated_scores < point.threshold))
    assert re.search(
        r"in a gallery of 50 people, 10\.00 % \([\d.]+ to [\d.]+\) of searches by strangers", point.describe()
    )


def test_too_little_evidence_is_refused_with_the_nearest_rate():
    with pytest.raises(NotEnoughDataError, match=r"FPIR target 0.05 .* the nearest rate supported is 0.08"):
        choose_operating_point(searches(), 0.05, **WHOSE)
    with pytest.raises(NotEnoughDataError, match=r"no rate up to 0\.5 is supported"):
        choose_operating_point(searches(strangers=40), 0.1, **WHOSE)


def test_many_searches_by_few_strangers_are_little_evidence():
    assert choose_operating_point(searches(each=10), 0.1, **WHOSE).measured.n < 500
    with pytest.raises(NotEnoughDataError):
        choose_operating_point(searches(each=10), 0.05, **WHOSE)


def test_a_tie_at_the_threshold_counts_against_us():
    scores = searches()
    tied = np.where(scores.non_mated_scores > 0.3, np.float32(0.3), scores.non_mated_scores)
    scores = replace(scores, non_mated_scores=tied)
    share = float(np.mean(tied == np.float32(0.3)))
    point = choose_operating_point(scores, share - 0.001, **WHOSE)
    assert point.threshold > 0.3
    assert point.measured.value == 0.0


def test_for_comparing_two_images():
    generator = np.random.default_rng(0)
    people = np.repeat(np.arange(60), 5)
    x = generator.standard_normal((60, 16))[people] + 0.6 * generator.standard_normal((300, 16))
    scores = all_pairs(x, [str(person) for person in people])
    point = choose_verification_point(scores, 0.01, **WHOSE)
    assert (point.kind, point.gallery_people, point.trials) == ("fmr", 0, len(scores.impostor))
    assert (scores.impostor.scores >= point.threshold).mean() <= 0.01
    assert "impostor pairs match" in point.describe()
    with pytest.raises(NotEnoughDataError, match="FMR target 1e-06"):
        choose_verification_point(scores, 1e-6, **WHOSE)


@pytest.fixture(scope="module")
def searched():
    generator = np.random.default_rng(0)
    people = np.repeat(np.arange(700), 2)
    x = generator.standard_normal((700, 24))[people] + 0.4 * generator.standard_normal((1400, 24))
    names = [str(person) for person in people]
    return search_gallery(x, names, open_set_split(names, enrolled_fraction=0.2))


@pytest.mark.parametrize(("times", "basis"), [(0.25, "thinned"), (1.0, "measured"), (2.0, "extrapolated")])
def test_a_point_for_a_gallery_of_another_size(searched, times, basis, tmp_path):
    enrolled = searched.gallery_people
    size = int(times * enrolled)
    point = choose_operating_point(searched, 0.1, gallery_size=size, preprocessing={"detector": "yunet"}, **WHOSE)
    assert (point.basis, point.gallery_size, point.gallery_people) == (basis, size, enrolled)
    assert (point.holds_for_people, point.holds_for_templates) == (size, size)  # one template each
    assert alarm_rate(searched, size, point.threshold) == pytest.approx(point.measured.value)
    assert point.measured.value <= 0.1 < alarm_rate(searched, size, point.threshold - 1e-3) + 0.01
    assert point.trials == len(searched.non_mated_scores)
    assert 30 / 0.1 <= point.measured.n <= point.trials * enrolled / size
    assert point.measured.low < point.measured.value < point.measured.high
    assert f"in a gallery of {size} people" in point.describe()
    assert ("measured" if basis == "measured" else basis) == point.basis
    assert (f"({basis} from {enrolled})" in point.describe()) is (basis != "measured")
    write_operating_point(tmp_path / "point.json", point)
    assert read_operating_point(tmp_path / "point.json") == point


def test_the_larger_the_gallery_the_higher_the_threshold(searched):
    thresholds = [
        choose_operating_point(searched, 0.1, gallery_size=size, **WHOSE).threshold for size in (10, 50, 140, 250)
    ]
    assert thresholds == sorted(thresholds)
    assert len(set(thresholds)) == 4


def test_a_larger_gallery_needs_more_evidence(searched):
    enrolled = searched.gallery_people
    assert choose_operating_point(searched, 0.01, gallery_size=enrolled // 8, **WHOSE).basis == "thinned"
    with pytest.raises(NotEnoughDataError, match=r"target 0\.01 .* nearest rate supported"):
        choose_operating_point(searched, 0.01, **WHOSE)
    with pytest.raises(NotEnoughDataError, match=rf"{FURTHEST} times at most: .* {FURTHEST * enrolled} people"):
        choose_operating_point(searched, 0.5, gallery_size=FURTHEST * enrolled + 1, **WHOSE)
    with pytest.raises(ConfigurationError, match="1 person or more"):
        choose_operating_point(searched, 0.1, gallery_size=0, **WHOSE)
    with pytest.raises(DataError, match="only the highest score"):
        choose_operating_point(searches(), 0.1, gallery_size=20, **WHOSE)


def test_files_from_before_gallery_sizes_still_read(point, tmp_path):
    old = json.loads(point.model_dump_json(exclude={"gallery_size", "basis", "preprocessing"}))
    (tmp_path / "old.json").write_text(json.dumps(old))
    read = read_operating_point(tmp_path / "old.json")
    assert (read.holds_for_people, read.holds_for_templates) == (50, 100)
    assert (read.basis, read.preprocessing) == ("measured", {})


@pytest.mark.parametrize("target", [0.0, 1.0, -0.1, 5])
def test_targets_out_of_range(target):
    with pytest.raises(ConfigurationError):
        choose_operating_point(searches(), target, **WHOSE)


def test_a_key_that_is_there_twice_is_refused_and_not_the_last_one_taken(point, tmp_path):
    text = point.model_dump_json()
    (tmp_path / "twice.json").write_text(text.replace('"threshold":', '"threshold": -1.0, "threshold":', 1))
    with pytest.raises(DataError, match=r"is not an operating point \(the key 'threshold' is there twice\)"):
        read_operating_point(tmp_path / "twice.json")
    inner = text.replace('"low":', '"low": 0.0, "low":', 1)
    (tmp_path / "twice.json").write_text(inner)
    with pytest.raises(DataError, match="'low' is there twice"):
        read_operating_point(tmp_path / "twice.json")


def test_survives_its_file(point, tmp_path):
    write_operating_point(tmp_path / "point.json", point)
    assert read_operating_point(tmp_path / "point.json") == point
    with pytest.raises(ValidationError):
        point.threshold = 0.0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"threshold": "0.5"}, "threshold"),
        ({"threshold": 2.0}, "threshold"),
        ({"kind": "far"}, "kind"),
        ({"target": 0.0}, "target"),
        ({"treshold": 0.5}, "treshold"),
        ({"measured": {"value": 0.1}}, "measured.low"),
        ({"measured": {"value": 0.3, "low": 0.2, "high": 0.4, "confidence": 0.95, "n": 9.0}}, "above the target"),
        ({"missed": {"value": 0.9, "low": 0.2, "high": 0.4, "confidence": 0.95, "n": 9.0}}, "does not hold"),
        ({"gallery_people": 0}, "gallery"),
        ({"trials": 0}, "trials"),
        ({"gallery_size": 70}, "are extrapolated, not measured"),
        ({"gallery_size": 20, "basis": "extrapolated"}, "are thinned, not extrapolated"),
        ({"preprocessing": {"detector": 3}}, "preprocessing.detector"),
    ],
)
def test_mistyped_files_are_refused_by_key(point, tmp_path, change, words):
    file = tmp_path / "point.json"
    file.write_text(json.dumps(json.loads(point.model_dump_json()) | change))
    with pytest.raises(DataError, match=words):
        read_operating_point(file)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"threshold": NaN}'])
def test_damaged_files_are_refused(tmp_path, content):
    file = tmp_path / "point.json"
    file.write_bytes(content)
    with pytest.raises(DataError, match="is not an operating point"):
        read_operating_point(file)


def test_a_file_is_read_whole_or_refused(point, tmp_path):
    path = tmp_path / "point.json"
    path.write_text(point.model_dump_json() + " " * (1 << 20) + "garbage")
    with pytest.raises(DataError, match="is larger than"):
        read_operating_point(path)


def test_a_small_rate_is_not_described_as_none(point):
    rare = point.measured.model_copy(update={"value": 1e-5, "low": 2e-6, "high": 3e-5})
    told = point.model_copy(update={"measured": rare}).describe()
    assert "0.0010 % (0.0002 to 0.0030) of searches by strangers raise a false alarm" in told


def test_missing_file_and_folder(tmp_path, point):
    with pytest.raises(DataError, match="cannot read"):
        read_operating_point(tmp_path / "none.json")
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot write"):
        write_operating_point(tmp_path / "file" / "point.json", point)
