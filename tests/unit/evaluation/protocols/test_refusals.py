"""Bad protocol files: each is refused in a sentence that says where and what."""

from __future__ import annotations

import json
import shutil
import zlib

import numpy as np
import pytest
from scipy.io import savemat

from sphereface.errors import DataError, NotEnoughDataError
from sphereface.evaluation.protocols import PROTOCOLS, number_table, read_protocol, text_files
from tests.protocol_twins import twin, twin_files

WITH_FILES = [name for name, entry in PROTOCOLS.items() if entry.files]


def lists_of(folder):
    return sorted(
        path for path in folder.rglob("*") if path.suffix in (".txt", ".csv", ".mat") or "json" in path.name
    )


@pytest.mark.parametrize("name", WITH_FILES)
def test_a_path_that_is_not_there(name, tmp_path):
    with pytest.raises(DataError, match=r"cannot read|is not a folder|there is no"):
        read_protocol(name, tmp_path / "nothing")


@pytest.mark.parametrize("name", WITH_FILES)
def test_an_empty_folder_or_a_file_for_a_folder(name, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x\n")
    for path in (tmp_path / "empty", tmp_path / "file"):
        with pytest.raises(DataError):
            read_protocol(name, path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty|not a MATLAB file|holds ''"),
        (b"\xff\xfe\x00z\n" * 9, "UTF-8|not a MATLAB file|whole numbers"),
        (b"a b c d e f g h i\n" * 9, r"expected|must hold|columns|not a Me|MATLAB|whole number|must come first"),
        (None, "larger than any protocol's list"),
    ],
    ids=["empty", "not text", "other columns", "too large"],
)
@pytest.mark.parametrize("name", WITH_FILES)
def test_each_list_of_each_protocol_is_checked(name, content, words, tmp_path, monkeypatch):
    """Empty, not text, other columns, too large: whichever of a protocol's files it is."""
    twin(name, tmp_path / "good")
    for path in lists_of(tmp_path / "good"):
        if name in ("cfp-fp", "cfp-ff") and (
            path.parent.name not in ("01", "Protocol") or path.match("F[FP]/*/*")
        ):
            continue  # nine folders more of the same
        if name == "cfp-fp" and path.match("FF/*/*.txt"):
            continue
        if name == "cfp-ff" and (path.match("FP/*/*.txt") or path.name == "Pair_list_P.txt"):
            continue
        if "noises" in path.name and content and content.startswith(b"a"):
            continue  # any words are names
        if path.name.endswith("_emotion.txt") and not path.name.startswith("S003_001"):
            continue
        bad = tmp_path / "bad"
        shutil.copytree(tmp_path / "good", bad)
        with monkeypatch.context() as patch:
            if content is None:
                patch.setattr(text_files, "LARGEST", 2)
                patch.setattr(text_files, "LARGEST_MAT", 2)
                patch.setattr(number_table, "_LARGEST", 2)
            else:
                (bad / path.relative_to(tmp_path / "good")).write_bytes(content)
            with pytest.raises(DataError, match=words):
                read_protocol(name, twin_files(name, bad))
        shutil.rmtree(bad)


def edit(path, old, new, count=1):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, count))


