"""A made-up evaluation with everything a report can show, from random unit vectors; no measurement.

Loaded by ``tests/conftest.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from sphereface.evaluation.evaluation import Evaluation
from sphereface.evaluation.paired import Difference
from sphereface.evaluation.results import (
    ClassAccuracy,
    CrowdSearch,
    ErrorCurve,
    Health,
    Identification,
    Rate,
    ScoredPair,
    ScoreHistogram,
    Source,
    Verification,
)
from sphereface.report.content import GalleryTrial, ModelDifferences, ReportInput, Shortcut, SphereSample
from tests.report_findings import example_findings

HOSTILE = "<script>document.title='taken'</script>"
PEOPLE, SHOTS, DIMENSION = 90, 8, 48


@dataclass(frozen=True)
class ExamplePoint:
    threshold: float
    fpir: float
    gallery_people: int
    confidence: float

    def describe(self) -> str:
        return f"at threshold {self.threshold:.3f}, {self.fpir:.0%} of searches by strangers raise an alarm"

    def model_dump(self, *, mode: str = "python") -> dict[str, Any]:
        return {
            "threshold": self.threshold,
            "fpir": self.fpir,
            "gallery_people": self.gallery_people,
            "confidence": self.confidence,
        }


def wilson(share: float, n: float, z: float = 1.96) -> tuple[float, float]:
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def rate(share: float, n: float) -> Rate:
    low, high = wilson(share, n)
    return Rate(share, low, high, 0.95, n)


def curve(
    true: np.ndarray, false: np.ndarray, n_true: float, n_false: float, lost: np.ndarray | None = None
) -> ErrorCurve:
    """Count both errors at thresholds dense in the tail; ``lost`` marks true attempts that miss anyway."""
    tail = 1 - np.geomspace(1 / len(false), 1, 250)
    thresholds = np.unique(
        np.concatenate([np.quantile(false, tail, method="higher"), np.linspace(-0.2, 0.9, 150)])
    )
    lost = np.zeros(len(true), bool) if lost is None else lost
    alarm = np.array([(false >= t).mean() for t in thresholds])
    missed = np.array([((true < t) | lost).mean() for t in thresholds])
    alarm_band = np.array([wilson(share, n_false) for share in alarm])
    missed_band = np.array([wilson(share, n_true) for share in missed])
    return ErrorCurve(
        thresholds, alarm, missed, alarm_band[:, 0], alarm_band[:, 1], missed_band[:, 0], missed_band[:, 1]
    )


def missed_at(found: ErrorCurve, target: float, n: float) -> tuple[Rate, float]:
    at = int(np.argmax(found.false <= target))
    return rate(float(found.missed[at]), n), float(found.thresholds[at])


def face(person: int, shot: int) -> np.ndarray:
    own, this = np.random.default_rng([1, person]), np.random.default_rng([2, person, shot])
    skin = np.array([205, 160, 130]) * own.uniform(0.45, 1.1)
    hair = np.array([90, 65, 45]) * own.uniform(0.2, 1.8)
    image = Image.new("RGB", (112, 112), tuple(this.integers(60, 220, 3).tolist()))
    draw = ImageDraw.Draw(image)
    dx, width = this.integers(-5, 6), own.integers(30, 40)
    colour = lambda c: tuple(np.clip(c, 0, 255).astype(int).tolist())  # noqa: E731
    draw.ellipse((56 - width - 5 + dx, 2, 56 + width + 5 + dx, 84), fill=colour(hair))
    draw.ellipse((56 - width + dx, 14, 56 + width + dx, 110), fill=colour(skin))
    for side in (-1, 1):
        x = 56 + dx + side * own.integers(14, 19)
        draw.ellipse((x - 6, 48, x + 6, 56), fill=(245, 245, 245))
        draw.ellipse((x - 3, 49, x + 3, 55), fill=colour(own.uniform(20, 120, 3)))
    draw.line((56 + dx, 56, 53 + dx, 74), fill=colour(skin * 0.7), width=3)
    draw.arc((42 + dx, 78, 70 + dx, 78 + own.integers(8, 16)), 10, 170, fill=(150, 60, 60), width=4)
    noise = this.normal(0, 6, (112, 112, 3))
    return np.clip(np.asarray(image) * this.uniform(0.7, 1.15) + noise, 0, 255).astype(np.uint8)


def embeddings(spread: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(7)
    centre = random.standard_normal((PEOPLE, DIMENSION))
    centre /= np.linalg.norm(centre, axis=1, keepdims=True)
    scatter = spread * random.uniform(0.6, 1.35, (PEOPLE, 1, 1)) / np.sqrt(DIMENSION)
    vectors = centre[:, None] + scatter * random.standard_normal((PEOPLE, SHOTS, DIMENSION))
    vectors = vectors.reshape(-1, DIMENSION)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.repeat(np.arange(PEOPLE), SHOTS)


@cache
def example_evaluation(title: str = "an example", spread: float = 1.0) -> Evaluation:
    vectors, labels = embeddings(spread)
    scores = vectors @ vectors.T
    first, second = np.triu_indices(len(labels), 1)
    same = labels[first] == labels[second]
    values = scores[first, second]
    genuine, impostor = values[same], values[~same]
    pairs = curve(genuine, impostor, 350, 9000)
    edges = np.linspace(-1, 1, 201)
    order = np.argsort(values)
    worst_genuine = [i for i in order if same[i]][:8]
    worst_impostor = [i for i in order[::-1] if not same[i]][:8]
    scored = lambda i: ScoredPair(int(first[i]), int(second[i]), float(values[i]))  # noqa: E731
    found = {target: missed_at(pairs, target, 350) for target in (1e-2, 1e-3)}
    crossing = int(np.argmin(np.abs(pairs.false - pairs.missed)))
    unsupported = Rate(
        None, None, 0.61, 0.95, 9000, "30 false matches would be expected; this data has 0.9 at this rate"
    )
    verification = Verification(
        title="all pairs, at most 8 images a person",
        people=PEOPLE,
        genuine_pairs=len(genuine),
        impostor_pairs=len(impostor),
        eer=rate(float(pairs.missed[crossing]), 400),
        auc=Rate(0.9941, 0.9917, 0.9960, 0.95, 400),
        accuracy=rate(0.968, 600),
        accuracy_threshold=0.31,
        fnmr_at_fmr={**{target: pair[0] for target, pair in found.items()}, 1e-4: unsupported},
        threshold_at_fmr={target: pair[1] for target, pair in found.items()},
        curve=pairs,
        histogram=ScoreHistogram(edges, np.histogram(genuine, edges)[0], np.histogram(impostor, edges)[0]),
        hardest_genuine=[scored(i) for i in worst_genuine],
        hardest_impostor=[scored(i) for i in worst_impostor],
    )
    enrolled = 50
    templates = vectors.reshape(PEOPLE, SHOTS, -1)[:enrolled, 0]
    probes = vectors.reshape(PEOPLE, SHOTS, -1)[:enrolled, 1:].reshape(-1, DIMENSION)
    owner = np.repeat(np.arange(enrolled), SHOTS - 1)
    table = probes @ templates.T
    own = table[np.arange(len(probes)), owner]
    rank = 1 + (table > own[:, None]).sum(axis=1)
    strangers = (vectors.reshape(PEOPLE, SHOTS, -1)[enrolled:].reshape(-1, DIMENSION) @ templates.T).max(axis=1)
    search = curve(own, strangers, 180, 200, lost=rank > 1)
    searched = {target: missed_at(search, target, 180) for target in (0.05, 0.1)}
    ranks = list(range(1, 11))
    identification = Identification(
        title="one template a person; the other images search",
        gallery_people=enrolled,
        gallery_templates=enrolled,
        mated_searches=len(probes),
        non_mated_searches=len(strangers),
        non_mated_people=PEOPLE - enrolled,
        fnir_at_fpir={
            0.01: Rate(None, None, 0.42, 0.95, 200, "only 3.2 false alarms are expected; 30 are needed"),
            **{target: pair[0] for target, pair in searched.items()},
        },
        threshold_at_fpir={target: pair[1] for target, pair in searched.items()},
        curve=search,
        cmc_ranks=ranks,
        cmc=[rate(float((rank <= r).mean()), 180) for r in ranks],
        mated_scores=own,
        non_mated_scores=strangers,
    )
    health = Health(0.61, -3.52, 0.34, 1.72, 0.71, False, rate(0.23, 40))
    return Evaluation(
        title=title, images=len(labels), people=PEOPLE, verifications=(verification,),
        identifications=(identification,), health=health,
        settings={"images_per_identity": 8, "confidence": 0.95, "seed": 0},
    )  # fmt: skip


@cache
def example_under_protocol(title: str = "an example", spread: float = 1.0) -> Evaluation:
    """Return what a protocol with two lists, two galleries, a crowd and a probe measures."""
    plain = example_evaluation(title, spread)
    pairs, search = plain.verification, plain.identification
    better = replace(search, title="second gallery", gallery_people=40, mean_rank=1.25, selectivity={0.05: 0.07})
    listed = replace(
        pairs, title="the list of frontal and profile", accuracy=rate(0.951, 600), failed_pairs=3,
        hardest_genuine=[],
        fnmr_at_fmr={t: replace(r, threshold="estimated") for t, r in pairs.fnmr_at_fmr.items()},
    )  # fmt: skip
    ranks = [1, 2, 5, 10, 20, 50, 100]
    crowd = CrowdSearch(
        "probes in a crowd", 80, 3530, 1_000_000, ranks,
        [rate(1 - 0.3 / spread / rank**0.4, 80) for rank in ranks],
        {1e-6: replace(rate(0.31, 80), threshold="fixed")}, {1e-6: 0.48}, failed=2,
    )  # fmt: skip
    counts = np.array([[40, 3, 2], [4, 31, 5], [0, 6, 50]])
    told = ClassAccuracy("expression", ("calm", "glad", "sad"), 60, rate(0.858, 141), rate(0.852, 141), counts)
    return replace(
        plain, verifications=(pairs, listed), identifications=(search, better), crowds=(crowd,), classes=(told,),
        source=Source(
            "example", "An example of a protocol", "A. Author: A made-up protocol. Nowhere 2020.",
            "both galleries are searched separately", ("person-00001/9.png", "person-00002/9.png"),
        ),
    )  # fmt: skip


def example_journal(rows: int = 320) -> list[dict[str, float]]:
    random = np.random.default_rng(3)
    part = np.linspace(0, 1, rows)
    rate_now = 0.1 * 0.5 * (1 + np.cos(np.pi * part))
    loss = 18 * np.exp(-4 * part) + 2.2 + random.normal(0, 0.35, rows)
    angle = 0.72 + 0.85 * np.exp(-3.4 * part) + random.normal(0, 0.015, rows)
    return [
        {
            "step": index + 1,
            "images": 64 * (index + 1),
            "loss": float(loss[index]),
            "angle": float(angle[index]),
            "learning_rate": float(rate_now[index]),
            "images_per_second": float(410 + random.normal(0, 12)),
            "margin": float(0.35 * min(1.0, part[index] / 0.3)),
        }
        for index in range(rows)
    ]


def example_input(title: str = "Demo: faces drawn by the program", hostile: bool = True) -> ReportInput:
    evaluation = example_evaluation()
    vectors, labels = embeddings()
    names = {index: f"person-{label:05d}" for index, label in enumerate(labels)}
    hard = evaluation.verification.hardest_impostor + evaluation.verification.hardest_genuine
    shown = {index for pair in hard for index in (pair.first, pair.second)}
    samples = [[person * SHOTS + shot for shot in range(6)] for person in (3, 11, 25, 40, 58)]
    shown |= {index for row in samples for index in row}
    if hostile:
        for index in (*range(3 * SHOTS, 4 * SHOTS), evaluation.verification.hardest_impostor[0].first):
            names[index] = HOSTILE
    chosen = [person * SHOTS + shot for person in (3, 11, 25, 40, 58, 70) for shot in range(SHOTS)]
    return ReportInput(
        title=title,
        evaluation=evaluation,
        data="Drawings of people made by the program itself: no photograph and no real person. "
        "None of the people judged here was seen in training.",
        pictures={index: face(int(labels[index]), index % SHOTS) for index in shown},
        names=names,
        samples=samples,
        journal=example_journal(),
        shortcuts=[
            Shortcut("trained embedding", evaluation.verification.eer, "What this report is about.", ours=True),
            Shortcut("untrained network", rate(0.31, 400), "The same network before its first step."),
            Shortcut("raw pixels", rate(0.36, 400), "Cosine of the pixels: people must not be told by them."),
            Shortcut("mean colour of the face", rate(0.39, 400), "Only the colour, without brightness."),
            Shortcut("face blanked", rate(0.47, 400), "Background and hair only, judged by raw pixels."),
        ],
        gallery_trial=GalleryTrial(
            gallery_people=50, known_searches=350, named_correctly=rate(0.871, 200), stranger_people=40,
            stranger_searches=320, stated_fpir=0.05, realised_fpir=rate(0.041, 190),
            named_wrongly=rate(0.003, 200),
        ),
        operating_point=ExamplePoint(
            evaluation.identification.threshold_at_fpir[0.05], 0.05, 50, 0.95
        ),
        sphere=SphereSample(vectors[chosen], [names[index] for index in chosen]),
        settings={
            "command": "sphereface demo --seed 0",
            "seed": 0,
            "recipe": {"backbone": "sfnet4", "head": "cosface", "scale": 30.0, "margin": 0.35, "steps": 320},
            "data": {"people": 400, "images": 8000, "hash": "3f6b1c" + "0" * 58},
            "versions": {"python": "3.11.2", "torch": "2.13.0", "numpy": "2.3.1"},
            "machine": {"processor": "2 cores", "bfloat16": True},
        },
    )  # fmt: skip


def example_models(title: str = "Two models under one protocol") -> ReportInput:
    """Return a report of three models, with names instead of pictures."""
    evaluation = example_under_protocol("narrow")
    names = {index: f"person-{index // SHOTS:05d}/{index % SHOTS}.png" for index in range(PEOPLE * SHOTS)}
    return ReportInput(
        title=title,
        evaluation=evaluation,
        data="Random unit vectors; no photograph and no real person.",
        row_names=names,
        names={index: f"person-{index // SHOTS:05d}" for index in names},
        links={evaluation.verification.hardest_impostor[0].first: "pictures/person-00001/0.png"},
        findings=example_findings(),
        differences=[
            ModelDifferences(
                "all pairs, at most 8 images a person", "narrow", "wider",
                [
                    Difference("EER", 0.04, 0.13, -0.09, -0.12, -0.06, 1e-5, 0.95),
                    Difference("FNMR at FMR 0.0001", None, None, None, None, None, None, 0.95, "too few pairs"),
                ],
            ),
        ],
        others=[example_under_protocol("wide & 50 % worse", 1.25), example_under_protocol("wider", 1.5)],
        settings={"command": "sphereface evaluate", "seed": 0},
    )  # fmt: skip
