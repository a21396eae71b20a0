"""A protocol of the field: what is compared with what, in names and positions; nothing is scored here.

A protocol compares *units*: pictures, or templates of several pictures. Readers
(:mod:`sphereface.evaluation.protocols`) make one from the files that its authors give out, and
:mod:`~sphereface.evaluation.units` finds the units among the embeddings at hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sphereface.errors import DataError
from sphereface.evaluation.choices import Rule
from sphereface.evaluation.intervals import supported

Positions = NDArray[np.int64]

_USUAL_FMR: Final = (1e-1, 1e-2, 1e-3, 1e-4)
_MOST_FMR: Final = 3

NOBODY: Final = "nobody "
"""How a unit's person begins where nobody knows who it is; what follows tells it from the others."""


@dataclass(frozen=True, slots=True, eq=False)
class Members:
    """The pictures of templates: n of them.

    Attributes:
        images: What each is called, ``folder/file.jpg``.
        unit: Shape (n,): position of the unit it belongs to.
        media: The medium it comes from, n names; a video's frames share one. Empty: each is one by itself.
    """

    images: tuple[str, ...]
    unit: Positions
    media: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """What a protocol compares.

    Attributes:
        names: U different names; of pictures ``folder/file.jpg``.
        people: Who is in each, U names.
        members: The pictures of each, where units are templates; None where a unit is a picture.
        folders: Whether a unit is everything below the folder of its name (the frames of a video).
    """

    names: tuple[str, ...]
    people: tuple[str, ...]
    members: Members | None = None
    folders: bool = False

    def __post_init__(self) -> None:
        if len(self.names) != len(self.people):
            raise DataError(f"there are {len(self.names)} units but {len(self.people)} people")
        if len(set(self.names)) < len(self.names):
            raise DataError("two units of a protocol have one name")

    def __len__(self) -> int:
        return len(self.names)

    @property
    def word(self) -> str:
        """What one of them is: a picture, a template or a video."""
        if self.folders:
            return "video"
        return "picture" if self.members is None else "template"


@dataclass(frozen=True, slots=True, eq=False)
class UnitPairs:
    """A list of n pairs.

    Attributes:
        title: What it is called in a report, ``LFW View 2``.
        first: Shape (n,): position of the first unit.
        second: Shape (n,).
        same: Shape (n,), bool.
        fold: Shape (n,): the protocol's own folds from 0 upwards, or None.
        folded: Whether the list has an accuracy over folds, which are made of people where it has none of its own.
    """

    title: str
    first: Positions
    second: Positions
    same: NDArray[np.bool_]
    fold: Positions | None = None
    folded: bool = True

    def __post_init__(self) -> None:
        """Take lists, and 0 and 1 for no and yes, as other programs write them.

        Raises:
            DataError: If the columns differ in length, or a position is no whole number.
        """
        for name in ("first", "second", "fold"):
            if (given := getattr(self, name)) is not None:
                column = np.asarray(given)
                if column.size and column.dtype.kind not in "iu":
                    raise DataError(f"'{name}' of '{self.title}' must be whole numbers, not {column.dtype}")
                object.__setattr__(self, name, column if column.size else column.astype(np.int64))
        same = np.asarray(self.same)
        if same.dtype != np.bool_:
            if same.dtype.kind not in "iuf" or not np.isin(same, (0, 1)).all():
                raise DataError(f"'same' of '{self.title}' must be true or false, or 1 or 0, for each pair")
            same = same.astype(bool)
        object.__setattr__(self, "same", same)
        shapes = {column.shape for column in (self.first, self.second, same, self.fold) if column is not None}
        if len(shapes) > 1 or same.ndim != 1:
            raise DataError(
                f"the columns of '{self.title}' have shapes {sorted(shapes)}; give one entry for each pair"
            )


@dataclass(frozen=True, slots=True, eq=False)
class UnitSearch:
    """A gallery and who searches it; a probe whose person is not in the gallery is non-mated.

    Attributes:
        title: ``gallery G1``.
        gallery: Shape (T,): positions of the templates; several of one person count once.
        probes: Shape (S,).
    """

    title: str
    gallery: Positions
    probes: Positions


