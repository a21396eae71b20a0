"""Ways of training compared over people and seeds: several runs of each, judged by the same question.

Runs without torch where the models do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from sphereface.checkpoint import CARD_FILE
from sphereface.embedder import read_card
from sphereface.errors import ConfigurationError, NotEnoughDataError
from sphereface.evaluation.judge import Comparisons
from sphereface.evaluation.person_figures import (
    check_false_rate,
    missed_at_fmr,
    missed_at_fpir,
    right_over_folds,
    unsupported,
)
from sphereface.evaluation.repeated import PersonFigure, RepeatedRuns
from sphereface.evaluation.scores import PairScores
from sphereface.evaluation.search import SearchScores
from sphereface.inquiry import inquire
from sphereface.progress import SILENT, Progress
from sphereface.question import Question
from sphereface.report.ways import ComparedFigure
from sphereface.subjects import PLAIN, Reading

_Scores = TypeVar("_Scores", PairScores, SearchScores)

_USUAL_FMR, _USUAL_FPIR = (1e-3, 1e-2, 1e-1), (1e-2, 1e-1)
"""Unless told: the first that every run supports."""


def compare_rows(
    rows: Mapping[str, Sequence[Path]],
    question: Question = Question(),  # noqa: B008 - frozen
    *,
    data: Sequence[Path] = (),
    reading: Reading = PLAIN,
    fmr: float | None = None,
    fpir: float | None = None,
    confidence: float = 0.95,
    progress: Progress = SILENT,
) -> list[ComparedFigure]:
    """Compare ways of training, each by the mean of its runs.

    Args:
        rows: For each way of training its runs, one a seed, the same seeds in the same order in all: folders of
            models, ONNX files, or files of embeddings (``.npz``).
        question: What is asked of them.
        data: Folders of pictures for the models; by default the test people of the first one's own run.
        reading: How pictures become crops.
        fmr: False match rate at which misses are counted; by default 0.1 %, or 1 or 10 % where there are too few
            impostor pairs for it.
        fpir: False positive identification rate likewise; by default 1 %, or 10 %.
        confidence: Of the intervals of means, and of all intervals of one figure's differences together.
        progress: Who listens.

    Raises:
        ConfigurationError: If there are fewer than two ways or two runs of one, or not as many of each.
        ModelError: As :func:`~sphereface.inquiry.inquire`.
        DataError: As there, and if runs do not speak of the same pictures.
        NotEnoughDataError: If nothing can be compared.
    """
    _check(rows, fmr, fpir)
    paths = [path for runs in rows.values() for path in runs]
    files = [path for path in paths if path.suffix == ".npz"]
    models = [path for path in paths if path.suffix != ".npz"]
    inquiry = inquire(models, files, question, data=data, reading=reading, progress=progress)
    asked = _Rates(_USUAL_FMR if fmr is None else (fmr,), _USUAL_FPIR if fpir is None else (fpir,))
    subjects = dict(zip([*models, *files], inquiry.subjects, strict=True))
    steps: dict[_Key, int] = {}

    def measured_now(path: Path) -> dict[_Key, _Measured]:
        return _measure(inquiry.compare(subjects[path].faces), asked, steps)

    measured: dict[Path, dict[_Key, _Measured]] = {}
    with progress.task("comparing", len(paths), "runs") as task:
        for path in subjects:
            measured[path] = measured_now(path)
            task.advance(1)
    # A later run may have called for a coarser rate than one before was measured at; all are told at one.
    while behind := [
        path for path, found in measured.items() if any(one.step < steps.get(key, 0) for key, one in found.items())
    ]:
        measured |= {path: measured_now(path) for path in behind}
    figures = []
    for key, one in measured[paths[0]].items():
        if any(key not in measured[path] for path in paths):
            continue  # accuracy, where the folds of one run had nothing to learn from
        table = {name: [measured[path][key] for path in runs] for name, runs in rows.items()}
        figures.append(_compared(one.figure, key[1], table, confidence))
    return figures


_Key = tuple[str, str]
"""Kind of figure, and title of what was compared."""


class _Rates(NamedTuple):
    fmr: Sequence[float]
    fpir: Sequence[float]


class _Measured(NamedTuple):
    figure: str
    value: PersonFigure | None
    reason: str
    step: int = 0  # which of the rates


def _measure(comparisons: Comparisons, asked: _Rates, steps: dict[_Key, int]) -> dict[_Key, _Measured]:
    """Return a run's figures; ``steps`` says which rate the runs so far support, and moves on with them."""
    found: dict[_Key, _Measured] = {}
    for pairs in comparisons.pairs:
        key = ("FNMR at FMR", pairs.title)
        found[key] = _at_a_rate(key, pairs, asked.fmr, missed_at_fmr, steps)
        accuracy = right_over_folds(pairs)
        if accuracy is not None:
            found["accuracy", pairs.title] = _Measured("accuracy", accuracy, "")
    for searches in comparisons.searches:
        if len(searches.non_mated_people):
            key = ("FNIR at FPIR", searches.title)
            found[key] = _at_a_rate(key, searches, asked.fpir, missed_at_fpir, steps)
    return found


