"""From a trained network to what a summary keeps of it: error counts by anonymous person, and figures.

Every rate comes with the counts of each person and with the rate at the neighbouring thresholds, which say how
it moves where the threshold does: enough for an interval over people without a score or a name.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from evidence.people import MOST, People, anonymous_order
from sphereface.data.manifest import Manifest
from sphereface.evaluation.embedding_set import EmbeddingSet
from sphereface.evaluation.folds import fold_accuracy
from sphereface.evaluation.hypersphere import measure_health
from sphereface.evaluation.images import at_most, person_codes
from sphereface.evaluation.judge import draw_split, every_pair, follow
from sphereface.evaluation.person_figures import thresholds_around
from sphereface.evaluation.scores import Pairs, PairScores
from sphereface.evaluation.search import SearchScores, alarms, first_rank_scores, search_gallery
from sphereface.evaluation.settings import Settings
from sphereface.evaluation.steps import equal_error_rate, threshold_at
from sphereface.faces.contract import InputContract
from sphereface.sphere.neighbours import neighbours

FMR, FPIR = 1e-3, 1e-2
EASIER_FMR = 1e-2  # where the headline is near its ceiling there is still something to see
DISCARDS = (0.0, 0.05, 0.1, 0.2, 0.3)
DISCARD = 0.2  # the one of them whose counts are kept person by person
SETTINGS = Settings(images_per_identity=MOST, fmr_targets=(FMR,), fpir_targets=(FPIR,))
_BATCH = 128

Crops = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Embedded:
    """Pictures of a manifest as a network sees them: raw embeddings (N, d), one crop each, none mirrored."""

    people: Manifest
    faces: EmbeddingSet

    @property
    def norms(self) -> NDArray[np.float64]:
        """Lengths of the raw embeddings, (N,)."""
        norms: NDArray[np.float64] = np.linalg.norm(self.faces.embeddings.astype(np.float64), axis=1)
        return norms


def embed(network: nn.Module, people: Manifest, crops: Crops, contract: InputContract) -> Embedded:
    """Embed crops (N, H, W, 3) in bfloat16 products, batches of a fixed size, so that the result is too."""
    network.eval()
    rows = []
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        for start in range(0, len(crops), _BATCH):
            batch = torch.from_numpy(contract.normalise(crops[start : start + _BATCH]))
            rows.append(network(batch.contiguous(memory_format=torch.channels_last)).float().numpy())
    return Embedded(people, EmbeddingSet.of(np.concatenate(rows), people.people, names=people.names))


def measure_judged(found: Embedded, people: People, sharpness: NDArray[np.float64]) -> dict[str, Any]:
    """Return every figure on strangers and the counts behind them."""
    pairs = every_pair(found.faces, SETTINGS)
    thresholds, easier = (thresholds_around(pairs.impostor.scores, target) for target in (FMR, EASIER_FMR))
    split = draw_split(found.faces.identities, SETTINGS)
    return {
        "pairs": {"eer": _equal_errors(pairs), **_pairs(pairs, thresholds)},
        "easier_pairs": _pairs(pairs, easier),
        "accuracy": _accuracy(follow(found.faces, people.pairs, SETTINGS).pairs[0], pairs.names),
        "search": _search(search_gallery(found.faces.embeddings, found.faces.identities, split)),
        "discard": {
            "norm": _discard(pairs, found.norms, thresholds[1]),
            "sharpness": _discard(pairs, sharpness, thresholds[1]),
        },
        "health": _health(found, sharpness),
        "ideal": _ideal(found),
        "threshold": thresholds[1],
    }


def measure_kept(found: Embedded, threshold: float) -> dict[str, Any]:
    """Return the misses among the pictures kept back of people who were learned from, at the judged threshold."""
    pairs = every_pair(found.faces, SETTINGS)
    missed = pairs.genuine.scores < np.float32(threshold)
    people = pairs.people[pairs.genuine.first]
    return {"misses": _of_each(people[missed], people, pairs.names)}


def measure_learners(found: Embedded) -> dict[str, Any]:
    """Return health and ideal criterion on at most ten pictures each of the people learned from."""
    return {"health": _health(found, None), "ideal": _ideal(found)}


def measure_trial(found: Embedded) -> dict[str, Any]:
    """Return what chooses among tuning trials."""
    pairs = every_pair(found.faces, SETTINGS)
    threshold = threshold_at(np.sort(pairs.impostor.scores), FMR)
    rate = float(np.mean(pairs.genuine.scores < np.float32(threshold)))
    return {"fnmr": rate, "eer": _equal_errors(pairs)}


def counted_people(people: People) -> dict[str, Any]:
    """Return the denominators that all summaries share, by anonymous person: trials, and pictures learned from."""
    names, codes = person_codes(people.judged.people)
    chosen = at_most(people.judged.people, MOST, SETTINGS.seed)
    split = draw_split(people.judged.people, SETTINGS)
    listed = people.pairs.pairs[0]
    named = np.searchsorted(names, np.array(people.pairs.units.people, dtype=object).astype(str))
    first = np.minimum(named[listed.first], named[listed.second])  # the order that scores are kept in
    learned = dict(zip(people.learners.identities, people.learners.images_per_identity().tolist(), strict=True))
    kept_names, kept_codes = person_codes(people.kept.people)
    order = anonymous_order(kept_names)
    return {
        "judged": {
            "images": _counts(codes[chosen], names),
            "listed_pairs": _counts(first, names),
            "mated": _counts(codes[split.mated], names),
            "non_mated": _counts(codes[split.non_mated], names),
        },
        "kept": {
            "images": _counts(kept_codes, kept_names),
            "learned_from": [learned[kept_names[number]] for number in order.tolist()],
        },
        "learners": {"people": len(learned), "images": sum(learned.values())},
    }


def _equal_errors(pairs: PairScores) -> float:
    return equal_error_rate(np.sort(pairs.genuine.scores), np.sort(pairs.impostor.scores))[0]


def _pairs(pairs: PairScores, thresholds: Sequence[float]) -> dict[str, Any]:
    threshold = np.float32(thresholds[1])
    own, others = pairs.genuine, pairs.impostor
    people, accepted = pairs.people[own.first], others.scores >= threshold
    shown = (pairs.people[side[accepted]] for side in (others.first, others.second))
    return {
        "misses": _of_each(people[own.scores < threshold], people, pairs.names),
        "false_matches": _of_each(np.concatenate([*shown]), pairs.people, pairs.names),
        "missed_near": [int((own.scores < np.float32(t)).sum()) for t in (thresholds[2], thresholds[0])],
        "false_near": [int((others.scores >= np.float32(t)).sum()) for t in (thresholds[2], thresholds[0])],
    }


def _accuracy(pairs: PairScores, names: tuple[str, ...]) -> dict[str, Any]:
    """Return the ten-fold accuracy, and by first person the wrong decisions at the folds' mean threshold."""
    folds = fold_accuracy(pairs)
    assert folds.threshold is not None
    threshold = np.float32(folds.threshold)
    wrong = [
        pairs.people[kind.first[(kind.scores < threshold) == genuine]]
        for kind, genuine in ((pairs.genuine, True), (pairs.impostor, False))
    ]
    # The list names some of the judged people only, and numbers them by itself.
    among_all = np.searchsorted(names, pairs.names)
    return {"value": folds.value, "wrong": _by_person(among_all[np.concatenate(wrong)], names)}


