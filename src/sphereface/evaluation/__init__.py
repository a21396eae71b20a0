"""Judging an embedding: numbers in, numbers out, an interval on every rate; no images, no models.

Importing this package is free: each public name is loaded on first use (PEP 562).
"""

from __future__ import annotations

import importlib
from typing import Any

# A name that is a module's as well would be the module from its first import on, so there is none here.
_PUBLIC = {
    "evaluate": "sphereface.evaluation.judge",
    "compare": "sphereface.evaluation.judge",
    "all_pairs": "sphereface.evaluation.scores",
    "listed_pairs": "sphereface.evaluation.scores",
    "verify": "sphereface.evaluation.verification",
    "open_set_split": "sphereface.evaluation.search",
    "identify": "sphereface.evaluation.identification",
    "OperatingPoint": "sphereface.evaluation.operating_point",
    "choose_operating_point": "sphereface.evaluation.threshold_choice",
    "choose_verification_point": "sphereface.evaluation.threshold_choice",
    "read_operating_point": "sphereface.evaluation.operating_point",
    "write_operating_point": "sphereface.evaluation.operating_point",
    "EmbeddingSet": "sphereface.evaluation.embedding_set",
    "read_embeddings": "sphereface.evaluation.embedding_file",
    "write_embeddings": "sphereface.evaluation.embedding_file",
    "read_protocol": "sphereface.evaluation.protocols",
    "follow": "sphereface.evaluation.judge",
    "find": "sphereface.evaluation.findings",
    "calibrate": "sphereface.evaluation.calibration.judging",
    "calibrate_and_judge": "sphereface.evaluation.calibration.judging",
    "normalised_pairs": "sphereface.evaluation.score_normalisation",
    "by_gallery_size": "sphereface.evaluation.gallery_size.sizes",
    "nearest_people": "sphereface.evaluation.lookalikes",
    "lookalike_matches": "sphereface.evaluation.lookalikes",
    "within_group_matches": "sphereface.evaluation.lookalikes",
    "compare_crowds": "sphereface.evaluation.paired",
    "compare_pairs": "sphereface.evaluation.paired",
    "compare_searches": "sphereface.evaluation.paired",
    "missed_at_fmr": "sphereface.evaluation.person_figures",
    "missed_at_fpir": "sphereface.evaluation.person_figures",
    "RepeatedRuns": "sphereface.evaluation.repeated",
    "search_distractors": "sphereface.evaluation.distractors",
    "full_curve": "sphereface.evaluation.steps",
    "average_galleries": "sphereface.evaluation.averages",
    "group_rates": "sphereface.evaluation.groups.rates",
    "group_searches": "sphereface.evaluation.groups.rates",
    "pool": "sphereface.evaluation.templates",
    "fuse_flips": "sphereface.evaluation.fusion",
    "fuse_models": "sphereface.evaluation.fusion",
    "fuse_scores": "sphereface.evaluation.fusion",
    "morph_vulnerability": "sphereface.evaluation.morphing.vulnerability",
    "attempt_scores": "sphereface.evaluation.morphing.real",
    "morph_match_rate": "sphereface.evaluation.morphing.real",
    "attack_potential": "sphereface.evaluation.morphing.real",
    "measure_health": "sphereface.evaluation.hypersphere",
    "to_json": "sphereface.evaluation.summary",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'sphereface.evaluation' has no attribute {name!r}")
    return getattr(importlib.import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return list(__all__)
