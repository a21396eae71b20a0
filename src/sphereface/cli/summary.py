"""What a finished run says about itself, for people and as JSON."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sphereface.cli.output import rate_text

if TYPE_CHECKING:
    from sphereface.evaluation.evaluation import Evaluation
    from sphereface.evaluation.paired import Difference
    from sphereface.journey import Result
    from sphereface.report.content import ReportInput


def write_figures(folder: Path | None, report: ReportInput) -> None:
    """Write every figure as PNG, if a folder was given."""
    from sphereface.report import write_pictures

    if folder is not None:
        for path in write_pictures(folder, report):
            print(f"figure: {path}", file=sys.stderr)


def print_report(report: ReportInput) -> None:
    """Print the key figures of every model, what they differ by, and what more was looked into."""
    from sphereface.report.opening import looked_into
    from sphereface.report.wording import NBSP

    for label, evaluation in zip(report.labels, report.models, strict=True):
        if len(report.models) > 1:
            print(f"{label}:")
        print_evaluation(evaluation)
    for pair in report.differences:
        print(f"{pair.first} less {pair.second}, {pair.title}:")
        width = max((len(found.figure) for found in pair.differences), default=0)
        for found in pair.differences:
            print(f"  {found.figure:<{width}}  {_difference_text(found)}")
    if report.findings is not None:
        if len(report.models) > 1:
            print(f"{report.labels[0]}, looked into further:")
        for sentence in looked_into(report.findings):
            print(sentence.replace(NBSP, " "))


def _difference_text(found: Difference) -> str:
    if found.difference is None or found.low is None or found.high is None:
        return found.reason or "no difference to tell"
    ends = f"{100 * found.low:+.2f} to {100 * found.high:+.2f}"
    return f"{100 * found.difference:+.2f} points  ({ends}){'' if found.counts else '  does not count'}"


def print_evaluation(evaluation: Evaluation) -> None:
    """Print the key figures of every list and gallery, each with its 95 % interval."""
    judged = f"{evaluation.images:,} {evaluation.unit}s of {evaluation.people:,} people"
    print(f"judged on {judged}; 95 % intervals in brackets")
    if evaluation.source and evaluation.source.name:
        print(f"protocol: {evaluation.source.title}")
        if evaluation.source.missing:
            missing = len(evaluation.source.missing)
            print(f"  {missing:,} of its pictures or templates are missing and count as failures")
    lists = list(_lists(evaluation))
    width = max((len(name) for _, rows in lists for name, _ in rows), default=0)
    for title, rows in lists:
        if len(lists) > 1:
            print(f"{title}:")
        for name, text in rows:
            print(f"  {name:<{width}}  {text}")


def _lists(evaluation: Evaluation) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield each list, gallery, crowd and probe with its figures in words."""
    for pairs in evaluation.verifications:
        yield (
            pairs.title,
            [
                ("equal error rate", rate_text(pairs.eer)),
                *([("accuracy over folds", rate_text(pairs.accuracy))] if pairs.folded else []),
                *((f"FNMR at FMR {target:g}", rate_text(rate)) for target, rate in pairs.fnmr_at_fmr.items()),
            ],
        )
    for search in evaluation.identifications:
        rows = [(f"FNIR at FPIR {target:g}", rate_text(rate)) for target, rate in search.fnir_at_fpir.items()]
        yield search.title, [*rows, *(("rank 1", rate_text(rate)) for rate in search.cmc[:1])]
    for crowd in evaluation.crowds:
        rows = [(f"FNMR at FMR {target:g}", rate_text(rate)) for target, rate in crowd.fnmr_at_fmr.items()]
        yield crowd.title, [*((f"rank 1 among {crowd.distractors:,}", rate_text(r)) for r in crowd.cmc[:1]), *rows]
    for told in evaluation.classes:
        yield told.title, [("accuracy", rate_text(told.accuracy)), ("by class", rate_text(told.balanced_accuracy))]


def print_result(result: Result) -> None:
    """Print where everything is and what it is worth."""
    print_evaluation(result.audit.evaluation)
    for point in result.audit.points:
        print(f"  operating point: {point.describe()}")
    for refusal in result.audit.refusals:
        print(f"  no operating point: {refusal}")
    trial = result.report.gallery_trial
    if trial is not None:
        print(
            f"gallery trial on fresh people, {trial.gallery_people} enrolled\n"
            f"  strangers given a name        {rate_text(trial.realised_fpir)} "
            f"of {trial.stranger_searches:,}; stated {100 * trial.stated_fpir:g} %\n"
            f"  enrolled people named rightly {rate_text(trial.named_correctly)} of {trial.known_searches:,}"
        )
    print(f"report: {result.folder / 'report.html'}")
    print(f"model:  {result.folder}")
    gallery = result.folder / "gallery.db"
    if trial is not None:
        print(f"try:    sphereface identify PICTURE --model {result.folder} --gallery {gallery}")


def result_json(result: Result) -> dict[str, Any]:
    """Return the run as JSON: where it is, what it took, and all that ``report.json`` holds."""
    from sphereface.report.writing import report_data

    return {
        "folder": str(result.folder),
        "report": str(result.folder / "report.html"),
        "steps": result.trained.steps,
        "seconds": round(result.trained.seconds, 1),
        "left_out": list(result.left_out),
        "operating_points": [point.model_dump(mode="json") for point in result.audit.points],
        "operating_points_refused": list(result.audit.refusals),
        **report_data(result.report),
    }
