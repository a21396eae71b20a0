"""HEIC: turned upright once, complete or refused, and a way out for those without the extra."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from sphereface.data.folders import is_image_name
from sphereface.faces.image import ImageLimits, read_image, read_picture
from tests.unit.faces.hostile_pictures import box, heic_file, overlay
from tests.unit.faces.pictures import as_stored, exif, gradient, heic, outcome_of, quadrants


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("tile_size", [0, 64])
def test_every_orientation_is_applied_exactly_once(orientation: int, tile_size: int) -> None:
    upright = quadrants(64)[:, :112]
    stored = Image.fromarray(as_stored(upright, orientation))
    content = heic(stored, quality=90, exif=exif(orientation).tobytes(), tile_size=tile_size)
    assert (b"irot" in content or b"imir" in content) == (orientation > 1), "the file says how it is turned"
    picture = read_picture(content)
    assert (picture.height, picture.width) == (128, 112)
    assert np.abs(picture.pixels.astype(int) - upright).mean() < 3


def test_exif_alone_does_not_turn_a_heic() -> None:
    """EXIF in a HEIC repeats what its properties do; a file without them is upright, as other viewers show it."""
    upright = quadrants(64)[:, :112]
    content = heic(Image.fromarray(upright), quality=90, exif=exif(6).tobytes())
    plain = content.replace(b"irot", b"free")
    assert np.abs(read_image(plain).astype(int) - upright).mean() < 3


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "I;16"])
def test_other_modes(mode: str) -> None:
    grey = gradient(64, 64)[:, :, 0]
    image = (
        Image.fromarray(grey.astype(np.uint16) * 257) if mode == "I;16" else Image.fromarray(grey).convert(mode)
    )
    if mode in ("LA", "RGBA"):
        image.putalpha(51)  # a fifth, on white
        grey = 204 + grey // 5
    decoded = read_image(heic(image, quality=95))
    assert decoded.shape == (64, 64, 3)
    assert np.abs(decoded.astype(int) - grey[:, :, None]).mean() < 4


def test_of_several_pictures_the_primary_one_counts() -> None:
    colours = [(250, 0, 0), (0, 250, 0), (0, 0, 250)]
    files = [pillow_heif.from_pillow(Image.new("RGB", (64, 64), colour)) for colour in colours]
    content = heic(
        Image.new("RGB", (64, 64), colours[0]),
        append_images=[file[0] for file in files[1:]],
        primary_index=1,
        quality=90,
    )
    assert np.abs(read_image(content).astype(int) - colours[1]).max() < 12


def test_the_pixel_limit_is_inclusive_and_checked_before_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    content = heic(Image.fromarray(gradient(20, 30)), quality=50)
    assert read_image(content, ImageLimits(max_pixels=600)).shape == (20, 30, 3)

    def decoded(self: object) -> None:
        raise AssertionError("the decoder was asked")

    monkeypatch.setattr("pillow_heif.heif.HeifImage.to_pillow", decoded)
    assert outcome_of(content, limits=ImageLimits(max_pixels=599)) == "too-large"


@pytest.mark.parametrize("tile_size", [0, 64])
def test_truncated_at_every_place_it_is_never_black_in_parts(tile_size: int) -> None:
    content = heic(Image.fromarray(gradient(128, 128)), quality=60, tile_size=tile_size)
    for length in range(1, len(content), max(1, len(content) // 200)):
        assert outcome_of(content[:length]) == "undecodable"


def test_what_a_phone_appends_does_no_harm() -> None:
    content = heic_file({1: (b"hvc1", 0, None)})
    for more in (b"\0\0\1\x0aImage_UTC_Data1600000000SEFH", bytes(100), b"\xff" * 7, box(b"mpvd", bytes(1000))):
        assert np.array_equal(read_image(content + more), read_image(content))


def test_without_pillow_heif_the_message_names_the_extra() -> None:
    code = """
import sys
sys.modules["pillow_heif"] = None
from sphereface.errors import ImageError
from sphereface.faces.image import read_image
try:
    read_image(b"\\0\\0\\0\\x18ftypheic\\0\\0\\0\\0mif1heic" + bytes(100))
except ImageError as error:
    print(error.outcome, error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("undecodable ")
    assert done.stdout.endswith("pip install 'sphereface[heic]'\n")


def test_other_formats_need_no_pillow_heif_and_nobody_is_registered() -> None:
    code = """
import io, sys
from PIL import Image
from sphereface.faces.image import read_image
buffer = io.BytesIO()
Image.new("RGB", (3, 2)).save(buffer, "PNG")
read_image(buffer.getvalue())
print("pillow_heif" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
    read_image(heic(Image.new("RGB", (64, 64))))
    assert "HEIF" not in Image.OPEN


@pytest.mark.parametrize(
    "content",
    [
        b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
        b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + box(b"meta", bytes(4)),
        b"\0\0\0\x18ftypavif\0\0\0\0mif1miaf" + bytes(100),
        b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(100),
        heic_file({1: (b"hvc1", 0, None)}, primary=7),
        heic_file({1: (b"grid", 0, b"\0\0\1\1\0\x80\0\x80"), 2: (b"hvc1", 0, None)}, [(b"dimg", 1, [2, 2, 2, 9])]),
        heic_file({1: (b"iovl", 0, overlay(64, 64, 1))}, [(b"dimg", 1, [1])]),
        heic_file({1: (b"hvc1", 0, None), 2: (b"hvc1", 0, None)}).replace(b"hvcC", b"free"),
    ],
    ids=[
        "nothing",
        "empty",
        "AVIF",
        "film",
        "no such primary",
        "part missing",
        "part of itself",
        "no decoder set up",
    ],
)
def test_what_cannot_be_decoded(content: bytes) -> None:
    assert outcome_of(content) == "undecodable"


def test_names_of_heic_files_count_as_pictures() -> None:
    assert is_image_name("IMG_0001.HEIC")
    assert is_image_name("a.heif")
