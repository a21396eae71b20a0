"""The whole evaluation: one call, its JSON, its light import, and what it refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sphereface.errors import ConfigurationError, DataError, NotEnoughDataError
from sphereface.evaluation import compare, evaluate, to_json
from sphereface.evaluation.embedding_set import EmbeddingSet
from sphereface.evaluation.identification import identify
from sphereface.evaluation.judge import follow, joined, judge
from sphereface.evaluation.protocol import Protocol, UnitClasses, UnitPairs, UnitSearch, UnitTable, positions
from sphereface.evaluation.settings import Settings
from sphereface.evaluation.summary import decimal


def people_and_vectors(people=40, images=6, noise=0.9, seed=0):
    generator = np.random.default_rng(seed)
    who = np.repeat(np.arange(people), images)
    x = generator.standard_normal((people, 24))[who] + noise * generator.standard_normal((len(who), 24))
    return x.astype(np.float32), [f"person {number:03d}" for number in who]


@pytest.fixture(scope="module")
def evaluation():
    x, names = people_and_vectors()
    paths = [f"{name}/{number:04d}.jpg" for number, name in enumerate(names)]
    return evaluate(x, names, names=paths, fpir_targets=(0.1, 0.3))


def protocol_of(names, paths):
    """A protocol over every part there is: a list with a picture that is gone, two galleries, a linear probe."""
    table = UnitTable()
    at = [table.position(path, name) for path, name in zip(paths, names, strict=True)]
    gone = table.position("person 000/gone.jpg", names[0])
    first = [*(at[6 * i] for i in range(40)), *(at[6 * i] for i in range(40)), at[0]]
    second = [*(at[6 * i + 1] for i in range(40)), *(at[6 * i - 6] for i in range(40)), gone]
    halves = [[at[6 * i + n] for i in range(40) for n in range(6) if i % 2 == side] for side in (0, 1)]
    return Protocol(
        "mine",
        "a list of mine",
        "nobody 2026",
        table.units(),
        pairs=(
            UnitPairs(
                "a list", positions(first), positions(second), np.array([True] * 40 + [False] * 40 + [True])
            ),
        ),
        searches=tuple(
            UnitSearch(f"gallery {side}", positions(half[::6]), positions([p for p in at if p not in half[::6]]))
            for side, half in enumerate(halves)
        ),
        classes=(
            UnitClasses(
                "half",
                positions(at),
                tuple(f"half {n}" for n in np.arange(240) // 6 % 2),
                positions(np.arange(240) // 6 % 4),
            ),
        ),
        fmr_targets=(0.2,),
        fpir_targets=(0.1, 0.3),
        note="made up",
    )


def test_a_protocol_is_followed_and_nothing_else_measured():
    x, names = people_and_vectors()
    paths = [f"{name}/{number:04d}.jpg" for number, name in enumerate(names)]
    evaluation = evaluate(x, names, names=paths, protocol=protocol_of(names, paths))
    (listed,) = evaluation.verifications
    assert (listed.title, listed.genuine_pairs, listed.failed_pairs) == ("a list", 41, 1)
    assert not listed.balanced
    assert list(listed.fnmr_at_fmr) == [0.2]
    assert [found.title for found in evaluation.identifications] == ["gallery 0", "gallery 1"]
    for found in evaluation.identifications:
        assert (found.gallery_people, found.mated_searches, found.non_mated_searches) == (20, 100, 120)
    assert evaluation.classes[0].people == 40
    assert evaluation.source.missing == ("person 000/gone.jpg",)
    assert (evaluation.source.title, evaluation.source.note) == ("a list of mine", "made up")
    assert evaluation.settings["fpir_targets"] == [0.1, 0.3]
    assert evaluate(x, names, names=paths, protocol=protocol_of(names, paths), fmr_targets=(0.3,)).settings[
        "fmr_targets"
    ] == [0.3]
    summary = to_json(evaluation)
    assert summary["source"]["citation"] == "nobody 2026"
    assert [found["title"] for found in summary["identification"]] == ["gallery 0", "gallery 1"]


def test_a_list_of_one_kind_only_has_no_honest_number():
    x, names = people_and_vectors()
    paths = [f"{name}/{number:04d}.jpg" for number, name in enumerate(names)]
    protocol = protocol_of(names, paths)
    pairs = protocol.pairs[0]
    genuine = UnitPairs("a list", pairs.first[pairs.same], pairs.second[pairs.same], pairs.same[pairs.same])
    with pytest.raises(NotEnoughDataError, match="'a list' has only genuine pairs"):
        evaluate(x, names, names=paths, protocol=replace(protocol, pairs=(genuine,)))


def test_what_was_not_measured_cannot_be_asked_for():
    x, names = people_and_vectors()
    paths = [f"{name}/{number:04d}.jpg" for number, name in enumerate(names)]
    evaluation = evaluate(
        x, names, names=paths, protocol=replace(protocol_of(names, paths), pairs=(), searches=())
    )
    with pytest.raises(NotEnoughDataError, match="compares no pairs"):
        _ = evaluation.verification
    with pytest.raises(NotEnoughDataError, match="has no searches"):
        _ = evaluation.identification


def test_everything_is_measured(evaluation):
    assert (evaluation.images, evaluation.people) == (240, 40)
    assert evaluation.verification.genuine_pairs == 40 * 15
    assert evaluation.verification.balanced
    assert evaluation.identification.gallery_people + evaluation.identification.non_mated_people == 40
    assert 0.0 < evaluation.health.ideal_criterion_rate.value < 1.0
    assert (evaluation.health.ideal_images, evaluation.health.ideal_people) == (5, 40)


def test_the_identification_comes_from_the_searches_that_can_be_asked_for(evaluation):
    searches = compare(EmbeddingSet.of(*people_and_vectors())).searches[0]
    assert identify(searches, fpir_targets=(0.1, 0.3)).fnir_at_fpir == evaluation.identification.fnir_at_fpir


def test_the_summary_is_json_without_nan(evaluation):
    summary = to_json(evaluation)
    text = json.dumps(summary, allow_nan=False)
    assert json.loads(text) == summary
    assert summary["schema"] == 2
    verification = summary["verification"][0]
    assert set(verification["eer"]) == {"value", "low", "high", "confidence", "n", "threshold"}
    assert verification["eer"]["value"] == evaluation.verification.eer.value
    assert list(verification["fnmr_at_fmr"]) == ["0.01", "0.001", "0.0001"]
    assert verification["fnmr_at_fmr"]["0.0001"]["value"] is None
    assert "not supported" in verification["fnmr_at_fmr"]["0.0001"]["reason"]
    assert list(summary["identification"][0]["fnir_at_fpir"]) == ["0.1", "0.3"]
    assert len(verification["curve"]["threshold"]) <= 400
    assert summary["health"]["energy"].keys() == {"0", "1", "2"}


def test_long_curves_are_thinned_to_their_ends(evaluation):
    curve = evaluation.verification.curve
    long = type(curve)(*(np.linspace(0, 1, 5000) for _ in range(7)))
    thin = to_json(replace(evaluation, verifications=(replace(evaluation.verification, curve=long),)))
    values = thin["verification"][0]["curve"]["fmr"]
    assert (len(values), values[0], values[-1]) == (400, 0.0, 1.0)


def test_figures_that_do_not_exist_are_null(evaluation):
    broken = replace(evaluation, health=replace(evaluation.health, alignment=float("nan"), concentration=np.inf))
    health = to_json(broken)["health"]
    assert health["alignment"] is None
    assert health["concentration"] is None
    with pytest.raises(TypeError, match="cannot hold a object"):
        to_json(replace(evaluation, settings={"x": object()}))


def test_targets_are_written_without_exponent():
    assert [decimal(target) for target in (1e-6, 0.003, 0.1)] == ["0.000001", "0.003", "0.1"]


def test_failed_images_change_counts_and_not_positions():
    x, names = people_and_vectors()
    failed = np.zeros(len(x), dtype=bool)
    failed[:7] = True  # all of the first person and one image of the second
    x[:7] = np.nan
    result = evaluate(x, names, failed=failed)
    assert result.settings["failed_images"] == 7
    assert result.verification.people == 40
    assert result.verification.genuine_pairs == 40 * 15  # none is lost: those of failed images are misses
    assert result.verification.failed_pairs == 15 + 5
    assert result.verification.impostor_pairs == 233 * 232 // 2 - (38 * 15 + 10)
    worst = result.verification.hardest_genuine[0]
    unit = x[[worst.first, worst.second]] / np.linalg.norm(x[[worst.first, worst.second]], axis=1, keepdims=True)
    assert unit[0] @ unit[1] == pytest.approx(worst.score, abs=1e-6)
    assert names[worst.first] == names[worst.second]
    found = result.identification
    assert found.failed_mated + found.failed_non_mated + found.failed_enrolments > 0


def test_repeats_to_the_last_digit(evaluation):
    x, names = people_and_vectors()
    assert to_json(evaluate(x, names)) == to_json(evaluate(x, names))


def test_people_with_few_images_leave_the_criterion_unsaid():
    health = evaluate(*people_and_vectors(images=3)).health
    assert health.ideal_criterion_rate.value is None
    assert "5 images" in health.ideal_criterion_rate.reason


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"identities": ["a"] * 240}, NotEnoughDataError, "one person"),
        ({"identities": [str(number) for number in range(240)]}, NotEnoughDataError, "nobody has two"),
        ({"identities": ["a", "b"]}, DataError, "'identity' has 2 entries for 240 embeddings"),
        ({"embeddings": np.zeros((240, 24))}, DataError, "zero vector"),
        ({"embeddings": np.full((240, 24), np.nan)}, DataError, "NaN"),
        ({"failed": np.ones(3, dtype=bool)}, DataError, "'failed' has shape"),
        ({"failed": np.ones(240, dtype=bool)}, DataError, "no image could be embedded"),
        ({"enrolled_fraction": 1.5}, DataError, "enrolled_fraction"),
        ({"fmr_targets": [2.0]}, ConfigurationError, "target"),
        ({"fpir_targets": [0.0]}, ConfigurationError, "target"),
        ({"confidence": 1.0}, ConfigurationError, "confidence"),
    ],
)
def test_bad_input_is_answered_in_words(change, error, words):
    x, names = people_and_vectors()
    with pytest.raises(error, match=words):
        evaluate(**({"embeddings": x, "identities": names} | change))


def test_two_people_are_enough_for_a_number():
    x, _ = people_and_vectors(people=2, images=20)
    names = ["first"] * 20 + ["second"] * 20
    result = evaluate(x, names, seed=next(s for s in range(20) if _both_sides(names, s)))
    assert 0.0 <= result.verification.eer.value <= 1.0
    assert result.verification.eer.high - result.verification.eer.low > 0.2  # two people say little


def _both_sides(names, seed):
    from sphereface.evaluation import open_set_split

    try:
        open_set_split(names, seed=seed)
    except NotEnoughDataError:
        return False
    return True


def test_importing_the_room_imports_nothing_heavy():
    code = (
        "import sys, sphereface.evaluation; heavy = {'numpy', 'scipy', 'torch', 'pydantic'} & set(sys.modules);"
        "assert not heavy, heavy;"
        "import sphereface.evaluation.judge, sphereface.evaluation.threshold_choice;"
        "heavy = {'torch', 'cv2', 'matplotlib', 'PIL'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_no_public_name_is_a_modules():
    """Importing ``room.judge`` would put the module in the place of a function of that name."""
    import pkgutil

    import sphereface.evaluation as room

    assert not set(room.__all__) & {module.name for module in pkgutil.iter_modules(room.__path__)}


def test_unknown_names_of_the_room_are_attribute_errors():
    import sphereface.evaluation as room

    assert "evaluate" in dir(room)
    with pytest.raises(AttributeError, match="evalute"):
        room.evalute  # noqa: B018


def test_the_hardest_pairs_are_rows_of_the_set_whatever_they_were_compared_as():
    """Beside all pairs, under a protocol that names its pictures in another order and misses one."""
    x, names = people_and_vectors()
    paths = [f"{name}/{number:04d}.jpg" for number, name in enumerate(names)]
    order = np.random.default_rng(0).permutation(len(x))
    faces = EmbeddingSet.of(x[order], [names[at] for at in order], names=[paths[at] for at in order])
    both = judge(joined(compare(faces), follow(faces, protocol_of(names, paths))))
    unit = faces.embeddings / np.linalg.norm(faces.embeddings, axis=1, keepdims=True)
    assert [found.title for found in both.verifications][1] == "a list"
    for found in both.verifications:
        for pairs, same in ((found.hardest_genuine, True), (found.hardest_impostor, False)):
            assert pairs
            for pair in pairs:
                assert (faces.identities[pair.first] == faces.identities[pair.second]) is same
                assert unit[pair.first] @ unit[pair.second] == pytest.approx(pair.score, abs=1e-5)
    for evaluation in (both, judge(follow(faces, protocol_of(names, paths)))):
        for pair in evaluation.health.widest:
            assert unit[pair.first] @ unit[pair.second] == pytest.approx(pair.score, abs=1e-5)
            assert faces.identities[pair.first] == faces.identities[pair.second]


def test_an_evaluation_is_printed_in_a_line() -> None:
    people = np.repeat(np.arange(40), 4)
    rows = np.random.default_rng(0).standard_normal((40, 8))[people]
    rows += 0.5 * np.random.default_rng(1).standard_normal(rows.shape)
    told = repr(evaluate(rows, [f"{person}" for person in people]))
    assert told.startswith("<Evaluation of 'embeddings', 160 images, 40 people, EER ")
    assert len(told) < 500


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"fmr_targets": 0.01}, "fmr_targets must be a list of rates"),
        ({"fpir_targets": "0.01"}, "fpir_targets must be a list of rates"),
        ({"seed": -1}, "seed must be 0 or more, not -1"),
    ],
)
def test_settings_that_are_none_are_told(wrong: Any, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        Settings(**wrong)
