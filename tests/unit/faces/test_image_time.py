"""No picture may take more than its time, however its file is made; a busy machine costs none."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from sphereface.errors import ImageError
from sphereface.faces.image import ImageLimits, read_image
from sphereface.faces.image_limits import Stopwatch, TimedBytes, UnreadableError
from tests.unit.faces.hostile_pictures import QUICK, heic_file, progressive_jpeg, tiff_exif, tiff_strip
from tests.unit.faces.pictures import encoded, every_format, gradient, pixels_or_outcome

ALLOWED = 0.3


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", QUICK)
def test_a_hostile_file_is_stopped_in_time(name: str) -> None:
    content = QUICK[name]()
    started = time.process_time()
    result = pixels_or_outcome(content, ImageLimits(max_seconds=ALLOWED))
    assert time.process_time() - started < ALLOWED + 0.3
    if isinstance(result, str):
        assert result in {"too-large", "undecodable"}
    else:
        assert result.size <= 48, "only a picture of a few pixels may survive this"


def test_the_clock_is_the_threads_own() -> None:
    """Ten threads that fight for the processor, and one that sleeps, take nobody's time away."""
    content = encoded(Image.fromarray(gradient(400, 600)), "JPEG", quality=95)
    outcomes: list[str] = []

    def decode() -> None:
        try:
            stopwatch = Stopwatch(0.2)
            time.sleep(0.3)
            stopwatch.check()
            for _ in range(20):
                read_image(content, ImageLimits(max_seconds=0.2))
            outcomes.append("ok")
        except (ImageError, UnreadableError) as error:
            outcomes.append(str(error))

    threads = [threading.Thread(target=decode) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == ["ok"] * 10


def test_threads_decode_side_by_side_what_one_decodes_alone() -> None:
    contents = list(every_format().values()) * 4
    alone = [read_image(content) for content in contents]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(read_image, contents))
    assert all(np.array_equal(one, other) for one, other in zip(alone, together, strict=True))


def test_time_that_will_be_needed_counts() -> None:
    Stopwatch(1).check(needed=0.5)
    with pytest.raises(UnreadableError, match="more than the 1 s allowed") as caught:
        Stopwatch(1).check(needed=1.5)
    assert caught.value.outcome == "too-large"


def test_a_file_is_read_block_by_block_until_the_time_is_up() -> None:
    file = TimedBytes(b"abcdef", Stopwatch(0.05))
    assert (file.read(2), file.read()) == (b"ab", b"cdef")
    file.reserve = 0.1
    with pytest.raises(UnreadableError):
        file.read(1)


def test_every_format_looks_at_the_clock() -> None:
    for name, content in every_format().items():
        with pytest.raises(ImageError, match="more than the 0 s allowed") as caught:
            read_image(content, ImageLimits(max_seconds=0))
        assert caught.value.outcome == "too-large", name


def test_a_progressive_jpeg_may_have_as_many_passes_as_programs_make() -> None:
    assert read_image(progressive_jpeg(800, 600, 30)).shape == (600, 800, 3)
    assert (read_image(progressive_jpeg(800, 600, 30)) == 128).all()


def test_passes_are_counted_in_the_first_picture_alone() -> None:
    """A motion photo carries a film behind its JPEG, full of bytes that look like markers."""
    photo = progressive_jpeg(1600, 1200, 8)
    film = np.random.default_rng(0).integers(0, 256, 5_000_000, dtype=np.uint8).tobytes() + b"\xff\xda" * 5000
    assert read_image(photo + film).shape == (1200, 1600, 3)


def test_the_tables_of_an_honest_tiff_are_no_burden() -> None:
    assert read_image(tiff_exif(4, 1000)).shape == (16, 16, 3)
    strips = encoded(Image.fromarray(gradient(5000, 8)), "TIFF", tiffinfo={278: 1})  # one row each
    assert read_image(strips).shape == (5000, 8, 3)


def test_a_tiff_in_an_unusual_compression_says_so() -> None:
    with pytest.raises(ImageError, match="compression other than none, LZW, JPEG, Deflate"):
        read_image(tiff_strip(16, 16, 34925, bytes(100)))  # LZMA


def test_a_side_of_more_than_65535_pixels_is_too_large() -> None:
    with pytest.raises(ImageError, match="along one side") as caught:
        read_image(encoded(Image.new("1", (65_536, 1)), "PNG"))
    assert caught.value.outcome == "too-large"
    assert read_image(encoded(Image.new("1", (65_535, 1)), "PNG")).shape == (1, 65_535, 3)


def test_a_handmade_heic_without_malice_is_read() -> None:
    assert read_image(heic_file({1: (b"hvc1", 0, None)})).shape == (64, 64, 3)
