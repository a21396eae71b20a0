"""The bounds on m: the paper's values, ours, and both against searches that share no line with them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from sphereface.errors import ConfigurationError
from sphereface.sphere.bounds import (
    ARRANGEMENTS,
    MANY_ORTHONORMAL,
    PAPER_BOUNDS,
    arrangement,
    known_bounds,
    lowest_margin,
    region_angles,
    sufficient_margin,
)
from sphereface.sphere.regions import arcs_on_circle, nearest_regions, two_class_margin, two_class_width

SEEDS = st.integers(0, 2**32 - 1)


def at(*degrees, dimensions=2):
    turn = np.radians(np.array(degrees, dtype=np.float64))
    flat = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    return np.pad(flat, ((0, 0), (0, dimensions - 2)))


def globe(count):
    """Points spread over the sphere of three dimensions, some 180 / sqrt(count) degrees apart."""
    place = np.arange(count) + 0.5
    height, turn = 1 - 2 * place / count, np.pi * (1 + 5**0.5) * place
    side = np.sqrt(1 - height**2)
    return np.stack([side * np.cos(turn), side * np.sin(turn), height], axis=1)


def seen_angles(prototypes, margin, points):
    """The criterion from its definition: which points each class holds, and their angles."""
    angles = np.arccos(np.clip(points @ prototypes.T, -1, 1))
    held = []
    for own in range(len(prototypes)):
        others = np.delete(angles, own, axis=1).min(axis=1)
        held.append(points[margin * angles[:, own] <= others])
    intra = max(np.arccos(np.clip((x @ x.T).min(), -1, 1)) for x in held)
    inter = min(
        np.arccos(np.clip((x @ y.T).max(), -1, 1))
        for i, x in enumerate(held)
        for y in held[:i]
        if len(x) and len(y)
    )
    return intra, inter


def test_the_papers_two_bounds():
    two, many = PAPER_BOUNDS
    assert two.margin == pytest.approx(3.7320508, abs=1e-7)
    assert many.margin == 3.0
    assert {two.source, many.source} == {"paper"}


@pytest.mark.parametrize(("degrees", "expected"), [(60, 3.732), (131.7, 3.732), (150, 3.40), (180, 3.0)])
@pytest.mark.parametrize("dimensions", [2, 3, 5])
def test_two_classes_in_any_dimension(degrees, expected, dimensions):
    """formulas.md 1.1, to its digits; 1e-6 between closed form and search."""
    prototypes = at(0, degrees, dimensions=dimensions)
    found = lowest_margin(prototypes)
    assert found.margin == pytest.approx(expected, abs=1e-3)
    assert found.margin == pytest.approx(two_class_margin(math.radians(degrees)), abs=1e-6)
    assert (found.source, found.how) == ("ours", "exact" if dimensions == 2 else "search")


@pytest.mark.parametrize("classes", [3, 4, 5, 6, 12, 40])
def test_classes_spread_evenly_over_the_circle_need_three(classes):
    assert lowest_margin(arrangement("circle", classes)).margin == pytest.approx(3.0, abs=1e-9)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("great-circle", 3.61), ("tetrahedron", 3.12), ("octahedron", 3.16), ("icosahedron", 3.06)],
)
def test_arrangements_on_the_sphere(name, expected):
    """formulas.md 1.5, to the digits given there; the circle's 3 is not enough for any of them."""
    found = lowest_margin(arrangement(name))
    assert found.margin == pytest.approx(expected, abs=0.005)
    assert 3.0 < found.margin < found.enough == pytest.approx(2 + math.sqrt(3))


def orthonormal_margin(classes):
    """Along the axis of symmetry: t towards all others and s away from them, each from its own equation."""
    pull = 1 / math.sqrt(classes - 1)

    def excess(m):
        towards = brentq(lambda t: m * t - math.acos(math.sin(t) * pull), 0, math.pi / 2)
        away = brentq(lambda s: m * s - math.acos(-math.sin(s) * pull), 0, math.pi / 2)
        return towards + away - math.pi / 2 * (m - 1) / (m + 1)

    return brentq(excess, 2, 5, xtol=1e-12)


@pytest.mark.parametrize(("classes", "spare"), [(2, 0), (2, 300), (3, 0), (3, 1), (4, 300), (6, 0), (10, 0)])
def test_orthonormal_prototypes_with_and_without_spare_dimensions(classes, spare):
    found = lowest_margin(np.eye(classes, classes + spare))
    assert found.margin == pytest.approx(orthonormal_margin(classes), abs=1e-6)


