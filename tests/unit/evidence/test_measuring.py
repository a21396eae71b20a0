"""A summary's counts give back the figures that the library measures, and runs go on where they stopped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from evidence import counted, running, schedule
from evidence import people as parts
from evidence.measuring import FMR, FPIR, SETTINGS, Embedded, counted_people, measure_judged, measure_kept
from evidence.people import ENOUGH, KEPT, People, anonymous_order, gather_people
from evidence.plan import Run
from evidence.summary import read_summary, write_summary
from sphereface.data.synthetic_folder import write_faces
from sphereface.errors import DataError, NotEnoughDataError
from sphereface.evaluation.discard import error_versus_discard
from sphereface.evaluation.embedding_set import EmbeddingSet
from sphereface.evaluation.hypersphere import measure_health
from sphereface.evaluation.judge import drawn_search, every_pair, follow
from sphereface.evaluation.person_figures import missed_at_fmr, missed_at_fpir, right_over_folds
from sphereface.evaluation.steps import threshold_at
from sphereface.evaluation.verification import verify

JUDGED = 60


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lay drawn people out as the study's folders are."""
    folder = tmp_path_factory.mktemp("shared")
    for name, people, images in (
        ("pins112", range(8), ENOUGH + 1),
        ("celeba112", range(8, 20), 5),
        ("lfw112", range(20, 20 + JUDGED), 4),
    ):
        write_faces(folder / name, people, images, workers=1)
        for file in sorted((folder / name).glob("person-*/*.jpg")):
            file.rename(file.with_name(f"{file.parent.name}_{int(file.stem) + 1:04d}.jpg"))
    names = [f"person-{number:05d}" for number in range(25, 20 + JUDGED)]  # not everybody is in the list
    genuine = [f"{name}\t1\t{other}" for name in names for other in (2, 3)]
    impostor = [
        f"{one}\t1\t{two}\t2"
        for step in (1, 2)
        for one, two in zip(names, names[step:] + names[:step], strict=True)
    ]
    (folder / "pairsDevTrain.txt").write_text("\n".join([str(len(genuine)), *genuine, *impostor]) + "\n")
    return folder


