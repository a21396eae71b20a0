"""What is looked into beside an evaluation: each part is there, or it says why not, and none ends the others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sphereface.evaluation import findings as findings_module
from sphereface.evaluation.embedding_set import EmbeddingSet
from sphereface.evaluation.findings import find
from sphereface.evaluation.judge import compare, follow, joined, judge
from sphereface.evaluation.protocols import read_protocol
from sphereface.evaluation.settings import Settings
from tests.protocol_twins import twin, twin_files

QUICK = Settings(resamples=20, fmr_targets=(0.1, 0.01, 0.001), fpir_targets=(0.1,))
PARTS = {"clusters", "lookalikes", "morphing: all", "morphing: nearest", "calibration"}


@pytest.fixture(autouse=True)
def two_calibrations(monkeypatch):
    monkeypatch.setattr(findings_module, "_CALIBRATIONS", ("platt", "faircal"))


@pytest.fixture(scope="module")
def crowd():
    """Return 80 people with 5 images each, named as a protocol would, and a group of each as a table would."""
    generator = np.random.default_rng(0)
    who = np.repeat(np.arange(80), 5)
    x = generator.standard_normal((80, 12))[who] + 0.6 * generator.standard_normal((400, 12))
    faces = EmbeddingSet.of(x, [f"Person_{at:02d}" for at in who])
    return compare(faces, QUICK), {f"person {at:02d}": "ab"[at % 2] for at in range(80)}


def test_everything_that_the_data_allows_is_there(crowd):
    compared, groups = crowd
    evaluation = judge(compared, QUICK)
    found = find(compared, evaluation, groups, QUICK)
    assert found.absent == {}
    assert found.pairs_title == compared.pairs[0].title
    assert found.gallery_title == compared.searches[0].title
    assert found.threshold_at_fmr == evaluation.verification.threshold_at_fmr
    assert found.threshold == found.threshold_at_fmr[found.threshold_fmr]
    assert found.average is None
    assert found.groups.names == found.group_searches.names == ("a", "b")
    assert [each.title for each in found.lookalikes] == ["look-alikes", "within the group"]
    assert {each.kind for each in found.morphing} == {"all", "same group", "nearest"}
    assert len(found.calibration) == 2
    assert found.clusters.threshold == found.groups.threshold == found.threshold


def test_without_pairs_the_searches_are_still_looked_into(crowd):
    compared, groups = crowd
    searched = replace(compared, pairs=(), rows=())
    found = find(searched, judge(searched, QUICK), groups, QUICK)
    assert found.gallery_sizes
    assert found.group_searches.names == ("a", "b")
    assert found.threshold is found.threshold_fmr is None
    assert set(found.absent) == PARTS | {"groups", "lookalikes: within groups", "morphing: same group"}
    assert found.absent.pop("calibration") == "no pairs are compared"
    assert set(found.absent.values()) == {"no pairs are compared, so there is no threshold"}


def test_without_a_supported_rate_pairs_are_still_calibrated(crowd):
    compared, _ = crowd
    strict = replace(QUICK, fmr_targets=(1e-7,), fpir_targets=(1e-7,))
    found = find(compared, judge(compared, strict), crowd[1], strict)
    assert len(found.calibration) == 2
    assert found.absent["clusters"] == "no false match rate is supported, so there is no threshold"
    assert found.absent["group_searches"].startswith("no false positive identification rate is supported")
    assert set(found.absent) == {
        *PARTS - {"calibration"}, "groups", "group_searches", "lookalikes: within groups", "morphing: same group",
    }  # fmt: skip


def test_a_search_that_kept_too_few_scores_loses_the_sizes_it_cannot_tell_of(crowd):
    compared, _ = crowd
    (searches,) = compared.searches
    cut = replace(searches, best=searches.best[:, :4], best_people=searches.best_people[:, :4])
    whole, few = (find(replace(compared, pairs=(), rows=(), searches=(each,)), judge(compared, QUICK), {}, QUICK)
                  for each in (searches, cut))  # fmt: skip
    refused = [size for size in few.gallery_sizes if "kept its 4 highest scores" in size.fpir.reason]
    assert [size.gallery_people for size in refused][:1] == [1]
    assert all(size.threshold is None and size.fnir.value is None for size in refused)
    known = {size.gallery_people: size.threshold for size in few.gallery_sizes if size not in refused}
    assert known[searches.gallery_people] is not None
    assert known.items() <= {size.gallery_people: size.threshold for size in whole.gallery_sizes}.items()
    none = replace(searches, best=np.zeros((0, 0), np.float32))
    found = find(replace(compared, pairs=(), rows=(), searches=(none,)), judge(compared, QUICK), {}, QUICK)
    assert "search again" in found.absent["gallery_sizes"]


def test_labels_that_fit_nobody_do_not_end_the_evaluation(crowd):
    compared, _ = crowd
    found = find(compared, judge(compared, QUICK), {"nobody": "a", "no one": "b"}, QUICK)
    for part in ("groups", "group_searches", "lookalikes: within groups", "morphing: same group"):
        assert "'nobody' is none of" in found.absent[part]
    assert found.clusters
    assert found.lookalikes[0].title == "look-alikes"


def test_the_lists_of_a_protocol_are_measured_together(tmp_path):
    faces = twin("rfw", tmp_path, people=60, spread=1.5)
    protocol = read_protocol("rfw", twin_files("rfw", tmp_path))
    settings = replace(QUICK, fmr_targets=(0.3,))
    compared = follow(faces, protocol, settings)
    side = {}
    for at, pairs in enumerate(compared.pairs):
        for row in (pairs.genuine.first, pairs.impostor.first, pairs.impostor.second):
            side |= {pairs.names[code]: f"list {at}" for code in pairs.people[row]}
    found = find(compared, judge(compared, settings), side, settings)
    assert found.pairs_title.startswith("4 lists together: ")
    assert found.groups.names == ("list 0", "list 1", "list 2", "list 3")
    assert "no gallery is searched" in found.absent["gallery_sizes"]
    for at, pairs in enumerate(compared.pairs):
        misses = (pairs.genuine.scores < np.float32(found.threshold)).mean()
        rate = found.groups.fnmr[at]
        assert rate.value == pytest.approx(misses) or "needs about" in rate.reason
    impostors = np.concatenate([pairs.impostor.scores for pairs in compared.pairs])
    assert found.groups.all_fmr == pytest.approx((impostors >= np.float32(found.threshold)).mean())
    assert found.threshold_at_fmr == {0.3: found.threshold}


@pytest.mark.parametrize(("name", "galleries"), [("ijbc", 2), ("blufr", 10)])
def test_the_galleries_of_a_protocol_are_averaged(name, galleries, tmp_path):
    faces = twin(name, tmp_path, people=30)
    protocol = read_protocol(name, twin_files(name, tmp_path), faces.names, faces.identities)
    own = follow(faces, protocol, QUICK)
    evaluation = judge(own, QUICK)
    found = find(own, evaluation, {}, QUICK)
    assert found.average.galleries == galleries
    assert found.gallery_title == own.searches[0].title
    first_ranks = [search.cmc[0].value for search in evaluation.identifications]
    assert found.average.rank_1.mean.value == pytest.approx(np.mean(first_ranks))
    # The draw of one's own beside a protocol is none of its galleries.
    both = joined(compare(faces, QUICK), own)
    again = find(both, judge(both, QUICK), {}, QUICK)
    assert again.average == found.average
    assert again.gallery_title == both.searches[0].title != own.searches[0].title
