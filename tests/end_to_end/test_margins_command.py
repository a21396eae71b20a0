"""The verbs of ``sphereface margins`` as a user calls them: words, JSON, files, and one sentence for a mistake."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from sphereface.cli.margins import app
from sphereface.errors import SpherefaceError


def run(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def said(*words: object) -> str:
    done = run(*words)
    assert done.exit_code == 0, (done.output, done.exception)
    return done.stdout


def told(*words: object) -> Any:
    """Return what is printed as JSON, refusing NaN and anything around it."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    return json.loads(said(*words, "--json"), parse_constant=refuse)


def fails(*words: object) -> str:
    """Return the sentence of a mistake; ``cli/main.py`` prints it and exits with 2."""
    done = run(*words)
    assert isinstance(done.exception, SpherefaceError), (done.output, done.exception)
    return str(done.exception)


def test_bounds_of_a_named_arrangement() -> None:
    words = said("bounds", "octahedron", "--margin", "4")
    assert "paper" in words
    assert "3.157" in words
    assert "within a class 38.3°, smallest between two 54.0°: met" in words
    found = told("bounds", "circle", "--classes", "5", "--margin", "2.5")
    assert [bound["source"] for bound in found["bounds"]] == ["paper", "paper", "ours"]
    assert found["bounds"][2]["margin"] == pytest.approx(3.0)
    assert found["regions"]["met"] is False
    assert found["regions"]["largest_intra"] == pytest.approx(2 * np.pi / 5 * 2 / 3.5)


def test_bounds_of_all_arrangements() -> None:
    words = said("bounds", "--classes", "3")
    for value in ("3.732", "3.400", "3.123", "3.157", "3.058", "3.562"):
        assert value in words


