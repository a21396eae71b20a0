"""Names of crops: like those of the photographs, and no two alike."""

from __future__ import annotations

from pathlib import PurePosixPath

from hypothesis import given
from hypothesis import strategies as st

from sphereface.data.crop_names import crop_names

PARTS = st.sampled_from(["1", "1.jpg", "1-0", "1.jpg.png", "ž", "x" * 200, "x" * 240, "ž" * 120])
SUFFIXES = st.sampled_from([".jpg", ".png", ".JPG"])
NAMES = st.builds(
    lambda folder, part, suffix: folder + part + suffix, st.sampled_from(["", "a/"]), PARTS, SUFFIXES
)


def test_a_crop_is_called_like_its_photograph() -> None:
    assert crop_names(["1.jpg", "Ada Lovelace/1.jpg", "a/x.y.jpeg"]) == ["1", "Ada Lovelace/1", "a/x.y"]


def test_the_suffix_tells_two_apart() -> None:
    assert crop_names(["1.jpg", "1.png", "1.jpg.png"]) == ["1.jpg", "1.png", "1.jpg.png"]


@given(st.lists(NAMES, unique=True))
def test_no_two_crops_share_a_name(names: list[str]) -> None:
    found = crop_names(names)
    numbered = [f"{name}-{number}" for name in found for number in range(2)]
    assert len({*found}) == len(names)
    assert len({*numbered}) == 2 * len(names)
    for name, crop in zip(names, found, strict=True):
        assert PurePosixPath(crop).parent == PurePosixPath(name).parent
        assert len(PurePosixPath(f"{crop}-100.png").name.encode()) <= 255


@given(st.lists(NAMES, unique=True))
def test_the_order_does_not_matter(names: list[str]) -> None:
    forward = dict(zip(names, crop_names(names), strict=True))
    backward = dict(zip(names[::-1], crop_names(names[::-1]), strict=True))
    assert forward == backward