@pytest.mark.parametrize(
    ("name", "file", "old", "new", "words"),
    [
        ("lfw-view2", "pairs.txt", "Person_00\t1\t2", "Person_00\t1", "line 2 .* has 2 columns, but a genuine"),
        ("ytf", "splits.txt", "1, 1, Person_00/0", "1, 1, Person_00", "line 2 .* where a video"),
        ("ytf", "splits.txt", "Person_00/1, 1\n", "Person_00/1, 7\n", "line 2 .* where 1 .one person"),
        ("ytf", "splits.txt", "\n1, 1, ", "\n0, 1, ", "line 2 .* folds count from 1"),
        ("ytf", "splits.txt", ", 1\n", "\n", "line 2 .* has 4 columns where 5 or 6"),
        ("calfw", "pairs_CALFW.txt", "_0002.jpg 1", "_0002.jpg 2", "line 2 .* label '2', but the line before it"),
        ("cplfw", "pairs_CPLFW.txt", "Person_00_0002", "Person_01_0002", "line 2 .* say one person, but show"),
        ("cplfw", "pairs_CPLFW.txt", "Person_00_0001.jpg 1\n", "", "79 lines; two lines are a pair"),
        ("rfw", "txts/Asian/Asian_pairs.txt", "Asian_00\t1\t2", "Asian_00\t1\tx", "line 1 .* has 'x'"),
        ("rfw", "txts/Asian/Asian_pairs.txt", "Asian_00\t1\t2", "Asian_00\t1", "line 1 .* has 2 columns"),
        ("cfp-fp", "Protocol/Pair_list_P.txt", "../Data/Images/001/", "", "line 1 .* '001/frontal/01.jpg'"),
        ("cfp-fp", "Protocol/Pair_list_P.txt", "2 ..", "1 ..", "line 2 .* number 1 a second time"),
        ("cfp-fp", "Protocol/Split/FP/01/same.txt", "1,", "999,", "line 1 .* picture 999, which"),
        ("cfp-fp", "Protocol/Split/FP/01/same.txt", "1,2", "1,4", "line 1 .* 'same.txt' says otherwise"),
        (
            "ijbc",
            "meta/ijbc_template_pair_label.txt",
            "1 2 1",
            "1 2 0",
            "line 1 .* its subjects contradict: '1 2 0'",
        ),
        ("ijbc", "meta/ijbc_template_pair_label.txt", "1 2 1", "1 2 2", "line 1 .* other than 1"),
        ("ijbc", "meta/ijbc_template_pair_label.txt", "1 2 1", "1 9 1", "line 1 .* without pictures: '1 9 1'"),
        ("ijbc", "meta/ijbc_1N_gallery_G1.csv", "1,100,", "9,100,", "line 2 .* template 9, which has no pictures"),
        ("ijbc", "meta/ijbc_1N_gallery_G1.csv", "1,100,", "11,100,", "line 3 .* of subject 101, but it is of 100"),
        ("ijbc", "meta/ijbc_1N_gallery_G1.csv", "1,100,", "2,100,", "template 2 is enrolled in G1 and searches"),
        (
            "ijbc",
            "meta/ijbc_1N_gallery_G1.csv",
            "1,100,img/1.jpg\n",
            "",
            "template 1 has pictures, but no gallery",
        ),
        ("ijbc", "meta/ijbc_1N_gallery_G1.csv", "1,100,img/1.jpg", "1", "line 2 .* must come first"),
        ("ijbc", "meta/ijbc_face_tid_mid.txt", "1.jpg 1 0", "1.jpg 1", "line 1 .* has 2 columns where 3"),
        ("trillion-pairs", "probes.txt", "0_1.jpg id0", "0_0.jpg id0", "line 2 .* a second time"),
        ("trillion-pairs", "distractors.txt", "flickr/0", "celebrities/0_0", "line 1 .* a second time"),
        ("ck-plus", "Emotion/S003/001/S003_001_00000009_emotion.txt", "1.0", "1.5", "holds '1.5.* from 0 to 7"),
        ("pairs", "pairs.csv", "Person_00/Person_00_0001.jpg", "1.jpg", "line 2 .* must be person/picture.jpg"),
    ],
)
def test_a_line_that_does_not_fit(name, file, old, new, words, tmp_path):
    twin(name, tmp_path)
    edit(tmp_path / file, old, new)
    with pytest.raises(DataError, match=words):
        read_protocol(name, twin_files(name, tmp_path))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[1]", "is not a MegaFace list"),
        ("{", "is not a MegaFace list"),
        ('{"path": ["a/1.jpg"]}', "is not a MegaFace list"),
        ('{"path": ["a/1.jpg"], "id": []}', "as many people"),
        ('{"path": [], "id": []}', "names no picture"),
        ('{"path": [7], "id": ["a"]}', "other than text"),
        ('{"path": ["a/1.jpg", "a/1.jpg"], "id": ["a", "a"]}', "'a/1.jpg' twice"),
        ('{"path": ["a/1.jpg", "b/1.jpg"], "id": ["a", "b"]}', "nobody in .* has two probes"),
        (
            '{"path": ["a/1.jpg", "b/1.jpg"], "id": ["00000004@N00", "b"]}',
            "distractor '514/00000004@N00.* among the",
        ),
    ],
)
def test_megaface_lists(content, words, tmp_path):
    twin("megaface", tmp_path)
    (tmp_path / "facescrub_features_list.json").write_text(content)
    with pytest.raises(DataError, match=words):
        read_protocol("megaface", tmp_path)


def test_megaface_has_one_noise_list_of_each(tmp_path):
    twin("megaface", tmp_path)
    shutil.copy(tmp_path / "facescrub_noises.txt", tmp_path / "facescrub_noises_112.txt")
    with pytest.raises(DataError, match="are both noise lists"):
        read_protocol("megaface", tmp_path)


