"""Accuracy over folds: the threshold for a pair never comes from a pair that shares a fold with it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sphereface.evaluation.choices import Rule
from sphereface.evaluation.scores import Pairs, PairScores
from sphereface.evaluation.steps import above

Scores = NDArray[np.floating[Any]]
Group = tuple[int, int]  # the folds of a pair's two people, the smaller first

FOLDS = 10
_CHUNK = 1 << 20  # pairs handled at a time
_NOTHING: Scores = np.zeros(0, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class FoldAccuracy:
    """Result of the folds; ``value`` is None with a ``reason`` where there are none, or one learns nothing."""

    value: float | None
    threshold: float | None
    reason: str = ""


def fold_of(name: str, folds: int = FOLDS) -> int:
    """Return the fold of a person, by the hash of the name: the same in every run and every data set.

    >>> fold_of("Ada"), fold_of("Grace")
    (1, 0)
    """
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") % folds


def fold_accuracy(scores: PairScores, rule: Rule = "middle") -> FoldAccuracy:
    """Return the share of right decisions, each with a threshold learnt on other folds.

    With the protocol's own folds (LFW View 2) this is the usual ten-fold accuracy. Otherwise the folds are
    made of people, :func:`fold_of`. An impostor pair can then lie in two folds, and its threshold comes from
    the eight others: nobody in a tested pair has a say in its threshold.

    Where ``scores.balanced``, right decisions about genuine and impostor pairs weigh the same as kinds, both
    in learning and in the result; otherwise every pair weighs the same. A pair without a score is an error.
    Folds of people leave out more impostor pairs (of either person) than genuine ones, so learning weighs the
    kinds as the whole list has them: counting the pairs that are left would favour too low a threshold.

    Args:
        scores: The pairs.
        rule: ``middle``: of the lowest stretch of thresholds with the most right decisions. ``plateau``: the
            mean of all best thresholds on a grid of 20,001 from -1 to 1, as SphereFace's own evaluation.
    """
    if not scores.folded:
        return FoldAccuracy(None, None, "the protocol has no folds, and so no accuracy over them")
    genuine, impostor = _by_group(scores.genuine, scores), _by_group(scores.impostor, scores)
    whole = list(genuine.values()), list(impostor.values())
    accepted = rejected = 0
    chosen: dict[Group, float] = {}
    for group in sorted({*genuine, *impostor}):
        train_genuine = [s for other, s in genuine.items() if set(group).isdisjoint(other)]
        train_impostor = [s for other, s in impostor.items() if set(group).isdisjoint(other)]
        if not train_genuine or not train_impostor:
            few = (
                "too few folds in the list"
                if scores.genuine.fold is not None
                else f"too few people for {FOLDS} folds"
            )
            return FoldAccuracy(None, None, f"{few}: one has nothing to learn from")
        if all(np.isneginf(s[-1]) for s in (*train_genuine, *train_impostor)):  # sorted: none has a score
            return FoldAccuracy(
                None, None, "no pair outside one of the folds has a score to learn a threshold from"
            )
        learn = _middle_threshold if rule == "middle" else _plateau_threshold
        left = (train_genuine, train_impostor) if scores.genuine.fold is not None else whole
        share = 0.5 if scores.balanced else _count(left[0]) / (_count(left[0]) + _count(left[1]))
        threshold = chosen[group] = learn(train_genuine, train_impostor, share)
        own, others = genuine.get(group, _NOTHING), impostor.get(group, _NOTHING)
        accepted += int((own >= threshold).sum())
        rejected += int((np.isfinite(others) & (others < threshold)).sum())
    if scores.balanced:
        value = (accepted / len(scores.genuine) + rejected / len(scores.impostor)) / 2.0
    else:
        value = (accepted + rejected) / (len(scores.genuine) + len(scores.impostor))
    single = [threshold for group, threshold in chosen.items() if group[0] == group[1]]
    return FoldAccuracy(value, float(np.mean(single or list(chosen.values()))))


def _by_group(pairs: Pairs, scores: PairScores) -> dict[Group, Scores]:
    """Return the sorted scores of every group of pairs that lie in the same fold or folds."""
    of_image = np.array([fold_of(name) for name in scores.names], dtype=np.int32)[scores.people]
    folds = FOLDS if pairs.fold is None else int(pairs.fold.max()) + 1
    parts: dict[Group, list[Scores]] = {}
    for start in range(0, len(pairs), _CHUNK):
        chunk = slice(start, start + _CHUNK)
        if pairs.fold is None:
            first, second = of_image[pairs.first[chunk]], of_image[pairs.second[chunk]]
        else:
            first = second = pairs.fold[chunk].astype(np.int32)
        code = np.minimum(first, second) * folds + np.maximum(first, second)
        order = np.argsort(code.astype(np.uint16 if folds <= 256 else np.int32), kind="stable")  # 16 bits: radix
        values, starts = np.unique(code[order], return_index=True)
        for value, part in zip(values, np.split(pairs.scores[chunk][order], starts[1:]), strict=True):
            parts.setdefault(divmod(int(value), folds), []).append(part)
    return {group: np.sort(np.concatenate(part)) for group, part in parts.items()}


def _middle_threshold(genuine: list[Scores], impostor: list[Scores], share: float) -> float:
    """Return the middle of the lowest stretch of thresholds with the most right decisions.

    Raising a threshold up to the next genuine score loses no genuine pair, so a best one is always a genuine
    score, or lies above all scores.
    """
    mine = np.unique(np.concatenate(genuine))
    top = max(s[-1] for s in (*genuine, *impostor))
    candidates = np.append(mine[np.isfinite(mine)], np.asarray(above(top), dtype=mine.dtype))
    best = candidates[int(np.argmax(_is_best(candidates, genuine, impostor, share)))]
    below = [s[i - 1] for s in (*genuine, *impostor) if (i := int(np.searchsorted(s, best))) > 0]
    lower = max((score for score in below if np.isfinite(score)), default=best)
    middle = mine.dtype.type((float(lower) + float(best)) / 2.0)
    return float(middle if lower < middle else best)


def _plateau_threshold(genuine: list[Scores], impostor: list[Scores], share: float) -> float:
    grid = np.linspace(-1.0, 1.0, 20_001)
    return float(grid[_is_best(grid, genuine, impostor, share)].mean())


def _is_best(thresholds: Scores, genuine: list[Scores], impostor: list[Scores], share: float) -> NDArray[np.bool_]:
    """Say which thresholds have the most right decisions if ``share`` of all pairs are genuine."""

    def accepted(groups: list[Scores]) -> NDArray[np.float64]:
        counts = np.stack([len(s) - np.searchsorted(s, thresholds.astype(s.dtype)) for s in groups])
        return np.asarray(counts.sum(axis=0) / _count(groups), dtype=np.float64)

    gain = share * accepted(genuine) - (1.0 - share) * accepted(impostor)
    return np.asarray(gain >= gain.max() - 1e-12)  # equally good ones may differ by a rounding error


def _count(groups: list[Scores]) -> int:
    return sum(map(len, groups))
