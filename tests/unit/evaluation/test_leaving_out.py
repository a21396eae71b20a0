"""A protocol without some people: nothing of them stays, and everything else keeps its place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sphereface.errors import DataError
from sphereface.evaluation.leaving_out import leave_out
from sphereface.evaluation.protocol import (
    Members,
    Protocol,
    UnitClasses,
    UnitDistractors,
    UnitPairs,
    Units,
    UnitSearch,
    positions,
)

WHO = ("ada_l", "ada_l", "bo", "bo", "cy", "cy")
NAMES = ("ada/1", "ada/2", "bo/1", "bo/2", "cy/1", "cy/2")


@pytest.fixture
def protocol():
    pairs = positions([0, 2, 4]), positions([1, 4, 5]), np.array([True, False, True]), positions([0, 1, 2])
    return Protocol(
        "p",
        "a protocol",
        "",
        Units(NAMES, WHO),
        pairs=(UnitPairs("l", *pairs),),
        searches=(UnitSearch("s", positions([0, 2]), positions([1, 3, 4])),),
        distractors=(UnitDistractors("d", positions([0, 1, 2, 3]), positions([4, 5])),),
        classes=(UnitClasses("c", positions([0, 3, 5]), ("x", "y", "z"), positions([0, 1, 2])),),
    )


def told(protocol):
    """Say everything in names, so that it can be compared whatever the positions are."""
    name = protocol.units.names
    return {
        "pairs": [
            (name[a], name[b], bool(same), int(fold))
            for pairs in protocol.pairs
            for a, b, same, fold in zip(pairs.first, pairs.second, pairs.same, pairs.fold, strict=True)
        ],
        "gallery": [name[at] for search in protocol.searches for at in search.gallery],
        "probes": [name[at] for search in protocol.searches for at in search.probes],
        "crowd": [[name[at] for at in side] for c in protocol.distractors for side in (c.probes, c.distractors)],
        "classes": [
            (name[at], label, int(fold))
            for each in protocol.classes
            for at, label, fold in zip(each.units, each.labels, each.fold, strict=True)
        ],
    }


def test_nobody_left_out_changes_nothing(protocol):
    assert leave_out(protocol, []) is protocol
    assert told(leave_out(protocol, ["somebody else"])) == told(protocol)


def test_everything_of_a_person_goes(protocol):
    left = leave_out(protocol, ["Ada L"])
    assert left.units.names == NAMES[2:]
    assert left.units.people == WHO[2:]
    assert told(left) == {
        "pairs": [("bo/1", "cy/1", False, 1), ("cy/1", "cy/2", True, 2)],
        "gallery": ["bo/1"],
        "probes": ["bo/2", "cy/1"],
        "crowd": [["bo/1", "bo/2"], ["cy/1", "cy/2"]],
        "classes": [("bo/2", "y", 1), ("cy/2", "z", 2)],
    }


def test_their_pictures_go_with_the_templates(protocol):
    members = Members(("1.jpg", "2.jpg", "3.jpg"), positions([0, 2, 2]), ("m", "n", "o"))
    left = leave_out(replace(protocol, units=Units(NAMES, WHO, members)), ["ada l"]).units.members
    assert (left.images, left.unit.tolist(), left.media) == (("2.jpg", "3.jpg"), [0, 0], ("n", "o"))


def test_when_nothing_is_left(protocol):
    with pytest.raises(DataError, match="nobody of 'a protocol' is left after leaving 3 people out"):
        leave_out(protocol, ["ada l", "bo", "cy"])
    pairs = protocol.pairs[0]
    first = UnitPairs("l", pairs.first[:1], pairs.second[:1], pairs.same[:1])
    with pytest.raises(DataError, match="no pair of 'a protocol' is left after leaving 2 people out"):
        leave_out(replace(protocol, pairs=(first,)), ["ada l", "bo"])
