"""What cannot matter to near duplicates: light, order, and which of two pictures was there first."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sphereface.data import near_duplicates as module
from sphereface.data.near_duplicates import NearDuplicate, find_near_duplicates

SEEDS = st.integers(0, 2**32 - 1)


def smooth(seed: int, count: int) -> np.ndarray:
    """Pictures of slow waves that decay as those of faces do, (count, 24, 24), grey levels 40 to 200 as floats."""
    generator = np.random.default_rng(seed)
    frequency = np.add.outer(np.arange(24), np.arange(24)) + 1.0
    waves = generator.normal(size=(count, 24, 24)) / frequency**2
    basis = np.cos(np.pi * np.arange(24)[:, None] * (np.arange(24) + 0.5) / 24)
    images = basis.T @ waves @ basis
    low, high = images.min(axis=(1, 2), keepdims=True), images.max(axis=(1, 2), keepdims=True)
    return 40.0 + 160.0 * (images - low) / (high - low)


def rounded(images: np.ndarray) -> list[np.ndarray]:
    return list(np.clip(np.rint(images), 0, 255).astype(np.uint8))


def pairs(found: list[NearDuplicate]) -> set[tuple[int, int, bool]]:
    return {(copy.first, copy.second, copy.mirrored) for copy in found}


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.floats(0.4, 1.2), st.floats(-15.0, 15.0))
def test_brightness_and_contrast_do_not_matter(seed: int, contrast: float, brightness: float) -> None:
    images = smooth(seed, 6)
    found = find_near_duplicates(rounded(np.concatenate([images, contrast * images + brightness])))
    assert {(index, index + 6, False) for index in range(6)} <= pairs(found)
    assert all(copy.remainder < 2e-3 for copy in found if copy.second == copy.first + 6)


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_mirroring_everything_changes_nothing(seed: int) -> None:
    images = smooth(seed, 8)
    noise = np.random.default_rng(seed).normal(scale=2.0, size=images.shape)
    both = np.concatenate([images, images + noise, images[:, :, ::-1]])
    found, again = (find_near_duplicates(rounded(each)) for each in (both, both[:, :, ::-1]))
    assert pairs(found) == pairs(again)
    np.testing.assert_allclose([copy.remainder for copy in found], [copy.remainder for copy in again], atol=1e-4)
    assert {(index, index + 16, True) for index in range(8)} <= pairs(found)


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.permutations(range(12)))
def test_order_does_not_matter(seed: int, order: list[int]) -> None:
    images = smooth(seed, 6)
    both = np.concatenate([images, images + np.random.default_rng(seed).normal(scale=3.0, size=images.shape)])
    found = pairs(find_near_duplicates(rounded(both)))
    place = {old: new for new, old in enumerate(order)}
    moved = {(*sorted((place[one], place[other])), mirrored) for one, other, mirrored in found}
    assert pairs(find_near_duplicates(rounded(both[order]))) == moved


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.floats(-0.3, 0.3), st.floats(-0.3, 0.3))
def test_a_small_shift_is_explained(seed: int, across: float, down: float) -> None:
    """Of what a shift by a part of a pixel changes (by the theorem of Fourier) hardly anything remains."""
    images = smooth(seed, 5)
    wide = np.concatenate([images, images[:, :, ::-1]], axis=2)
    whole = np.concatenate([wide, wide[:, ::-1]], axis=1)
    turn = np.exp(-2j * np.pi * np.add.outer(np.fft.fftfreq(48) * down, np.fft.fftfreq(48) * across))
    shifted = np.fft.ifft2(np.fft.fft2(whole) * turn).real[:, :24, :24]
    before, after = (np.stack(rounded(each)).reshape(5, -1) for each in (images, shifted))
    vectors, moved = (module._unit(module._waves_of(each))[0] for each in (before, after))
    changed = 1.0 - np.square((vectors * moved).sum(axis=1))
    remaining = module._remainders(before, np.arange(5), moved, np.arange(5))
    assert (remaining <= 0.2 * changed + 1e-3).all()  # rounding to grey levels leaves a few 1e-4


@settings(max_examples=60, deadline=None)
@given(arrays(np.uint8, (5, 24, 24)))
def test_any_pictures_at_all(images: np.ndarray) -> None:
    """Stripes, dots, black: no warning, no crash, and every remainder is a share."""
    for copy in find_near_duplicates(list(images)):
        assert 0 <= copy.first < copy.second < 5
        assert -1e-3 <= copy.remainder <= module.LARGEST_REMAINDER
