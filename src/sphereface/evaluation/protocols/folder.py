"""One's own folder: a folder a person, and below ``unknown/`` people who are never enrolled."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from sphereface.errors import DataError, NotEnoughDataError
from sphereface.evaluation.protocol import Protocol, Units, UnitSearch, positions
from sphereface.evaluation.protocols import assemble
from sphereface.names import comparable_name

UNKNOWN = "unknown"


def read_folder(names: Sequence[str], identities: Sequence[str]) -> Protocol:
    """Enrol everybody with one picture, except for the people below ``unknown/``; all other pictures search.

    ``unknown/Ada/1.jpg`` shows a stranger of that name, ``unknown/1.jpg`` one of whom nothing is known: every
    such file is a stranger of its own. Which picture is enrolled depends on its name alone, so that other
    pictures or people do not change it; a person with one picture is enrolled and never searches.

    Args:
        names: N names of pictures, with forward slashes.
        identities: N names of people.

    Raises:
        DataError: If somebody is both known and in ``unknown/``.
        NotEnoughDataError: If nobody is known, or there is no stranger.

    >>> found = read_folder(["ada/1.jpg", "ada/2.jpg", "unknown/3.jpg"], ["ada", "ada", "unknown"])
    >>> [found.units.names[at] for at in found.searches[0].probes], found.units.people
    (['ada/1.jpg', 'unknown/3.jpg'], ('ada', 'ada', 'unknown/3.jpg'))
    """
    people: list[str] = []
    known: dict[str, list[int]] = {}
    strangers: dict[str, str] = {}
    for at, (name, person) in enumerate(zip(names, identities, strict=True)):
        parts = name.split("/")
        people.append(name if parts[-2:-1] == [UNKNOWN] else person)
        if UNKNOWN in parts[-3:-1]:
            strangers[comparable_name(people[at])] = name
        else:
            known.setdefault(person, []).append(at)
    for person, pictures in known.items():
        if comparable_name(person) in strangers:
            raise DataError(
                f"'{person}' is known ('{names[pictures[0]]}') and in '{UNKNOWN}' "
                f"('{strangers[comparable_name(person)]}'); a person can be only one"
            )
    if not known or not strangers:
        nobody = "nobody is known" if not known else f"there is no stranger below '{UNKNOWN}/'"
        raise NotEnoughDataError(
            f"among {len(names):,} pictures {nobody}; put a folder of each person to enrol beside '{UNKNOWN}/', "
            "and pictures of other people into it"
        )
    gallery = {min(pictures, key=lambda at: _draw(names[at])) for pictures in known.values()}
    return assemble(
        "folder",
        Units(tuple(names), tuple(people)),
        searches=(
            UnitSearch(
                f"{len(known):,} known people, {len(strangers):,} strangers",
                positions(sorted(gallery)),
                positions([at for at in range(len(names)) if at not in gallery]),
            ),
        ),
    )


def _draw(name: str) -> bytes:
    """Return what pictures of a person are sorted by; where the whole folder lies does not matter."""
    return hashlib.sha256("/".join(name.split("/")[-2:]).encode("utf-8", "surrogateescape")).digest()
