"""The open-set protocols of LFW: who is enrolled follows from how many pictures LFW has of a person.

Reference: Günther, Cruz, Rudd and Boult 2017, CVPR workshops, arXiv:1705.01567.
"""

from __future__ import annotations

from collections.abc import Sequence

from sphereface.errors import NotEnoughDataError
from sphereface.evaluation.protocol import Members, Protocol, Units, UnitSearch, positions
from sphereface.evaluation.protocols import assemble

ENROLLED = 3


def read_o1(names: Sequence[str], identities: Sequence[str]) -> Protocol:
    """Make protocol o1: strangers are the known unknowns, people with two or three pictures.

    Args:
        names: N names of LFW's pictures; their order is that of their names.
        identities: N names of people.

    Raises:
        NotEnoughDataError: If nobody is enrolled, or there is no stranger.

    >>> people = [person for person, count in {"a": 5, "b": 3, "c": 1}.items() for _ in range(count)]
    >>> search = read_o1([f"{person}/{at}.jpg" for at, person in enumerate(people)], people).searches[0]
    >>> len(search.gallery), len(search.probes)
    (1, 4)
    """
    return _protocol("lfw-o1", names, identities, {2, 3})


def read_o2(names: Sequence[str], identities: Sequence[str]) -> Protocol:
    """Make protocol o2: strangers are the unknown unknowns, people with one picture; otherwise as o1.

    Raises:
        NotEnoughDataError: As :func:`read_o1`.
    """
    return _protocol("lfw-o2", names, identities, {1})


def read_o3(names: Sequence[str], identities: Sequence[str]) -> Protocol:
    """Make protocol o3: strangers are those of o1 and o2; otherwise as o1.

    Raises:
        NotEnoughDataError: As :func:`read_o1`.
    """
    return _protocol("lfw-o3", names, identities, {1, 2, 3})


def _protocol(name: str, names: Sequence[str], identities: Sequence[str], strangers: set[int]) -> Protocol:
    pictures: dict[str, list[str]] = {}
    for picture, person in sorted(zip(names, identities, strict=True)):
        pictures.setdefault(person, []).append(picture)
    templates: list[tuple[str, str, list[str]]] = []  # name, person, pictures
    probes: list[tuple[str, str, list[str]]] = []
    for person, own in pictures.items():
        if len(own) > ENROLLED:
            templates.append((f"first three of {person}", person, own[:ENROLLED]))
            searching = own[ENROLLED:]
        else:
            # The first picture of a known unknown is training data.
            searching = (own[1:] if len(own) > 1 else own) if len(own) in strangers else []
        probes += [(picture, person, [picture]) for picture in searching]
    enrolled = {person for _, person, _ in templates}
    if not enrolled or all(person in enrolled for _, person, _ in probes):
        raise NotEnoughDataError(
            f"{len(enrolled)} of {len(pictures)} people have more than {ENROLLED} pictures, and of those with "
            f"{' or '.join(map(str, sorted(strangers)))} nobody searches; this protocol needs the whole of LFW"
        )
    units = templates + probes
    members = [(picture, at) for at, (_, _, own) in enumerate(units) for picture in own]
    return assemble(
        name,
        Units(
            tuple(unit for unit, _, _ in units),
            tuple(person for _, person, _ in units),
            Members(tuple(picture for picture, _ in members), positions([at for _, at in members])),
        ),
        searches=(
            UnitSearch(
                f"{len(templates):,} people enrolled with {ENROLLED} pictures each",
                positions(range(len(templates))),
                positions(range(len(templates), len(units))),
            ),
        ),
    )
