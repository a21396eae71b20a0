"""How runs ended of whose row the rates say little: everybody in one place, or nobody told apart."""

from __future__ import annotations

import math
from dataclasses import dataclass

from evidence.summary import Rows, Summary

TOGETHER = -0.4
"""Uniformity of the people judged above which all embeddings have drawn together: that of a cosine of 0.9 between
any two, 26 degrees."""

_NEAR = 0.01  # of ln C


@dataclass(frozen=True)
class Ending:
    """Of how many of a row's runs the embeddings drew together, and how many ended at the loss of chance."""

    row: str
    runs: int
    together: int
    at_chance: int

    @property
    def failed(self) -> int:
        """Number of runs that ended in one of these ways."""
        return self.together + self.at_chance


def endings(rows: Rows) -> tuple[Ending, ...]:
    """Return the ending of each row."""
    return tuple(
        Ending(row, len(made), sum(map(_drawn_together, made)), sum(map(_at_chance, made)))
        for row, made in rows.items()
    )


def failed_rows(rows: Rows) -> frozenset[str]:
    """Return the rows with a run that failed: to compare them is not to compare losses that work."""
    return frozenset(ending.row for ending in endings(rows) if ending.failed)


def _drawn_together(run: Summary) -> bool:
    health = run.get("health")  # a run that stopped has none
    return health is not None and health["uniformity"] > TOGETHER and not _at_chance(run)


def _at_chance(run: Summary) -> bool:
    """Say whether the loss is ln C, what a network gives that tells nobody apart, where the norm is free."""
    last, chance = run["last"], math.log(run["learners"]["people"])
    free = run["recipe"]["head"]["name"] == "a-softmax"
    return free and last is not None and abs(last["loss"] - chance) <= _NEAR * chance