def test_many_orthonormal_prototypes_come_down_to_a_closed_form():
    """(3 + sqrt 17) / 2 = 3.562 is the limit: 330 classes are 0.0005 above it, three 0.08."""
    assert pytest.approx(3.5615528, abs=1e-7) == MANY_ORTHONORMAL
    above = [orthonormal_margin(classes) - MANY_ORTHONORMAL for classes in (3, 10, 330, 10_575)]
    assert above == pytest.approx([0.0801, 0.0171, 0.00046, 0.000014], abs=6e-5)
    assert above == sorted(above, reverse=True)


@pytest.mark.parametrize("name", ["tetrahedron", "octahedron", "great-circle"])
@pytest.mark.parametrize("margin", [1.5, 3.0, 4.0])
def test_points_of_the_sphere_agree_with_both_angles(name, margin):
    """6,000 points leave 2.3 degrees between neighbours: they see a little less within, a little more between."""
    prototypes = arrangement(name)
    ours = region_angles(prototypes, margin)
    intra, inter = seen_angles(prototypes, margin, globe(6000))
    assert ours.largest_intra - math.radians(6) < intra <= ours.largest_intra + 1e-9
    assert ours.smallest_inter - 1e-9 <= inter < ours.smallest_inter + math.radians(6)


@pytest.mark.parametrize("degrees", [20, 70, 130, 150, 175])
@pytest.mark.parametrize("margin", [1.2, 2.5, 3.5, 6.0])
def test_no_pair_beside_the_great_circle_is_further_apart(degrees, margin):
    """What the pruning of the search rests on: a region of two, its boundary in 720 directions, all pairs."""
    from sphereface.sphere.regions import Region

    region = Region.of(at(0, degrees, dimensions=3), 0)
    turn = np.linspace(0, 2 * np.pi, 720, endpoint=False)
    ways = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    reach = region.radius(ways, margin)
    points = np.column_stack([np.cos(reach), np.sin(reach)[:, None] * ways])
    widest = math.acos(max(-1.0, (points @ points.T).min()))
    assert widest == pytest.approx(two_class_width(math.radians(degrees), margin), rel=2e-4)
    assert widest <= two_class_width(math.radians(degrees), margin) + 1e-7


@settings(deadline=None, max_examples=30)
@given(seed=SEEDS, margin=st.floats(1.0, 6.0), dimensions=st.integers(2, 8))
def test_no_two_regions_are_nearer_than_the_closed_form(seed, margin, dimensions):
    """Random points of the regions of the closest two prototypes, and the two that attain it."""
    from sphereface.sphere.geometry import angle, slerp, unit
    from sphereface.sphere.regions import nearest_prototypes

    rng = np.random.default_rng(seed)
    prototypes = unit(rng.normal(size=(5, dimensions)))
    near, partners = nearest_prototypes(prototypes)
    one = int(near.argmin())
    two = int(partners[one])
    limit = nearest_regions(float(near[one]), margin)
    centres = np.concatenate([np.zeros((200, dimensions)), prototypes[[one, two]].repeat(100, axis=0) * 3])
    points = unit(centres + rng.normal(size=(400, dimensions)))
    angles = np.stack([angle(points, w) for w in prototypes], axis=1)
    for i in range(5):
        mine = points[margin * angles[:, i] <= np.delete(angles, i, axis=1).min(axis=1)]
        for j in range(i):
            theirs = points[margin * angles[:, j] <= np.delete(angles, j, axis=1).min(axis=1)]
            for x in mine[:20]:
                assert np.all(angle(x[None], theirs) >= limit - 1e-9)
    share = 1 / (margin + 1)
    ends = slerp(prototypes[one], prototypes[two], share), slerp(prototypes[one], prototypes[two], 1 - share)
    assert float(angle(*ends)) == pytest.approx(limit, abs=1e-9)
    assert (
        margin * angle(ends[0], prototypes[one])
        <= min(angle(ends[0], w) for w in np.delete(prototypes, one, 0)) + 1e-9
    )


@settings(deadline=None, max_examples=3)
@given(seed=SEEDS)
def test_turning_and_scaling_prototypes_changes_nothing(seed):
    rng = np.random.default_rng(seed)
    prototypes = rng.normal(size=(4, 3))
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    turned = prototypes @ turn * 10.0 ** rng.uniform(-3, 3, size=(4, 1))
    assert lowest_margin(turned).margin == pytest.approx(lowest_margin(prototypes).margin, rel=1e-4)
    assert sufficient_margin(turned) == pytest.approx(sufficient_margin(prototypes), rel=1e-9)


