"""A protocol without some people: those a model has learned from must not judge it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from sphereface.errors import DataError
from sphereface.evaluation.protocol import Members, Positions, Protocol, UnitClasses, UnitPairs, Units
from sphereface.names import comparable_name


def leave_out(protocol: Protocol, people: Collection[str]) -> Protocol:
    """Return a protocol without these people, such as those of the training set, and all that they are in.

    Names are compared caseless, underscores as spaces.

    Raises:
        DataError: If nothing is left.
    """
    if not people:
        return protocol
    unwanted = {comparable_name(name) for name in people}
    units = protocol.units
    kept = np.array([comparable_name(person) not in unwanted for person in units.people])
    if not kept.any():
        raise DataError(f"nobody of '{protocol.title}' is left after leaving {len(unwanted)} people out")
    place = np.cumsum(kept) - 1  # of a kept unit among those kept
    left = replace(
        protocol,
        units=_kept_units(units, kept, place),
        pairs=tuple(_kept_pairs(pairs, kept, place) for pairs in protocol.pairs),
        searches=tuple(
            replace(search, gallery=_kept(search.gallery, kept, place), probes=_kept(search.probes, kept, place))
            for search in protocol.searches
        ),
        distractors=tuple(
            replace(
                crowd, probes=_kept(crowd.probes, kept, place), distractors=_kept(crowd.distractors, kept, place)
            )
            for crowd in protocol.distractors
        ),
        classes=tuple(_kept_classes(told, kept, place) for told in protocol.classes),
    )
    if protocol.pairs and not any(len(found.first) for found in left.pairs):
        raise DataError(f"no pair of '{protocol.title}' is left after leaving {len(unwanted)} people out")
    return left


def _kept(at: Positions, kept: NDArray[np.bool_], place: Positions) -> Positions:
    return place[at[kept[at]]]


def _kept_units(units: Units, kept: NDArray[np.bool_], place: Positions) -> Units:
    members = units.members
    if members is not None:
        own = np.flatnonzero(kept[members.unit])
        members = Members(
            tuple(members.images[at] for at in own.tolist()),
            place[members.unit[own]],
            tuple(members.media[at] for at in own.tolist()) if members.media else (),
        )
    names, people = (tuple(compress(column, kept)) for column in (units.names, units.people))
    return replace(units, names=names, people=people, members=members)


def _kept_pairs(pairs: UnitPairs, kept: NDArray[np.bool_], place: Positions) -> UnitPairs:
    both = kept[pairs.first] & kept[pairs.second]
    fold = None if pairs.fold is None else pairs.fold[both]
    first, second = (place[side[both]] for side in (pairs.first, pairs.second))
    return replace(pairs, first=first, second=second, same=pairs.same[both], fold=fold)


def _kept_classes(told: UnitClasses, kept: NDArray[np.bool_], place: Positions) -> UnitClasses:
    own = kept[told.units]
    return replace(
        told, units=place[told.units[own]], labels=tuple(compress(told.labels, own)), fold=told.fold[own]
    )
