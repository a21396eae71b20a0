"""Made-up results of everything that can be looked into beside the usual figures; no measurement."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sphereface.evaluation.averages import Averaged, GalleryAverage
from sphereface.evaluation.calibration.results import CalibrationResult, Reliability
from sphereface.evaluation.findings import Findings
from sphereface.evaluation.gallery_size.sizes import SizedIdentification
from sphereface.evaluation.groups.rates import GroupRates, GroupSearches
from sphereface.evaluation.groups.ratios import Inequality
from sphereface.evaluation.lookalikes import SubsetMatches
from sphereface.evaluation.morphing.pairs import Kind
from sphereface.evaluation.morphing.vulnerability import MorphVulnerability, SafeThreshold
from sphereface.evaluation.results import ErrorCurve, Rate

THRESHOLD = 0.431


def share(value: float, spread: float = 0.2) -> Rate:
    return Rate(value, value * (1 - spread), min(1.0, value * (1 + spread)), 0.95, 200, threshold="fixed")


def none(reason: str, high: float | None = None) -> Rate:
    return Rate(None, None, high, 0.95, 0, reason, "fixed")


def sizes() -> tuple[SizedIdentification, ...]:
    """Return galleries of 1 to 500 people, 50 of them at hand; 200 are the most that is supported."""
    found = [
        SizedIdentification(
            people, "exact" if people <= 50 else "tail fit", 0.05, 0.3 + 0.02 * np.log(people), share(0.05),
            share(0.03 * people**0.4), min(1.0, 0.05 * (1 + 0.1 * np.log(people))), 0.06, 1 + 0.01 * people,
        )
        for people in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
    ]  # fmt: skip
    reason = none("needs about 600 non-mated searches in galleries of this size, has 80 effective")
    lost = {"threshold": None, "fpir": reason, "fnir": reason, "independence_bound": None, "selectivity": None}
    return (*found[:-2], *(replace(each, **lost) for each in found[-2:]))


def groups(title: str = "groups as labelled") -> GroupRates:
    """Return three groups; the third has too few errors for its rate of false matches."""
    names = ("north", "south", "west")
    own = (share(0.0011), share(0.0042), none("needs about 10,000 impostor pairs, has 800 effective", 0.004))
    unequal = Inequality(1.95, 1.3, 1.8, 0.02, names[:2])
    lacking = Inequality(None, None, None, None, (), "fewer than two groups have a supported rate")
    keys = ("max_to_geometric_mean", "max_to_min", "gini")
    return GroupRates(
        title=title, threshold=THRESHOLD, names=names, people=(40, 35, 12), unlabelled=3,
        fnmr=(share(0.05), share(0.08), share(0.06)),
        fmr=tuple(tuple(own[i] if i == j else share(0.0002) for j in range(3)) for i in range(3)),
        all_fnmr=0.062, all_fmr=0.0024, fnmr_ratios=dict.fromkeys(keys, replace(unequal, p_value=0.4)),
        fmr_ratios=dict.fromkeys(keys, unequal), fdr=replace(unequal, value=0.985), garbe=lacking,
        permutations=200,
    )  # fmt: skip


def calibration(kind: str, lean: float) -> CalibrationResult:
    predicted = np.linspace(0.02, 0.98, 8)
    observed = np.clip(predicted + lean * (predicted - 0.5) * (1 - predicted), 0, 1)
    bins = Reliability(predicted, observed, np.clip(observed - 0.05, 0, 1), np.clip(observed + 0.05, 0, 1),
                       np.full(8, 1 / 8))  # fmt: skip
    return CalibrationResult(
        kind, 90, 1200, 60_000, 4, Rate(0.142, 0.127, 0.158, 0.95, 90), 0.139, 0.5,
        Rate(0.03, 0.02, 0.04, 0.95, 90), Rate(0.0018, 0.0, 0.0046, 0.95, 90), 0.0033, 15, bins,
    )  # fmt: skip


def morphs(kind: Kind, attempts: int) -> MorphVulnerability:
    thresholds = np.linspace(0, 0.9, 50)
    passing = 1 / (1 + np.exp(14 * (thresholds - 0.35 - 0.02 * attempts)))
    rejected = 1 / (1 + np.exp(-12 * (thresholds - 0.6)))
    curve = ErrorCurve(thresholds, passing, rejected, passing * 0.9, passing, rejected * 0.9, rejected)
    return MorphVulnerability(
        kind, attempts, 4005, 4005 if attempts == 1 else 9000, THRESHOLD, share(0.21), 0.998, share(0.08), 0.29,
        {
            0.1: SafeThreshold(0.1, 0.52, 0.51, 0.53, share(0.3)),
            0.01: SafeThreshold(0.01, None, None, None, none("needs 3,000 pairs of people")),
        },
        curve,
    )  # fmt: skip


def example_findings() -> Findings:
    return Findings(
        pairs_title="2 lists together: all pairs, the list of frontal and profile",
        gallery_title="one template a person",
        threshold=THRESHOLD,
        threshold_fmr=0.001,
        threshold_at_fmr={1e-4: 0.6, 0.001: THRESHOLD},
        average=GalleryAverage(
            10,
            {0.05: Averaged(share(0.12), 0.021), 0.01: Averaged(none("2 of 10 galleries have no value"), None)},
            Averaged(share(0.9, 0.05), 0.013),
        ),
        gallery_sizes=sizes(),
        groups=groups(),
        group_searches=GroupSearches(
            0.427, ("north", "south"), 3, (share(0.2), share(0.31)), (share(0.05), none("needs 600 searches", 0.1))
        ),
        clusters=groups("3 clusters of people's mean directions"),
        calibration=(calibration("platt", 0.1), calibration("faircal", -0.3)),
        morphing=(morphs("all", 1), morphs("all", 5), morphs("nearest", 5)),
        lookalikes=(
            SubsetMatches("look-alikes", 88, 90, (0.6, THRESHOLD), (none("has 3 effective", 0.2), share(0.31))),
        ),
        absent={"morphing: same group": "no group has two people with two images"},
    )
