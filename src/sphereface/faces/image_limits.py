"""How much one picture may ask for, and the clock that stops a decoder between two blocks of its file."""

from __future__ import annotations

import io
import time
from dataclasses import dataclass

MOST_SIDE = 65_535  # pixels; all that JPEG and GIF can say. Longer lines only ever cost time


@dataclass(frozen=True)
class ImageLimits:
    """How much one picture may ask for.

    Attributes:
        max_bytes: Largest file in bytes; the file is not read beyond it.
        max_pixels: Largest width times height; a header that claims more is refused before decoding. No side
            may have more than 65,535 pixels.
        max_seconds: Processor time of this thread for one picture. It is looked at between the blocks that a
            decoder reads and between the bands in which colours are converted. What cannot be stopped once it
            runs is refused beforehand if it would take longer by the slowest rates measured (docs/results/
            robustness.md): a whole WebP, HEIC or compressed TIFF, and the passes of a progressive JPEG. On a
            machine much slower than the one measured such a picture may take that much longer; nothing is
            ever killed.
    """

    max_bytes: int = 50_000_000
    max_pixels: int = 80_000_000
    max_seconds: float = 2.0


class UnreadableError(Exception):
    """Why there are no pixels, as the rest of a sentence that begins with the picture's name."""

    def __init__(self, reason: str, outcome: str = "undecodable") -> None:
        super().__init__(reason)
        self.outcome = outcome


class Stopwatch:
    """Counts the processor time of the calling thread, so that a busy machine costs nobody a picture."""

    def __init__(self, seconds: float) -> None:
        self._allowed = seconds
        self._end = time.thread_time() + seconds

    def check(self, needed: float = 0.0) -> None:
        """Raise unless there is time left, and ``needed`` seconds of it for what cannot be interrupted.

        Raises:
            UnreadableError: With the outcome ``too-large``.
        """
        if time.thread_time() + needed > self._end:
            reason = f"takes more than the {self._allowed:g} s allowed to decode; make it smaller"
            raise UnreadableError(reason, "too-large")


class TimedBytes(io.BytesIO):
    """A file in memory that looks at the clock whenever a block is read.

    Attributes:
        reserve: Seconds that will still be needed after the last block.
    """

    def __init__(self, content: bytes, stopwatch: Stopwatch) -> None:
        super().__init__(content)
        self.reserve = 0.0
        self._stopwatch = stopwatch

    def read(self, size: int | None = -1, /) -> bytes:
        """Return the next block, as any file does.

        Raises:
            UnreadableError: If the time is up.
        """
        self._stopwatch.check(self.reserve)
        return super().read(size)


def check_size(size: tuple[int, int], limits: ImageLimits) -> None:
    """Refuse a picture by the (width, height) that its header claims.

    Raises:
        UnreadableError: If it has no pixels, or more than allowed.
    """
    width, height = size
    if width < 1 or height < 1:
        raise UnreadableError(f"has no pixels ({width}x{height}); replace or remove it")
    if width * height > limits.max_pixels:
        claim = f"claims {width}x{height} pixels, more than the {limits.max_pixels:,} allowed"
        raise UnreadableError(f"{claim}; make it smaller", "too-large")
    if max(width, height) > MOST_SIDE:
        claim = f"claims {width}x{height} pixels, more than {MOST_SIDE:,} along one side"
        raise UnreadableError(f"{claim}; make it smaller", "too-large")
