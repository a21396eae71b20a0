"""Every protocol, read from its twin's files: the counts are worked out by hand for twenty people."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import numpy as np
import pytest

from sphereface.errors import ConfigurationError, DataError
from sphereface.evaluation.protocols import PROTOCOLS, read_protocol
from tests.protocol_twins import twin, twin_files

PAGES = Path(__file__).parents[4] / "docs" / "protocols"

# units, (pairs, genuine, folds), (enrolled, mated, non-mated), (probes, distractors), (units, labels, folds)
EXPECTED = {
    "lfw-view1": (60, [(40, 20, None)], [], [], []),  # pictures 1, 2, 3 of twenty people
    "lfw-view2": (80, [(40, 20, 10)], [], [], []),
    "lfw-o1": (
        35,
        [],
        [(5, 15, 15)],
        [],
        [],
    ),  # five people each with 1, 2, 3, 6 pictures: 1 + 2 strangers' probes
    "lfw-o2": (25, [], [(5, 15, 5)], [], []),
    "lfw-o3": (40, [], [(5, 15, 20)], [], []),
    "blufr": (60, [], [(10, 20, 30)] * 10, [], []),
    "ytf": (40, [(40, 20, 10)], [], [], []),  # two videos a person
    "megaface": (138, [], [], [(59, 79)], []),  # 60 probes and 80 distractors, one noisy picture in each
    "trillion-pairs": (100, [], [], [(40, 60)], []),
    "cfp-fp": (60, [(40, 20, 10)], [], [], []),  # one frontal and two profile pictures a person
    "cfp-ff": (40, [(40, 20, 10)], [], [], []),
    "agedb-30": (40, [(40, 20, 10)], [], [], []),
    "calfw": (40, [(40, 20, 10)], [], [], []),
    "cplfw": (40, [(40, 20, 10)], [], [], []),
    "ijbb": (60, [(80, 40, None)], [(10, 20, 20)] * 2, [], []),  # each gallery has half the people
    "ijbc": (60, [(80, 40, None)], [(10, 20, 20)] * 2, [], []),
    "tinyface": (160, [], [(100, 60, 0)], [], []),  # 40 pictures of twenty people and 60 distractors
    "rfw": (320, [(40, 20, 10)] * 4, [], [], []),
    "ck-plus": (80, [], [], [], [(80, 4, 10)]),
    "folder": (50, [], [(10, 20, 20)], [], []),  # ten known people with three pictures, ten strangers with two
    "pairs": (40, [(40, 20, 10)], [], [], []),
}


def read_twin(name, folder):
    faces = twin(name, folder)
    return faces, read_protocol(name, twin_files(name, folder), faces.names, faces.identities)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_counts(name, tmp_path):
    _, protocol = read_twin(name, tmp_path)
    people = np.array(protocol.units.people)
    searches = []
    for search in protocol.searches:
        mated = np.isin(people[search.probes], people[search.gallery])
        searches.append((len(search.gallery), int(mated.sum()), int((~mated).sum())))
    found = (
        len(protocol.units),
        [
            (len(p.first), int(p.same.sum()), None if p.fold is None else len(set(p.fold.tolist())))
            for p in protocol.pairs
        ],
        searches,
        [(len(crowd.probes), len(crowd.distractors)) for crowd in protocol.distractors],
        [(len(c.units), len(set(c.labels)), len(set(c.fold.tolist()))) for c in protocol.classes],
    )
    assert found == EXPECTED[name]


@pytest.mark.parametrize("name", PROTOCOLS)
def test_what_a_protocol_says_agrees_with_itself_and_with_its_embeddings(name, tmp_path):
    faces, protocol = read_twin(name, tmp_path)
    units = protocol.units
    people = np.array(units.people)
    person_of = dict(zip(faces.names, faces.identities, strict=True))
    if units.folders:
        shown = {video: {person_of[n] for n in faces.names if n.startswith(f"{video}/")} for video in units.names}
    elif units.members is None:
        shown = {unit: {person_of[unit]} for unit in units.names}
    else:
        shown = {unit: set() for unit in units.names}
        for image, at in zip(units.members.images, units.members.unit.tolist(), strict=True):
            shown[units.names[at]].add(person_of[image])
    for unit, person in zip(units.names, units.people, strict=True):
        assert shown[unit] in ({person}, {""})  # nobody knows who a distractor or a nameless stranger is
    for pairs in protocol.pairs:
        assert (pairs.same == (people[pairs.first] == people[pairs.second])).all()
        assert (pairs.first != pairs.second).all()
        assert pairs.first.dtype == pairs.second.dtype == np.int64
        assert pairs.same.dtype == bool
        if pairs.fold is not None and name != "cfp-fp":  # nobody is in two folds of a twin
            folds = [set(people[np.r_[pairs.first, pairs.second]][np.tile(pairs.fold == k, 2)]) for k in range(10)]
            assert sum(map(len, folds)) == len(set().union(*folds))
    for search in protocol.searches:
        assert not set(search.gallery.tolist()) & set(search.probes.tolist())
    for crowd in protocol.distractors:
        assert not set(people[crowd.probes]) & set(people[crowd.distractors])
        assert min(np.unique(people[crowd.probes], return_counts=True)[1]) >= 2
    for classes in protocol.classes:
        folds = {(person, fold) for person, fold in zip(people[classes.units], classes.fold.tolist(), strict=True)}
        assert len(folds) == len({person for person, _ in folds})


@pytest.mark.parametrize("name", PROTOCOLS)
def test_the_table_knows_what_the_reader_says(name, tmp_path):
    entry = PROTOCOLS[name]
    module, function = entry.reader.split(":")
    assert callable(getattr(importlib.import_module(f"sphereface.evaluation.protocols.{module}"), function))
    _, protocol = read_twin(name, tmp_path)
    assert (protocol.name, protocol.title, protocol.citation) == (name, entry.title, entry.citation)
    assert bool(entry.files) == (twin_files(name, tmp_path) is not None)
    page = (PAGES / f"{entry.page}.md").read_text(encoding="utf-8")
    assert f"`{name}`" in page or f"--protocol {name}" in page
    assert f"({entry.page}.md)" in (PAGES / "index.md").read_text(encoding="utf-8")


def test_every_page_belongs_to_a_protocol():
    assert {path.stem for path in PAGES.glob("*.md")} == {"index", *(entry.page for entry in PROTOCOLS.values())}


def test_readers_do_not_import_each_other():
    folder = Path(importlib.import_module("sphereface.evaluation.protocols").__file__).parent
    readers = {entry.reader.split(":")[0] for entry in PROTOCOLS.values()}
    for path in folder.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert not {f"sphereface.evaluation.protocols.{reader}" for reader in readers} & modules, path.name


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(ConfigurationError, match=re.escape("there is no protocol 'ijb-c'. Did you mean 'ijbc'?")):
        read_protocol("ijb-c")
    with pytest.raises(ConfigurationError, match=r"no protocol 'zzz'\. There are lfw-view1, .* pairs"):
        read_protocol("zzz")


def test_a_protocol_without_its_files_says_which_it_needs():
    with pytest.raises(ConfigurationError, match=r"'ytf' needs the file splits.txt .* --protocol-files"):
        read_protocol("ytf")
    with pytest.raises(DataError, match="2 names of pictures but 1 people"):
        read_protocol("folder", None, ["a/1.jpg", "a/2.jpg"], ["a"])


@pytest.mark.parametrize("name", ["lfw-view1", "ijbc", "folder"])
def test_a_twin_is_the_same_every_time(name, tmp_path):
    first, second = twin(name, tmp_path / "a"), twin(name, tmp_path / "b")
    assert first.names == second.names
    assert (first.embeddings == second.embeddings).all()
    assert not np.array_equal(first.embeddings, twin(name, tmp_path / "c", seed=1).embeddings)
    assert set(twin(name, tmp_path / "d", truth=False).identities) == {""}
