"""A data set checked by face: everybody embedded once, then compared with everybody else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from sphereface.data.folders import counted
from sphereface.data.manifest import Manifest
from sphereface.embedder.embedder import Embedder, Face, embed_files, embedded_rows
from sphereface.embedder.resemblance import (
    RECALL,
    EmbeddedPeople,
    Resemblance,
    Stray,
    alike_level,
    check_share,
    find_shared,
    find_strays,
    find_twice,
)
from sphereface.faces.reading import Reader
from sphereface.progress import SILENT, Progress


@dataclass(frozen=True)
class FaceCheck:
    """What faces say about a data set, as candidates for somebody to look at.

    Attributes:
        pictures: How many were compared, of both sets.
        level: Score from which two names count as alike (:class:`~sphereface.embedder.resemblance.Resemblance`).
        recall: Share of pictures that reach it with the other pictures of their own person.
        shared: People of this set and of the other who look like one.
        twice: Two names of this set that look like one person.
        strays: Pictures that look as if they belong to somebody else.
        failures: Pictures that could not be embedded.
    """

    pictures: int
    level: float
    recall: float
    shared: tuple[Resemblance, ...]
    twice: tuple[Resemblance, ...]
    strays: tuple[Stray, ...]
    failures: tuple[Face, ...]

    def lines(self) -> Iterator[str]:
        """Yield the findings, a sentence each."""
        reached = f"(score of {self.level:.3f} or more, which {self.recall:.0%} of pictures reach with their own)"
        outcomes = Counter(face.outcome for face in self.failures)
        reasons = ", ".join(f"{outcome} {count:,}" for outcome, count in outcomes.most_common())
        lost = f"; {len(self.failures):,} could not be ({reasons})" if self.failures else ""
        yield f"{self.pictures:,} pictures were compared{lost}."
        if self.shared:
            first = self.shared[0]
            yield (
                f"{len(self.shared):,} pairs of people in both sets look alike {reached}, "
                f"the most '{first.first}' and '{first.second}' ({first.score:.3f}); look at them, and leave out "
                "whom you confirm."
            )
        if self.twice:
            first = self.twice[0]
            yield (
                f"{len(self.twice):,} pairs of names look like one person {reached}, "
                f"the most '{first.first}' and '{first.second}' ({first.score:.3f}); look at them."
            )
        if self.strays:
            stray = self.strays[0]
            yield (
                f"{counted(self.strays, 'picture looks', 'pictures look')} more like somebody else than like the "
                "others of their folder, "
                f"the most '{stray.picture}' (like '{stray.nearest}'); look at them."
            )

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "pictures": self.pictures,
            "level": self.level,
            "recall": self.recall,
            "shared": [asdict(pair) for pair in self.shared],
            "twice": [asdict(pair) for pair in self.twice],
            "strays": [asdict(stray) for stray in self.strays],
            "failures": [{"picture": str(face.path), "outcome": face.outcome} for face in self.failures],
        }


def check_faces(
    embedder: Embedder,
    people: Manifest,
    against: Manifest | None = None,
    *,
    reader: Reader | None = None,
    recall: float = RECALL,
    workers: int | None = 1,
    progress: Progress = SILENT,
) -> FaceCheck:
    """Embed every picture of one or two sets and find what names do not tell.

    Args:
        embedder: The better it is, the fewer candidates are wrong; one that learned from ``people`` finds no
            strays there, for it has learned them.
        people: The set.
        against: Another set that must not share people with it.
        reader: What turns a file into a crop for this embedder.
        recall: See :func:`~sphereface.embedder.resemblance.alike_level`.
        workers: Processes that read, as in :func:`~sphereface.embedder.embedder.embed_files`.
        progress: Who listens.

    Raises:
        DataError: If no picture of a set can be embedded.
        NotEnoughDataError: If too few people have two pictures.
    """
    check_share("recall", recall)
    here, failures = _embedded(embedder, people, reader, workers, progress)
    level, pictures = alike_level(here, recall), len(here.pictures)
    shared: list[Resemblance] = []
    if against is not None:
        there, more = _embedded(embedder, against, reader, workers, progress)
        failures += more
        pictures += len(there.pictures)
        shared = find_shared(here, there, level)
    twice, strays = find_twice(here, level), find_strays(here)
    return FaceCheck(pictures, level, recall, tuple(shared), tuple(twice), tuple(strays), tuple(failures))


def _embedded(
    embedder: Embedder, people: Manifest, reader: Reader | None, workers: int | None, progress: Progress
) -> tuple[EmbeddedPeople, list[Face]]:
    faces = embed_files(embedder, people.paths, reader=reader, workers=workers, progress=progress)
    good = embedded_rows(faces)
    vectors = np.stack([np.asarray(faces[index].embedding) for index in good])
    pictures = [str(people.paths[index]) for index in good]
    embedded = EmbeddedPeople(people.identities, people.labels[good], vectors, pictures)
    return embedded, [face for face in faces if not face.ok]