@pytest.fixture(scope="module", autouse=True)
def without(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Leave one person out, as the real list leaves ten out."""
    listed = tmp_path_factory.mktemp("without") / "without.txt"
    listed.write_text("person-00019\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "WITHOUT", listed)
        yield


@pytest.fixture(scope="module")
def people(shared: Path) -> People:
    return gather_people(shared)


def embedded(people: People, part: str, spread: float = 0.9) -> Embedded:
    """Make embeddings up: a direction a person, and noise."""
    manifest = getattr(people, part)
    generator = np.random.default_rng(3)
    centres = generator.normal(size=(len(manifest.identities), 32))
    vectors = centres[manifest.labels] + spread * generator.normal(size=(len(manifest), 32))
    vectors *= generator.uniform(1, 20, size=(len(manifest), 1))
    return Embedded(manifest, EmbeddingSet.of(vectors.astype(np.float32), manifest.people, names=manifest.names))


def test_everybody_has_one_part(people: People) -> None:
    assert not {*people.learners.paths} & {*people.kept.paths}
    assert not {*people.learners.identities} & {*people.judged.identities}
    assert not {*people.tuning[0].identities} & {*people.tuning[1].identities}
    assert {*people.tuning[0].identities} | {*people.tuning[1].identities} == {*people.learners.identities}
    assert set(people.kept.images_per_identity().tolist()) == {KEPT}
    assert len(people.kept.identities) == 8  # those with enough


def test_counts_give_the_library_s_figures_back(people: People, tmp_path: Path) -> None:
    found = embedded(people, "judged")
    sharpness = np.arange(len(people.judged), dtype=np.float64)
    summary = {"stopped": "", **measure_judged(found, people, sharpness)}
    write_summary("people", counted_people(people), tmp_path)
    everybody = counted.read_counted(tmp_path)

    scores = every_pair(found.faces, SETTINGS)
    pairs = verify(scores, fmr_targets=(FMR,))
    headline = counted.headline(summary, everybody)
    assert headline.value == pytest.approx(pairs.fnmr_at_fmr[FMR].value)
    assert 0.05 < headline.value < 0.95
    assert headline.parts.sum() == pytest.approx(0.0, abs=1e-9)
    assert summary["pairs"]["eer"] == pytest.approx(pairs.eer.value)

    searches = drawn_search(found.faces, SETTINGS)
    threshold = threshold_at(np.sort(searches.non_mated_scores), FPIR)
    missed = (searches.mated_scores < np.float32(threshold)) | (searches.mated_ranks > 1)
    assert counted.search(summary, everybody).value == pytest.approx(missed.mean())

    listed = verify(follow(found.faces, people.pairs, SETTINGS).pairs[0])
    accuracy = counted.accuracy(summary, everybody)
    assert accuracy.value == listed.accuracy.value
    assert accuracy.parts.sum() == pytest.approx(0.0, abs=1e-9)

    health = measure_health(found.faces.embeddings, found.faces.identities)
    assert counted.ideal(summary, everybody).value == pytest.approx(health.person_criterion.value)

    curve = error_versus_discard(scores, found.norms, target_fmr=FMR, shares=(0.0, 0.2))
    at_the_kept_threshold = summary["discard"]["norm"]["pairs_and_misses"]
    for place, point in ((0, curve[0]), (3, curve[1])):
        trials, misses = at_the_kept_threshold[place]
        assert misses / trials == pytest.approx(point.fnmr.value)

    longest = np.argsort(found.norms, kind="stable")[round(0.2 * len(found.norms)) :]
    kept = every_pair(found.faces.select(sorted(longest)), SETTINGS)
    again, left = missed_at_fmr(kept, FMR), counted.left_over(summary, everybody, "norm")
    assert left.value == again.value == summary["discard"]["norm"]["fnmr_at_same_fmr"][3]
    names = np.array(kept.names)
    places = anonymous_order(tuple(people.judged.identities))
    of_name = {people.judged.identities[at]: part for at, part in zip(places, left.parts, strict=True)}
    np.testing.assert_allclose([of_name[name] for name in names], again.parts, atol=1e-12)


def test_the_interval_of_a_headline_is_the_library_s(people: People, tmp_path: Path) -> None:
    """What the parts say of a figure's spread is what resampling people and thresholds says."""
    found = embedded(people, "judged")
    summary = {"stopped": "", **measure_judged(found, people, np.zeros(len(people.judged)))}
    write_summary("people", counted_people(people), tmp_path)
    parts = counted.headline(summary, counted.read_counted(tmp_path)).parts
    rate = verify(every_pair(found.faces, SETTINGS), fmr_targets=(FMR,)).fnmr_at_fmr[FMR]
    expected = np.sqrt(rate.value * (1 - rate.value) / rate.n)
    assert np.sqrt((parts**2).sum()) == pytest.approx(expected, rel=0.35)


def test_people_learned_from_are_told_by_their_number_of_pictures(people: People, tmp_path: Path) -> None:
    found = embedded(people, "kept")
    summary = {"stopped": "", "kept": measure_kept(found, threshold=0.5)}
    write_summary("people", counted_people(people), tmp_path)
    everybody = counted.read_counted(tmp_path)
    missed = every_pair(found.faces, SETTINGS).genuine.scores < np.float32(0.5)
    assert 0.0 < missed.mean() < 1.0
    assert counted.kept_back(summary, everybody).value == pytest.approx(missed.mean())
    assert everybody.learned_from.tolist() == [ENOUGH + 1 - KEPT] * 8
    with pytest.raises(NotEnoughDataError):
        counted.kept_back(summary, everybody, fewest=100)


def test_a_run_that_stopped_has_the_worst_figures(people: People, tmp_path: Path) -> None:
    write_summary("people", counted_people(people), tmp_path)
    everybody = counted.read_counted(tmp_path)
    summary = {"stopped": "the loss at step 3 is not a finite number"}
    assert counted.headline(summary, everybody).value == counted.search(summary, everybody).value == 1.0
    assert counted.accuracy(summary, everybody).value == 0.5


RUNS = (
    Run("little", "judged", 1, "cosface", {"scale": 30.0}, steps=2, batch=8),
    Run("little", "trial", 1, "cosface", {"scale": 30.0}, steps=2, batch=8, kind="trial"),
    Run(
        "little",
        "stress",
        1,
        "a-softmax",
        {"lambda_base": 0.0, "lambda_min": 0.0},
        steps=30,
        batch=8,
        batch_norm=False,
        learning_rate=50.0,
        clip_norm=None,
        kind="stress",
    ),
)


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "QUESTIONS", {"little": lambda _: iter(RUNS)})


