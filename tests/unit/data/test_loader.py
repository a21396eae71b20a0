"""Batches: the same from wherever a run is taken up, every picture once an epoch, faults named."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sphereface.data import augmentation as change
from sphereface.data import loader
from sphereface.data.augmentation import DRAWS, Augmentation
from sphereface.data.loader import Batch, batches
from sphereface.data.manifest import Manifest, read_manifest
from sphereface.data.sampling import sample_draws, sample_order
from sphereface.errors import ConfigurationError, DataError
from sphereface.faces.contract import InputContract
from sphereface.faces.image import read_image

EVERYTHING = Augmentation(shift=2, colour=0.2, erase=0.5)


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """Thirteen noisy crops of four people: 13 is prime, so no batch size divides an epoch."""
    root = tmp_path_factory.mktemp("crops")
    for number in range(13):
        folder = root / f"person {number % 4}"
        folder.mkdir(exist_ok=True)
        noise = np.random.default_rng(number).integers(0, 256, (112, 112, 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / f"{number}.png")
    return read_manifest(root)


def run(manifest: Manifest, **options: Any) -> list[Batch]:
    defaults: dict[str, Any] = {"batch_size": 5, "seed": 7, "stop_step": 9, "contract": InputContract()}
    return list(batches(manifest, **{**defaults, **options}))


def same(first: list[Batch], second: list[Batch]) -> bool:
    return len(first) == len(second) and all(
        np.array_equal(one.images, two.images)
        and np.array_equal(one.labels, two.labels)
        and np.array_equal(one.indices, two.indices)
        for one, two in zip(first, second, strict=True)
    )


# --- order and draws ----------------------------------------------------------------------------------------


@given(
    count=st.integers(1, 40),
    seed=st.integers(0, 2**64 - 1),
    start=st.integers(0, 200),
    length=st.integers(0, 90),
)
def test_any_piece_of_the_order_is_a_piece_of_the_whole(count: int, seed: int, start: int, length: int) -> None:
    whole = sample_order(count, seed, 0, start + length)
    assert np.array_equal(sample_order(count, seed, start, start + length), whole[start:])
    for epoch in range((start + length) // count):
        assert sorted(whole[epoch * count : (epoch + 1) * count].tolist()) == list(range(count))


@given(
    seed=st.integers(0, 2**64 - 1),
    start=st.integers(0, 300),
    length=st.integers(0, 30),
    width=st.integers(1, 13),
)
def test_any_piece_of_the_draws_is_a_piece_of_the_whole(seed: int, start: int, length: int, width: int) -> None:
    whole = sample_draws(seed, 0, start + length, width)
    piece = sample_draws(seed, start, start + length, width)
    assert piece.shape == (length, width)
    assert np.array_equal(piece, whole[start:])
    assert ((piece >= 0) & (piece < 1)).all()


def test_order_and_draws_are_fixed_for_all_time() -> None:
    # Philox4x64-10 is a published function: these numbers hold on every machine and with every NumPy.
    words = np.random.Philox(key=[3, 0]).random_raw(6)
    assert sample_order(6, 3, 0, 6).tolist() == np.argsort(words).tolist()
    assert sample_order(6, 3, 0, 12).tolist() == [1, 5, 2, 4, 3, 0, 3, 5, 4, 0, 2, 1]
    assert sample_draws(3, 0, 1, 3)[0] == pytest.approx(
        [0.551262460592768, 0.255811032201806, 0.5442372554172], abs=1e-12
    )


def test_epochs_seeds_and_purposes_differ() -> None:
    one, two = sample_order(500, 1, 0, 500), sample_order(500, 1, 500, 1000)
    other = sample_order(500, 2, 0, 500)
    for first, second in ((one, two), (one, other), (two, other)):
        # Two independent permutations agree in one place on average (Poisson): ten would be a defect.
        assert (first == second).sum() < 10


def test_draws_are_uniform_and_independent() -> None:
    draws = sample_draws(11, 0, 4000, DRAWS)
    # Mean of 4000 uniforms: standard deviation sqrt(1/12/4000) = 0.0046; five of them.
    assert np.abs(draws.mean(axis=0) - 0.5).max() < 0.023
    correlation = np.corrcoef(draws.T) - np.eye(DRAWS)
    assert np.abs(correlation).max() < 5 / np.sqrt(4000)


def test_neighbouring_large_seeds_differ() -> None:
    # 2**64 - 1 and 2**64 - 2 are the same number in float64.
    large = [2**64 - 1, 2**64 - 2]
    assert not np.array_equal(*(sample_order(50, seed, 0, 50) for seed in large))
    assert not np.array_equal(*(sample_draws(seed, 0, 50, 1) for seed in large))


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_seed_out_of_range_is_refused(seed: int) -> None:
    for call in (lambda: sample_order(3, seed, 0, 3), lambda: sample_draws(seed, 0, 3, 1)):
        with pytest.raises(ConfigurationError, match="seed"):
            call()


# --- batches ------------------------------------------------------------------------------------------------


def test_batches_hold_the_pictures_they_claim(manifest: Manifest) -> None:
    steps = run(manifest, mirror=False)
    assert np.array_equal(np.concatenate([step.indices for step in steps]), sample_order(13, 7, 0, 45))
    for step in steps:
        assert step.images.shape == (5, 112, 112, 3)
        assert step.images.dtype == np.uint8
        assert step.labels.dtype == step.indices.dtype == np.int64
        assert np.array_equal(step.labels, manifest.labels[step.indices])
        for image, index in zip(step.images, step.indices, strict=True):
            assert np.array_equal(image, read_image(manifest.paths[index]))


@pytest.mark.parametrize("start", range(9))
def test_a_run_taken_up_anywhere_is_bit_identical(manifest: Manifest, start: int) -> None:
    whole = run(manifest, augmentation=EVERYTHING)
    assert same(run(manifest, augmentation=EVERYTHING, start_step=start), whole[start:])


@pytest.mark.parametrize(
    "options", [{"workers": 0}, {"workers": 5}, {"cache_bytes": 0}, {"cache_bytes": 4 * 37_632 + 9}]
)
def test_threads_and_memory_change_nothing(manifest: Manifest, options: dict[str, int]) -> None:
    assert same(run(manifest, **options), run(manifest))


def test_half_of_the_pictures_are_mirrored_by_position_not_by_epoch(manifest: Manifest) -> None:
    plain, mirrored = run(manifest, mirror=False, stop_step=60), run(manifest, stop_step=60)
    decisions = []
    for before, after in zip(plain, mirrored, strict=True):
        for one, two in zip(before.images, after.images, strict=True):
            turned = np.array_equal(two, one[:, ::-1])
            assert turned or np.array_equal(two, one)
            decisions.append(turned)
    # 300 fair coins: standard deviation 8.7; five of them.
    assert abs(sum(decisions) - 150) < 44
    per_index = {index: set() for index in range(13)}
    for index, turned in zip(np.concatenate([step.indices for step in plain]), decisions, strict=True):
        per_index[index].add(turned)
    assert all(len(seen) == 2 for seen in per_index.values())


def test_batch_size_does_not_change_the_row_of_pictures(manifest: Manifest) -> None:
    small = np.concatenate([step.images for step in run(manifest, batch_size=3, stop_step=10)])
    large = np.concatenate([step.images for step in run(manifest, batch_size=30, stop_step=1)])
    assert np.array_equal(small, large)


def test_narrow_contract_takes_the_middle_columns(manifest: Manifest) -> None:
    wide = run(manifest, mirror=False, stop_step=2)
    narrow = run(manifest, mirror=False, stop_step=2, contract=InputContract(size="112x96"))
    for one, two in zip(wide, narrow, strict=True):
        assert np.array_equal(one.images[:, :, 8:104], two.images)


def test_every_file_is_decoded_once_while_it_fits(manifest: Manifest, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Path] = []
    monkeypatch.setattr(loader, "read_image", lambda path: (seen.append(path), read_image(path))[1])
    run(manifest, workers=0, stop_step=26)
    assert sorted(seen) == sorted(manifest.paths)
    seen.clear()
    run(manifest, workers=0, stop_step=26, cache_bytes=4 * 112 * 112 * 3)  # ten epochs, four of 13 fit
    assert len(seen) == 4 + 9 * 10


def test_a_batch_belongs_to_the_caller(manifest: Manifest) -> None:
    stream = batches(
        manifest, batch_size=13, seed=1, stop_step=2, contract=InputContract(), mirror=False, workers=0
    )
    next(stream).images[:] = 0
    assert next(stream).images.any(axis=(1, 2, 3)).all()


def test_look_ahead_is_bounded_and_an_early_stop_leaves_no_thread(
    manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[Path] = []
    monkeypatch.setattr(loader, "read_image", lambda path: (decoded.append(path), read_image(path))[1])
    stream = batches(manifest, batch_size=1, seed=1, stop_step=1000, contract=InputContract(), cache_bytes=0)
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert 1 <= len(decoded) <= 5
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("crops")]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_bad_file_stops_training_with_its_name(manifest: Manifest, tmp_path: Path, workers: int) -> None:
    (tmp_path / "Ann").mkdir()
    for number in range(3):
        Image.new("RGB", (112, 112)).save(tmp_path / "Ann" / f"{number}.png")
    (tmp_path / "Ann" / "bad.jpg").write_text("dear diary")
    with pytest.raises(DataError, match=r"bad\.jpg.*sphereface dataset check"):
        run(read_manifest(tmp_path), workers=workers)
    Image.new("RGB", (90, 100)).save(tmp_path / "Ann" / "bad.jpg")
    with pytest.raises(DataError, match=r"bad\.jpg' is 100x90 .*112x112.*sphereface dataset check"):
        run(read_manifest(tmp_path), workers=workers)


@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 0},
        {"workers": -1},
        {"cache_bytes": -1},
        {"start_step": 10},
        {"start_step": -1},
        {"seed": -1},
    ],
)
def test_settings_out_of_range_are_refused_at_once(manifest: Manifest, options: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError):
        batches(manifest, **{"batch_size": 5, "seed": 7, "stop_step": 9, "contract": InputContract(), **options})


def test_no_steps_give_no_batches(manifest: Manifest) -> None:
    assert run(manifest, start_step=9) == []


# --- augmentation -------------------------------------------------------------------------------------------

CHANGES: list[tuple[Callable[..., np.ndarray], int, tuple[float, ...]]] = [
    (change.mirror, 1, ()),
    (change.shift, 2, (2,)),
    (change.colour, 3, (0.2,)),
    (change.erase, 5, (0.5,)),
]


def pictures(count: int = 6, height: int = 112, width: int = 96) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("function", "columns", "settings"), CHANGES, ids=lambda item: getattr(item, "__name__", "")
)
def test_changes_are_pure_and_treat_every_picture_alone(
    function: Callable[..., np.ndarray], columns: int, settings: tuple[float, ...]
) -> None:
    images, draws = pictures(), sample_draws(5, 0, 6, columns)
    draws = draws[:, 0] if columns == 1 else draws
    before = images.copy()
    result = function(images, draws, *settings)
    assert np.array_equal(images, before)
    assert result.shape == images.shape
    assert result.dtype == np.uint8
    assert not np.shares_memory(result, images)
    assert not np.array_equal(result, images)
    alone = [function(images[i : i + 1], draws[i : i + 1], *settings) for i in range(6)]
    assert np.array_equal(np.concatenate(alone), result)


def test_shift_reaches_every_offset_and_repeats_the_border() -> None:
    images = pictures(1, 9, 7)
    padded = np.pad(images[0], ((2, 2), (2, 2), (0, 0)), mode="edge")
    for row in range(5):
        for column in range(5):
            draws = np.array([[(row + 0.5) / 5, (column + 0.5) / 5]])
            assert np.array_equal(change.shift(images, draws, 2)[0], padded[row : row + 9, column : column + 7])


def test_colour_is_its_formula() -> None:
    images = pictures(1, 5, 4)
    x = images[0].astype(float)
    b, c, s = 0.9, 1.15, 0.85  # draws 0.25, 0.875 and 0.125 with strength 0.2
    grey = x @ [0.299, 0.587, 0.114]
    expected = b * (c * (s * x + (1 - s) * grey[..., None]) + (1 - c) * grey.mean())
    result = change.colour(images, np.array([[0.25, 0.875, 0.125]]), 0.2)[0]
    assert np.abs(result - np.clip(expected, 0, 255)).max() <= 0.5 + 1e-3
    neutral = change.colour(images, np.full((1, 3), 0.5), 0.2)
    assert np.array_equal(neutral, images)


def test_brightness_saturates_and_never_wraps_around() -> None:
    images = np.array([0, 128, 250, 255], dtype=np.uint8).reshape(1, 2, 2, 1).repeat(3, axis=3)
    bright = change.colour(images, np.array([[1.0, 0.5, 0.5]]), 0.5)
    assert bright[0, ..., 0].ravel().tolist() == [0, 192, 255, 255]


def test_erase_paints_one_rectangle_of_the_promised_area_on_the_promised_share() -> None:
    images = pictures(400, 56, 48) | 128  # nothing in it equals the grey of the rectangle
    erased = change.erase(images, sample_draws(9, 0, 400, 5), 0.5)
    touched = (erased != images).any(axis=3)
    hit = touched.any(axis=(1, 2))
    assert abs(hit.sum() - 200) < 50  # standard deviation 10
    for mask, picture in zip(touched[hit], erased[hit], strict=True):
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
        assert mask[box].all()
        assert (picture[box] == 127).all()
        assert 0.015 < mask.mean() < 0.22


@pytest.mark.parametrize(
    ("settings", "columns"),
    [
        (Augmentation(shift=2), {1, 2}),
        (Augmentation(colour=0.3), {3, 4, 5}),
        (Augmentation(erase=1.0), {7, 8, 9, 10}),
    ],
    ids=["shift", "colour", "erase"],
)
def test_every_change_has_columns_of_its_own(settings: Augmentation, columns: set[int]) -> None:
    images, draws = pictures(1), np.full((1, DRAWS), 0.05)
    before = change.augment(images, draws, settings)
    used = set()
    for column in range(DRAWS):
        other = draws.copy()
        other[0, column] = 0.95
        if not np.array_equal(change.augment(images, other, settings), before):
            used.add(column)
    assert used == columns  # column 6 says whether to erase, and share 1.0 always does


def test_switching_one_change_on_leaves_the_others_as_they_were() -> None:
    images, draws = pictures(), sample_draws(3, 0, 6, DRAWS)
    shifted = change.augment(images, draws, Augmentation(shift=2))
    both = change.augment(images, draws, Augmentation(shift=2, erase=1.0))
    untouched = (both == 127).all(axis=3) | (both == shifted).all(axis=3)
    assert untouched.all()
    assert np.array_equal(change.augment(images, draws, Augmentation()), images)


@pytest.mark.parametrize(
    "settings", [{"shift": -1}, {"shift": 17}, {"colour": 1.0}, {"colour": -0.1}, {"erase": 1.1}]
)
def test_augmentation_out_of_range_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        Augmentation(**settings)
