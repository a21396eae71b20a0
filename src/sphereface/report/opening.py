"""The text on top of the page: what was found, in words that need no glossary."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from sphereface.evaluation.evaluation import Evaluation
from sphereface.evaluation.results import ClassAccuracy, CrowdSearch, Identification, Rate, Verification
from sphereface.report.content import ReportInput
from sphereface.report.wording import (
    NBSP,
    chosen_target,
    counted,
    in_percent,
    one_in,
    plain_percent,
)

if TYPE_CHECKING:
    from sphereface.evaluation.averages import GalleryAverage
    from sphereface.evaluation.findings import Findings
    from sphereface.evaluation.groups.rates import GroupRates

USUAL_FPIR, USUAL_FMR = 0.01, 1e-3

_T = TypeVar("_T", Identification, Verification, CrowdSearch)


def headline(report: ReportInput) -> str:
    """Return the first sentence of :func:`opening`."""
    return opening(report)[0]


def opening(report: ReportInput) -> list[str]:
    """Return what was found, the most useful first; never empty, and no claim the data cannot carry."""
    more = [] if report.findings is None else looked_into(report.findings)
    about = report.evaluation
    return [*_found(about), *more, *_beside_others(report), *_brackets(about), *_missing(about)]


def _found(evaluation: Evaluation) -> list[str]:
    said = [
        *_first(_searched, evaluation.identifications, "galleries"),
        *_first(_compared, evaluation.verifications, "lists of pairs"),
        *_first(_in_a_crowd, evaluation.crowds, "crowds"),
        *(filter(None, map(_told, evaluation.classes[:1]))),
    ]
    if not said:
        people = ""
        if evaluation.identifications:
            people = f"With {counted(evaluation.identification.gallery_people, 'person')} enrolled, this"
        return [
            f"{people or 'This'} data supports no statement at the error rates asked for; "
            "the sections below say what is missing."
        ]
    return said


def _first(told: Callable[[_T], str], found: Sequence[_T], things: str) -> Iterator[str]:
    """Yield what the first of some results comes to, if anything; of several it is named."""
    for one in found[:1]:
        sentence = told(one)
        if sentence and len(found) > 1:
            sentence = f"In the first of {len(found)} {things} ({one.title}), {sentence[:1].lower()}{sentence[1:]}"
        if sentence:
            yield sentence


def _searched(search: Identification) -> str:
    target = chosen_target(search.fnir_at_fpir, USUAL_FPIR)
    if target is None and search.cmc and search.cmc[0].value is not None:
        return (
            f"With {counted(search.gallery_people, 'person')} enrolled, {in_percent(search.cmc[0])} of the "
            "searches by enrolled people put the right person first; nothing can be said of strangers."
        )
    if target is None:
        return ""
    return (
        f"At {one_in(target)} by strangers, with {counted(search.gallery_people, 'person')} enrolled, "
        f"{in_percent(search.fnir_at_fpir[target])} of the searches by enrolled people go unrecognised."
    )


def _compared(pairs: Verification) -> str:
    target = chosen_target(pairs.fnmr_at_fmr, USUAL_FMR)
    if target is not None:
        return (
            f"At {one_in(target, 'mistake', 'pair')} of two different people, "
            f"{in_percent(pairs.fnmr_at_fmr[target])} of the pairs of one person are not recognised."
        )
    if pairs.accuracy.value is not None:
        return (
            f"{in_percent(pairs.accuracy)} of the pairs are judged rightly as one person or two, "
            "with a threshold learned from other pairs."
        )
    return ""


def _in_a_crowd(crowd: CrowdSearch) -> str:
    if not crowd.cmc or crowd.cmc[0].value is None:
        return ""
    return (
        f"Looked for among {counted(crowd.distractors, 'stranger')}, the right person comes first in "
        f"{in_percent(crowd.cmc[0])} of the searches."
    )


def _told(told: ClassAccuracy) -> str:
    if told.accuracy.value is None:
        return ""
    return (
        f"Out of {len(told.classes)} kinds of {told.title}, the right one is read off the embedding for "
        f"{in_percent(told.accuracy)} of the pictures, of people it was not learned from."
    )


def looked_into(findings: Findings) -> Iterator[str]:
    """Yield what several and larger galleries, groups and morphs come to, a sentence each."""
    if findings.average is not None:
        yield from _averaged(findings.average)
    supported = [size for size in findings.gallery_sizes if size.fnir.value is not None]
    if supported and supported[-1].kind == "tail fit" and supported[-1].target is not None:
        yield (
            f"With {counted(supported[-1].gallery_people, 'person')} enrolled, about "
            f"{in_percent(supported[-1].fnir)} would go unrecognised at {one_in(supported[-1].target)}: this is "
            "extrapolated."
        )
    for alike in findings.lookalikes[:1]:
        at = dict(zip(alike.thresholds, alike.fmr, strict=True)).get(findings.threshold or math.nan)
        if at is not None and at.value is not None and findings.threshold_fmr is not None:
            yield (
                f"At the threshold that makes {one_in(findings.threshold_fmr, 'mistake', 'pair')} of two people, "
                f"{in_percent(at)} of the pairs of people who are most alike are taken for one person."
            )
    if findings.groups is not None:
        yield from _unequal(findings.groups)
    morphs = [one for one in findings.morphing if one.kind == "all" and one.mmpmr.value is not None]
    if morphs:
        yield (
            f"Of the worst pictures that can be mixed from two people, {in_percent(morphs[-1].mmpmr)} would pass "
            f"as both of them within {counted(morphs[-1].attempts, 'attempt')}."
        )


def _averaged(found: GalleryAverage) -> Iterator[str]:
    target = chosen_target({at: one.mean for at, one in found.fnir_at_fpir.items()}, USUAL_FPIR)
    over = f"Averaged over {found.galleries} galleries,"
    if target is not None:
        missed = in_percent(found.fnir_at_fpir[target].mean)
        yield f"{over} {missed} of the searches by enrolled people go unrecognised at {one_in(target)}."
    elif found.rank_1 is not None and found.rank_1.mean.value is not None:
        yield f"{over} {in_percent(found.rank_1.mean)} of these searches put the right person first."


def _unequal(groups: GroupRates) -> Iterator[str]:
    own = [groups.fmr[at][at] for at in range(len(groups.names))]
    for what, rates, ratios in (
        ("pairs of two people of one group taken for one person", own, groups.fmr_ratios),
        ("pairs of one person that are missed", groups.fnmr, groups.fnmr_ratios),
    ):
        known = [(rate, name) for rate, name in zip(rates, groups.names, strict=True) if rate.value is not None]
        if len(known) < 2:
            continue
        known.sort(key=lambda one: one[0].value or 0.0)
        (least, first), (most, last) = known[0], known[-1]
        chance = ratios["max_to_geometric_mean"].p_value
        lot = (
            "" if chance is None else f"; groups dealt by lot differ as much in {plain_percent(round(chance, 3))}"
        )
        yield (
            f"From group to group, {what} range from {in_percent(least)} in {first} to {in_percent(most)} in "
            f"{last}{lot}{' of draws' if lot else ''}."
        )


def _beside_others(report: ReportInput) -> Iterator[str]:
    if not report.others:
        return
    differences = [found for pair in report.differences for found in pair.differences if found.low is not None]
    text = (
        f"All this is about {report.labels[0]}; {_listed(report.labels[1:])} judged under the same protocol below"
    )
    if differences:
        counting = sum(found.counts for found in differences)
        text += (
            f", and {counting} of {counted(len(differences), 'measured difference')} cannot be put down to chance"
        )
    yield f"{text}."


def _listed(names: Sequence[str]) -> str:
    """Return names as a sentence has them.

    >>> _listed(["a"]), _listed(["a", "b", "c"])
    ('a is', 'a, b and c are')
    """
    return f"{names[0]} is" if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]} are"


def _brackets(evaluation: Evaluation) -> Iterator[str]:
    sure = next((rate.confidence for rate in rates_of(evaluation) if rate.value is not None), None)
    if sure is not None:
        yield (
            f"The numbers in brackets are {sure * 100:g}{NBSP}% intervals: where the true value may well lie, "
            "seeing how few people were judged."
        )


def _missing(evaluation: Evaluation) -> Iterator[str]:
    rates = list(rates_of(evaluation))
    lacking = sum(rate.value is None for rate in rates)
    if 0 < lacking < len(rates):
        yield (
            f"{lacking} of the {len(rates)} error rates asked for cannot be stated, because the data is too small "
            "for them; each says below what it would need."
        )
    missing = len(evaluation.source.missing) if evaluation.source else 0
    if missing:
        yield f"{missing:,} of the protocol's pictures or templates are not at hand and count as failures."


def rates_of(evaluation: Evaluation) -> Iterator[Rate]:
    """Yield the rates at the targets that were asked for, and those that stand alone."""
    for pairs in evaluation.verifications:
        yield from ([pairs.accuracy] if pairs.folded else [])
        yield from pairs.fnmr_at_fmr.values()
    for search in evaluation.identifications:
        yield from search.fnir_at_fpir.values()
    for crowd in evaluation.crowds:
        yield from (*crowd.cmc[:1], *crowd.fnmr_at_fmr.values())
    for told in evaluation.classes:
        yield told.accuracy
