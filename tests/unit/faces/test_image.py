"""The decoder: what it makes of every kind of picture, and the one exception it may raise."""

from __future__ import annotations

import io
import os
import struct
import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from sphereface.errors import ImageError
from sphereface.faces.image import ImageLimits, read_image
from tests.unit.faces.pictures import (
    as_stored,
    encoded,
    exif,
    gradient,
    outcome_of,
    pixels_or_outcome,
    png,
    quadrants,
)

RED, BLUE = (255, 0, 0), (0, 0, 255)


# --- what is read -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "WEBP"])
def test_lossless_formats_give_back_the_very_pixels(kind: str, tmp_path: Path) -> None:
    pixels = gradient()
    options = {"lossless": True} if kind == "WEBP" else {}
    content = encoded(Image.fromarray(pixels), kind, **options)
    path = tmp_path / "any.jpg"  # the name says nothing: the content decides
    path.write_bytes(content)
    for source in (content, path, str(path)):
        decoded = read_image(source)
        assert np.array_equal(decoded, pixels)
        assert decoded.dtype == np.uint8
        assert decoded.flags.c_contiguous
        assert decoded.flags.writeable


@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg_is_close_to_the_picture(progressive: bool) -> None:
    decoded = read_image(encoded(Image.fromarray(gradient()), "JPEG", quality=95, progressive=progressive))
    assert np.abs(decoded.astype(int) - gradient()).mean() < 4


