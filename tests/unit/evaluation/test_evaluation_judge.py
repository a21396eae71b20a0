"""The whole evaluation: one call, its JSON, its light import, and what it refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from sphereface.errors import ConfigurationError, DataError, NotEnoughDataError
from sphereface.evaluation import compare, evaluate, to_json
from sphereface.evaluation.identification import identify
from sphereface.evaluation.pair_list import NamedPair, locate
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
    pairs = [NamedPair(paths[6 * i], paths[6 * i + 1], names[6 * i], names[6 * i], True) for i in range(40)]
    pairs += [NamedPair(paths[6 * i], paths[6 * i - 6], names[6 * i], names[6 * i - 6], False) for i in range(40)]
    pairs.append(NamedPair(paths[0], "person 000/gone.jpg", names[0], names[0], True))
    return evaluate(x, names, listed=locate(pairs, paths, title="a list"), fpir_targets=(0.1, 0.3))


def test_everything_is_measured(evaluation):
    assert (evaluation.images, evaluation.people) == (240, 40)
    assert evaluation.verification.genuine_pairs == 40 * 15
    assert evaluation.verification.balanced
    assert evaluation.listed.genuine_pairs == 41
    assert evaluation.listed.failed_pairs == 1
    assert not evaluation.listed.balanced
    assert evaluation.settings["listed_missing"] == ["person 000/gone.jpg"]
    assert evaluation.identification.gallery_people + evaluation.identification.non_mated_people == 40
    assert 0.0 < evaluation.health.ideal_criterion_rate.value < 1.0
    assert (evaluation.health.ideal_images, evaluation.health.ideal_people) == (5, 40)


def test_the_identification_comes_from_the_searches_that_can_be_asked_for(evaluation):
    searches = compare(*people_and_vectors()).searches
    assert identify(searches, fpir_targets=(0.1, 0.3)).fnir_at_fpir == evaluation.identification.fnir_at_fpir


def test_the_summary_is_json_without_nan(evaluation):
    summary = to_json(evaluation)
    text = json.dumps(summary, allow_nan=False)
    assert json.loads(text) == summary
    assert summary["schema"] == 1
    verification = summary["verification"]
    assert set(verification["eer"]) == {"value", "low", "high", "confidence", "n"}
    assert verification["eer"]["value"] == evaluation.verification.eer.value
    assert list(verification["fnmr_at_fmr"]) == ["0.01", "0.001", "0.0001"]
    assert verification["fnmr_at_fmr"]["0.0001"]["value"] is None
    assert "not supported" in verification["fnmr_at_fmr"]["0.0001"]["reason"]
    assert list(summary["identification"]["fnir_at_fpir"]) == ["0.1", "0.3"]
    assert len(verification["curve"]["threshold"]) <= 400
    assert summary["health"]["energy"].keys() == {"0", "1", "2"}


def test_long_curves_are_thinned_to_their_ends(evaluation):
    curve = evaluation.verification.curve
    long = type(curve)(*(np.linspace(0, 1, 5000) for _ in range(7)))
    thin = to_json(replace(evaluation, verification=replace(evaluation.verification, curve=long)))
    values = thin["verification"]["curve"]["fmr"]
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
    assert result.verification.people == 39
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
        ({"identities": ["a", "b"]}, DataError, "240 embeddings but 2 identities"),
        ({"embeddings": np.zeros((240, 24))}, DataError, "zero vector"),
        ({"embeddings": np.full((240, 24), np.nan)}, DataError, "NaN"),
        ({"failed": np.ones(3, dtype=bool)}, DataError, "mask of failed images"),
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


def test_unknown_names_of_the_room_are_attribute_errors():
    import sphereface.evaluation as room

    assert "evaluate" in dir(room)
    with pytest.raises(AttributeError, match="evalute"):
        room.evalute  # noqa: B018
