"""Judging an embedding: numbers in, numbers out, an interval on every rate; no images, no models.

Importing this package is free: each public name is loaded on first use (PEP 562).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the same names, for whoever reads types
    from sphereface.evaluation.averages import average_galleries as average_galleries
    from sphereface.evaluation.calibration.judging import calibrate as calibrate
    from sphereface.evaluation.calibration.judging import calibrate_and_judge as calibrate_and_judge
    from sphereface.evaluation.distractors import search_distractors as search_distractors
    from sphereface.evaluation.embedding_file import read_embeddings as read_embeddings
    from sphereface.evaluation.embedding_file import write_embeddings as write_embeddings
    from sphereface.evaluation.embedding_set import EmbeddingSet as EmbeddingSet
    from sphereface.evaluation.findings import find as find
    from sphereface.evaluation.fusion import fuse_flips as fuse_flips
    from sphereface.evaluation.fusion import fuse_models as fuse_models
    from sphereface.evaluation.fusion import fuse_scores as fuse_scores
    from sphereface.evaluation.gallery_size.sizes import by_gallery_size as by_gallery_size
    from sphereface.evaluation.groups.rates import group_rates as group_rates
    from sphereface.evaluation.groups.rates import group_searches as group_searches
    from sphereface.evaluation.hypersphere import measure_health as measure_health
    from sphereface.evaluation.identification import identify as identify
    from sphereface.evaluation.judge import compare as compare
    from sphereface.evaluation.judge import evaluate as evaluate
    from sphereface.evaluation.judge import follow as follow
    from sphereface.evaluation.lookalikes import lookalike_matches as lookalike_matches
    from sphereface.evaluation.lookalikes import nearest_people as nearest_people
    from sphereface.evaluation.lookalikes import within_group_matches as within_group_matches
    from sphereface.evaluation.morphing.real import attack_potential as attack_potential
    from sphereface.evaluation.morphing.real import attempt_scores as attempt_scores
    from sphereface.evaluation.morphing.real import morph_match_rate as morph_match_rate
    from sphereface.evaluation.morphing.vulnerability import morph_vulnerability as morph_vulnerability
    from sphereface.evaluation.operating_point import OperatingPoint as OperatingPoint
    from sphereface.evaluation.operating_point import read_operating_point as read_operating_point
    from sphereface.evaluation.operating_point import write_operating_point as write_operating_point
    from sphereface.evaluation.paired import compare_crowds as compare_crowds
    from sphereface.evaluation.paired import compare_pairs as compare_pairs
    from sphereface.evaluation.paired import compare_searches as compare_searches
    from sphereface.evaluation.person_figures import missed_at_fmr as missed_at_fmr
    from sphereface.evaluation.person_figures import missed_at_fpir as missed_at_fpir
    from sphereface.evaluation.protocol import UnitPairs as UnitPairs
    from sphereface.evaluation.protocols import read_protocol as read_protocol
    from sphereface.evaluation.repeated import RepeatedRuns as RepeatedRuns
    from sphereface.evaluation.score_normalisation import normalised_pairs as normalised_pairs
    from sphereface.evaluation.scores import all_pairs as all_pairs
    from sphereface.evaluation.scores import listed_pairs as listed_pairs
    from sphereface.evaluation.search import open_set_split as open_set_split
    from sphereface.evaluation.search import search_gallery as search_gallery
    from sphereface.evaluation.steps import full_curve as full_curve
    from sphereface.evaluation.summary import to_json as to_json
    from sphereface.evaluation.templates import pool as pool
    from sphereface.evaluation.threshold_choice import choose_operating_point as choose_operating_point
    from sphereface.evaluation.threshold_choice import choose_verification_point as choose_verification_point
    from sphereface.evaluation.verification import verify as verify

# A name that is a module's as well would be the module from its first import on, so there is none here.
_PUBLIC = {
    "evaluate": "sphereface.evaluation.judge",
    "compare": "sphereface.evaluation.judge",
    "all_pairs": "sphereface.evaluation.scores",
    "listed_pairs": "sphereface.evaluation.scores",
    "verify": "sphereface.evaluation.verification",
    "open_set_split": "sphereface.evaluation.search",
    "search_gallery": "sphereface.evaluation.search",
    "UnitPairs": "sphereface.evaluation.protocol",
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
