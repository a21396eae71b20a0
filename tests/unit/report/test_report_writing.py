from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sphereface.errors import DataError
from sphereface.evaluation.results import Rate
from sphereface.report import ReportInput, write_pictures, write_report
from sphereface.report.canvas import to_pdf
from sphereface.report.figures import named_figures
from sphereface.report.writing import report_data


def strict(text: str) -> dict[str, object]:
    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    return json.loads(text, parse_constant=refuse)


def test_page_and_numbers_are_written_side_by_side(tmp_path: Path, light_input: ReportInput) -> None:
    folder = tmp_path / "run ü" / "deep"
    page = write_report(folder, light_input)
    assert page == folder / "report.html"
    assert sorted(path.name for path in folder.iterdir()) == [
        "report.html", "report.json", "table.csv", "table.tex",
    ]  # fmt: skip
    assert page.read_text(encoding="utf-8").lstrip().startswith("<!DOCTYPE html>")
    data = strict((folder / "report.json").read_text(encoding="utf-8"))
    assert data["title"] == light_input.title
    first = page.read_bytes()
    write_report(folder, light_input)
    assert page.read_bytes() == first


def test_the_numbers_are_the_evaluation_and_what_the_page_adds(report_input: ReportInput) -> None:
    data = report_data(report_input)
    eer = report_input.evaluation.verification.eer
    assert data["verification"][0]["eer"] == eer.to_json()
    assert data["identification"][0]["fnir_at_fpir"]["0.01"]["value"] is None
    assert data["shortcuts"]["raw pixels"]["value"] == 0.36
    assert data["shortcuts"]["trained embedding"]["ours"] is True
    assert data["gallery_trial"]["realised_fpir"]["value"] == 0.041
    assert data["gallery_trial"]["stated_fpir"] == 0.05
    assert data["operating_point"]["fpir"] == 0.05
    assert data["training"]["step"] == 320
    assert data["schema"] == 2
    assert data["in_words"][0] == data["headline"]
    assert data["settings"]["recipe"]["head"] == "cosface"
    assert data["settings"]["evaluation"] == report_input.evaluation.settings
    strict(json.dumps(data))


def test_numbers_json_does_not_have_become_null_or_plain(report_input: ReportInput) -> None:
    odd = {"nan": float("nan"), "array": np.arange(2), "path": Path("a/b"), "scalar": np.float32(0.5)}
    data = report_data(dataclasses.replace(report_input, settings=odd))
    assert {name: data["settings"][name] for name in odd} == {
        "nan": None, "array": [0, 1], "path": str(Path("a/b")), "scalar": 0.5,
    }  # fmt: skip
    rate = dataclasses.replace(report_input.shortcuts[0], rate=Rate(None, None, None, 0.95, 0, "none"))
    assert report_data(dataclasses.replace(report_input, shortcuts=[rate]))["shortcuts"]["trained embedding"][
        "reason"
    ] == "none"  # fmt: skip


def test_a_page_that_cannot_be_drawn_leaves_the_old_one(tmp_path: Path, light_input: ReportInput) -> None:
    write_report(tmp_path, light_input)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    broken = dataclasses.replace(light_input, pictures={0: np.zeros((2, 2))})
    with pytest.raises(ValueError, match="a picture is"):
        write_report(tmp_path, broken)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_file_in_the_way_is_named(tmp_path: Path, light_input: ReportInput) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"cannot write '.*report\.json'"):
        write_report(tmp_path / "file", light_input)


def test_pictures_for_the_screen_and_for_a_paper(tmp_path: Path, light_input: ReportInput) -> None:
    files = write_pictures(tmp_path, light_input)
    names = ["open-set", "search-scores", "cmc", "roc", "det", "pair-scores"]
    assert [path.name for path in files] == [f"{name}.{kind}" for name in names for kind in ("png", "pdf")]
    starts = {".png": b"\x89PNG\r\n\x1a\n", ".pdf": b"%PDF-1.4"}
    assert all(path.read_bytes().startswith(starts[path.suffix]) for path in files)
    det = next(figure for figure in named_figures(light_input) if figure.name == "det")
    again = to_pdf(det.draw())
    assert again == (tmp_path / "det.pdf").read_bytes()
    assert b"/Type3" not in again
    assert b"CreationDate" not in again


def test_training_and_globe_are_among_the_figures(report_input: ReportInput) -> None:
    assert [figure.name for figure in named_figures(report_input)][-2:] == ["training", "sphere"]


@pytest.mark.parametrize("missing", ["matplotlib", "jinja2"])
def test_a_missing_extra_is_named(missing: str) -> None:
    code = (
        f"import sys; sys.modules['{missing}'] = None\n"
        "from sphereface.errors import MissingExtraError\n"
        "try:\n    import sphereface.report.page\n"
        "except MissingExtraError as error:\n    print(error)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert missing in said
    assert "pip install 'sphereface[report]'" in said


def test_importing_the_room_is_light_and_drawing_needs_no_torch() -> None:
    code = (
        "import sys, sphereface.report\n"
        "print(sorted({'numpy', 'matplotlib', 'jinja2'} & set(sys.modules)))\n"
        "import sphereface.report.page\n"
        "print(sorted({'torch', 'cv2', 'matplotlib.pyplot'} & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.splitlines() == ["[]", "[]"]


def test_public_names() -> None:
    import sphereface.report as room

    assert set(dir(room)) >= {"GalleryTrial", "ReportInput", "Shortcut", "SphereSample", "write_report"}
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = room.nothing
