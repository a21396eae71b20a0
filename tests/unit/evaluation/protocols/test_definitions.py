"""What each protocol means, against plain implementations of its papers' words and hand-made lists."""

from __future__ import annotations

import csv
import hashlib
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sphereface.errors import DataError, NotEnoughDataError
from sphereface.evaluation.protocols import number_table, read_protocol
from tests.protocol_twins import twin, twin_files


def names_of(protocol, at):
    return [protocol.units.names[position] for position in at]


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 7), min_size=2))
def test_the_open_set_protocols_of_lfw_are_those_of_their_paper(counts):
    """More than three pictures: enrolled with the first three; two or three: known unknowns, the first picture of
    whom is for training; one: unknown unknowns."""
    pictures = [
        (f"{person}/{person}_{at:04d}.jpg", person) for person, n in counts.items() for at in range(1, n + 1)
    ]
    known = {person for person, n in counts.items() if n > 3}
    mated = {name for name, person in pictures if person in known and int(name[-8:-4]) > 3}
    known_unknowns = {name for name, person in pictures if counts[person] in (2, 3) and int(name[-8:-4]) > 1}
    unknown_unknowns = {name for name, person in pictures if counts[person] == 1}
    names, people = zip(*reversed(pictures), strict=True)  # the order they come in does not matter
    strangers = {"o1": known_unknowns, "o2": unknown_unknowns, "o3": known_unknowns | unknown_unknowns}
    for which, expected in strangers.items():
        if not known or not expected:
            with pytest.raises(NotEnoughDataError, match="the whole of LFW"):
                read_protocol(f"lfw-{which}", None, names, people)
            continue
        protocol = read_protocol(f"lfw-{which}", None, names, people)
        (search,) = protocol.searches
        assert set(names_of(protocol, search.probes)) == mated | expected
        members = defaultdict(set)
        for image, unit in zip(protocol.units.members.images, protocol.units.members.unit.tolist(), strict=True):
            members[unit].add(image)
        enrolled = {frozenset(members[at]) for at in search.gallery.tolist()}
        assert enrolled == {frozenset(f"{p}/{p}_{at:04d}.jpg" for at in (1, 2, 3)) for p in known}


def test_rfw_without_a_header_has_the_folds_of_lfw(tmp_path):
    faces = twin("rfw", tmp_path)
    rfw = read_protocol("rfw", tmp_path, faces.names, faces.identities)
    twin("lfw-view2", tmp_path / "lfw")
    (lfw,) = read_protocol("lfw-view2", tmp_path / "lfw" / "pairs.txt").pairs
    for pairs in rfw.pairs:
        assert (pairs.fold == lfw.fold).all()
        assert (pairs.same == lfw.same).all()
    assert [pairs.title for pairs in rfw.pairs] == ["RFW African", "RFW Asian", "RFW Caucasian", "RFW Indian"]


def test_calfw_has_the_folds_its_genuine_labels_say(tmp_path):
    """The file numbers the folds of genuine pairs from 1 to 10 and gives none for impostor pairs."""
    twin("calfw", tmp_path, people=40)
    lines = (tmp_path / "pairs_CALFW.txt").read_text().splitlines()[::2]
    labels = np.array([int(line.split()[1]) for line in lines])
    (pairs,) = read_protocol("calfw", tmp_path / "pairs_CALFW.txt").pairs
    assert (pairs.fold[pairs.same] + 1 == labels[labels > 0]).all()
    assert np.bincount(pairs.fold[~pairs.same]).tolist() == [4] * 10


def test_the_corrected_label_of_ytf_counts(tmp_path):
    list_ = tmp_path / "splits_corrected.txt"
    list_.write_text("header\n1, 1, A/0, A/1, 1, 1\n2, 1, A/0, B/2, 0, 1\n10, 1, C/0, C/1, 1, 0\n")
    protocol = read_protocol("ytf", list_)
    (pairs,) = protocol.pairs
    assert pairs.same.tolist() == [True, True, False]
    assert pairs.fold.tolist() == [0, 1, 9]
    assert protocol.units.folders
    assert protocol.units.names == ("A/0", "A/1", "B/2", "C/0", "C/1")


