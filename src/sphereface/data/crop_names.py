"""What the crop of a photograph is called: like the photograph, and never like another one's."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath

_LONGEST = 200  # bytes; file systems take 255, and a number and a suffix are added


def crop_names(names: Sequence[str]) -> list[str]:
    """Name the crops of photographs, without a suffix.

    A crop has the name of its photograph without the suffix, or with it if two photographs of one folder differ in
    their suffix only. A name that is too long to add to is cut and marked.

    Args:
        names: Of all photographs, relative to their folder, each once.

    Returns:
        A name for each, all different whatever number is added with a hyphen.

    >>> crop_names(["a/1.jpg", "a/2.jpg", "a/2.png", "b/2.jpg"])
    ['a/1', 'a/2.jpg', 'a/2.png', 'b/2']
    """
    stems = [str(PurePosixPath(name).with_suffix("")) for name in names]
    taken = Counter(stems)
    taken.update(names)  # "2.jpg.png" without its suffix is called like the whole of "2.jpg"
    return [_short(stem if taken[stem] == 1 else name) for name, stem in zip(names, stems, strict=True)]


def _short(name: str) -> str:
    path = PurePosixPath(name)
    content = path.name.encode()
    if len(content) <= _LONGEST:
        return name
    mark = hashlib.sha256(content).hexdigest()[:16]
    return str(path.with_name(content[:_LONGEST].decode(errors="ignore") + f"~{mark}"))
