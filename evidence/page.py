"""Make docs/results/evidence.md, its figures and the ledger of the evidence from the summaries alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeVar

from evidence import (
    across,
    across_section,
    answers,
    budget,
    budget_section,
    gradient_section,
    margin_sections,
    norm_section,
    quality,
    sizes,
    sizes_section,
    stability,
    stability_section,
)
from evidence.ledger import ledger_text
from evidence.section import Section
from evidence.study import Progress, Study, read_study
from evidence.summary import SUMMARIES, check_folder
from evidence.wording import paragraph, share
from sphereface.atomic import write_text
from sphereface.card.markdown import table
from sphereface.errors import DataError

_Answer = TypeVar("_Answer")

DOCS = Path(__file__).resolve().parents[1] / "docs"
PLAN = "## The plan\n"
NEEDS = {"margins": "tuning margins twins", "across": "tuning gradients sizes norms budget"}
"""What is run for a part of the page that does not rest on its own question's runs alone."""
ASKED = "Do the papers' claims hold where we can look?"


class Part(NamedTuple):
    """A section of the page.

    Attributes:
        name: What it is made by.
        title: Its heading.
        claim: What it looks into; None where nothing is asked.
        question: Whose runs it is made of.
    """

    name: str
    title: str
    claim: str | None
    question: str


PARTS = (
    Part(
        "margins", "1. Margins", "A margin lowers error (SphereFace 2017, CosFace 2018, ArcFace 2019)", "margins"
    ),
    Part("gradients", "2. Margin or gradient?", "None yet: which part of a recipe is it?", "gradients"),
    Part(
        "stability",
        "3. Stability",
        "SphereFace-R trains without annealing where A-Softmax does not (2021)",
        "stability",
    ),
    Part(
        "milder",
        "3b. Stability at a lower rate",
        "The same, at a lower rate, which was chosen afterwards",
        "milder",
    ),
    Part("sizes", "4. m and depth", "Error falls with m up to 4, and with depth (SphereFace 2017)", "sizes"),
    Part(
        "criterion",
        "5. The criterion",
        "With m large enough people meet the ideal criterion (SphereFace 2017)",
        "sizes",
    ),
    Part(
        "norms",
        "6. Is the norm quality?",
        "The length of an embedding is its quality (MagFace 2021, AdaFace 2022)",
        "norms",
    ),
    Part(
        "budget",
        "7. Does the answer depend on the budget?",
        "None yet: do short runs favour weak margins?",
        "budget",
    ),
    Part(
        "across",
        "8. All small networks together",
        "A margin lowers error: the same at other settings, asked when all had been seen",
        "budget",
    ),
    Part("tuning", "Tuning, for question 1", None, "tuning"),
)
# What a row of the table of runs is called. Two parts have none: they are made of runs of other questions.
COUNTED = {
    **{part.question: part.title for part in PARTS if part.name not in ("criterion", "across")},
    "twins": "The same function twice, for question 1",
}


def write_page(docs: Path = DOCS, summaries: Path = SUMMARIES) -> None:
    """Write the page, its figures and the ledger.

    Args:
        docs: Where ``results/evidence.md`` lies, of which the plan is kept as it stands; without one it
            is that of the project.
        summaries: Of the runs.

    Raises:
        DataError: If the page has no plan, there is no folder of summaries, or one is not what the plan asks for.
    """
    page, pictures = docs / "results" / "evidence.md", docs / "pictures" / "evidence"
    check_folder(summaries)
    plan = plan_of(page if page.exists() else DOCS / "results" / "evidence.md")
    text, figures = page_of(read_study(summaries))
    ledger = ledger_text(summaries)
    pictures.mkdir(parents=True, exist_ok=True)
    for stale in {path.stem for path in pictures.glob("*.svg")} - {*figures}:
        (pictures / f"{stale}.svg").unlink()
    for name, svg in figures.items():
        write_text(pictures / f"{name}.svg", svg)
    write_text(docs / "results" / "evidence-runs.md", ledger)
    write_text(page, f"{text}\n{plan}")


def plan_of(page: Path) -> str:
    """Return the plan, from its heading to the end of the page.

    Raises:
        DataError: If there is none.
    """
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    _, heading, after = text.partition(f"\n{PLAN}")
    if not heading:
        raise DataError(
            f"{page} has no line '{PLAN.strip()}'; the plan is written by hand and is kept from there on"
        )
    return PLAN + after


