"""What a result depends on besides recipe and data: packages, processor, system."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_VERSIONED = ("sphereface", "torch", "numpy", "opencv-python-headless", "pillow", "safetensors", "scipy")
_PROCESSORS = Path("/proc/cpuinfo")


def versions() -> dict[str, str]:
    """Return Python's version and those of the packages that are installed."""
    found = {"python": platform.python_version()}
    for package in _VERSIONED:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def processor() -> str:
    """Return the kind of processor, as the system calls it.

    The same seed gives the same weights on one kind only: another one rounds sums in another order.
    """
    try:
        lines = _PROCESSORS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # not Linux
        lines = []
    named = (
        value.strip() for name, _, value in (line.partition(":") for line in lines) if name.strip() == "model name"
    )
    return next(named, "") or platform.processor() or platform.machine()


def machine() -> str:
    """Return processor and system, without the machine's name.

    >>> machine().count(",") >= 1
    True
    """
    return f"{processor()} ({platform.machine()}), {platform.system()} {platform.release()}"
