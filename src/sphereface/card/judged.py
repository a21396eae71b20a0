"""How a model was judged: what its report says, as the tables of its card."""

from __future__ import annotations

from collections.abc import Iterator

from sphereface.card.markdown import prose, table
from sphereface.evaluation.findings import Findings
from sphereface.evaluation.groups.rates import GroupRates
from sphereface.evaluation.results import Health, Rate, Source
from sphereface.report.comparison import by_list, compared
from sphereface.report.content import GalleryTrial, ReportInput
from sphereface.report.key_figures import shown
from sphereface.report.wording import counted, in_percent, plain_percent


def judged(report: ReportInput) -> Iterator[str]:
    """Yield who was judged, the figures of every list and gallery, groups, larger galleries, the trial of one."""
    evaluation = report.evaluation
    yield prose(report.data)
    if evaluation.source is not None:
        yield prose(_protocol(evaluation.source))
    for title, rows in by_list(compared(report)):
        yield f"{prose(title)}:"
        head = ("figure", f"value and {_confidence(rows[0].rates[0])} interval", "worth trials")
        cells = [(prose(row.figure), rate_words(row.rates[0]), shown(row.rates[0]).trials) for row in rows]
        yield table(head, cells)
    if evaluation.health is not None:
        yield "On the sphere:"
        yield table(("figure", "value"), _health(evaluation.health))
    if report.findings is not None:
        yield from _looked_into(report.findings)
    if report.gallery_trial is not None:
        yield _trial(report.gallery_trial)


def rate_words(rate: Rate) -> str:
    """Return a rate with its interval, or why there is none.

    >>> rate_words(Rate(0.0842, 0.0712, 0.0991, 0.95, 500.0))
    '8.4 % (7.1 to 9.9)'
    >>> rate_words(Rate(None, None, None, 0.95, 3.0, "three searches"))
    'none: three searches'
    """
    return prose(f"none: {shown(rate).note}" if rate.value is None else in_percent(rate))


def _confidence(rate: Rate) -> str:
    return f"{100 * rate.confidence:g} %"


def _protocol(source: Source) -> str:
    said = [f"Protocol: {source.title}", source.citation, source.note]
    if source.missing:
        said.append(f"{len(source.missing):,} of its pictures or templates are missing and count as failures")
    return " ".join(f"{text.rstrip('.')}." for text in said if text)


def _health(health: Health) -> Iterator[tuple[str, str]]:
    for words, value, decimals in (
        ("alignment (lower is better)", health.alignment, 3),
        ("uniformity (lower is better)", health.uniformity, 3),
        ("angular Fisher score (lower is better)", health.angular_fisher_score, 3),
        ("effective rank", health.effective_rank, 1),
    ):
        if value is not None:
            yield words, f"{value:.{decimals}f}".replace("-", "−")


def _looked_into(findings: Findings) -> Iterator[str]:
    if findings.groups is not None:
        at = "" if findings.threshold_fmr is None else f", chosen for FMR {plain_percent(findings.threshold_fmr)}"
        yield prose(
            f"By group ({findings.groups.title}), all at the threshold {findings.groups.threshold:.4f}{at}:"
        )
        yield table(("group", "people", "FNMR", "FMR within the group"), _groups(findings.groups))
    sized = [each for each in findings.gallery_sizes if each.target is not None]
    if sized:
        yield "Galleries of other sizes, the threshold chosen for each:"
        yield table(
            ("people enrolled", "how", "FPIR", "FNIR"),
            [
                (f"{each.gallery_people:,}", each.kind, rate_words(each.fpir), rate_words(each.fnir))
                for each in sized
            ],
        )
    for morph in findings.morphing:
        yield (
            f"Worst-case morphs of two people ({morph.kind} pairs, {counted(morph.attempts, 'attempt')} each), "
            f"taken for both: {rate_words(morph.mmpmr)}."
        )


def _groups(groups: GroupRates) -> Iterator[tuple[str, ...]]:
    for at, name in enumerate(groups.names):
        yield prose(name), f"{groups.people[at]:,}", rate_words(groups.fnmr[at]), rate_words(groups.fmr[at][at])


def _trial(trial: GalleryTrial) -> str:
    promised = prose(plain_percent(trial.stated_fpir))
    return (
        f"Tried as a gallery of {counted(trial.gallery_people, 'person')}, on people who took part in nothing "
        f"before. Searches by enrolled people ({trial.known_searches:,}) that were given the right name: "
        f"{rate_words(trial.named_correctly)}. Searches by strangers ({trial.stranger_searches:,}) that were "
        f"given any name: {rate_words(trial.realised_fpir)}, where {promised} was promised."
    )
