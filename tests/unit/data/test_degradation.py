"""Degradations: pure, each of a promised strength at its level, and the level told is the level done."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sphereface.data.degradation import DEGRADATION_DRAWS, blur, degrade, occlude, shrink
from sphereface.data.sampling import sample_draws
from sphereface.errors import ConfigurationError

Images = NDArray[np.uint8]
BLUR, SIZE, OCCLUSION = 0.1, 0.5, 0.9  # draws that choose each kind


def pictures(count: int = 6, height: int = 112, width: int = 96) -> Images:
    return np.random.default_rng(0).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def detail(picture: Images) -> float:
    grey = picture.astype(float)
    return float((np.diff(grey, axis=0) ** 2).mean() + (np.diff(grey, axis=1) ** 2).mean())


def test_pure_and_every_picture_alone() -> None:
    images, draws = pictures(12), sample_draws(5, 0, 12, DEGRADATION_DRAWS)
    before = images.copy(), draws.copy()
    degraded, levels = degrade(images, draws, 0.7)
    assert np.array_equal(images, before[0])
    assert np.array_equal(draws, before[1])
    assert (degraded.shape, degraded.dtype, levels.shape, levels.dtype) == (
        images.shape,
        np.uint8,
        (12,),
        np.float32,
    )
    assert not np.shares_memory(degraded, images)
    alone = [degrade(images[i : i + 1], draws[i : i + 1], 0.7) for i in range(12)]
    assert np.array_equal(np.concatenate([pixels for pixels, _ in alone]), degraded)
    assert np.array_equal(np.concatenate([level for _, level in alone]), levels)


def test_a_level_above_zero_is_a_changed_picture_and_zero_an_untouched_one() -> None:
    images, draws = pictures(60, 28, 24), sample_draws(2, 0, 60, DEGRADATION_DRAWS)
    degraded, levels = degrade(images, draws, 0.5)
    changed = (degraded != images).any(axis=(1, 2, 3))
    assert 15 < changed.sum() < 45  # standard deviation 4
    assert np.array_equal(levels > 0, draws[:, 0] < 0.5)
    assert np.array_equal(levels, np.where(draws[:, 0] < 0.5, 1.0 - draws[:, 2], 0.0).astype(np.float32))
    assert not changed[levels == 0].any()
    assert changed[levels > 0.2].all()


def test_share_nothing_and_share_everything() -> None:
    images, draws = pictures(), sample_draws(1, 0, 6, DEGRADATION_DRAWS)
    untouched, none = degrade(images, draws, 0.0)
    assert np.array_equal(untouched, images)
    assert not none.any()
    assert (degrade(images, draws, 1.0)[1] > 0).all()


def test_levels_lie_above_zero_and_reach_one() -> None:
    draws = np.array([[0.0, 0.0, edge, 0.5, 0.5, 0.5] for edge in (0.0, 1.0 - 2.0**-53)])
    levels = degrade(pictures(2), draws, 1.0)[1]
    assert levels[0] == 1.0
    assert levels[1] > 0.0


@pytest.mark.parametrize(
    ("kind", "columns"),
    [(BLUR, {1, 2}), (SIZE, {1, 2}), (OCCLUSION, {1, 2, 3, 4, 5})],
    ids=["blur", "size", "occlusion"],
)
def test_every_decision_has_a_column_of_its_own(kind: float, columns: set[int]) -> None:
    images, draws = pictures(1), np.full((1, DEGRADATION_DRAWS), 0.3)
    draws[0, 1] = kind
    before = degrade(images, draws, 1.0)[0]
    used = set()
    for column in range(DEGRADATION_DRAWS):
        other = draws.copy()
        other[0, column] = (draws[0, column] + 0.5) % 1.0
        if not np.array_equal(degrade(images, other, 1.0)[0], before):
            used.add(column)
    assert used == columns  # column 0 says whether, and share 1.0 always does


def test_the_three_kinds_are_those_of_their_functions() -> None:
    images, place = pictures(3), np.array([0.2, 0.4, 0.7])
    draws = np.array([[0.0, kind, 0.25, *place] for kind in (BLUR, SIZE, OCCLUSION)])
    degraded = degrade(images, draws, 1.0)[0]
    expected = [blur(images[0], 0.75), shrink(images[1], 0.75), occlude(images[2], 0.75, place)]
    assert all(np.array_equal(one, two) for one, two in zip(degraded, expected, strict=True))


@pytest.mark.parametrize("change", [blur, shrink])
def test_detail_falls_with_the_level_and_plain_pictures_stay(change: Any) -> None:
    picture = pictures(1)[0]
    left = [detail(change(picture, level)) for level in (0.05, 0.25, 0.5, 0.75, 1.0)]
    assert left == sorted(left, reverse=True)
    assert left[-1] < 0.01 * detail(picture)
    plain = np.full((112, 112, 3), (10, 128, 250), dtype=np.uint8)
    assert np.array_equal(change(plain, 1.0), plain)


@pytest.mark.parametrize("level", [0.3, 1.0])
def test_blur_of_an_edge_is_the_integral_of_a_gaussian(level: float) -> None:
    picture = np.zeros((112, 96, 3), dtype=np.uint8)
    picture[:, 48:] = 200
    soft = blur(picture, level)
    sigma = 0.03 * 112 * level
    exact = [100.0 * (1.0 + math.erf((column - 47.5) / (sigma * math.sqrt(2.0)))) for column in range(96)]
    assert np.abs(soft[56, :, 1] - np.array(exact)).max() < 0.03 * 200
    assert (soft == soft[:1]).all()


def test_shrink_keeps_the_size_and_a_fourteenth_of_the_rows() -> None:
    picture = pictures(1)[0]
    small = shrink(picture, 1.0)
    assert small.shape == picture.shape
    # 112 rows hold no more than what 14 do: enlarging is linear, so the rows span 14 dimensions, up to rounding.
    values = np.linalg.svd(small[:, :, 0].astype(float), compute_uv=False)
    assert values[12:].max() < 0.02 * values[0]
    assert abs(float(small.mean()) - float(picture.mean())) < 1.0


@pytest.mark.parametrize("level", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("place", [(0.0, 0.0, 0.0), (0.5, 0.5, 0.5), (0.999, 0.999, 0.999)])
def test_occlusion_covers_one_grey_rectangle_of_the_promised_area(level: float, place: Any) -> None:
    picture = pictures(1)[0] | 128  # nothing in it equals the grey
    covered = occlude(picture, level, np.array(place))
    mask = (covered == 127).all(axis=2)
    assert mask.mean() == pytest.approx(0.4 * level, abs=0.01)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    assert mask.sum() == len(rows) * len(columns)
    assert 0.45 < len(rows) / len(columns) < 2.2
    assert np.array_equal(covered[~mask], picture[~mask])


def test_tiny_pictures_survive_every_kind() -> None:
    images = pictures(3, 2, 1)
    draws = np.array([[0.0, kind, 0.0, 0.9, 0.9, 0.9] for kind in (BLUR, SIZE, OCCLUSION)])
    assert degrade(images, draws, 1.0)[0].shape == images.shape


@pytest.mark.parametrize("share", [-0.1, 1.1, math.nan])
def test_a_share_out_of_range_is_refused(share: float) -> None:
    with pytest.raises(ConfigurationError, match=r"^degrade must be a share from 0 to 1, not "):
        degrade(pictures(1), np.zeros((1, DEGRADATION_DRAWS)), share)
