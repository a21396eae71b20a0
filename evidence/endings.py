"""How runs ended of whose row the rates say little: everybody in one place, or nobody told apart."""

from __future__ import annotations

import math
from dataclasses import dataclass

from evidence.comparing import Rows
from evidence.summary import Summary

TOGETHER = 0.95
"""Cosine of training images to their own prototype above which all embeddings have drawn together: 18 degrees."""

_NEAR = 0.01  # of ln C


@dataclass(frozen=True)
class Ending:
    """Of how many of a row's runs the embeddings drew together, and how many ended at the loss of chance."""

    row: str
    runs: int
    together: int
    at_chance: int


def endings(rows: Rows) -> tuple[Ending, ...]:
    """Return the ending of each row."""
    return tuple(
        Ending(row, len(made), sum(map(_drawn_together, made)), sum(map(_at_chance, made)))
        for row, made in rows.items()
    )


def _drawn_together(run: Summary) -> bool:
    last = run["last"]
    return last is not None and last["cosine"] > TOGETHER


def _at_chance(run: Summary) -> bool:
    """Say whether the loss is ln C, what a network gives that tells nobody apart, where the norm is free."""
    last, chance = run["last"], math.log(run["learners"]["people"])
    free = run["recipe"]["head"]["name"] == "a-softmax"
    return free and last is not None and abs(last["loss"] - chance) <= _NEAR * chance