def _search(found: SearchScores) -> dict[str, Any]:
    mated, strangers = first_rank_scores(found), alarms(found)
    thresholds = [np.float32(t) for t in thresholds_around(strangers, FPIR)]
    return {
        "misses": _of_each(found.mated_people[mated < thresholds[1]], found.mated_people, found.names),
        "alarms": _by_person(found.non_mated_people[strangers >= thresholds[1]], found.names),
        "met": _by_person(found.non_mated_nearest[strangers >= thresholds[1]], found.names),
        "nearest": _counts(found.non_mated_nearest, found.names),
        "missed_near": [int((mated < t).sum()) for t in (thresholds[2], thresholds[0])],
        "alarms_near": [int((strangers >= t).sum()) for t in (thresholds[2], thresholds[0])],
        "first": int(np.isfinite(mated).sum()),
    }


def _discard(pairs: PairScores, quality: NDArray[np.float64], threshold: float) -> dict[str, Any]:
    """Count errors among the pairs that are left when the worst of the compared pictures are not.

    At the threshold of all pairs, as is usual, and at the one that gives what is left the same false match rate.
    """
    compared = np.zeros(len(pairs.people), dtype=bool)
    for kind in (pairs.genuine, pairs.impostor):
        compared[kind.first] = compared[kind.second] = True
    taking_part = np.flatnonzero(compared)
    rank = np.zeros(len(pairs.people), dtype=np.int64)
    rank[taking_part[np.argsort(quality[taking_part], kind="stable")]] = np.arange(len(taking_part))
    missed = pairs.genuine.scores < np.float32(threshold)
    false = np.flatnonzero(pairs.impostor.scores >= np.float32(threshold))
    rows, false_left, rates, people = [], [], [], pairs.people[pairs.genuine.first]
    counted: dict[str, Any] = {}
    for share in DISCARDS:
        kept = rank >= round(share * len(taking_part))
        left = _both(pairs.genuine, kept)
        rows.append([int(left.sum()), int((left & missed).sum())])
        others = _both(pairs.impostor, kept)
        false_left.append([int(others.sum()), int(others[false].sum())])
        thresholds = thresholds_around(pairs.impostor.scores[others], FMR)
        rates.append(float(np.mean(pairs.genuine.scores[left] < np.float32(thresholds[1]))))
        if share == DISCARD:
            among = replace(pairs, genuine=_chosen(pairs.genuine, left), impostor=_chosen(pairs.impostor, others))
            counted = {
                "left": _of_each(people[left], people, pairs.names),
                "misses": _of_each(people[left & missed], people, pairs.names),
                "images": _of_each(pairs.people[kept & compared], pairs.people, pairs.names),
                "same_fmr": _pairs(among, thresholds),
            }
    return {
        "shares": list(DISCARDS),
        "fnmr_at_same_fmr": rates,
        "pairs_and_misses": rows,
        "impostors_and_false": false_left,
        **counted,
    }


