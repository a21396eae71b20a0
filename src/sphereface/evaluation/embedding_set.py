"""What is judged: one embedding a row, who is in it, and what else is known of it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sphereface.errors import DataError
from sphereface.names import texts_of

Floats = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]

COLUMNS: Final = ("identity", "name", "template", "media", "group")
"""What is text about each row; only ``identity`` is needed."""


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddingSet:
    """N embeddings of one model.

    Attributes:
        embeddings: Shape (N, d), of any norm but zero; the rows of ``failed`` are not looked at.
        identities: Who is in each picture, N names.
        names: What each row is called, N different names: the path of its file, as pair lists write it.
        failed: Shape (N,), bool: pictures that could not be embedded.
        templates: Which template each row belongs to, or empty.
        media: Which medium (photograph, video) each row comes from, or empty.
        groups: Group label of each row, ``""`` where it has none, or empty.
        quality: Shape (N,), higher is better, or None.
        model: Fingerprint of the model, ``""`` if it is not known.
        preprocessing: How pictures were read for it, as far as it is known.
        title: What to call it in a report.
    """

    embeddings: Floats
    identities: tuple[str, ...]
    names: tuple[str, ...]
    failed: Mask
    templates: tuple[str, ...] = ()
    media: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    quality: NDArray[np.float64] | None = None
    model: str = ""
    preprocessing: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    title: str = "embeddings"

    @classmethod
    def of(
        cls,
        embeddings: Floats,
        identities: Sequence[str],
        *,
        names: Sequence[str] | None = None,
        failed: Mask | None = None,
        templates: Sequence[str] = (),
        media: Sequence[str] = (),
        groups: Sequence[str] = (),
        quality: NDArray[np.floating[Any]] | None = None,
        model: str = "",
        preprocessing: Mapping[str, str] = MappingProxyType({}),
        title: str = "embeddings",
    ) -> EmbeddingSet:
        """Check everything that is said of N embeddings and keep it together.

        Args:
            embeddings: Shape (N, d), real numbers.
            identities: N names.
            names: What each row is called; its number, if None.
            failed: Shape (N,), bool; nothing failed, if None.
            templates: N names or none.
            media: N names or none.
            groups: N labels or none.
            quality: Shape (N,), finite, or None.
            model: Fingerprint.
            preprocessing: How pictures were read.
            title: What to call it.

        Raises:
            DataError: If lengths differ, a name is None or NaN, two rows have one name, a template has two
                people, or a row that did not fail holds NaN, infinity or only zeros.

        >>> faces = EmbeddingSet.of(np.eye(2), ["ada", "grace"], names=["ada/1.jpg", "grace/1.jpg"])
        >>> len(faces), faces.failed.any().item()
        (2, False)
        """
        rows = np.asarray(embeddings)
        if rows.ndim != 2 or rows.dtype.kind not in "fiu" or rows.shape[1] == 0:
            raise DataError(
                f"embeddings must be numbers of shape (images, dimension), not {rows.shape} {rows.dtype}"
            )
        size = len(rows)
        if not size:
            raise DataError("there are no embeddings; at least two people with two pictures are needed")
        given = (identities, range(size) if names is None else names, templates, media, groups)
        texts = {key: texts_of(key, values) for key, values in zip(COLUMNS, given, strict=True)}
        for key, values in texts.items():
            if len(values) != size and (values or key in ("identity", "name")):
                raise DataError(f"'{key}' has {len(values):,} entries for {size:,} embeddings; give one for each")
        failed = np.zeros(size, dtype=bool) if failed is None else np.asarray(failed).astype(bool)
        worth = None if quality is None else np.asarray(quality, dtype=np.float64)
        for key, column in (("failed", failed), ("quality", worth)):
            if column is not None and column.shape != (size,):
                raise DataError(
                    f"'{key}' has shape {column.shape}; it must hold one number for each of {size:,} rows"
                )
        if worth is not None and not np.isfinite(worth[~failed]).all():
            raise DataError("'quality' holds NaN or infinity; give a finite number for each row, or leave it out")
        _check_names(texts["name"])
        _check_rows(rows, failed, texts["name"])
        _check_templates(texts["template"], texts["identity"])
        return cls(
            rows,
            texts["identity"],
            texts["name"],
            failed,
            texts["template"],
            texts["media"],
            texts["group"],
            worth,
            model,
            MappingProxyType(dict(preprocessing)),
            title,
        )

    def __len__(self) -> int:
        return len(self.identities)

    def select(self, rows: Sequence[int] | NDArray[np.int64]) -> EmbeddingSet:
        """Return the set of these rows only, in this order."""
        chosen = np.asarray(rows, dtype=np.int64)

        def of(column: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(column[row] for row in chosen.tolist()) if column else ()

        return replace(
            self,
            embeddings=self.embeddings[chosen],
            identities=of(self.identities),
            names=of(self.names),
            failed=self.failed[chosen],
            templates=of(self.templates),
            media=of(self.media),
            groups=of(self.groups),
            quality=None if self.quality is None else self.quality[chosen],
        )

    def nameless(self) -> EmbeddingSet:
        """Return the set without a word on who is in a picture, for a protocol to say so."""
        return replace(self, identities=("",) * len(self))

    @property
    def group_of(self) -> dict[str, str]:
        """The label of each person who has one, by name; a picture of nobody known says nothing.

        Raises:
            DataError: If a person has two labels.
        """
        label_of: dict[str, str] = {}
        for name, label in zip(self.identities, self.groups, strict=False):
            if name and label and label_of.setdefault(name, label) != label:
                raise DataError(
                    f"pictures of '{name}' are labelled '{label_of[name]}' and '{label}'; give one group"
                )
        return label_of

    @property
    def norms(self) -> NDArray[np.float64] | None:
        """Lengths of the embeddings, shape (N,), 0 where failed; None where they are all 1 and so say nothing."""
        lengths = np.where(self.failed, 0.0, _lengths(self.embeddings))
        return None if np.allclose(lengths[~self.failed], 1.0, atol=1e-3) else lengths

    @property
    def data_hash(self) -> str:
        """SHA-256 over names and people, in order: which rows these are, whatever the model says of them."""
        digest = hashlib.sha256()
        for name, person in zip(self.names, self.identities, strict=True):
            digest.update(f"{name}\0{person}\n".encode("utf-8", "surrogateescape"))
        return digest.hexdigest()

    @property
    def fingerprint(self) -> str:
        """The model's fingerprint, or where it is not known the SHA-256 of the embeddings themselves."""
        if self.model:
            return self.model
        rows = np.ascontiguousarray(self.embeddings, dtype=np.float32)
        return hashlib.sha256(rows.tobytes()).hexdigest()


