"""An operating point from embeddings, as the command issues it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from sphereface.cli.operating_point import command
from sphereface.errors import ConfigurationError, ModelError, NotEnoughDataError
from sphereface.evaluation.operating_point import read_operating_point
from sphereface.evaluation.scores import all_pairs
from sphereface.issuing import Wish, issue


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    generator = np.random.default_rng(0)
    people = np.repeat(np.arange(600), 3)
    x = generator.standard_normal((600, 24))[people] + 0.4 * generator.standard_normal((1800, 24))
    path = tmp_path_factory.mktemp("issuing") / "people.npz"
    told = json.dumps({"detector": "yunet"})
    names = np.array([f"p{person}" for person in people])
    np.savez(path, embeddings=x, identity=names, model=np.array("m" * 64), preprocessing=np.array(told))
    return path


def test_for_searching_a_gallery(file):
    point = issue(Wish(target_fpir=0.1, gallery_size=40, templates_per_person=2), embeddings=file)
    assert (point.kind, point.basis, point.gallery_size, point.target) == ("fpir", "thinned", 40, 0.1)
    assert point.gallery_templates == 2 * point.gallery_people
    assert point.holds_for_templates == 80
    assert point.preprocessing == {"detector": "yunet"}
    assert point.model_fingerprint == "m" * 64


def test_for_comparing_two_pictures(file):
    point = issue(Wish(target_fmr=0.01), embeddings=file)
    data = np.load(file)
    impostor = all_pairs(data["embeddings"], data["identity"].tolist()).impostor.scores
    assert (impostor >= point.threshold).mean() == pytest.approx(point.measured.value)
    assert point.measured.value <= 0.01


def test_what_does_not_go_together(file, tmp_path):
    for wrong in ({}, {"target_fpir": 0.1, "target_fmr": 0.1}, {"target_fmr": 0.1, "gallery_size": 5}):
        with pytest.raises(ConfigurationError):
            Wish(**wrong)
    wish = Wish(target_fpir=0.1)
    for places in ({}, {"embeddings": file, "model": tmp_path}, {"embeddings": file, "data": [tmp_path]}):
        with pytest.raises(ConfigurationError):
            issue(wish, **places)
    with pytest.raises(ModelError, match="stored with a model of your own"):
        issue(wish, embeddings=file, store=True)
    with pytest.raises(NotEnoughDataError, match="not supported by this data"):
        issue(Wish(target_fpir=0.001), embeddings=file)


def test_the_command_writes_what_it_says(file, tmp_path):
    import typer

    app = typer.Typer()
    app.command()(command)
    out = tmp_path / "point.json"
    wanted = ["--embeddings", str(file), "--target-fpir", "0.1", "--gallery-size", "50", "--out", str(out)]
    said = CliRunner().invoke(app, wanted)
    assert said.exit_code == 0
    assert "in a gallery of 50 people (thinned from" in said.stdout
    point = read_operating_point(out)
    again = CliRunner().invoke(app, [*wanted, "--json"])
    assert json.loads(again.stdout) | {"created": ""} == point.model_dump(mode="json") | {"created": ""}


def test_more_pictures_than_anybody_has_are_refused(file):
    with pytest.raises(NotEnoughDataError, match="ask for at most 2"):
        issue(Wish(target_fpir=0.1, templates_per_person=3), embeddings=file)
