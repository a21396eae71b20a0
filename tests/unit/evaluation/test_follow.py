"""Every protocol from its files to its figures, on a synthetic twin: no licensed data is needed to try it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sphereface.evaluation.judge import follow, judge
from sphereface.evaluation.leaving_out import leave_out
from sphereface.evaluation.paired import compare_pairs
from sphereface.evaluation.protocols import PROTOCOLS, read_protocol
from sphereface.evaluation.settings import Settings
from sphereface.evaluation.steps import area_under_curve
from sphereface.evaluation.summary import to_json
from tests.protocol_twins import twin, twin_files


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_twin_is_judged_from_its_files(name, tmp_path):
    faces = twin(name, tmp_path, people=30)
    protocol = read_protocol(name, twin_files(name, tmp_path), faces.names, faces.identities)
    settings = replace(Settings(resamples=20), **protocol.own_settings())
    evaluation = judge(follow(faces, protocol, settings), settings)
    assert evaluation.source.missing == ()
    assert [found.title for found in evaluation.verifications] == [pairs.title for pairs in protocol.pairs]
    assert [found.title for found in evaluation.identifications] == [each.title for each in protocol.searches]
    assert [found.title for found in evaluation.crowds] == [crowd.title for crowd in protocol.distractors]
    assert [found.title for found in evaluation.classes] == [told.title for told in protocol.classes]
    for found in evaluation.verifications:
        assert found.failed_pairs == 0
        assert found.auc.value > 0.9  # the twins' people lie well apart
    for found in evaluation.identifications:
        assert found.failed_mated == found.failed_non_mated == found.failed_enrolments == 0
        assert found.cmc[0].value > 0.8
    for found in evaluation.crowds:
        assert found.failed == 0
        assert found.cmc[0].value > 0.8
    assert to_json(evaluation)["source"]["name"] == name


@pytest.mark.parametrize(
    ("name", "unit", "folded"),
    [("lfw-view1", "picture", True), ("ytf", "video", True), ("ijbb", "template", False)],
)
def test_units_have_a_name_and_only_folds_an_accuracy(name, unit, folded, tmp_path):
    faces = twin(name, tmp_path, people=30)
    protocol = read_protocol(name, twin_files(name, tmp_path))
    protocol = leave_out(protocol, {protocol.units.people[0]})
    scores = follow(faces, protocol)
    evaluation = judge(scores, Settings(resamples=20))
    assert evaluation.unit == unit
    assert evaluation.images == len(protocol.units)
    found = evaluation.verification
    assert found.folded is folded
    assert (found.accuracy.value is not None) is folded
    if not folded:
        assert found.accuracy.reason == "the protocol has no folds, and so no accuracy over them"
    pairs = scores.pairs[0]
    lost = replace(pairs.impostor, scores=np.full_like(pairs.impostor.scores, -np.inf))
    for other in (pairs, replace(pairs, impostor=lost)):
        differences = compare_pairs(pairs, other, resamples=20)
        assert ("accuracy" in [difference.figure for difference in differences]) is folded


def test_an_embedding_of_noise_does_no_better_than_chance(tmp_path):
    faces = twin("lfw-view2", tmp_path, people=30)
    protocol = read_protocol("lfw-view2", twin_files("lfw-view2", tmp_path))
    areas = []
    for seed in range(10):
        noise = np.random.default_rng(seed).standard_normal(faces.embeddings.shape)
        (scores,) = follow(replace(faces, embeddings=noise), protocol).pairs
        areas.append(area_under_curve(np.sort(scores.genuine.scores), np.sort(scores.impostor.scores)))
    assert abs(np.mean(areas) - 0.5) < 3 * 0.075 / np.sqrt(10)  # sqrt(61 / (12 x 30 x 30)) each


def test_pictures_that_are_missing_count_as_failures(tmp_path):
    faces = twin("lfw-view2", tmp_path, people=30)
    protocol = read_protocol("lfw-view2", twin_files("lfw-view2", tmp_path))
    whole = judge(follow(faces, protocol)).verification
    gone = judge(follow(faces.select(range(5, len(faces))), protocol))
    (found,) = gone.verifications
    assert gone.source.missing
    assert found.failed_pairs > 0
    assert (found.genuine_pairs, found.impostor_pairs) == (whole.genuine_pairs, whole.impostor_pairs)
    assert found.accuracy.value < whole.accuracy.value