def _check_names(names: tuple[str, ...]) -> None:
    if len(set(names)) < len(names):
        twice = next(name for name, count in Counter(names).items() if count > 1)
        raise DataError(f"two embeddings are called '{twice}'; every row needs a name of its own")


def _check_rows(rows: Floats, failed: Mask, names: tuple[str, ...]) -> None:
    norms = _lengths(rows)
    bad = np.flatnonzero(~failed & (~np.isfinite(norms) | (norms == 0)))
    if bad.size:
        what = "is the zero vector" if norms[bad[0]] == 0 else "holds NaN or infinity"
        raise DataError(
            f"{bad.size:,} of {len(rows):,} embeddings cannot be used: row {bad[0]} ('{names[bad[0]]}') {what}; "
            "mark pictures that could not be embedded in 'failed'"
        )


def _lengths(rows: Floats) -> NDArray[np.float64]:
    """Return the norm of each row, counted in float64 whatever the rows are; NaN or infinity where it has none."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(np.sqrt(np.einsum("nd,nd->n", rows, rows, dtype=np.float64)))


def _check_templates(templates: tuple[str, ...], identities: tuple[str, ...]) -> None:
    owner: dict[str, str] = {}
    for template, person in zip(templates, identities, strict=False):
        if owner.setdefault(template, person) != person:
            raise DataError(f"template '{template}' has pictures of '{owner[template]}' and of '{person}'")
