"""Pair files of LFW and one's own: read, and refused by line number."""

from __future__ import annotations

import pytest

from sphereface.errors import DataError
from sphereface.evaluation.pair_list import NamedPair
from sphereface.evaluation.protocols import read_protocol
from sphereface.evaluation.protocols.lfw import read_lfw_view1, read_lfw_view2
from sphereface.evaluation.protocols.pairs import read_pairs_csv


@pytest.fixture
def write(tmp_path):
    def write(text):
        file = tmp_path / "pairs.txt"
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        return file

    return write


def test_view1(write):
    pairs = read_lfw_view1(write("2\nAda\t1\t3\nBo_Xu\t2\t12\nAda\t1\tBo_Xu\t2\nBo_Xu\t1\tCy\t1\n\n"))
    assert pairs == [
        NamedPair("Ada/Ada_0001.jpg", "Ada/Ada_0003.jpg", "Ada", "Ada", True),
        NamedPair("Bo_Xu/Bo_Xu_0002.jpg", "Bo_Xu/Bo_Xu_0012.jpg", "Bo_Xu", "Bo_Xu", True),
        NamedPair("Ada/Ada_0001.jpg", "Bo_Xu/Bo_Xu_0002.jpg", "Ada", "Bo_Xu", False),
        NamedPair("Bo_Xu/Bo_Xu_0001.jpg", "Cy/Cy_0001.jpg", "Bo_Xu", "Cy", False),
    ]


def test_view2_has_folds_of_its_own(write):
    pairs = read_lfw_view2(write("2 1\nA 1 2\nA 1 B 1\r\nC 1 2\nC 1 D 1\n"))
    assert [(pair.same, pair.fold) for pair in pairs] == [(True, 0), (False, 0), (True, 1), (False, 1)]
    view1 = read_lfw_view1(write("1\nA 1 2\nA 1 B 1\n"))
    assert [pair.fold for pair in view1] == [None, None]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("two\n", "line 1 .* number of pairs"),
        ("1 1\nA 1 2\nA 1 B 1\n", "line 1 .* number of pairs, not '1 1'"),
        ("0\n", "line 1"),
        ("1\nA 1 2\n", "announces 2 pairs, but 1 lines follow"),
        ("1\nA 1 2\nA 1 B 1\nA 1 B 2\n", "announces 2 pairs, but 3"),
        ("1\n\nA 1\nA 1 B 1\n", "line 3 .* has 2 columns, but a genuine pair has 3"),
        ("1\nA 1 2\nA 1 2\n", "line 3 .* has 3 columns, but an impostor pair has 4"),
        ("1\nA one 2\nA 1 B 1\n", "line 2 .* has 'one' where a whole number is expected"),
        ("1\nA 1 2\nA 1 A 2\n", "line 3 .* names 'A' twice"),
        (b"\xff\xfe1\n", "UTF-8"),
    ],
)
def test_view1_refuses_by_line(write, text, words):
    with pytest.raises(DataError, match=words):
        read_lfw_view1(write(text))


def test_view2_refuses_a_view1_header(write):
    with pytest.raises(DataError, match="folds and pairs"):
        read_lfw_view2(write("1\nA 1 2\nA 1 B 1\n"))


@pytest.mark.parametrize("read", [read_lfw_view1, read_lfw_view2, read_pairs_csv])
def test_missing_file(read, tmp_path):
    with pytest.raises(DataError, match="cannot read"):
        read(tmp_path / "none.txt")
    with pytest.raises(DataError, match="cannot read"):
        read(tmp_path)


def test_csv(write):
    pairs = read_pairs_csv(
        write('\ufeffimage_a,image_b,same\nJörg S/1.png,Jörg S/2.png,1\n"A, B/1.png",C/1.png,no\n')
    )
    assert pairs == [
        NamedPair("Jörg S/1.png", "Jörg S/2.png", "Jörg S", "Jörg S", True),
        NamedPair("A, B/1.png", "C/1.png", "A, B", "C", False),
    ]
    assert read_pairs_csv(write("fold,same,image_b,image_a\n3,0,B/1.png,A/1.png\n")) == [
        NamedPair("A/1.png", "B/1.png", "A", "B", False, 3)
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("\nimage_a\n", "lacks the column 'image_a'"),
        ("image_a,image_b\n", "lacks the column 'same'"),
        ("image_a,image_b,sane\n", "unknown column 'sane'. Did you mean 'same'"),
        ("image_a,image_b,same,same\n", "twice"),
        ("image_a,image_b,same\n", "names no pair"),
        ("image_a,image_b,same\nA/1.png,A/2.png\n", "line 2 .* has 2 columns, but the first line names 3"),
        ("image_a,image_b,same\nA/1.png,A/2.png,maybe\n", "line 2 .* same = 'maybe'"),
        ("image_a,image_b,same\n1.png,A/2.png,1\n", "line 2 .* person/picture.jpg"),
        ("image_a,image_b,same\nA/1.png,A/2.png,0\n", "line 2 .* says two people, but shows 'A' and 'A'"),
        ("image_a,image_b,same,fold\nA/1.png,A/2.png,1,x\n", "line 2 .* fold = 'x'"),
        (b"image_a,image_b,same\n\xff\n", "UTF-8"),
        ('image_a,image_b,same\n"A/1.png,', "not a CSV"),
        ("image_a,image_b,same\nA/1.png,A/1.png,1\n", "line 2 .* with itself"),
    ],
)
def test_csv_refuses_by_line(write, text, words):
    with pytest.raises(DataError, match=words):
        read_pairs_csv(write(text))


def test_the_shared_development_pairs(shared_data):
    (pairs,) = read_protocol("lfw-view1", shared_data / "pairsDevTrain.txt").pairs
    assert (len(pairs.first), pairs.same.sum(), pairs.fold) == (2200, 1100, None)