@pytest.mark.usefixtures("little")
def test_runs_are_made_once_and_are_the_same_again(shared: Path, tmp_path: Path) -> None:
    summaries = tmp_path / "summaries"
    running.work(shared, tmp_path / "work", summaries=summaries)
    judged, trial, stress = (read_summary(run, summaries) for run in RUNS)
    assert judged is not None
    assert trial is not None
    assert stress is not None
    assert judged["pairs"]["misses"]
    assert 0.0 <= trial["trial"]["fnmr"] <= 1.0
    assert "pairs" not in trial
    assert "not a finite number" in stress["stopped"]  # told, and not an end of the whole
    assert not list((tmp_path / "work").rglob("*.safetensors"))

    before = {path: path.stat().st_mtime_ns for path in summaries.rglob("*.json")}
    running.work(shared, tmp_path / "work", summaries=summaries)
    assert {path: path.stat().st_mtime_ns for path in summaries.rglob("*.json")} == before

    (summaries / f"{RUNS[0].name}.json").unlink()
    running.work(shared, tmp_path / "other", summaries=summaries)
    again = read_summary(RUNS[0], summaries)
    assert again is not None
    for key in ("weights", "pairs", "accuracy", "search", "health", "kept", "learned"):
        assert again[key] == judged[key]


@pytest.mark.usefixtures("little")
def test_a_picture_that_cannot_be_read_is_no_end_of_a_loss(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(*_: object) -> None:
        raise DataError("cannot train on an image: it is empty")

    monkeypatch.setattr(running, "train", unreadable)
    with pytest.raises(DataError, match="it is empty"):
        running.work(shared, tmp_path / "work", summaries=tmp_path / "summaries")
    assert [path.name for path in (tmp_path / "summaries").rglob("*.json")] == ["people.json"]


@pytest.mark.usefixtures("little")
def test_other_pictures_are_refused(shared: Path, tmp_path: Path) -> None:
    summaries = tmp_path / "summaries"
    write_summary("people", {"judged_hash": "another"}, summaries)
    with pytest.raises(SystemExit, match="are not those behind"):
        running.work(shared, tmp_path / "work", summaries=summaries)


def test_a_summary_names_nobody(people: People, tmp_path: Path) -> None:
    found = embedded(people, "judged")
    write_summary("a", measure_judged(found, people, np.zeros(len(people.judged))), tmp_path)
    write_summary("b", counted_people(people), tmp_path)
    written = "".join(path.read_text() for path in tmp_path.glob("*.json"))
    assert not any(name in written for name in (*people.judged.identities, *people.learners.identities))


def test_counts_and_scores_give_the_same_parts(people: People, tmp_path: Path) -> None:
    found = embedded(people, "judged")
    summary = {"stopped": "", **measure_judged(found, people, np.zeros(len(people.judged)))}
    write_summary("people", counted_people(people), tmp_path)
    everybody = counted.read_counted(tmp_path)
    scores = every_pair(found.faces, SETTINGS)
    order = anonymous_order(scores.names)
    for counted_figure, scored in (
        (counted.headline(summary, everybody), missed_at_fmr(scores, FMR)),
        (counted.search(summary, everybody), missed_at_fpir(drawn_search(found.faces, SETTINGS), FPIR)),
    ):
        assert scored is not None
        assert counted_figure.value == pytest.approx(scored.value)
        np.testing.assert_allclose(counted_figure.parts, scored.parts[order], atol=1e-12)

    listed = follow(found.faces, people.pairs, SETTINGS).pairs[0]
    known, scored = counted.accuracy(summary, everybody), right_over_folds(listed)
    assert scored is not None
    assert len(listed.names) < len(scores.names)  # the list names some only
    by_name = dict(zip([scores.names[number] for number in order], known.parts, strict=True))
    np.testing.assert_allclose([by_name[name] for name in listed.names], scored.parts, atol=1e-12)


def test_a_process_that_was_held_goes_on() -> None:
    """A laptop that slept through a step leaves a speed that is 0 to its last digit."""
    speeds = (64.0, 0.0, 32.0)
    journal = [{"step": 10 * at, "images_per_second": speed} for at, speed in enumerate(speeds, 1)]
    assert running._seconds(journal, batch=64) == 10 + 20