def page_of(study: Study) -> tuple[str, dict[str, str]]:
    """Return everything above the plan, and the figures by name."""
    done = sum(progress.done for progress in study.progress.values())
    if done == 0:
        return f"# Evidence\n\n{ASKED} No run of the plan below has been made yet.\n", {}
    planned = sum(progress.planned for progress in study.progress.values())
    parts = [part for part in PARTS if part.question in study.progress]
    found = {part.name: _section(part.name, study) for part in parts}
    claims = [
        (part.title, part.claim, section.short if section else _waiting(study.progress[part.question]))
        for part in parts
        for section in [found[part.name]]
        if part.claim
    ]
    opening = (
        f"{ASKED} We learn from {study.learners} people and some 17,000 pictures; a judged run sees 38,400 in all "
        "(each picture 2.3 times; half of question 7 four times as many), a trial 19,200, a run of questions 3 "
        "and 3b 12,800 at most, with networks of 4 to 20 layers. Papers show theirs a hundred times as many "
        f"and more.{_weak(study)} What is found here does not refute what is found there. {done} of the "
        f"{planned} runs of the [plan](#the-plan) below are done; the [ledger](evidence-runs.md) lists them."
    )
    how = (
        "This page is made of their summaries by `python -m evidence page`. Differences of error rates are in "
        "points, with 95 % intervals over the people judged and the seeds, not over whom is learned from, nor "
        "over how settings were tuned. The words *a difference*, *a small difference*, *no difference*, "
        "*undecided* and *not tested* are used as [the plan defines them](#when-a-difference-counts)."
    )
    blocks = ["# Evidence", paragraph(f"{opening} {how}"), table(["", "claimed", "found"], claims)]
    figures: dict[str, str] = {}
    for part in parts:
        section = found[part.name]
        blocks += [f"## {part.title}", *_opening(part, study, section)]
        if section is not None:
            blocks.append(section.body)
            figures |= section.figures
    blocks += ["## Runs", _counts(study)]
    return "\n\n".join(blocks) + "\n", figures


def _section(name: str, study: Study) -> Section | None:
    """Return a section, or None as long as its runs are not all done."""
    if name == "margins":
        return _written(answers.margins(study), lambda found: margin_sections.margins(found, study.chosen))
    made: dict[str, Callable[[], Section | None]] = {
        "tuning": lambda: _written(answers.trials(study), margin_sections.tuning),
        "gradients": lambda: _written(answers.gradients(study), gradient_section.gradients),
        "stability": lambda: _written(stability.stability(study), stability_section.stability),
        "milder": lambda: _written(
            stability.milder(study), lambda found: stability_section.stability(found, "milder")
        ),
        "sizes": lambda: _written(sizes.sizes(study), sizes_section.sizes),
        "criterion": lambda: _written(sizes.criterion(study), sizes_section.criterion),
        "norms": lambda: _written(quality.norms(study), norm_section.norms),
        "budget": lambda: _written(budget.budgets(study), budget_section.budgets),
        "across": lambda: _written(across.across(study), across_section.across),
    }
    return made[name]() if name in made else None


def _written(answer: _Answer | None, write: Callable[[_Answer], Section]) -> Section | None:
    return None if answer is None else write(answer)


def _weak(study: Study) -> str:
    """Say how good the best loss of question 1 is, so that nobody takes these networks for good ones."""
    found = answers.margins(study)
    if found is None:
        return ""
    best = min(found.rows, key=lambda row: row.headline.value)
    return (
        f" All of these networks are weak: the best of question 1 misses {share(best.headline.value, 0)} of the "
        f"genuine pairs at FMR 0.1 % and is right on {share(best.accuracy.value, 0)} of View 1, where published "
        "models are right on 99 %."
    )


def _waiting(progress: Progress) -> str:
    return f"{progress.done} of {progress.planned} runs done; nothing is compared before all are."


def _opening(part: Part, study: Study, section: Section | None) -> Iterator[str]:
    """Yield what was found, what was run, what stopped, and how it is run again."""
    progress, again = study.progress[part.question], ""
    asked = progress.question
    if section is None:
        yield f"{_waiting(progress)} This makes the others:"
    else:
        yield paragraph(section.verdict)
        yield f"{progress.done} of {progress.planned} runs done; this [makes them again](#to-make-it-again):"
        asked, again = NEEDS.get(part.name, asked), " --summaries NEW_FOLDER"
    command = f"python -m evidence run {asked} --shared FOLDER_OF_PICTURES --work FOLDER_OF_WEIGHTS{again}"
    drawn = "" if section is None else "\npython -m evidence page --summaries NEW_FOLDER --docs NEW_PAGE"
    yield f"```sh\n{command}{drawn}\n```"
    if progress.stopped:
        runs = "; ".join(_stopped(progress))
        counted = (
            "counted as diverged"
            if progress.question in ("stability", "milder")
            else "counted with the worst figure"
        )
        yield paragraph(f"Stopped before their end, and {counted}: {runs}.")


def _stopped(progress: Progress) -> Iterator[str]:
    """Yield the runs that stopped; of a row of which several did, how many, the ledger having each."""
    for row, made in progress.made.items():
        ended = [run for run in made if run["stopped"]]
        if len(ended) > 2:
            steps = sorted({run["last"]["step"] if run["last"] else 1 for run in ended})
            when = f"step {steps[0]}" if len(steps) == 1 else f"steps {steps[0]} to {steps[-1]}"
            yield f"{len(ended)} of {len(made)} of `{row}` (at {when}, see the [ledger](evidence-runs.md))"
        else:
            yield from (f"`{run['run']}` ({run['stopped']})" for run in ended)


def _counts(study: Study) -> str:
    rows = [
        (title, f"`{question}`", str(progress.done), str(progress.planned), str(len(progress.stopped)))
        for question, title in COUNTED.items()
        if question in study.progress
        for progress in [study.progress[question]]
    ]
    return table(["", "runs of", "done", "planned", "stopped"], rows)
