"""Synthetic twins of every protocol: its own files, small and invented, and embeddings that fit them.

A twin is laid out as the licensed data is, so readers and everything behind them are tested without it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sphereface.evaluation.embedding_set import EmbeddingSet
from sphereface.evaluation.protocols.ck_plus import EXPRESSIONS
from tests.protocol_twin_files import FILES, WRITERS

DIMENSION = 16


def twin(
    name: str, folder: Path, people: int = 20, seed: int = 0, spread: float = 0.35, truth: bool = True
) -> EmbeddingSet:
    """Write a protocol's files into a folder and return embeddings of its pictures.

    Args:
        name: As in ``PROTOCOLS``.
        folder: An empty folder; :func:`twin_files` says which path in it a reader wants.
        people: Even, 20 or more where the protocol has ten folds.
        seed: Of the embeddings.
        spread: Length of what differs between pictures of one person, of unit vectors.
        truth: Whether identities are the people; otherwise every identity is "" (not known), as of pictures in one
            folder; protocols that the pictures define cannot be read then.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pictures = list(dict.fromkeys(WRITERS[name](folder, people)))
    generator = np.random.default_rng(seed)
    of_word: dict[str, np.ndarray] = {}

    def direction(word: str) -> np.ndarray:
        if word not in of_word:
            drawn = generator.normal(size=DIMENSION)
            of_word[word] = drawn / np.linalg.norm(drawn)
        return of_word[word]

    rows = []
    for picture, person in pictures:
        noise = generator.normal(size=DIMENSION)
        row = direction(person or picture) + spread * noise / np.linalg.norm(noise)
        if name == "ck-plus":
            row += direction(f"expression {_expression_of(picture)}")
        rows.append(row / np.linalg.norm(row))
    return EmbeddingSet.of(
        np.array(rows, dtype=np.float32),
        [person if truth else "" for _, person in pictures],
        names=[picture for picture, _ in pictures],
        title=f"twin of {name}",
    )


def twin_files(name: str, folder: Path) -> Path | None:
    """Return what a reader of the twin in this folder is to be told, None where it reads no files."""
    file = FILES[name]
    return None if file is None else folder / file


def _expression_of(picture: str) -> int:
    """Return which expression the label file beside a picture says, by its frame."""
    return int(picture.rpartition("_")[2].partition(".")[0]) % len(EXPRESSIONS)
