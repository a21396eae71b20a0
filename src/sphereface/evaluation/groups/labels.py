"""Who belongs to which group: one label a person, however it was written down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sphereface.errors import DataError
from sphereface.names import comparable_name

MOST_GROUPS = 100


def person_labels(
    groups: Sequence[str] | Mapping[str, str],
    people: NDArray[np.integer],
    names: tuple[str, ...],
    present: NDArray[np.bool_],
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Return the sorted names of the groups and, for each person, the position of theirs, or -1.

    Args:
        groups: One label for each of N images, or a mapping from a person's name to a label; "" is a missing
            label. Where some images of a person have none, the others speak for them. Names are compared
            caseless, underscores as spaces.
        people: Shape (N,): code of each image's person.
        names: P names, the person behind each code.
        present: Shape (P,): people who count; the others get -1, and groups of them alone do not appear.

    Raises:
        DataError: If a person has two labels, lengths differ, a mapping names nobody who is there, or there are
            more than 100 groups.

    >>> person_labels(["x", "", "y"], np.array([0, 0, 1]), ("a", "b"), np.array([True, True]))
    (('x', 'y'), array([0, 1]))
    >>> person_labels({"Ada L": "x"}, np.array([0]), ("Ada_L0", "ada_l"), np.array([True, True]))
    (('x',), array([-1,  0]))
    """
    labels = _of_people(groups, names) if isinstance(groups, Mapping) else _of_images(groups, people, names)
    labels = [label if here else "" for label, here in zip(labels, present, strict=True)]
    known = sorted(set(labels) - {""})
    if len(known) > MOST_GROUPS:
        raise DataError(
            f"there are {len(known)} groups, more than {MOST_GROUPS}; labels should name groups, not people"
        )
    position = {label: number for number, label in enumerate(known)}
    return tuple(known), np.array([position.get(label, -1) for label in labels], dtype=np.int64)


def _of_people(groups: Mapping[str, str], names: tuple[str, ...]) -> list[str]:
    known: dict[str, str] = {}
    for name, label in groups.items():
        if label and known.setdefault(comparable_name(name), label) != label:
            raise DataError(f"'{name}' is labelled '{known[comparable_name(name)]}' and '{label}'; give one")
    labels = [known.get(comparable_name(name), "") for name in names]
    if known and names and not any(labels):
        raise DataError(
            f"the labels name nobody who is there: '{next(iter(groups))}' is none of {len(names)} people"
        )
    return labels


def _of_images(groups: Sequence[str], people: NDArray[np.integer], names: tuple[str, ...]) -> list[str]:
    if len(groups) != len(people):
        raise DataError(
            f"there are {len(groups)} labels but {len(people)} images; give one for each, or a mapping from "
            "people's names to labels"
        )
    labels = [""] * len(names)
    for person, label in zip(people.tolist(), groups, strict=True):
        if label and labels[person] and label != labels[person]:
            raise DataError(f"images of '{names[person]}' are labelled '{labels[person]}' and '{label}'; give one")
        labels[person] = labels[person] or label
    return labels
