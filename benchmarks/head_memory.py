"""Memory of a process and of the machine in bytes, on Linux; None elsewhere."""

from __future__ import annotations

import ctypes
import gc
from pathlib import Path


def _field(file: str, name: str) -> int | None:
    """Return a line such as ``VmHWM:  1234 kB`` of a file in /proc."""
    try:
        lines = Path(file).read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:")), None)


def available() -> int | None:
    """Return what a new process can have without swapping."""
    return _field("/proc/meminfo", "MemAvailable")


def resident() -> int | None:
    """Return what this process holds now."""
    return _field("/proc/self/status", "VmRSS")


def peak() -> int | None:
    """Return the most it has held since ``reset_peak``."""
    return _field("/proc/self/status", "VmHWM")


def tidy() -> None:
    """Give back what is free, so that later use of it counts."""
    gc.collect()
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError):
        return  # not the GNU C library: its allocator has no such call


def reset_peak() -> bool:
    """Set the high-water mark to what is held now; return whether the system can."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True