def test_a_list_that_lost_its_header_loses_no_pair(tmp_path):
    twin("ytf", tmp_path)
    path = tmp_path / "splits.txt"
    (whole,) = read_protocol("ytf", path).pairs
    path.write_text(path.read_text().partition("\n")[2])
    (without,) = read_protocol("ytf", path).pairs
    assert without.same.tolist() == whole.same.tolist()


def test_ijb_as_a_plain_reader_reads_it(tmp_path):
    twin("ijbc", tmp_path)
    meta = tmp_path / "meta"
    protocol = read_protocol("ijbc", tmp_path)  # the folder above meta will do
    units, members = protocol.units, protocol.units.members
    rows = [line.split() for line in (meta / "ijbc_face_tid_mid.txt").read_text().splitlines()]
    owners = names_of(protocol, members.unit)
    assert [(image, f"template {tid}", medium) for image, tid, medium in rows] == list(
        zip(members.images, owners, members.media, strict=True)
    )
    person = {}
    for path in meta.glob("ijbc_1N_*.csv"):
        with path.open() as file:
            for row in csv.DictReader(file):
                person[f"template {row['TEMPLATE_ID']}"] = row["SUBJECT_ID"]
    assert person == dict(zip(units.names, units.people, strict=True))
    labels = [line.split() for line in (meta / "ijbc_template_pair_label.txt").read_text().splitlines()]
    (pairs,) = protocol.pairs
    assert names_of(protocol, pairs.first) == [f"template {first}" for first, _, _ in labels]
    assert names_of(protocol, pairs.second) == [f"template {second}" for _, second, _ in labels]
    assert pairs.same.tolist() == [label == "1" for *_, label in labels]
    assert [search.title for search in protocol.searches] == ["IJB-C gallery G1", "IJB-C gallery G2"]
    g1, g2 = (set(names_of(protocol, search.gallery)) for search in protocol.searches)
    assert not g1 & g2
    probes = [set(names_of(protocol, search.probes)) for search in protocol.searches]
    assert probes[0] == probes[1] == set(units.names) - g1 - g2


@given(
    st.lists(st.tuples(*[st.integers(0, 10**17)] * 3), min_size=1, max_size=40), st.integers(1, 99), st.booleans()
)
def test_numbers_come_back_whatever_the_block(tmp_path_factory, rows, block, newline):
    path = tmp_path_factory.mktemp("numbers") / "table.txt"
    path.write_text("\n".join(" ".join(map(str, row)) for row in rows) + "\n" * newline)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(number_table, "_BLOCK", block)
        found = np.concatenate(list(number_table.read_numbers(path, 3)))
    assert found.tolist() == [list(row) for row in rows]


@pytest.mark.parametrize(
    "bad", ["1 2", "1 2 3 4", "1 2 x", "1 2 -3", "1  2 3", "1\t2 3", " 1 2 3", "", "1 2 1.5", "1 2 " + "9" * 19]
)
def test_numbers_are_refused_by_line_even_where_columns_add_up(tmp_path, monkeypatch, bad):
    monkeypatch.setattr(number_table, "_BLOCK", 13)
    path = tmp_path / "table.txt"
    path.write_text("1 2 3\n4 5 6\n" + bad + "\n7 8\n7 8 9 10\n")
    with pytest.raises(DataError, match=r"line 3 of .* must hold 3 whole numbers"):
        list(number_table.read_numbers(path, 3))


def test_folder_enrols_one_picture_of_everybody_who_is_not_unknown(tmp_path):
    faces = twin("folder", tmp_path)
    protocol = read_protocol("folder", None, faces.names, faces.identities)
    (search,) = protocol.searches
    enrolled = names_of(protocol, search.gallery)
    known = {person for name, person in zip(faces.names, faces.identities, strict=True) if "unknown" not in name}
    assert sorted(protocol.units.people[at] for at in search.gallery) == sorted(known)
    for name in enrolled:
        own = [other for other in faces.names if other.split("/")[0] == name.split("/")[0]]
        assert name == min(own, key=lambda other: hashlib.sha256(other.encode()).digest())
    nameless = [name for name in faces.names if name.startswith("unknown/") and name.count("/") == 1]
    assert len(nameless) == 10
    assert set(nameless) <= set(protocol.units.people)  # each a stranger of its own