def test_megaface_noise_lists_of_something_else(tmp_path):
    twin("megaface", tmp_path)
    for path in tmp_path.glob("*_noises.txt"):
        path.write_text("Nobody_1.jpg\n")
    with pytest.raises(DataError, match="none of the pictures in the noise lists"):
        read_protocol("megaface", tmp_path)


def test_trillion_pairs_needs_somebody_twice(tmp_path):
    twin("trillion-pairs", tmp_path)
    (tmp_path / "probes.txt").write_text("a.jpg a\nb.jpg b\n")
    with pytest.raises(DataError, match=r"nobody in .* has two probes"):
        read_protocol("trillion-pairs", tmp_path)


def cells(*values):
    column = np.empty((len(values), 1), dtype=object)
    for at, value in enumerate(values):
        column[at, 0] = value
    return column


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"galIndex": None}, "lacks the variable 'galIndex'"),
        ({"imageList": cells("A_0001.jpg", "B.jpg", "C_0001.jpg")}, "3 pictures 'Name_0001.jpg'"),
        ({"labels": np.array([[1], [2]])}, "3 pictures 'Name_0001.jpg' with a label each"),
        ({"galIndex": cells(np.array([[0]]), np.array([[1]]))}, "trial 1 .* from 1 to 3"),
        ({"galIndex": cells(np.array([[4]]), np.array([[1]]))}, "trial 1 .* from 1 to 3"),
        ({"galIndex": cells(np.array([[1], [1]]), np.array([[1]]))}, "trial 1 .* names a picture twice"),
        ({"galIndex": cells(np.array([[1]]), np.array([[3]]))}, "trial 2 of .* enrols 'C_0001.jpg' and searches"),
        ({"probIndex": cells(np.array([[1]]), np.array([[1]]), np.array([[1]]))}, "2 galleries but 3 lists"),
    ],
)
def test_blufr_lists(change, words, tmp_path):
    content = {
        "imageList": cells("A_0001.jpg", "B_0001.jpg", "C_0001.jpg"),
        "labels": np.array([[1], [2], [3]]),
        "galIndex": cells(np.array([[1]]), np.array([[2]])),
        "probIndex": cells(np.array([[2], [3]]), np.array([[1], [3]])),
    }
    path = tmp_path / "blufr_lfw_config.mat"
    savemat(path, content)
    assert len(read_protocol("blufr", path).searches) == 2
    savemat(path, {key: value for key, value in {**content, **change}.items() if value is not None})
    with pytest.raises(DataError, match=words):
        read_protocol("blufr", path)


@pytest.mark.parametrize(
    ("splits", "words"),
    [
        (cells(np.array([[1, 2]])), "split 1 of .* is not a struct"),
        (
            cells({"pairs": np.array([[1, 2], [3, 4]]), "labels": np.array([[1, 1]])}),
            "split 1 of .* is not a struct",
        ),
        (cells({"pairs": cells("a")}), "split 1 of .* is not a struct"),
    ],
)
def test_agedb_laid_out_otherwise(splits, words, tmp_path):
    savemat(tmp_path / "x.mat", {"splits": splits})
    with pytest.raises(DataError, match=words):
        read_protocol("agedb-30", tmp_path / "x.mat")


@pytest.mark.parametrize(
    ("label", "words"),
    [(1, "split 1 of .* show one person"), (2, "is not a struct"), ([1, -1, 1], "has 2 pairs but 3 labels")],
)
def test_agedb_labels(label, words, tmp_path):
    pictures = np.empty((2, 2), dtype=object)
    for row, names in enumerate((("A_1_20_f", "B_1_20_f"), ("B_2_50_f", "B_3_50_f"))):
        for column, name in enumerate(names):
            pictures[row, column] = {"name": name, "age": 1}
    labels = label if isinstance(label, list) else [label, 1]
    savemat(tmp_path / "x.mat", {"splits": cells({"pairs": pictures, "labels": np.array([labels])})})
    with pytest.raises(DataError, match=words):
        read_protocol("agedb-30", tmp_path / "x.mat")