def _at_a_rate(
    key: _Key,
    scores: _Scores,
    rates: Sequence[float],
    measure: Callable[[_Scores, float], PersonFigure],
    steps: dict[_Key, int],
) -> _Measured:
    """Measure at the first rate that this run and those before support; at none, say why not at the finest."""
    step = steps.get(key, 0)
    while step < len(rates) and unsupported(scores, rates[step]):
        step += 1
    steps[key] = step
    rate, reason = (rates[step], "") if step < len(rates) else (rates[0], unsupported(scores, rates[0]))
    return _Measured(f"{key[0]} {rate:g}", None if reason else measure(scores, rate), reason, step)


def _compared(
    figure: str, protocol: str, table: Mapping[str, Sequence[_Measured]], confidence: float
) -> ComparedFigure:
    reasons = [one.reason for runs in table.values() for one in runs if one.value is None]
    known = {name: [one.value for one in runs if one.value is not None] for name, runs in table.items()}
    values = {name: tuple(run.value for run in runs) for name, runs in known.items()}
    if reasons:
        return ComparedFigure(figure, protocol, values, {}, {}, reasons[0])
    study, first = RepeatedRuns(known), next(iter(known))
    of_each = 1.0 - (1.0 - confidence) / (len(known) - 1)
    return ComparedFigure(
        figure,
        protocol,
        values,
        {name: study.mean(name, confidence=confidence).within(0.0, 1.0) for name in known},
        {
            name: study.difference(name, first, confidence=of_each).within(-1.0, 1.0)
            for name in known
            if name != first
        },
    )


def _check(rows: Mapping[str, Sequence[Path]], fmr: float | None, fpir: float | None) -> None:
    for rate in (fmr, fpir):
        if rate is not None:
            check_false_rate(rate)
    if len(rows) < 2:
        raise ConfigurationError("a comparison needs two ways of training or more, each NAME=RUN,RUN,...")
    counts = {name: len(runs) for name, runs in rows.items()}
    if len({*counts.values()}) > 1:
        told = ", ".join(f"{name} has {count}" for name, count in counts.items())
        raise ConfigurationError(f"ways of training are compared over the same seeds, but {told} runs")
    if min(counts.values()) < 2:
        raise NotEnoughDataError(
            "one run of each way cannot tell what the seed does: train each with two seeds or more; for two "
            "models as they are use sphereface evaluate"
        )
    paths = [path.resolve() for runs in rows.values() for path in runs]
    if len({*paths}) < len(paths):
        twice = next(path for path in paths if paths.count(path) > 1)
        raise ConfigurationError(f"'{twice}' is named twice; every run counts once")
    seeds = {name: [_seed_of(path) for path in runs] for name, runs in rows.items()}
    first, *others = seeds
    for name in others:
        for one, two in zip(seeds[first], seeds[name], strict=True):
            if one is not None and two is not None and one != two:
                raise ConfigurationError(
                    f"runs are paired by their seeds, but where '{first}' has seed {one} '{name}' has {two}; name "
                    "the runs of both in the same order"
                )


def _seed_of(path: Path) -> int | None:
    """Return the seed a model was trained with, where its card says how it was."""
    if not (path / CARD_FILE).exists():
        return None
    provenance = read_card(path).provenance
    return provenance.seed if provenance.recipe else None