@settings(deadline=None, max_examples=30)
@given(seed=SEEDS, classes=st.integers(2, 6))
def test_on_any_circle_the_criterion_holds_from_the_bound_on(seed, classes):
    """Uneven prototypes too: met just above, not met just below, and never above what is enough."""
    rng = np.random.default_rng(seed)
    degrees = np.cumsum(rng.uniform(20, 60, classes))
    prototypes = at(*degrees)
    bound = lowest_margin(prototypes)
    for margin, met in ((bound.margin + 1e-6, True), (bound.margin - 1e-6, False)):
        angles = region_angles(prototypes, margin)
        assert (angles.largest_intra < angles.smallest_inter) == met
    assert bound.margin <= bound.enough + 1e-9


def test_uneven_prototypes_need_more():
    """0, 60 and 210 degrees: the lonely class is 300 / (m + 1) wide, the close two 60 (m - 1) / (m + 1) apart."""
    assert lowest_margin(at(0, 60, 210)).margin == pytest.approx(6.0, abs=1e-9)
    assert sufficient_margin(at(0, 60, 210)) == pytest.approx(3.5 + math.sqrt(11.25))


def test_at_the_bound_both_sides_of_the_criterion_are_equal():
    prototypes = np.random.default_rng(3).normal(size=(6, 4))
    angles = region_angles(prototypes, lowest_margin(prototypes).margin)
    assert angles.largest_intra == pytest.approx(angles.smallest_inter, rel=1e-5)


def test_arcs_of_the_circle_by_hand():
    """m = 2 between prototypes 90 degrees apart: 30 towards the other, 90 away from it."""
    arcs = np.degrees(arcs_on_circle(at(0, 90), 2.0))
    np.testing.assert_allclose(arcs, [[-90, 30], [60, 180]], atol=1e-9)
    everything = np.degrees(arcs_on_circle(at(0, 90, 200), 1.0))
    np.testing.assert_allclose(everything.ravel() % 360, [280, 45, 45, 145, 145, 280], atol=1e-9)


def test_any_number_of_prototypes_has_an_m_that_is_enough():
    many = np.random.default_rng(0).normal(size=(1500, 64))
    found = lowest_margin(many)
    assert found.margin is None
    assert "at most 100 prototypes, not 1,500" in found.note
    assert found.enough == sufficient_margin(many) > 3.7
    with pytest.raises(ConfigurationError, match="at most 32 dimensions"):
        region_angles(np.eye(40), 3.0)


def test_every_arrangement_is_known_and_said_to_be_ours():
    found = known_bounds(4)
    assert [bound.source for bound in found] == ["paper"] * 2 + ["ours"] * (len(ARRANGEMENTS) + 3)
    assert all(bound.to_json()["margin"] >= 2.999 for bound in found)


@pytest.mark.parametrize(
    ("prototypes", "sentence"),
    [
        ([[1.0, 0.0]], r"shape \(C, d\) with C and d at least 2, not \(1, 2\)"),
        ([[1.0], [2.0]], r"not \(2, 1\)"),
        ([[1.0, 0.0], [2.0, 0.0]], "prototypes 0 and 1 point the same way"),
        ([[1.0, 0.0], [0.0, 0.0]], "prototype 1 is zero"),
        ([[1.0, math.nan], [0.0, 1.0]], "prototype 0 is not finite"),
        ([[1.0, 0.0], [0.0]], "array of real numbers"),
        ([["a", "b"], ["c", "d"]], "array of real numbers"),
        (np.eye(2) * 1j, "array of real numbers"),
    ],
)
def test_prototypes_that_cannot_be_used(prototypes, sentence):
    for function in (lowest_margin, sufficient_margin, lambda given: region_angles(given, 3.0)):
        with pytest.raises(ConfigurationError, match=sentence):
            function(prototypes)


def test_margins_and_names_that_cannot_be_used():
    for margin in (0.99, math.nan, math.inf):
        with pytest.raises(ConfigurationError, match="a number of 1 or more"):
            region_angles(np.eye(2), margin)
    with pytest.raises(ConfigurationError, match="Did you mean 'octahedron'"):
        arrangement("octahedro")
    with pytest.raises(ConfigurationError, match="2 to 100 classes, not 1"):
        arrangement("circle", 1)
    with pytest.raises(ConfigurationError, match="circle needs prototypes of shape"):
        arcs_on_circle(np.eye(3), 2.0)


def test_lengths_near_the_ends_of_float64_are_no_matter():
    assert lowest_margin(np.eye(2) * [[1e-300], [1e300]]).margin == pytest.approx(2 + math.sqrt(3))
