"""What is asked of embeddings, as it comes from a user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sphereface.errors import ConfigurationError
from sphereface.evaluation.choices import Weighting


@dataclass(frozen=True)
class Question:
    """What is asked of an embedding.

    Attributes:
        protocol: What to compare (:data:`~sphereface.evaluation.protocols.PROTOCOLS`); all against all, if None.
        files: The protocol's own file, or the folder of its files.
        everything: Whether all are compared with all; None where there is no protocol only.
        groups: A label of each person, by name; by default those of a file of embeddings.
        weighting: How the pictures of a template count in it.
        fmr: False match rates at which misses are counted; none for the protocol's own, or the usual ones.
        target_fpir: Rate of the operating point for searches; by default the recipe's.
        target_fmr: Rate of the operating point for comparisons; by default the recipe's.
    """

    protocol: str | None = None
    files: Path | None = None
    everything: bool | None = None
    groups: Mapping[str, str] | None = None
    weighting: Weighting = "equal"
    fmr: tuple[float, ...] = ()
    target_fpir: float | None = None
    target_fmr: float | None = None

    @property
    def all_pairs(self) -> bool:
        """Whether all are compared with all."""
        return self.protocol is None if self.everything is None else self.everything


def one_source(model: Path | None, embeddings: Path | None) -> tuple[list[Path], list[Path]]:
    """Return the models and files of a verb that takes one of either.

    Raises:
        ConfigurationError: If both are given, or neither.
    """
    if (model is None) == (embeddings is None):
        raise ConfigurationError("name a model or a file of embeddings, one of the two")
    return ([] if model is None else [model]), ([] if embeddings is None else [embeddings])
