"""The ledger of the evidence: every run with a summary, also those that failed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from evidence.counted import Counted, headline, read_counted
from evidence.plan import Run
from evidence.schedule import runs_to_make
from evidence.summary import SUMMARIES, Summary, load_summary, read_summary
from evidence.wording import name_of, network_of, number, paragraph, settings_words, share
from sphereface.card.markdown import table

HEAD = "# Ledger of the evidence"
COLUMNS = (
    "run",
    "seed",
    "loss and settings",
    "network",
    "steps",
    "ended (UTC)",
    "minutes",
    "last loss",
    "own cosine",
    "outcome",
    "headline",
)


def ledger_text(summaries: Path = SUMMARIES) -> str:
    """Return the page: runs in the order of the plan, then those that are in no plan."""
    rows = [*_rows(summaries)]
    if not rows:
        return f"{HEAD}\n\nNo run of the [evidence](evidence.md) has been made yet.\n"
    failed = sum(row[-2] != "finished" for row in rows)
    words = paragraph(
        "Every run of the [evidence](evidence.md), made of `evidence/summaries` by `python -m evidence page`: "
        f"{len(rows)} runs, {failed} of which stopped before their end. *Last loss* and *own cosine* (of training "
        "images to their own prototype) are means over the last 50 steps. *Headline* is FNMR at FMR 0.1 % over "
        "all pairs of the people judged; that of a tuning trial is over pairs of people kept out of the trials, "
        "and cannot be compared with the others."
    )
    return f"{HEAD}\n\n{words}\n\n{table(COLUMNS, rows)}\n"


def _rows(summaries: Path) -> Iterator[tuple[str, ...]]:
    known = summaries / "people.json"
    counted = read_counted(summaries) if known.exists() else None
    planned = {run.name: run for run in runs_to_make(summaries=summaries)}
    files = {path.relative_to(summaries).with_suffix("").as_posix(): path for path in summaries.rglob("*.json")}
    names = [*(name for name in planned if name in files), *sorted({*files} - {*planned} - {"people"})]
    for name in names:
        run = planned.get(name)
        # Of a run of the plan the settings must still be those of the plan.
        summary = load_summary(files[name]) if run is None else read_summary(run, summaries)
        assert summary is not None  # its file is there
        yield _row(name, run, summary, counted)


def _row(name: str, run: Run | None, summary: Summary, counted: Counted | None) -> tuple[str, ...]:
    seed, last, backbone = summary["seed"], summary["last"], summary["recipe"]["backbone"]
    plain = "" if backbone["settings"].get("batch_norm", True) else ", no batch norm"
    return (
        f"`{name.removesuffix(f'-seed{seed}')}`",
        str(seed),
        _loss(run, summary),
        network_of(backbone["name"]) + plain,
        "0" if last is None else str(last["step"]),
        summary["ended"],
        number(summary["seconds"] / 60, 1),
        "–" if last is None else number(last["loss"]),
        "–" if last is None else number(last["cosine"]),
        f"stopped: {summary['stopped']}" if summary["stopped"] else "finished",
        _headline(summary, counted),
    )


def _loss(run: Run | None, summary: Summary) -> str:
    recipe = summary["recipe"]
    head = recipe["head"]
    words = [name_of(head["name"]), settings_words(head["settings"])]
    words += [f"{head['settings']['radius']} norm"] if "radius" in head["settings"] else []
    words += [f"with `{term['name']}`" for term in recipe["regularizers"]]
    words += [f"{share(run.degrade, 0)} degraded"] if run is not None and run.degrade else []
    return ", ".join(word for word in words if word)


def _headline(summary: Summary, counted: Counted | None) -> str:
    if summary["stopped"]:
        return "–" if summary["kind"] == "stress" else share(1.0, 0)
    if summary["kind"] == "trial":
        return f"{share(summary['trial']['fnmr'])} (trial)"
    if summary["kind"] == "stress" or counted is None:
        return "–"
    return share(headline(summary, counted).value)
