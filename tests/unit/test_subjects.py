"""Several models on the same pictures."""

from __future__ import annotations

import numpy as np
import pytest

from sphereface.errors import DataError
from sphereface.evaluation.embedding_set import EmbeddingSet
from sphereface.subjects import Subject, in_one_order


def subject(title: str, names: str = "abcd", people: str = "1122") -> Subject:
    return Subject(EmbeddingSet.of(np.eye(4), list(people), names=list(names), title=title))


def test_every_title_is_one_models_own() -> None:
    ordered = in_one_order([subject(title) for title in ("m", "m (3)", "m", "m", "n")])
    assert [each.faces.title for each in ordered] == ["m", "m (3)", "m (4)", "m (5)", "n"]


def test_rows_follow_the_first() -> None:
    first, second = in_one_order([subject("m"), subject("n", "dcba", "2211")])
    assert second.faces.names == first.faces.names
    np.testing.assert_array_equal(second.faces.embeddings, np.eye(4)[::-1])
    with pytest.raises(DataError, match="'b' shows '1' in 'm', but '2' in 'n'"):
        in_one_order([subject("m"), subject("n", "abcd", "1211")])
