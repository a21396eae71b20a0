"""Embeddings that somebody made: what is read, what is refused, and that nothing of it is run."""

from __future__ import annotations

import contextlib
import io
import pickle
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sphereface.errors import DataError
from sphereface.evaluation import embedding_file
from sphereface.evaluation.embedding_file import read_embeddings, write_embeddings
from sphereface.evaluation.embedding_set import EmbeddingSet
from sphereface.evaluation.images import checked

X = np.arange(1.0, 13.0).reshape(4, 3)
WHO = np.array(["ada", "ada", "bo", "bo"])


@pytest.fixture
def write(tmp_path):
    def _write(**arrays):
        path = tmp_path / "faces.npz"
        np.savez(path, **arrays)
        return path

    return _write


def test_the_smallest_file(write):
    faces = read_embeddings(write(embeddings=X, identity=WHO))
    assert faces.identities == ("ada", "ada", "bo", "bo")
    assert faces.names == ("0", "1", "2", "3")
    assert not faces.failed.any()
    assert faces.templates == faces.media == faces.groups == ()
    assert faces.title == "faces"
    np.testing.assert_array_equal(faces.embeddings, X)


def test_a_full_one_comes_back_as_it_was_written(tmp_path):
    faces = EmbeddingSet.of(
        X.astype(np.float32),
        WHO.tolist(),
        names=["ada/1.jpg", "ada/2.jpg", "bo/ß.jpg", "bo/2.jpg"],
        failed=np.array([False, True, False, False]),
        templates=["t1", "t1", "t2", "t2"],
        media=["m", "m", "n", "o"],
        groups=["x", "x", "", ""],
        quality=np.array([0.1, 0.2, 0.3, 0.4]),
        model="f00d",
        preprocessing={"pictures": "aligned"},
        title="again",
    )
    path = tmp_path / "again.npz"
    write_embeddings(path, faces)
    back = read_embeddings(path)
    for name in ("identities", "names", "templates", "media", "groups", "model", "title"):
        assert getattr(back, name) == getattr(faces, name), name
    assert dict(back.preprocessing) == {"pictures": "aligned"}
    np.testing.assert_array_equal(back.embeddings, faces.embeddings)
    np.testing.assert_array_equal(back.failed, faces.failed)
    np.testing.assert_array_equal(back.quality, faces.quality)
    assert (back.data_hash, back.fingerprint) == (faces.data_hash, "f00d")
    assert back.group_of == {"ada": "x"}


def test_bytes_and_numbers_are_names_too(write):
    assert read_embeddings(write(embeddings=X, identity=WHO.astype("S"))).identities[2] == "bo"
    assert read_embeddings(write(embeddings=X, identity=np.array([1, 1, 2, 2]))).identities[2] == "2"


def test_failed_rows_may_hold_anything(write):
    x = X.copy()
    x[1] = np.nan
    faces = read_embeddings(write(embeddings=x, identity=WHO, failed=np.array([0, 1, 0, 0])))
    assert faces.failed.tolist() == [False, True, False, False]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"identity": None}, "lacks 'identity'"),
        ({"embeddings": None}, "lacks 'embeddings'"),
        ({"identity": WHO[:3]}, "'identity' has 3 entries for 4 embeddings"),
        ({"embeddings": X[0]}, r"shape \(images, dimension\)"),
        ({"embeddings": np.zeros((4, 3))}, r"4 of 4 embeddings cannot be used: row 0 \('0'\) is the zero vector"),
        ({"embeddings": np.where(X == 7, np.nan, X)}, r"row 2 \('2'\) holds NaN or infinity"),
        ({"embeddings": X.astype(complex)}, "must be numbers"),
        ({"embeddings": X[:0], "identity": WHO[:0]}, "there are no embeddings"),
        ({"name": np.array(["a", "b", "b", "c"])}, "two embeddings are called 'b'"),
        ({"names": np.array(["a", "b", "c", "d"])}, "unknown array 'names'. Did you mean 'name'"),
        ({"template": np.array(["t", "t", "t", "u"])}, "template 't' has pictures of 'ada' and of 'bo'"),
        ({"quality": np.array([0.1, np.nan, 1, 1])}, "'quality' holds NaN"),
        ({"quality": np.ones(3)}, r"'quality' has shape \(3,\)"),
        ({"failed": np.array([0.5] * 4)}, "true or false"),
        ({"group": np.ones((4, 2), "U3")}, "'group' must be one line of text a row"),
        ({"model": np.array([1.0])}, "'model' must be one text"),
        ({"preprocessing": np.array("{")}, "is not JSON"),
        ({"preprocessing": np.array('{"a": 1}')}, "object of texts"),
        ({"identity": np.array(["x" * 5000] * 4)}, "more than 4096 characters"),
    ],
)
def test_bad_files_are_answered_in_words(write, change, words):
    arrays = {"embeddings": X, "identity": WHO} | change
    path = write(**{name: array for name, array in arrays.items() if array is not None})
    with pytest.raises(DataError, match=words) as caught:
        read_embeddings(path)
    assert str(path) in str(caught.value)


