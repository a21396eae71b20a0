"""The false match rates that a protocol is judged at: those that its lists have impostor pairs for."""

from __future__ import annotations

import numpy as np
import pytest

from sphereface.evaluation.judge import follow
from sphereface.evaluation.person_figures import unsupported
from sphereface.evaluation.protocol import Protocol, UnitPairs, Units, positions
from sphereface.evaluation.protocols import read_protocol
from tests.protocol_twins import twin, twin_files

SIZES = {
    "lfw-view1": 500,  # pairsDevTest.txt
    "lfw-view2": 3_000,
    "ytf": 2_500,
    "cfp-fp": 3_500,
    "agedb-30": 3_000,
    "calfw": 3_000,
    "cplfw": 3_000,
    "rfw": 3_000,
}
"""Impostor pairs in a list as its authors give it out, and people that make as many in its twin."""


@pytest.mark.parametrize("name", SIZES)
def test_a_list_of_its_real_length_supports_every_rate_it_is_judged_at(name, tmp_path):
    faces = twin(name, tmp_path, people=SIZES[name], spread=1.2)
    protocol = read_protocol(name, twin_files(name, tmp_path), faces.names, faces.identities)
    assert int((~protocol.pairs[0].same).sum()) == SIZES[name]
    rates = protocol.own_settings()["fmr_targets"]
    assert rates == ((0.1,) if SIZES[name] < 1_000 else (0.1, 0.01))
    scores = follow(faces, protocol).pairs[0]
    assert [unsupported(scores, rate) for rate in rates] == [""] * len(rates)
    assert "not supported by this data" in unsupported(scores, rates[-1] / 10)


def test_a_protocol_that_names_its_rates_keeps_them(tmp_path):
    for name, rates in {"ijbc": (1e-2, 1e-3, 1e-4, 1e-5, 1e-6), "blufr": (1e-3,)}.items():
        twin(name, tmp_path / name)
        protocol = read_protocol(name, twin_files(name, tmp_path / name))
        assert protocol.own_settings()["fmr_targets"] == rates


@pytest.mark.parametrize(
    ("impostors", "rates"),
    [
        ((20,), (0.1,)),  # fewer than any rate needs: the coarsest, with its reason
        ((100,), (0.1,)),
        ((999,), (0.1,)),
        ((1_000,), (0.1, 0.01)),
        ((10_000,), (0.1, 0.01, 0.001)),
        ((1_000_000,), (0.01, 0.001, 0.0001)),
        ((1_000_000, 3_000), (0.1, 0.01)),
        ((), (0.01, 0.001, 0.0001)),
    ],
)
def test_the_shortest_list_decides(impostors, rates):
    lists = []
    for count in impostors:
        at = positions([0] * (count + 1))
        lists.append(UnitPairs("a list", at, at, np.arange(count + 1) == 0))
    assert Protocol("p", "p", "", Units(("a",), ("A",)), tuple(lists)).rates() == rates
