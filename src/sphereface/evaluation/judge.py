"""Everything at once: from embeddings to an Evaluation, over all pairs or as a protocol says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sphereface.errors import DataError
from sphereface.evaluation.crowds import CrowdScores, crowd_scores, judge_crowd
from sphereface.evaluation.distractors import Product, float32_product
from sphereface.evaluation.embedding_set import EmbeddingSet
from sphereface.evaluation.evaluation import Evaluation
from sphereface.evaluation.hypersphere import measure_health
from sphereface.evaluation.identification import identify
from sphereface.evaluation.images import Embeddings, Mask
from sphereface.evaluation.linear_probe import linear_probe
from sphereface.evaluation.protocol import Positions, Protocol, UnitClasses, UnitSearch
from sphereface.evaluation.results import ClassAccuracy, ScoredPair, Source, Verification
from sphereface.evaluation.scores import PairScores, all_pairs, listed_pairs
from sphereface.evaluation.search import OpenSetSplit, SearchScores, open_set_split, search_gallery
from sphereface.evaluation.settings import DEFAULT, Settings
from sphereface.evaluation.units import embed_units
from sphereface.evaluation.verification import verify

_MOST_UNITS = 25_000


@dataclass(frozen=True, slots=True, eq=False)
class Comparisons:
    """Every score an evaluation and the operating points are made from, computed once.

    Attributes:
        faces: What pairs and searches speak of: pictures, or the units of a protocol.
        rows: For each of ``pairs``, shape (U,): the row of the original set that shows each unit it speaks of, -1
            for none.
        pairs: All against all, or the lists of a protocol.
        searches: An open-set draw of the people, or the galleries of a protocol.
        crowds: Searches among distractors.
        classes: What else is told from the embedding.
        source: The protocol they follow.
        spread: Positions in ``faces`` on which the health of the hypersphere is measured, and the rows that show
            them; None for all.
        unit: What ``faces`` has rows of, ``template`` where a protocol pools pictures.
    """

    faces: EmbeddingSet
    rows: tuple[Positions, ...]
    pairs: tuple[PairScores, ...]
    searches: tuple[SearchScores, ...]
    crowds: tuple[CrowdScores, ...] = ()
    classes: tuple[ClassAccuracy, ...] = ()
    source: Source | None = None
    spread: tuple[Positions, Positions] | None = None
    unit: str = "picture"


def compare(faces: EmbeddingSet, settings: Settings = DEFAULT) -> Comparisons:
    """Compare all against all, and search an open-set draw of the people.

    Raises:
        DataError: If the embeddings are unusable.
        ConfigurationError: If a setting is out of range.
        NotEnoughDataError: If there is one person only, nobody has two images, or no one can be searched.
    """
    return Comparisons(
        faces, (np.arange(len(faces)),), (every_pair(faces, settings),), (drawn_search(faces, settings),)
    )


def every_pair(faces: EmbeddingSet, settings: Settings = DEFAULT) -> PairScores:
    """Compare all against all.

    Raises:
        DataError: If the embeddings are unusable, or nothing is known of who is in them.
        NotEnoughDataError: If there is one person only, or nobody has two images.
    """
    if not any(faces.identities):
        raise DataError(
            "no row says who is in its picture ('identity' is empty); give identities, or a protocol that "
            "knows them"
        )
    return all_pairs(
        faces.embeddings,
        faces.identities,
        failed=faces.failed,
        images_per_identity=settings.images_per_identity,
        seed=settings.seed,
    )


def drawn_search(faces: EmbeddingSet, settings: Settings = DEFAULT) -> SearchScores:
    """Search an open-set draw of the people.

    Raises:
        DataError: If the embeddings are unusable.
        NotEnoughDataError: If no one can be searched.
    """
    split = draw_split(faces.identities, settings)
    return search_gallery(faces.embeddings, faces.identities, split, failed=faces.failed)


def draw_split(identities: Sequence[str], settings: Settings = DEFAULT) -> OpenSetSplit:
    """Draw who is enrolled and with which images, as the settings say.

    Raises:
        NotEnoughDataError: If nobody is enrolled, or nobody is a stranger.
    """
    return open_set_split(
        identities,
        enrolled_fraction=settings.enrolled_fraction,
        templates_per_person=settings.templates_per_person,
        least_images=settings.least_images,
        images_per_identity=settings.images_per_identity,
        seed=settings.seed,
    )


def follow(
    faces: EmbeddingSet, protocol: Protocol, settings: Settings = DEFAULT, product: Product = float32_product
) -> Comparisons:
    """Compare what a protocol says, and search its galleries one by one.

    A picture the protocol names and the set does not have counts as one that failed.

    Args:
        faces: The pictures at hand.
        protocol: What to compare.
        settings: How templates are pooled, and what the figures are measured at.
        product: What searches a crowd first and roughly.

    Raises:
        DataError: If none of the protocol's pictures is there, or it contradicts the set or itself.
        NotEnoughDataError: If a list has pairs of one kind only, or a gallery has nobody.
    """
    people = protocol.units.people
    spread = _without_crowds(protocol, settings.seed)
    found = embed_units(protocol.units, faces, settings.weighting)
    units = EmbeddingSet(
        found.embeddings,
        people,
        protocol.units.names,
        found.failed,
        model=faces.model,
        preprocessing=faces.preprocessing,
        title=faces.title,
    )
    return Comparisons(
        units,
        (found.rows,) * len(protocol.pairs),
        pairs=tuple(
            listed_pairs(units.embeddings, pairs, people, failed=units.failed) for pairs in protocol.pairs
        ),
        searches=tuple(
            search_gallery(units.embeddings, people, _split(wanted, people), failed=units.failed)
            for wanted in protocol.searches
        ),
        crowds=tuple(crowd_scores(units, crowd, settings.fmr_targets, product) for crowd in protocol.distractors),
        classes=tuple(_told(units, told, settings.confidence) for told in protocol.classes),
        source=Source(protocol.name, protocol.title, protocol.citation, protocol.note, found.missing),
        spread=(spread, found.rows[spread]),
        unit=protocol.units.word,
    )


def joined(first: Comparisons, second: Comparisons) -> Comparisons:
    """Return both sets of comparisons as one; the first is the one to speak of."""
    return replace(
        first,
        rows=(*first.rows, *second.rows),
        pairs=(*first.pairs, *second.pairs),
        searches=(*first.searches, *second.searches),
        crowds=(*first.crowds, *second.crowds),
        classes=(*first.classes, *second.classes),
        source=first.source or second.source,
    )


def judge(comparisons: Comparisons, settings: Settings = DEFAULT) -> Evaluation:
    """Turn comparisons into figures with intervals, and measure how the embedding uses the hypersphere.

    Raises:
        ConfigurationError: If a setting is out of range.
        NotEnoughDataError: If searches have no mated or no non-mated probe.
    """
    faces = comparisons.faces
    spread = faces if comparisons.spread is None else faces.select(comparisons.spread[0])
    health = measure_health(
        spread.embeddings,
        spread.identities,
        failed=spread.failed,
        images_per_identity=settings.images_per_identity,
        confidence=settings.confidence,
        seed=settings.seed,
        norms=spread.norms,
        quality=spread.quality,
    )
    if comparisons.spread is not None:
        rows = comparisons.spread[1]
        health = replace(health, widest=_in_rows(health.widest, rows), nearest=_in_rows(health.nearest, rows))
    return Evaluation(
        title=faces.title,
        images=len(faces),
        people=len(set(faces.identities)),
        verifications=tuple(
            _verified(pairs, rows, settings)
            for pairs, rows in zip(comparisons.pairs, comparisons.rows, strict=True)
        ),
        identifications=tuple(
            identify(
                searches,
                fpir_targets=settings.fpir_targets,
                confidence=settings.confidence,
                resamples=settings.resamples,
                seed=settings.seed,
            )
            for searches in comparisons.searches
        ),
        health=health,
        crowds=tuple(judge_crowd(crowd, settings) for crowd in comparisons.crowds),
        classes=comparisons.classes,
        source=comparisons.source,
        unit=comparisons.unit,
        settings={**settings.to_json(), "failed_images": int(faces.failed.sum())},
    )


def evaluate(
    embeddings: Embeddings,
    identities: Sequence[str],
    *,
    names: Sequence[str] | None = None,
    failed: Mask | None = None,
    protocol: Protocol | None = None,
    **settings: Any,
) -> Evaluation:
    """Judge an embedding on people it has not seen: verification, open-set search and health.

    Args:
        embeddings: Shape (N, d), any norm but zero.
        identities: N names.
        names: What a protocol calls each row; its number, if None.
        failed: Shape (N,), bool: images that could not be embedded. Their rows are ignored; searches, genuine
            pairs and listed pairs with them are counted as errors.
        protocol: What to compare; all against all, if None.
        settings: As in :class:`~sphereface.evaluation.settings.Settings`; a protocol has targets of its own.

    Raises:
        DataError: If the embeddings are unusable or do not fit the names or the protocol.
        ConfigurationError: If a setting is out of range.
        NotEnoughDataError: If there is one person only, nobody has two images, or no one can be searched.
    """
    faces = EmbeddingSet.of(embeddings, identities, names=names, failed=failed)
    if protocol is None:
        chosen = Settings(**settings)
        return judge(compare(faces, chosen), chosen)
    chosen = Settings(**{**protocol.own_settings(), **settings})
    return judge(follow(faces, protocol, chosen), chosen)


def _verified(pairs: PairScores, rows: Positions, settings: Settings) -> Verification:
    found = verify(
        pairs,
        fmr_targets=settings.fmr_targets,
        threshold_rule=settings.threshold_rule,
        confidence=settings.confidence,
        resamples=settings.resamples,
        seed=settings.seed,
    )
    return replace(
        found,
        hardest_genuine=_in_rows(found.hardest_genuine, rows),
        hardest_impostor=_in_rows(found.hardest_impostor, rows),
    )


def _in_rows(pairs: Sequence[ScoredPair], rows: Positions) -> list[ScoredPair]:
    """Return pairs of units as pairs of the rows that show them, whatever they were compared as."""
    return [ScoredPair(int(rows[pair.first]), int(rows[pair.second]), pair.score) for pair in pairs]


def _without_crowds(protocol: Protocol, seed: int) -> Positions:
    """Return the units that are no distractors, of as many people as have 25,000: each is compared with each."""
    own = np.ones(len(protocol.units), dtype=bool)
    for crowd in protocol.distractors:
        own[crowd.distractors] = False
    people = np.unique(np.array(protocol.units.people), return_inverse=True)[1]
    order = np.random.default_rng(seed).permutation(int(people.max()) + 1)
    counts = np.bincount(people[own], minlength=len(order))[order]
    chosen = np.zeros(len(order), dtype=bool)
    chosen[order[np.cumsum(counts) <= _MOST_UNITS]] = True
    return np.flatnonzero(own & chosen[people])


def _split(wanted: UnitSearch, people: Sequence[str]) -> OpenSetSplit:
    enrolled = {people[at] for at in wanted.gallery.tolist()}
    mated = np.array([people[at] in enrolled for at in wanted.probes.tolist()], dtype=bool)
    return OpenSetSplit(wanted.title, wanted.gallery, wanted.probes[mated], wanted.probes[~mated])


def _told(units: EmbeddingSet, told: UnitClasses, confidence: float) -> ClassAccuracy:
    return linear_probe(
        units.embeddings[told.units],
        told.labels,
        [units.identities[at] for at in told.units.tolist()],
        told.fold,
        failed=units.failed[told.units],
        title=told.title,
        confidence=confidence,
    )
