"""What the doctor says: a diagnosis in plain sentences, each with its figures and with what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from sphereface.embedder.contract_search import Axis, Scaling, Variant
from sphereface.embedder.doctor import Diagnosis
from sphereface.embedder.misreadings import WAYS, Way
from sphereface.faces.contract import InputContract

_AGAIN: Final = "align the original photographs with 'sphereface align'"
_FAULTS: Final[Mapping[Way, str]] = MappingProxyType(
    {
        "as crops": "these pictures are aligned crops already, and are aligned a second time",
        "as photographs": "these pictures are not aligned as the model expects",
        "resized": "the model fits whole pictures that are merely resized",
        "by template": "these crops have another template than the model's",
        "tighter": "these crops show more around the face than the model expects",
        "looser": "these crops are cut tighter than the model expects",
        "moved right": "the faces stand 8 columns too far left in these crops",
        "moved left": "the faces stand 8 columns too far right in these crops",
    }
)
_REMEDIES: Final[Mapping[Way, str]] = MappingProxyType(
    {
        "as crops": "use --pictures aligned",
        "as photographs": f"{_AGAIN}, or use --pictures photographs",
        "resized": "resize them, and use --pictures aligned",
    }
)
_CARD: Final = "the model's input contract should say"
_SURE: Final = 0.8  # share of pictures that must agree on the colour of skin


def name_of(variant: Variant, today: Variant) -> str:
    """Return a variant in plain words: today's in full, any other by what it changes."""
    changes = variant.changes(today)
    parts = []
    if not changes or "reading" in changes:
        parts.append(WAYS[variant.reading])
    if "colour" in changes:
        parts.append("red and blue exchanged")
    elif not changes:
        parts.append(variant.colour.upper())
    if variant.scaling and (not changes or "scaling" in changes):
        parts.append(formula(variant.scaling))
    return ", ".join(parts)


def formula(scaling: Scaling) -> str:
    """Write a scaling as people do.

    >>> formula(Scaling(127.5, 128.0)), formula(Scaling(0.0, 255.0))
    ('(x - 127.5) / 128', 'x / 255')
    """
    return f"(x - {scaling.mean:g}) / {scaling.std:g}" if scaling.mean else f"x / {scaling.std:g}"


def sentences(diagnosis: Diagnosis) -> Iterator[str]:
    """Yield the verdict, and what to do about it."""
    today, best = diagnosis.today, diagnosis.best
    if diagnosis.verdict == "nothing separates":
        yield (
            "nothing tried separates these people better than their plain pixels do "
            f"(d' {diagnosis.pixels.value:.2f}): is this the right model, and does every folder hold one person?"
        )
    elif diagnosis.verdict == "fits":
        yield "today's contract fits: nothing tried separates people better beyond chance"
        yield from _aligned_already(diagnosis)
    else:
        changes = best.variant.changes(today.variant)
        rise = diagnosis.rise(best)
        yield (
            f"{', and '.join(_fault(diagnosis, axis) for axis in changes)}: d' rises from "
            f"{today.separation.value:.2f} to {best.separation.value:.2f} (paired 95 % interval "
            f"{rise.low:+.2f} to {rise.high:+.2f}, widened for {diagnosis.choices.others} variants)"
        )
        yield from (_remedy(diagnosis, axis) for axis in changes)
    if diagnosis.skipped:
        yield f"no face was looked for in these pictures: {diagnosis.skipped}"


def _aligned_already(diagnosis: Diagnosis) -> Iterator[str]:
    """Say what aligning crops a second time would cost, if it does."""
    today = diagnosis.today
    again = replace(today.variant, reading="as photographs")
    for trial in diagnosis.tried:
        if trial.variant == again and diagnosis.rise(trial).high < 0.0:
            lost = trial.failed - today.failed
            yield (
                "these crops are aligned already: aligning them again would lower d' from "
                f"{today.separation.value:.2f} to {trial.separation.value:.2f}"
                + (f" and lose {lost:,} pictures" if lost > 0 else "")
            )


def _fault(diagnosis: Diagnosis, axis: Axis) -> str:
    today, best = diagnosis.today.variant, diagnosis.best.variant
    if axis == "reading":
        return _FAULTS[best.reading]
    if axis == "colour":
        return "red and blue are exchanged"
    assert today.scaling is not None
    assert best.scaling is not None
    return f"pixels are scaled as {formula(today.scaling)} where {formula(best.scaling)} fits"


def _remedy(diagnosis: Diagnosis, axis: Axis) -> str:
    best = diagnosis.best.variant
    if axis == "reading":
        return _REMEDIES.get(best.reading, _AGAIN)
    if axis == "scaling":
        assert best.scaling is not None
        return f"{_CARD} mean = {best.scaling.mean:g} and std = {best.scaling.std:g}"
    redder, card = diagnosis.redder, f"{_CARD} colour = '{best.colour}'"
    if _files_are_swapped(diagnosis):
        return f"exchange red and blue in the files: skin is bluer than red in {1.0 - redder:.0%} of them"
    if best.scaling is None:
        return "exchange red and blue in the files"  # this model's contract cannot be another
    if redder >= _SURE:
        return f"{card}; the files are in order, skin is redder than blue in {redder:.0%} of them"
    return f"exchange red and blue in the files, or {card}"


def prescribed(diagnosis: Diagnosis, contract: InputContract) -> InputContract:
    """Return the contract the model should have: its own where the fault lies in the pictures alone.

    Args:
        diagnosis: What was found.
        contract: The model's own.
    """
    best = diagnosis.best.variant
    if diagnosis.verdict != "another fits better" or best.scaling is None:
        return contract
    colour = contract.colour if _files_are_swapped(diagnosis) else best.colour
    return contract.model_copy(update={"colour": colour, **best.scaling._asdict()})


def _files_are_swapped(diagnosis: Diagnosis) -> bool:
    return diagnosis.redder <= 1.0 - _SURE
