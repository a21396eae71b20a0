"""What a finished run says about itself, for people and as JSON."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sphereface.cli.output import rate_text

if TYPE_CHECKING:
    from sphereface.evaluation.results import Evaluation
    from sphereface.journey import Result
    from sphereface.report.content import ReportInput


def write_figures(folder: Path | None, report: ReportInput) -> None:
    """Write every figure as PNG, if a folder was given."""
    from sphereface.report import write_pictures

    if folder is not None:
        for path in write_pictures(folder, report):
            print(f"figure: {path}", file=sys.stderr)


def print_evaluation(evaluation: Evaluation) -> None:
    """Print the key figures, each with its 95 % interval."""
    verification, identification = evaluation.verification, evaluation.identification
    rows = [
        ("equal error rate", rate_text(verification.eer)),
        ("accuracy, ten folds", rate_text(verification.accuracy)),
        *((f"FNMR at FMR {target:g}", rate_text(rate)) for target, rate in verification.fnmr_at_fmr.items()),
        *((f"FNIR at FPIR {target:g}", rate_text(rate)) for target, rate in identification.fnir_at_fpir.items()),
    ]
    if evaluation.listed is not None:
        rows.insert(0, (f"accuracy on {evaluation.listed.title}", rate_text(evaluation.listed.accuracy)))
    print(f"judged on {evaluation.images:,} pictures of {evaluation.people:,} people; 95 % intervals in brackets")
    width = max(len(name) for name, _ in rows)
    for name, text in rows:
        print(f"  {name:<{width}}  {text}")


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