class Canary:
    fired = False

    def __reduce__(self):
        return exec, ("from tests.unit.evaluation.test_embedding_file import Canary; Canary.fired = True",)


def test_pickled_objects_are_refused_and_nothing_runs(tmp_path):
    path = tmp_path / "evil.npz"
    np.savez(path, embeddings=X, identity=np.array([Canary()] * 4, dtype=object))
    with pytest.raises(DataError, match="Python objects"):
        read_embeddings(path)
    path.write_bytes(pickle.dumps(Canary()))
    with pytest.raises(DataError, match=r"not a readable \.npz"):
        read_embeddings(path)
    assert not Canary.fired


def test_a_header_that_asks_for_a_terabyte_is_refused_before_anything_is_read(tmp_path):
    path = tmp_path / "large.npz"
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (1 << 32, 512)})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("embeddings.npy", header.getvalue())
    with pytest.raises(DataError, match="8,192 GiB; at most 16"):
        read_embeddings(path)


def test_missing_and_unwritable(tmp_path):
    with pytest.raises(DataError, match="there is no file"):
        read_embeddings(tmp_path / "gone.npz")
    with pytest.raises(DataError, match="cannot read"):
        read_embeddings(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot write"):
        write_embeddings(tmp_path / "file" / "faces.npz", EmbeddingSet.of(X, WHO.tolist()))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damaged_bytes_never_do_anything_but_refuse(tmp_path, data):
    file = io.BytesIO()
    data.draw(st.sampled_from([np.savez, np.savez_compressed]))(file, embeddings=X, identity=WHO)
    content = bytearray(file.getvalue())
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged.npz"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        faces = read_embeddings(path)
    except DataError:
        return
    assert len(faces) == 4


def npy(header: str, body: bytes = b"") -> bytes:
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + body


@pytest.mark.parametrize(
    ("member", "content", "words"),
    [
        ("embeddings", b"anything", "no array of numpy.savez"),
        ("embeddings.npy", npy("{'descr': '<f8', 'fortran_order': False, 'shape': (4, 3"), "not a readable"),
        ("embeddings.npy", npy("{'descr': '<f8', 'fortran_order': False, 'shape': (4, 3), 'a"), "not a readable"),
        (
            "embeddings.npy",
            npy("{'descr': '<f8', 'fortran_order': False, 'shape': (0, 99999999999999999999999), }"),
            "not a readable",
        ),
        ("embeddings.npy", b"", "not a readable"),
        (
            "embeddings.npy",
            npy("{'descr': '<f8', 'fortran_order': False, 'shape': (-4, -3), }", bytes(96)),
            "shape",
        ),
        ("embeddings.npy", npy("{'descr': '<U0', 'fortran_order': False, 'shape': (50000000, 2), }"), "shape"),
        ("embeddings.npy", npy(f"{{'shape': ({'-' * 9000}1,)}}"), "not a readable"),
        (
            "embeddings.npy",
            npy("{'descr': '<f4', 'fortran_order': False, 'shape': (7864320, 512), }"),  # 15 GiB
            "should have 16,106,127,360 bytes by its header, but has others",
        ),
    ],
)
def test_made_up_members_are_refused(tmp_path, member, content, words):
    path = tmp_path / "made-up.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, content)
        archive.writestr("identity.npy", npy("{'descr': '<i8', 'fortran_order': False, 'shape': (0,), }"))
    with pytest.raises(DataError, match=words):
        read_embeddings(path)


def repacked(compression):
    file, packed = io.BytesIO(), io.BytesIO()
    np.savez(file, embeddings=X, identity=WHO)
    with zipfile.ZipFile(file) as plain, zipfile.ZipFile(packed, "w", compression) as archive:
        for name in plain.namelist():
            archive.writestr(name, plain.read(name))
    return packed.getvalue()


@pytest.mark.parametrize("compression", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_what_unpacks_gigabytes_from_one_block_is_refused(tmp_path, compression):
    path = tmp_path / "odd.npz"
    path.write_bytes(repacked(compression))
    with pytest.raises(DataError, match="packed as numpy never does"):
        read_embeddings(path)


def test_every_damage_to_a_compressed_array_is_refused(tmp_path):
    content = repacked(zipfile.ZIP_DEFLATED)
    for at in range(0, len(content), 3):
        path = tmp_path / "damaged.npz"
        path.write_bytes(content[:at] + bytes([content[at] ^ 0x55]) + content[at + 1 :])
        with contextlib.suppress(DataError):
            assert len(read_embeddings(path)) == 4


def test_names_that_are_not_utf8_are_refused(write):
    with pytest.raises(DataError, match="'identity' holds text that is not UTF-8"):
        read_embeddings(write(embeddings=X, identity=np.array([b"p0\xff", b"p0\xff", b"p1", b"p1"])))
    with pytest.raises(DataError, match="'identity' holds text that is not UTF-8"):
        read_embeddings(write(embeddings=X, identity=np.array(["p0\udcff", "p0", "p1", "p1"])))


def test_selection_and_norms():
    faces = EmbeddingSet.of(X, WHO.tolist(), names=list("abcd"), groups=["x", "x", "y", "y"])
    some = faces.select([3, 0])
    assert (some.names, some.identities, some.groups) == (("d", "a"), ("bo", "ada"), ("y", "x"))
    np.testing.assert_array_equal(some.embeddings, X[[3, 0]])
    np.testing.assert_allclose(faces.norms, np.linalg.norm(X, axis=1))
    unit = EmbeddingSet.of(X / np.linalg.norm(X, axis=1, keepdims=True), WHO.tolist())
    assert unit.norms is None
    assert faces.nameless().identities == ("",) * 4
    assert faces.fingerprint != unit.fingerprint
    assert faces.data_hash != unit.data_hash  # other names


@pytest.fixture
def nothing_read(monkeypatch):
    """Let no array be read, so that a refusal is known to come before."""

    def _read(*arguments, **settings):
        raise AssertionError("an array was read")

    monkeypatch.setattr(embedding_file.npy, "read_array", _read)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"group": np.zeros(400, "U9")}, "'group' has 400 entries for 4 embeddings"),
        ({"failed": np.zeros((4, 100), bool)}, r"'failed' has shape \(4, 100\) for 4 embeddings"),
        ({"model": np.zeros(400, "U9")}, "'model' must be one text"),
        ({"embeddings": np.zeros((4, 3, 2))}, r"shape \(images, dimension\), not \(4, 3, 2\) float64"),
    ],
)
@pytest.mark.usefixtures("nothing_read")
def test_nothing_is_read_before_all_shapes_fit(write, change, words):
    with pytest.raises(DataError, match=words):
        read_embeddings(write(**{"embeddings": X, "identity": WHO} | change))