def test_folder_does_not_mind_where_it_lies_or_what_else_is_there():
    names = [f"ada/{at}.jpg" for at in range(9)] + ["unknown/x.jpg"]
    people = ["ada"] * 9 + ["unknown"]

    def enrolled(names, people):
        protocol = read_protocol("folder", None, names, people)
        return {name.rpartition("/")[2] for name in names_of(protocol, protocol.searches[0].gallery)}

    first = enrolled(names, people)
    assert enrolled([f"photos/faces/{name}" for name in names], people) == first
    assert first < enrolled([*names, "bo/z.jpg"], [*people, "bo"])
    assert enrolled(names[::-1], people[::-1]) == first


@pytest.mark.parametrize(
    ("names", "people", "error", "words"),
    [
        (["ada/1.jpg", "unknown/Ada/2.jpg"], ["ada", "Ada"], DataError, "'ada' is known .* and in 'unknown'"),
        (["a_b/1.jpg", "unknown/A b/2.jpg"], ["a_b", "A b"], DataError, "can be only one"),
        (["ada/1.jpg", "bo/1.jpg"], ["ada", "bo"], NotEnoughDataError, "no stranger below 'unknown/'"),
        (["unknown/bo/1.jpg"], ["bo"], NotEnoughDataError, "nobody is known"),
        ([], [], NotEnoughDataError, "nobody is known"),
    ],
)
def test_folder_refuses(names, people, error, words):
    with pytest.raises(error, match=words):
        read_protocol("folder", None, names, people)


def test_megaface_takes_the_largest_crowd_and_works_without_noise_lists(tmp_path):
    twin("megaface", tmp_path)
    (tmp_path / "megaface_features_list.json_10_1").write_text('{"path": ["514/1@N00/1_0.jpg"]}')
    assert len(read_protocol("megaface", tmp_path).distractors[0].distractors) == 79
    (tmp_path / "megaface_features_list.json_1000_2").write_text('{"path": ["514/1@N00/1_0.jpg"]}')
    assert len(read_protocol("megaface", tmp_path).distractors[0].distractors) == 1
    (tmp_path / "megaface_features_list.json_1000_1").write_text(
        '{"path": ["514/1@N00/1_0.jpg", "514/2@N00/1.jpg"]}'
    )
    assert len(read_protocol("megaface", tmp_path).distractors[0].distractors) == 2
    refined = read_protocol("megaface", tmp_path)
    assert "refined" in refined.distractors[0].title
    assert "Person_00/Person_00_12.png" not in refined.units.names
    for path in tmp_path.glob("*_noises.txt"):
        path.unlink()
    plain = read_protocol("megaface", tmp_path)
    assert (len(plain.distractors[0].probes), plain.note) == (60, "")
    assert "refined" not in plain.distractors[0].title


def test_ck_plus_puts_every_tenth_person_into_one_fold(tmp_path):
    twin("ck-plus", tmp_path, people=23)
    protocol = read_protocol("ck-plus", twin_files("ck-plus", tmp_path))
    (classes,) = protocol.classes
    fold = {
        protocol.units.people[at]: k for at, k in zip(classes.units.tolist(), classes.fold.tolist(), strict=True)
    }
    assert fold == {f"S{a:03d}": a % 10 for a in range(23)}
    label = dict(zip(names_of(protocol, classes.units), classes.labels, strict=True))
    assert label["S003/001/S003_001_00000009.png"] == "anger"
    assert label["S003/004/S003_004_00000015.png"] == "surprise"


def test_one_kind_of_pair_is_read_and_judged_later(tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_text("image_a,image_b,same\na/1.jpg,a/2.jpg,1\n")
    (pairs,) = read_protocol("pairs", path).pairs
    assert pairs.same.all()
    assert pairs.fold is None