def _chosen(pairs: Pairs, chosen: NDArray[np.bool_]) -> Pairs:
    return Pairs(pairs.scores[chosen], pairs.first[chosen], pairs.second[chosen])


def _both(pairs: Pairs, kept: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return kept[pairs.first] & kept[pairs.second]


def _health(found: Embedded, quality: NDArray[np.float64] | None) -> dict[str, float | None]:
    health = measure_health(
        found.faces.embeddings,
        found.faces.identities,
        norms=found.norms,
        quality=quality,
        images_per_identity=MOST,
    )
    figures = {
        "alignment": health.alignment,
        "uniformity": health.uniformity,
        "angular_fisher_score": health.angular_fisher_score,
        "effective_rank": health.effective_rank,
        "concentration": health.concentration,
        "ideal_rate": health.ideal_criterion_rate.value,
        "norm_quality": None if health.norm_quality is None else health.norm_quality.value,
        "norm_mean": float(found.norms.mean()),
        "norm_deviation": float(found.norms.std()),
    }
    return {
        key: None if value is None or not math.isfinite(value) else float(value) for key, value in figures.items()
    }


def _ideal(found: Embedded) -> dict[str, Any]:
    """Count the people, of those with two pictures, all of whose own are nearer than anybody else's."""
    names, codes = person_codes(found.faces.identities)
    chosen = at_most(found.faces.identities, MOST, SETTINGS.seed)
    near = neighbours(found.faces.embeddings[chosen], codes[chosen])
    own, other = np.full(len(names), -np.inf), np.full(len(names), np.inf)
    np.fmax.at(own, codes[chosen], np.array(near.own_angle))
    np.fmin.at(other, codes[chosen], np.array(near.other_angle))
    judged = np.flatnonzero(np.isfinite(own))
    return {
        "met": _by_person(judged[own[judged] < other[judged]], names),
        "people": len(judged),
        "largest_own": float(own[judged].max()),
        "median_own": float(np.median(own[judged])),
        "median_other": float(np.median(other[judged])),
    }


def _counts(codes: NDArray[Any], names: tuple[str, ...]) -> list[int]:
    """Count what each person has, in anonymous order."""
    return [int(count) for count in np.bincount(codes, minlength=len(names))[anonymous_order(names)]]


def _of_each(codes: NDArray[Any], trials: NDArray[Any], names: tuple[str, ...]) -> list[int]:
    """Count events of each person who has a trial, in anonymous order."""
    return [events for events, tried in zip(_counts(codes, names), _counts(trials, names), strict=True) if tried]


def _by_person(codes: NDArray[Any], names: tuple[str, ...]) -> Mapping[str, int]:
    """Count events by anonymous person: number of the person as text, and how many; nobody with none."""
    counts = np.bincount(codes, minlength=len(names))[anonymous_order(names)]
    return {str(number): int(counts[number]) for number in np.flatnonzero(counts).tolist()}