def test_gif_gives_its_first_frame() -> None:
    frames = [Image.new("RGB", (5, 4), colour) for colour in (RED, BLUE)]
    decoded = read_image(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert (decoded == RED).all()
    assert decoded.shape == (4, 5, 3)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_every_exif_orientation_is_applied_exactly_once(kind: str, orientation: int) -> None:
    upright = quadrants()
    stored = Image.fromarray(as_stored(upright, orientation))
    options: dict[str, Any] = {"JPEG": {"quality": 95}, "WEBP": {"lossless": True}}.get(kind, {})
    content = encoded(stored, kind, exif=exif(orientation), **options)
    difference = np.abs(read_image(content).astype(int) - upright)
    assert np.median(difference) <= 8
    assert difference.mean() < 12


def test_a_tall_phone_photo_comes_out_upright() -> None:
    assert read_image(encoded(Image.new("RGB", (64, 48)), "JPEG", exif=exif(6))).shape == (64, 48, 3)


@pytest.mark.parametrize("value", [0, 9, 700])
def test_nonsense_orientation_counts_as_upright(value: int) -> None:
    content = encoded(Image.fromarray(gradient()), "PNG", exif=exif(value))
    assert np.array_equal(read_image(content), gradient())


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_damaged_exif_does_not_cost_the_picture() -> None:
    content = encoded(Image.fromarray(gradient()), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff broken")
    assert read_image(content).shape == (40, 24, 3)


def test_grey_becomes_three_equal_channels() -> None:
    grey = gradient()[:, :, 0]
    decoded = read_image(encoded(Image.fromarray(grey), "PNG"))
    assert np.array_equal(decoded, np.repeat(grey[:, :, None], 3, axis=2))


def test_one_bit_becomes_black_and_white() -> None:
    image = Image.new("1", (3, 1))
    image.putpixel((1, 0), 1)
    assert read_image(encoded(image, "PNG"))[0, :, 0].tolist() == [0, 255, 0]


def test_palette_gives_its_colours() -> None:
    image = Image.fromarray(quadrants()).quantize(4)
    assert np.array_equal(read_image(encoded(image, "PNG")), np.asarray(image.convert("RGB")))


def test_transparency_is_composited_on_white() -> None:
    rgba = np.zeros((1, 3, 4), dtype=np.uint8)
    rgba[0, :, 3] = (255, 0, 51)  # opaque, invisible, a fifth
    decoded = read_image(encoded(Image.fromarray(rgba), "PNG"))
    assert decoded[0, :, 0].tolist() == [0, 255, 204]


def test_transparent_palette_entry_becomes_white() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([200, 0, 0, 0, 200, 0])
    image.putpixel((1, 0), 1)
    decoded = read_image(encoded(image, "PNG", transparency=0))
    assert decoded[0].tolist() == [[255, 255, 255], [0, 200, 0]]


def test_partly_transparent_palette_and_grey_alpha_are_composited() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([0, 0, 0, 0, 200, 0])
    decoded = read_image(encoded(image, "PNG", transparency=bytes([51, 255])))
    assert decoded[0, 0].tolist() == [204, 204, 204]
    assert read_image(encoded(Image.new("LA", (1, 1), (0, 51)), "PNG"))[0, 0].tolist() == [204, 204, 204]


def test_cmyk_jpeg_becomes_rgb() -> None:
    content = encoded(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", quality=95)  # no cyan: red
    assert Image.open(io.BytesIO(content)).mode == "CMYK"
    assert np.abs(read_image(content).astype(int) - RED).max() <= 6


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_to_eight(kind: str) -> None:
    wide = np.array([[0, 257, 128 * 257, 65535, 256]], dtype=np.uint16)
    decoded = read_image(encoded(Image.fromarray(wide), kind))
    assert decoded[0, :, 0].tolist() == [0, 1, 128, 255, 1]
    assert decoded.shape == (1, 5, 3)


def test_big_endian_sixteen_bit_tiff() -> None:
    image = Image.frombytes("I;16B", (3, 1), struct.pack(">3H", 0, 100 * 257, 65535))
    assert read_image(encoded(image, "TIFF"))[0, :, 0].tolist() == [0, 100, 255]


def test_floating_point_tiff_is_refused_with_advice() -> None:
    with pytest.raises(ImageError, match="save it with 8 or 16 bits"):
        read_image(encoded(Image.new("F", (2, 2), 0.5), "TIFF"))


def test_names_with_spaces_and_any_letters(tmp_path: Path) -> None:
    path = tmp_path / "Zoë Müller 😀 ñ" / "a b.png"
    path.parent.mkdir()
    Image.fromarray(gradient()).save(path)
    assert np.array_equal(read_image(path), gradient())


@pytest.mark.parametrize("name", ["a\nb.png", "a\x1b[31m.png", os.fsdecode(b"a\xff.png")])
def test_a_message_is_one_line_of_printable_text_whatever_the_name(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"no picture")
    with pytest.raises(ImageError) as caught:
        read_image(tmp_path / name)
    assert str(caught.value).isprintable()


def test_a_name_longer_than_the_system_allows_is_refused(tmp_path: Path) -> None:
    assert outcome_of(tmp_path / ("n" * 300)) == "refused"


def test_symbolic_link_to_a_file_is_followed(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(Image.fromarray(gradient()), "PNG"))
    (tmp_path / "b.png").symlink_to("a.png")
    assert read_image(tmp_path / "b.png").shape == (40, 24, 3)


# --- what is refused ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"this is a letter, not a picture\n",
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n",
        b"RIFF\x10\0\0\0WEBPVP8X",
        b"RIFF\x10\0\0\0WAVEfmt ",
        b"BM",
        b"GIF89a",
        b"GIF89a\0\0\0\0\0\0\0;",
        b"II*\0\x08\0\0\0",
        b"%!PS-Adobe-3.0 EPSF-3.0\n",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        encoded(Image.new("RGB", (4, 4)), "PPM"),
        encoded(Image.new("RGB", (4, 4)), "ICO"),
    ],
    ids=lambda content: repr(content[:12]),
)
def test_what_is_no_picture_is_undecodable(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "face.jpg"
    path.write_bytes(content)
    assert outcome_of(path) == "undecodable"
    assert outcome_of(content) == "undecodable"
    with pytest.raises(ImageError, match=r"face\.jpg"):
        read_image(path)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "TIFF", "WEBP", "GIF"])
