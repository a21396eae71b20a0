"""Who is in a row, and which rows are pairs: as other programs write it, or refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sphereface.errors import DataError
from sphereface.evaluation.embedding_set import EmbeddingSet
from sphereface.evaluation.judge import every_pair
from sphereface.evaluation.protocol import UnitPairs
from sphereface.evaluation.scores import all_pairs, listed_pairs

ROWS = np.random.default_rng(0).standard_normal((6, 4))
PEOPLE = ["a", "a", "b", "b", "c", "c"]
FIRST, SECOND, SAME = [0, 2, 0, 1], [1, 3, 2, 4], [True, True, False, False]


@pytest.mark.parametrize(
    "same", [SAME, np.array(SAME), [1, 1, 0, 0], np.array([1, 1, 0, 0]), np.array([1.0, 1, 0, 0])]
)
def test_yes_and_no_are_true_and_false_or_one_and_zero(same: Any) -> None:
    expected = listed_pairs(ROWS, UnitPairs("list", np.array(FIRST), np.array(SECOND), np.array(SAME)), PEOPLE)
    found = listed_pairs(ROWS, UnitPairs("list", FIRST, SECOND, same), PEOPLE)  # type: ignore[arg-type]
    for one, other in ((found.genuine, expected.genuine), (found.impostor, expected.impostor)):
        np.testing.assert_array_equal(one.scores, other.scores)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ((FIRST, SECOND, [2, 1, 0, 0]), "'same' of 'list' must be true or false, or 1 or 0"),
        ((FIRST, SECOND, ["yes", "yes", "no", "no"]), "'same' of 'list' must be true or false"),
        ((FIRST, SECOND, [True, False]), "the columns of 'list' have shapes"),
        ((FIRST, SECOND[:3], SAME), "the columns of 'list' have shapes"),
        (([0.5, 1, 2, 3], SECOND, SAME), "'first' of 'list' must be whole numbers, not float64"),
    ],
)
def test_a_list_that_is_none_is_refused(columns: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        UnitPairs("list", *columns)


def test_rows_of_nobody_known_are_not_one_person() -> None:
    faces = EmbeddingSet.of(ROWS, ["", "a", "b", "b", "", ""])
    with pytest.raises(DataError, match=r"row 0 does not say who is in its picture .* nor do 2 others"):
        every_pair(faces)
    with pytest.raises(DataError, match="row 0 does not say"):
        all_pairs(ROWS, ["", "a", "b", "b", "", ""])
    with pytest.raises(DataError, match="no row says who is in its picture"):
        every_pair(faces.nameless())


@pytest.mark.parametrize("nobody", [None, float("nan"), np.float64("nan"), np.eye(3)[0], ["a"]])
def test_what_is_no_name_is_refused(nobody: Any) -> None:
    with pytest.raises(DataError, match="'identity' of row 1 is"):
        EmbeddingSet.of(ROWS, ["a", nobody, "b", "b", "c", "c"])
    with pytest.raises(DataError, match="'identity' of row 1 is"):
        all_pairs(ROWS, ["a", nobody, "b", "b", "c", "c"])


@pytest.mark.parametrize(
    "people", [[7, 7, 8, 8, 9, 9], np.array([7, 7, 8, 8, 9, 9]), [np.array(n) for n in (7, 7, 8, 8, 9, 9)]]
)
def test_numbers_are_names(people: Any) -> None:
    assert EmbeddingSet.of(ROWS, people).identities == ("7", "7", "8", "8", "9", "9")
    assert len(all_pairs(ROWS, people).genuine.scores) == 3