@pytest.mark.parametrize("ending", ["csv", "npy"])
def test_bounds_of_prototypes_in_a_file(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"prototypes.{ending}"
    points = np.eye(3) * 5
    np.save(path, points) if ending == "npy" else np.savetxt(path, points, delimiter=",")
    found = told("bounds", path)["bounds"][2]
    assert found["margin"] == pytest.approx(3.641632, abs=1e-5)
    assert "3 in 3 dimensions" in found["where"]


def test_many_prototypes_have_what_is_enough_and_the_reason_for_no_more(tmp_path: Path) -> None:
    np.save(tmp_path / "many.npy", np.random.default_rng(0).normal(size=(330, 64)).astype(np.float32))
    found = told("bounds", tmp_path / "many.npy")["bounds"][2]
    assert found["margin"] is None
    assert found["enough"] > 3.7
    assert "at most 100 prototypes, not 330" in found["note"]


def test_files_that_hold_no_prototypes(tmp_path: Path) -> None:
    np.save(tmp_path / "pickled.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.save(tmp_path / "one.npy", np.float32(3))
    (tmp_path / "zip.npy").write_bytes(b"PK\x03\x04 not numbers")
    (tmp_path / "empty.npy").write_bytes(b"")
    (tmp_path / "words.csv").write_text("a,b\nc,d\n")
    (tmp_path / "ragged.csv").write_text("1,2\n3\n")
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "twins.csv").write_text("1,0\n2,0\n")
    whole = np.lib.format.header_data_from_array_1_0(np.zeros((2, 2))) | {"shape": (10**9, 10**6)}
    with (tmp_path / "lies.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(file, whole)
    for name in ("pickled.npy", "zip.npy", "empty.npy", "words.csv", "ragged.csv", "lies.npy"):
        assert "does not hold an array of numbers" in fails("bounds", tmp_path / name)
    for name in ("one.npy", "empty.csv"):
        assert "must have shape (C, d)" in fails("bounds", tmp_path / name)
    assert "point the same way" in fails("bounds", tmp_path / "twins.csv")
    assert "Did you mean 'octahedron'" in fails("bounds", "octahedro")
    assert "there is no file" in fails("bounds", tmp_path / "absent.npy")
    assert "--margin measures decision regions" in fails("bounds", "--margin", "2")


def test_suggest() -> None:
    words = said("suggest", "--classes", "330", "--images-per-class", "58", "--batch", "64")
    assert '[head]\nname = "cosface"' in words
    assert words.count("\n- ") >= 5
    found = told("suggest", "--classes", 330, "--images-per-class", 58, "--batch", 64, "--loss", "a-softmax")
    assert (found["scale"], found["margin"], found["lambda_min"]) == (None, 4.0, 5.0)
    assert all(isinstance(reason, str) for reason in found["reasons"])
    assert "Did you mean" in fails(
        "suggest", "--classes", 9, "--images-per-class", 9, "--batch", 9, "--loss", "arcfac"
    )


def test_effective(tmp_path: Path) -> None:
    words = said("effective", "--angle", "63", "--out", tmp_path / "curve.svg")
    assert "30°  1.68" in words
    assert "beyond 113.1°" in words
    assert "at 63°: 1.34" in words
    assert (tmp_path / "curve.svg").read_text(encoding="utf-8").startswith("<?xml")
    found = told("effective", "--margin", "2", "--lambda", "0", "--angle", "150")
    assert found["effective"][:7] == pytest.approx([2.0] * 7, abs=1e-6)
    assert found["effective"][-1] is None
    assert found["at_angle"] == {"degrees": 150.0, "effective": None}
    assert "margin must be a number" in fails("effective", "--margin", "0.5")


def test_plot_into_a_file_and_into_a_folder(tmp_path: Path) -> None:
    rows = (
        "sphereface:margin=2",
        "sphereface:margin=3",
        "sphereface-r-v2",
        "arcface:fallback=easy",
        "elasticface",
    )
    found = told("plot", *rows, "--out", tmp_path / "deep" / "psi.png")
    assert found["files"] == [str(tmp_path / "deep" / "psi.png")]
    assert (tmp_path / "deep" / "psi.png").read_bytes().startswith(b"\x89PNG")
    assert found["psi"]["sphereface, m = 2"][::6] == pytest.approx([1.0, -1.0, -3.0], abs=1e-4)
    assert found["slope"]["sphereface, m = 3"][2] == pytest.approx(-3.0, abs=1e-4)
    others = found["psi"]["sphereface-r-v2, m = 1.4: other classes"]
    assert others[-1] == pytest.approx(np.cos(np.pi / 1.4), abs=1e-4)
    assert found["psi"]["elasticface, m = 0.5"][0] == pytest.approx(np.cos(0.5), abs=1e-4)
    said("plot", "--out", tmp_path / "all")
    names = sorted(path.name for path in (tmp_path / "all").iterdir())
    assert names == ["psi.png", "psi.svg", "regions.png", "regions.svg"]


def test_plot_says_where_a_slope_is_training_s(tmp_path: Path) -> None:
    found = told("plot", "circle", "cosface", "--out", tmp_path / "a.svg")
    assert found["slope_with_weight_held"] == ["circle, m = 0.25", "circle, m = 0.25: other classes"]
    assert found["slope"]["circle, m = 0.25"][6] == pytest.approx(-1.25)
    assert "circle, m = 0.25 (slope as trained: weight constant)" in (tmp_path / "a.svg").read_text()


def test_lambda_weakens_an_annealed_loss(tmp_path: Path) -> None:
    found = told("plot", "a-softmax", "--lambda", "0", "--out", tmp_path / "a.svg")
    assert found["psi"]["a-softmax, m = 4, λ = 0"][-1] == pytest.approx(-7.0, abs=1e-4)
    found = told("plot", "a-softmax", "--out", tmp_path / "a.svg")
    assert found["psi"]["a-softmax, m = 4, λ = 5"][6] == pytest.approx(-0.5, abs=1e-6)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("cosfase",), "Did you mean 'cosface'"),
        (("simple",), "neither psi nor eta"),
        (("cosface:m=1",), "no setting 'm'"),
        (("cosface:margin=x",), "is not NAME or NAME:SETTING=NUMBER"),
        (("cosface:margin=9",), "margin must be a number in"),
        (("a-softmax", "--lambda", "-1"), "lambda must be a number in"),
        (("cosface", "--out", "x.pdf"), "as .svg or .png"),
    ],
)
def test_rows_that_cannot_be_drawn(words: tuple[str, ...], sentence: str) -> None:
    assert sentence in fails("plot", *words)


def test_the_sphere_of_a_loss_is_trained_and_drawn(tmp_path: Path) -> None:
    out = tmp_path / "sphere.svg"
    found = told("sphere", "cosface", "simple", "--people", "3", "--steps", "2", "--out", out)
    assert set(found["losses"]) == {"cosface", "simple"}
    assert 0.0 <= found["losses"]["cosface"]["own_angle_degrees"] <= 90.0
    text = out.read_text()
    assert text.startswith("<?xml")
    assert "trained with cosface, simple" in text
    assert "Did you mean 'cosface'" in fails("sphere", "cosfase", "--out", tmp_path / "no.svg")
    assert not (tmp_path / "no.svg").exists()


def test_the_pictures_of_the_documentation_are_those_of_the_table(tmp_path: Path) -> None:
    """A changed loss is to be drawn again: sphereface margins thumbnails --out docs/pictures/losses."""
    drawn = {Path(name).name for name in told("thumbnails", "--out", tmp_path)["files"]}
    kept = Path(__file__).resolve().parents[2] / "docs/pictures/losses"
    assert drawn == {path.name for path in kept.iterdir()}
    number = re.compile(r"-?\d+\.\d+")
    for name in sorted(drawn):
        ours, theirs = (number.findall((home / name).read_text()) for home in (tmp_path, kept))
        assert list(map(float, ours)) == pytest.approx(list(map(float, theirs)), abs=0.01), (
            name
        )  # hundredths of a point