def test_tinyface_lists(tmp_path):
    twin("tinyface", tmp_path)
    gallery, probe = tmp_path / "gallery_match_img_ID_pairs.mat", tmp_path / "probe_img_ID_pairs.mat"
    savemat(probe, {"probe_set": cells("1_3.jpg", "x.jpg"), "probe_ids": np.array([[1], [99]])})
    with pytest.raises(DataError, match=r"'Probe/x.jpg' is of nobody in the gallery"):
        read_protocol("tinyface", tmp_path)
    savemat(probe, {"probe_set": cells("1_3.jpg", "1_3.jpg"), "probe_ids": np.array([[1], [1]])})
    with pytest.raises(DataError, match="lists a picture twice"):
        read_protocol("tinyface", tmp_path)
    savemat(gallery, {"gallery_set": cells("1_3.jpg", "1_4.jpg"), "gallery_ids": np.array([[1]])})
    with pytest.raises(DataError, match="has 2 pictures but 1 people"):
        read_protocol("tinyface", tmp_path)
    twin("tinyface", tmp_path / "again")
    for path in (tmp_path / "again" / "Gallery_Distractor").iterdir():
        path.unlink()
    with pytest.raises(DataError, match="there is no distractor"):
        read_protocol("tinyface", tmp_path / "again")


def test_ck_plus_with_too_little_or_something_else(tmp_path):
    twin("ck-plus", tmp_path, people=1)
    with pytest.raises(NotEnoughDataError, match="1 people and 4 expressions"):
        read_protocol("ck-plus", tmp_path)
    (tmp_path / "Emotion" / "mine_emotion.txt").write_text("1")
    with pytest.raises(DataError, match="not called like a label file"):
        read_protocol("ck-plus", tmp_path)


@pytest.mark.parametrize("depth", [10, 100_000])
def test_deep_json_is_refused_and_not_a_crash(depth, tmp_path):
    twin("megaface", tmp_path)
    (tmp_path / "facescrub_features_list.json").write_text("[" * depth)
    with pytest.raises(DataError, match="is not a MegaFace list"):
        read_protocol("megaface", tmp_path)
    assert json.loads("[]") == []


@pytest.mark.parametrize("name", ["lfw-view1", "lfw-view2"])
def test_lfw_headers(name, tmp_path):
    path, columns = tmp_path / "pairs.txt", 1 if name == "lfw-view1" else 2
    path.write_text("# nothing\n# but comments\n")
    with pytest.raises(DataError, match="holds nothing but comments; its first line must hold the number"):
        read_protocol(name, path)
    path.write_text(" ".join(["9" * 5000] * columns))
    with pytest.raises(DataError, match=r"line 1 of .* has '9+' where a whole number is expected"):
        read_protocol(name, path)
    path.write_text(" ".join(["00"] * columns))
    with pytest.raises(DataError, match=r"line 1 of .* must hold the number"):
        read_protocol(name, path)


@pytest.mark.parametrize("order", ["little", "big"])
def test_a_matlab_file_that_unpacks_to_much_is_refused_before_it_is_read(order, tmp_path, monkeypatch):
    monkeypatch.setattr(text_files, "LARGEST", 4 << 20)
    mark = b"\x00\x01IM" if order == "little" else b"\x01\x00MI"
    packed = zlib.compress(bytes(3 << 20))
    element = (15).to_bytes(4, order) + len(packed).to_bytes(4, order) + packed
    path = tmp_path / "x.mat"
    path.write_bytes(b"MATLAB 5.0".ljust(124) + mark + 2 * element)
    with pytest.raises(DataError, match=r"unpacks to more than any protocol's list \(4 MB\)"):
        read_protocol("agedb-30", path)
    path.write_bytes(b"MATLAB 5.0".ljust(124) + mark + element)
    with pytest.raises(DataError, match=r"is not a MATLAB file|lacks the variable"):
        read_protocol("agedb-30", path)


@pytest.mark.parametrize("packed", [False, True])
def test_packed_matlab_files_are_read_like_plain_ones(packed, tmp_path):
    savemat(tmp_path / "x.mat", {"a": np.arange(5.0), "b": np.ones((300, 300))}, do_compression=packed)
    (found,) = text_files.read_mat(tmp_path / "x.mat", "a")
    np.testing.assert_array_equal(found, np.arange(5.0))


def test_a_megaface_list_that_names_its_pictures_twice(tmp_path):
    twin("megaface", tmp_path)
    path = tmp_path / "facescrub_features_list.json"
    path.write_text(path.read_text().replace('"path"', '"path": [], "path"', 1))
    with pytest.raises(DataError, match=r"is not a MegaFace list.*'path' is there twice"):
        read_protocol("megaface", tmp_path)