@pytest.mark.usefixtures("nothing_read")
def test_texts_without_length_are_refused_however_many(tmp_path):
    path = tmp_path / "many.npz"
    np.savez(path, embeddings=X)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("identity.npy", npy("{'descr': '<U0', 'fortran_order': False, 'shape': (50000000,), }"))
    with pytest.raises(DataError, match=r"shape \(50000000,\) of <U0"):
        read_embeddings(path)


@pytest.mark.usefixtures("nothing_read")
def test_a_small_file_that_unpacks_to_much_is_refused(tmp_path):
    path = tmp_path / "zeros.npz"
    np.savez_compressed(path, embeddings=np.zeros((1 << 15, 600), np.float32), identity=np.zeros(1 << 15, "U9"))
    with pytest.raises(DataError, match="more than 200 times its size"):
        read_embeddings(path)


@pytest.mark.usefixtures("nothing_read")
def test_the_sum_of_all_arrays_is_bounded(write, monkeypatch):
    monkeypatch.setattr(embedding_file, "_MOST_BYTES", 300)
    with pytest.raises(DataError, match="would take 0 GiB; at most"):
        read_embeddings(write(embeddings=X, identity=WHO, name=np.array(["a", "b", "c", "d"])))


def test_constant_columns_beside_embeddings_are_no_bomb(tmp_path, monkeypatch):
    monkeypatch.setattr(embedding_file, "_SMALL", 0)
    path = tmp_path / "compressed.npz"
    x = np.random.default_rng(0).normal(size=(4000, 64)).astype(np.float16)
    same = np.full(4000, "somebody whose name is long")
    numbers = {"quality": np.ones(4000), "failed": np.zeros(4000, bool)}
    np.savez_compressed(path, embeddings=x, identity=same, group=same, template=same, media=same, **numbers)
    assert len(read_embeddings(path)) == 4000


def test_too_little_memory_is_said(write, monkeypatch):
    def _read(*arguments, **settings):
        raise MemoryError

    path = write(embeddings=X, identity=WHO)
    monkeypatch.setattr(embedding_file.npy, "read_array", _read)
    with pytest.raises(DataError, match="not enough memory for 'embeddings'"):
        read_embeddings(path)


@pytest.mark.parametrize("text", ['{"a": "1", "a": "2"}', "[" * 4000])
def test_preprocessing_that_can_be_read_in_two_ways_or_not_at_all(write, text):
    with pytest.raises(DataError, match="'preprocessing' is not JSON"):
        read_embeddings(write(embeddings=X, identity=WHO, preprocessing=np.array(text)))


@pytest.mark.parametrize(("dtype", "size"), [(np.float16, 100.0), (np.float32, 1e20), (np.float32, 1e-25)])
def test_narrow_numbers_of_any_size_are_directions_as_good_as_wide_ones(dtype, size):
    x = (size * np.random.default_rng(0).normal(size=(6, 128))).astype(dtype)
    who = ["a", "a", "b", "b", "c", "c"]
    wide = x.astype(np.float64)
    lengths = np.linalg.norm(wide, axis=1)
    units, _ = checked(x, who)
    np.testing.assert_allclose(units, wide / lengths[:, None], rtol=1e-6)
    faces = EmbeddingSet.of(x, who, failed=np.arange(6) == 5)
    np.testing.assert_allclose(faces.norms, [*lengths[:5], 0.0], rtol=1e-12)