def test_truncated_at_every_place_gives_one_outcome_and_no_grey_rest(kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    content = encoded(Image.fromarray(noise), kind)
    whole = read_image(content)
    for length in range(0, len(content) - 1, max(1, len(content) // 60)):
        decoded = pixels_or_outcome(content[:length])
        # Only a trailer may be missing, never pixels.
        assert decoded == "undecodable" if isinstance(decoded, str) else np.array_equal(decoded, whole)
    assert outcome_of(content[: len(content) // 2]) == "undecodable"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    kind=st.sampled_from(["JPEG", "PNG", "BMP", "TIFF", "WEBP", "GIF"]),
    flips=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_damaged_bytes_give_pixels_or_an_image_error(kind: str, flips: list[tuple[float, int]]) -> None:
    content = bytearray(encoded(Image.fromarray(quadrants()), kind))
    for where, value in flips:
        content[int(where * len(content))] = value
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow remarks on odd TIFF tags; the outcome is what counts
        decoded = pixels_or_outcome(bytes(content), ImageLimits(max_pixels=1_000_000))
    if isinstance(decoded, str):
        assert decoded in {"undecodable", "too-large"}
    else:
        assert decoded.dtype == np.uint8
        assert decoded.shape[2:] == (3,)


@pytest.mark.parametrize("side", [10_000, 30_000, 60_000])
def test_a_bomb_is_refused_from_its_header_without_a_warning(side: int) -> None:
    assert outcome_of(png(bytes(64), side, side)) == "too-large"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "TIFF", "WEBP", "GIF"])
@pytest.mark.parametrize("lossless", [False, True])
def test_the_pixel_limit_is_inclusive_in_every_format(kind: str, lossless: bool) -> None:
    options = {"lossless": lossless} if kind == "WEBP" else {}
    content = encoded(Image.new("RGB", (30, 20), (9, 120, 33)), kind, **options)
    assert read_image(content, ImageLimits(max_pixels=600)).shape == (20, 30, 3)
    assert outcome_of(content, limits=ImageLimits(max_pixels=599)) == "too-large"


@pytest.mark.parametrize(("mode", "lossless"), [("RGB", False), ("RGB", True), ("RGBA", False)])
def test_webp_is_refused_before_its_decoder_allocates_a_canvas(
    mode: str, lossless: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(self: Image.Image) -> None:
        raise AssertionError("the decoder was asked")

    colour = (1, 2, 3, 100)[: len(mode)]
    content = encoded(Image.new(mode, (300, 7), colour), "WEBP", lossless=lossless)
    monkeypatch.setattr("PIL.WebPImagePlugin.WebPImageFile._open", opened)
    assert outcome_of(content, limits=ImageLimits(max_pixels=2099)) == "too-large"
    with pytest.raises(ImageError, match="the decoder was asked"):
        read_image(content, ImageLimits(max_pixels=2100))


def test_webp_size_is_read_from_the_extended_header_too() -> None:
    content = encoded(Image.new("RGBA", (300, 7), (1, 2, 3, 100)), "WEBP")
    assert content[12:16] == b"VP8X"
    assert read_image(content, ImageLimits(max_pixels=2100)).shape == (7, 300, 3)
    assert outcome_of(content, limits=ImageLimits(max_pixels=2099)) == "too-large"


def test_the_byte_limit_is_inclusive_and_checked_before_reading(tmp_path: Path) -> None:
    content = encoded(Image.fromarray(gradient()), "PNG")
    path = tmp_path / "a.png"
    path.write_bytes(content)
    assert read_image(path, ImageLimits(max_bytes=len(content))).shape == (40, 24, 3)
    assert outcome_of(path, limits=ImageLimits(max_bytes=len(content) - 1)) == "too-large"
    assert outcome_of(content, limits=ImageLimits(max_bytes=len(content) - 1)) == "too-large"
    huge = tmp_path / "huge.jpg"
    with huge.open("wb") as file:
        file.truncate(1 << 40)  # a hole of a terabyte: reading it would not end well
    assert outcome_of(huge) == "too-large"


def test_missing_files(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "broken.jpg").symlink_to("nowhere.jpg")
    for path in ("no.jpg", "no/where.jpg", "file/in-a-file.jpg", "broken.jpg", "nul\0.jpg"):
        assert outcome_of(tmp_path / path) == "missing"


def test_what_is_no_regular_file_is_refused_and_never_waited_for(tmp_path: Path) -> None:
    (tmp_path / "folder.jpg").mkdir()
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    outcomes: list[str] = []

    def look() -> None:
        outcomes.extend(outcome_of(path) for path in (tmp_path / "folder.jpg", tmp_path / "pipe.jpg", "/dev/zero"))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive(), "a pipe was waited for"
    assert outcomes == ["refused"] * 3
    assert outcome_of(tmp_path / "loop.jpg") == "refused"


def test_a_pipe_put_in_place_of_a_file_after_the_first_look_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file.jpg").write_bytes(b"x")
    os.mkfifo(tmp_path / "pipe.jpg")
    regular = (tmp_path / "file.jpg").stat()
    outcomes: list[str] = []
    thread = threading.Thread(target=lambda: outcomes.append(outcome_of(tmp_path / "pipe.jpg")), daemon=True)
    with monkeypatch.context() as patched:
        patched.setattr("sphereface.faces.image.os.stat", lambda path: regular)
        thread.start()
        thread.join(5)
    assert outcomes == ["refused"]


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encoded(Image.fromarray(gradient()), "PNG"))
    path.chmod(0)
    assert outcome_of(path) == "refused"


def test_running_out_of_memory_is_an_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(self: Image.Image, *arguments: object) -> None:
        raise MemoryError

    content = encoded(Image.fromarray(gradient()), "PNG")
    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", exhausted)
    assert outcome_of(content) == "too-large"
