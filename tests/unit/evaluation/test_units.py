"""Units of a protocol among the embeddings at hand: found by the end of a path, pooled, missing ones kept."""

from __future__ import annotations

import numpy as np
import pytest

from sphereface.errors import DataError
from sphereface.evaluation.embedding_set import EmbeddingSet
from sphereface.evaluation.protocol import (
    Members,
    Units,
    UnitTable,
    positions,
)
from sphereface.evaluation.units import embed_units, find_rows, locate_units, pool_templates

NAMES = ["set/ada/1.jpg", "set/ada/2.png", "set/bo/1.jpg", "set/bo/2.jpg"]
X = np.array([[1.0, 0.0], [0.0, 2.0], [3.0, 4.0], [-1.0, 0.0]])


def faces(**more):
    return EmbeddingSet.of(X, ["ada", "ada", "bo", "bo"], names=NAMES, **more)


def test_pictures_are_found_whatever_folder_and_format():
    units = Units(("bo/2.jpg", "ada/2.jpg", "cy/1.jpg"), ("bo", "ada", "cy"))
    found = embed_units(units, faces())
    assert found.rows.tolist() == [3, 1, -1]
    assert found.failed.tolist() == [False, False, True]
    assert found.missing == ("cy/1.jpg",)
    np.testing.assert_allclose(found.embeddings, [[-1, 0], [0, 1], [0, 0]])


def test_names_of_different_depth_are_found_once():
    names = ["a/1.jpg", "deep/down/b/1.jpg"]
    assert find_rows(["a/1.jpg", "down/b/1.jpg"], names).tolist() == [0, 1]
    units = Units(("a", "down/b"), ("a", "b"), folders=True)
    assert locate_units(units, names).rows.tolist() == [0, 1]


def test_an_exact_name_is_preferred_to_another_format():
    assert find_rows(["a/1.jpg"], ["x/a/1.png", "x/a/1.jpg"]).tolist() == [1]


def test_two_files_that_fit_are_refused_and_two_that_nobody_wants_are_not():
    assert find_rows(["a/2.jpg"], ["x/a/1.jpg", "y/a/1.jpg", "x/a/2.jpg"]).tolist() == [2]
    with pytest.raises(DataError, match=r"'a/1.jpg' can be 'x/a/1.jpg' or 'y/a/1.jpg'"):
        find_rows(["a/1.jpg"], ["x/a/1.jpg", "y/a/1.jpg"])
    with pytest.raises(DataError, match="can be"):
        find_rows(["a/1.jpg"], ["x/a/1.png", "x/a/1.webp"])


def test_templates_are_means_within_media_then_across():
    units = Units(
        ("t1", "t2", "t3"),
        ("ada", "bo", "bo"),
        Members(
            ("ada/1.jpg", "ada/2.jpg", "bo/1.jpg", "bo/2.jpg", "bo/9.jpg"),
            positions([0, 0, 1, 1, 2]),
            ("m", "m", "n", "o", "p"),
        ),
    )
    found = embed_units(units, faces())
    np.testing.assert_allclose(found.embeddings[0], [np.sqrt(0.5)] * 2, atol=1e-7)
    mean = np.array([0.6, 0.8]) + np.array([-1.0, 0.0])
    np.testing.assert_allclose(found.embeddings[1], mean / np.linalg.norm(mean), atol=1e-7)
    assert found.failed.tolist() == [False, False, True]
    assert found.missing == ("bo/9.jpg",)
    assert found.rows.tolist() == [0, 2, -1]
    by_norm = embed_units(units, faces(), "norm").embeddings[1]
    np.testing.assert_allclose(by_norm, np.array([2.0, 4.0]) / np.sqrt(20.0), atol=1e-7)
    by_quality = embed_units(units, faces(quality=np.array([1.0, 0.0, 0.0, 1.0])), "quality").embeddings
    np.testing.assert_allclose(by_quality, [[1, 0], [-1, 0], [0, 0]], atol=1e-7)
    with pytest.raises(DataError, match="come without one"):
        embed_units(units, faces(), "quality")


def test_a_set_with_templates_of_its_own():
    own = faces(templates=["t1", "t1", "t0", "t0"], media=["m", "m", "n", "o"], groups=["x", "x", "", ""])
    pooled = pool_templates(own)
    assert (pooled.names, pooled.identities, pooled.groups) == (("t0", "t1"), ("bo", "ada"), ("", "x"))
    mean = np.array([0.6, 0.8]) + np.array([-1.0, 0.0])
    np.testing.assert_allclose(pooled.embeddings, [mean / np.linalg.norm(mean), [np.sqrt(0.5)] * 2], atol=1e-7)
    gone = faces(templates=["t1", "t1", "t0", "t0"], failed=np.array([False, False, True, True]))
    assert pool_templates(gone).failed.tolist() == [True, False]


def test_a_video_is_everything_in_its_folder():
    units = Units(("ada", "cy", "bo"), ("ada", "cy", "bo"), folders=True)
    found = embed_units(units, faces(failed=np.array([False, True, False, False])))
    assert found.failed.tolist() == [False, True, False]
    assert found.missing == ("cy",)
    np.testing.assert_allclose(found.embeddings[0], [1, 0], atol=1e-7)  # its second frame failed
    deeper = locate_units(Units(("set/bo",), ("bo",), folders=True), NAMES)
    assert deeper.rows.tolist() == [2, 3]


def test_nothing_found_and_somebody_else():
    with pytest.raises(
        DataError, match=r"none of the 1 pictures .* 'cy/1.jpg', and the first one here is 'set/ada"
    ):
        embed_units(Units(("cy/1.jpg",), ("cy",)), faces())
    with pytest.raises(DataError, match=r"'set/bo/1.jpg' shows 'bo', but the protocol says 'ada'"):
        embed_units(Units(("bo/1.jpg",), ("ada",)), faces())
    assert not embed_units(Units(("bo/1.jpg",), ("ada",)), faces().nameless()).failed.any()
    assert not embed_units(Units(("bo/1.jpg",), ("BO",)), faces()).failed.any()


def test_units_insist_on_names_of_their_own():
    with pytest.raises(DataError, match="one name"):
        Units(("a", "a"), ("x", "x"))
    with pytest.raises(DataError, match="1 units but 2 people"):
        Units(("a",), ("x", "x"))
    table = UnitTable()
    table.position("a/1.jpg", "a")
    with pytest.raises(DataError, match=r"'a/1.jpg' is said to show 'a' and 'b'"):
        table.position("a/1.jpg", "b")
