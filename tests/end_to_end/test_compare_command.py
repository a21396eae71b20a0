"""``sphereface compare`` as a stranger uses it: several seeds of each way of training, right and wrong input."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from tests.end_to_end.conftest import Run

PEOPLE, IMAGES = 70, 5


def write_run(path: Path, noise: float, seed: int, people: int = PEOPLE) -> str:
    """Write embeddings of a made-up run: the same people in every file, another noise in each."""
    who = np.repeat(np.arange(people), IMAGES)
    centres = np.random.default_rng(0).standard_normal((people, 24))
    x = centres[who] + noise * np.random.default_rng(seed).standard_normal((len(who), 24))
    np.savez(
        path,
        embeddings=x.astype(np.float32),
        identity=np.array([f"p{w:02d}" for w in who]),
        name=np.array([f"p{w:02d}/{number % IMAGES}.jpg" for number, w in enumerate(who)]),
    )
    return str(path)


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    folder = tmp_path_factory.mktemp("runs")
    ways = {"plain": 0.9, "same": 0.9, "worse": 1.2}
    return {
        name: [write_run(folder / f"{name}{seed}.npz", noise, 10 * way + seed) for seed in (1, 2, 3)]
        for way, (name, noise) in enumerate(ways.items())
    }


def written(rows: dict[str, list[str]]) -> list[str]:
    return [f"{name}={','.join(runs)}" for name, runs in rows.items()]


def test_what_differs_is_told_from_what_does_not(sphereface: Run, rows: dict[str, list[str]]) -> None:
    done = sphereface("compare", *written(rows), "--fmr", "0.01", "--fpir", "0.1", "--json")
    assert done.returncode == 0, done.stderr
    figures = {figure["figure"]: figure for figure in json.loads(done.stdout)["figures"]}
    found = figures["FNMR at FMR 0.01"]
    assert found["differences"]["worse"]["counts"]
    assert found["differences"]["worse"]["low"] > 0.0
    assert not found["differences"]["same"]["counts"]
    assert found["means"]["plain"]["value"] == pytest.approx(np.mean(found["runs"]["plain"]))
    assert len(found["runs"]["plain"]) == 3


def test_a_comparison_in_files_is_the_one_that_is_printed(
    sphereface: Run, rows: dict[str, list[str]], tmp_path: Path
) -> None:
    words = ("compare", *written(rows), "--fmr", "0.01", "--fpir", "0.00001", "--confidence", "0.9")
    done = sphereface(*words, "--json", "--out", tmp_path / "new" / "out")
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    file = tmp_path / "new" / "out" / "comparison.json"
    assert printed.pop("report") == str(file)
    assert json.loads(file.read_text("utf-8")) == printed
    figures = {figure["figure"]: figure for figure in printed["figures"]}
    table = list(csv.DictReader((file.parent / "comparison.csv").read_text("utf-8").splitlines()))
    assert {row["figure"] for row in table} == {*figures}
    found = figures["FNMR at FMR 0.01"]
    told = {(row["way"], row["quantity"]): row for row in table if row["figure"] == "FNMR at FMR 0.01"}
    assert len(told) == 3 * 3 + 3 + 2
    assert [float(told["worse", f"run {n}"]["value"]) for n in (1, 2, 3)] == found["runs"]["worse"]
    for row, interval in (
        (told["plain", "mean"], found["means"]["plain"]),
        (told["worse", "less plain"], found["differences"]["worse"]),
    ):
        for name in ("value", "low", "high", "confidence", "standard_error_people", "standard_error_seeds"):
            assert float(row[name]) == interval[name]
        assert row["reason"] == ""
    # The two differences of a figure hold together with 90 %, so each holds with 95 %.
    assert float(told["plain", "mean"]["confidence"]) == 0.9
    assert {float(told[way, "less plain"]["confidence"]) for way in ("same", "worse")} == {0.95}
    (refused,) = (row for row in table if row["figure"] == "FNIR at FPIR 1e-05")
    assert refused["value"] == ""
    assert "not supported by this data" in refused["reason"]


def test_a_folder_that_cannot_be_written(sphereface: Run, rows: dict[str, list[str]], tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    done = sphereface("compare", *written(rows), "--out", tmp_path / "taken")
    assert done.returncode == 2
    assert "choose a folder you may write to" in done.stderr
    assert "Traceback" not in done.stderr


def test_two_seeds_of_restless_ways_give_intervals_that_rates_can_have(sphereface: Run, tmp_path: Path) -> None:
    wild = [write_run(tmp_path / f"w{seed}.npz", noise, seed) for seed, noise in ((1, 0.6), (2, 1.4))]
    other = [write_run(tmp_path / f"o{seed}.npz", noise, seed) for seed, noise in ((3, 1.4), (4, 0.6))]
    done = sphereface(
        "compare", f"a={','.join(wild)}", f"b={','.join(other)}", "--fmr", "0.01", "--fpir", "0.1", "--json"
    )
    assert done.returncode == 0, done.stderr
    ends = []
    for figure in json.loads(done.stdout)["figures"]:
        for mean in figure["means"].values():
            assert 0.0 <= mean["low"] <= mean["value"] <= mean["high"] <= 1.0
        for difference in figure["differences"].values():
            assert -1.0 <= difference["low"] <= difference["value"] <= difference["high"] <= 1.0
            ends.append(difference["high"])
    assert 1.0 in ends, "two seeds that disagree say nothing"


def test_a_pair_list_and_the_list_of_protocols(
    sphereface: Run, rows: dict[str, list[str]], tmp_path: Path
) -> None:
    assert "lfw-view2" in sphereface("compare", "--protocol", "list").stdout
    names = [f"p{person:02d}" for person in range(PEOPLE)]
    genuine = [f"{name}/{a}.jpg,{name}/{b}.jpg" for name in names for a in range(5) for b in range(a)]
    impostor = [f"{a}/{n}.jpg,{b}/{n}.jpg" for n in range(3) for i, a in enumerate(names) for b in names[i + 1 :]]
    same = [*(f"{line},1" for line in genuine), *(f"{line},0" for line in impostor)]
    (tmp_path / "pairs.csv").write_text("\n".join(["image_a,image_b,same", *same]) + "\n")
    done = sphereface("compare", *written(rows), "--pairs", tmp_path / "pairs.csv", "--fmr", "0.05", "--json")
    assert done.returncode == 0, done.stderr
    assert {figure["figure"] for figure in json.loads(done.stdout)["figures"]} >= {"FNMR at FMR 0.05", "accuracy"}
    both = sphereface("compare", *written(rows), "--pairs", tmp_path / "pairs.csv", "--protocol", "lfw-view2")
    assert "give --pairs or --protocol" in both.stderr


def test_the_words(sphereface: Run, rows: dict[str, list[str]]) -> None:
    done = sphereface("compare", *written(rows), "--fmr", "0.01", "--fpir", "0.1")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("FNMR at FMR 0.01, all pairs")
    assert any("worse less plain: +" in line and line.endswith(": a difference") for line in lines)
    assert any("same less plain" in line and line.endswith(": undecided, the interval holds 0") for line in lines)
    assert lines[-1].endswith("2 differences are widened, so that all hold together with 95 % (Bonferroni)")


def test_what_the_data_cannot_support_is_said(sphereface: Run, rows: dict[str, list[str]]) -> None:
    done = sphereface("compare", *written(rows), "--fmr", "0.00001")
    assert done.returncode == 0, done.stderr
    assert "not supported by this data: needs about 1,000,000 impostor scores" in done.stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["plain"], "written NAME=RUN,RUN"),
        (["plain={0}"], "two ways of training or more"),
        (["plain={0},{1}", "plain={2}"], "named twice"),
        (["plain={0},{1}", "other={2}"], "plain has 2, other has 1 runs"),
        (["plain={0}", "other={1}"], "cannot tell what the seed does"),
        (["plain={0},{1}", "other={0},{2}"], "every run counts once"),
        (["plain={0},{1}", "other={2},missing.npz"], "missing.npz"),
        (["plain={0},{1}", "other={2},{2}"], "every run counts once"),
    ],
)
def test_wrong_input_is_told_in_one_sentence(
    sphereface: Run, rows: dict[str, list[str]], words: list[str], expected: str
) -> None:
    done = sphereface("compare", *(word.format(*rows["plain"]) for word in words))
    assert done.returncode != 0
    assert expected in done.stderr
    assert "Traceback" not in done.stderr


def test_other_people_are_refused(sphereface: Run, rows: dict[str, list[str]], tmp_path: Path) -> None:
    other = [write_run(tmp_path / f"{seed}.npz", 1.0, seed, people=PEOPLE - 1) for seed in (1, 2, 3)]
    done = sphereface("compare", f"a={','.join(rows['plain'])}", f"b={','.join(other)}")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert ".jpg" in done.stderr  # names a picture that only one of them has


@pytest.mark.parametrize("rate", [("--fmr", "0.9"), ("--fmr", "0"), ("--fmr", "nan"), ("--fpir", "-1")])
def test_a_false_rate_out_of_range(sphereface: Run, rows: dict[str, list[str]], rate: tuple[str, str]) -> None:
    done = sphereface("compare", *written(rows), *rate)
    assert done.returncode == 2
    assert "below 2/3" in done.stderr


def test_a_run_by_another_path_is_the_same_run(sphereface: Run, rows: dict[str, list[str]]) -> None:
    one, two, _ = rows["plain"]
    again = [str(Path(run).parent / "." / ".." / Path(run).parent.name / Path(run).name) for run in (one, two)]
    done = sphereface("compare", f"a={one},{two}", f"b={','.join(again)}")
    assert done.returncode == 2
    assert "every run counts once" in done.stderr