@dataclass(frozen=True, slots=True, eq=False)
class UnitDistractors:
    """Probes against a crowd: each pair of probes of one person, one enrolled among all distractors.

    Attributes:
        title: ``FaceScrub against a million distractors``.
        probes: Shape (P,): positions of units of people with at least two.
        distractors: Shape (D,): positions of units of nobody among the probes.
    """

    title: str
    probes: Positions
    distractors: Positions


@dataclass(frozen=True, slots=True, eq=False)
class UnitClasses:
    """Something other than the person to be told from the embedding, by a linear probe.

    Attributes:
        title: ``expression``.
        units: Shape (n,): positions.
        labels: What is to be told of each, n words.
        fold: Shape (n,): from 0 upwards; nobody is in two folds.
    """

    title: str
    units: Positions
    labels: tuple[str, ...]
    fold: Positions


@dataclass(frozen=True, slots=True, eq=False)
class Protocol:
    """Everything a protocol asks for.

    Attributes:
        name: As on the command line, ``lfw-view2``.
        title: As in a sentence.
        citation: Who made it, where it was published.
        units: What is compared.
        pairs: Lists for one-to-one comparison.
        searches: Galleries, each searched by itself.
        distractors: Crowds, if any.
        classes: What else is told from the embedding, if anything.
        fmr_targets: False match rates at which the protocol's papers report; none where what its lists have
            impostor pairs for is asked (:meth:`rates`).
        fpir_targets: False positive identification rates likewise.
        threshold_rule: How the folds of an accuracy choose their threshold.
        note: What a reader of the figures must know, in a sentence; may be empty.
    """

    name: str
    title: str
    citation: str
    units: Units
    pairs: tuple[UnitPairs, ...] = ()
    searches: tuple[UnitSearch, ...] = ()
    distractors: tuple[UnitDistractors, ...] = ()
    classes: tuple[UnitClasses, ...] = ()
    fmr_targets: tuple[float, ...] = ()
    fpir_targets: tuple[float, ...] = (0.01, 0.1)
    threshold_rule: Rule = "middle"
    note: str = ""

    def own_settings(self) -> dict[str, Any]:
        """Return what the protocol sets of :class:`~sphereface.evaluation.settings.Settings`."""
        return {
            "fmr_targets": self.rates(),
            "fpir_targets": self.fpir_targets,
            "threshold_rule": self.threshold_rule,
        }

    def rates(self) -> tuple[float, ...]:
        """Return the false match rates at which FNMR is measured, falling.

        Where the protocol names none, the finest three of 10 %, 1 %, 0.1 % and 0.01 % that the shortest of its
        lists has impostor pairs for, people who were left out not counted.
        """
        if self.fmr_targets or not self.pairs:
            return self.fmr_targets or _USUAL_FMR[-_MOST_FMR:]
        impostors = min(int((~pairs.same).sum()) for pairs in self.pairs)
        # Pairs that share people are worth less than they count; what they then do not carry is told as such.
        carried = [rate for rate in _USUAL_FMR if not supported(impostors, rate, "impostor scores")]
        return tuple(carried[-_MOST_FMR:]) or _USUAL_FMR[:1]


class UnitTable:
    """Collects units while a file is read, giving each name its position.

    >>> table = UnitTable()
    >>> table.position("ada/1.jpg", "ada"), table.position("bo/1.jpg", "bo"), table.position("ada/1.jpg", "ada")
    (0, 1, 0)
    >>> table.units().people
    ('ada', 'bo')
    """

    def __init__(self) -> None:
        self._positions: dict[str, int] = {}
        self._people: list[str] = []

    def position(self, name: str, person: str) -> int:
        """Return where the unit is, taking it in if it is new.

        Raises:
            DataError: If it is known as another person's.
        """
        at = self._positions.setdefault(name, len(self._people))
        if at == len(self._people):
            self._people.append(person)
        elif self._people[at] != person:
            raise DataError(f"'{name}' is said to show '{self._people[at]}' and '{person}'")
        return at

    def units(self, **more: Any) -> Units:
        """Return all units so far; ``more`` are other fields of :class:`Units`."""
        return Units(tuple(self._positions), tuple(self._people), **more)


def positions(values: Sequence[int]) -> Positions:
    """Return whole numbers as the arrays a protocol is made of.

    >>> positions([1, 2]).dtype.name
    'int64'
    """
    return np.asarray(values, dtype=np.int64)
