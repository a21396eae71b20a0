"""How a model was judged: what a report.json says, as the tables of its card."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sphereface.card.markdown import plain, table
from sphereface.evaluation.results import Rate
from sphereface.report.key_figures import Shown, shown
from sphereface.report.wording import percent, plain_percent

Report = Mapping[str, Any]


def judged(report: Report) -> Iterator[str]:
    """Yield who was judged, every figure with its interval, groups, larger galleries, the trial of a gallery."""
    source = report["source"] or {}
    yield plain(" ".join(filter(None, [report["data"], source.get("title"), source.get("note")])))
    rows = [(name, value_words(rate), _trials(rate), title) for title, name, rate in rates(report)]
    yield table(("figure", "value and interval", "worth trials", "on"), rows)
    if report["health"] is not None:
        yield table(("on the sphere", ""), _health(report["health"]))
    findings = report["findings"] or {}
    if findings.get("groups"):
        yield from _groups(findings["groups"])
    sized = [each for each in findings.get("gallery_sizes") or () if each["target"] is not None]
    if sized:
        yield from _sizes(sized)
    for morph in findings.get("morphing") or ():
        yield (
            f"Worst-case morphs of pairs of people ({plain(morph['kind'])}, {_attempts(morph['attempts'])}), "
            f"accepted as both: {value_words(morph['mmpmr'])}."
        )
    if report["gallery_trial"] is not None:
        yield plain(_trial(report["gallery_trial"]))


def rates(report: Report) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield where, what and the rate of everything that was measured."""
    for search in report["identification"]:
        for target, rate in search["fnir_at_fpir"].items():
            yield search["title"], f"FNIR at FPIR {plain_percent(float(target))}", rate
        if search["cmc"]:
            yield search["title"], "rank 1", search["cmc"][0]
    for crowd in report["crowds"]:
        if crowd["cmc"]:
            yield crowd["title"], "rank 1 in the crowd", crowd["cmc"][0]
    for pairs in report["verification"]:
        for target, rate in pairs["fnmr_at_fmr"].items():
            yield pairs["title"], f"FNMR at FMR {plain_percent(float(target))}", rate
        yield pairs["title"], "equal error rate", pairs["eer"]
        yield pairs["title"], "accuracy over folds", pairs["accuracy"]
    for told in report["classes"]:
        yield told["title"], "accuracy of a linear probe", told["accuracy"]


def value_words(raw: Mapping[str, Any]) -> str:
    """Return a rate with its interval, or why there is none.

    >>> value_words({"value": 0.0842, "low": 0.0712, "high": 0.0991, "confidence": 0.95, "n": 500.0})
    '8.4 % (7.1 to 9.9)'
    """
    told = _shown(raw)
    text = f"{told.value} % ({told.interval.removesuffix('%')}".rstrip() + ")" if told.supported else told.note
    return " ".join(text.split())


def _trials(raw: Mapping[str, Any]) -> str:
    return _shown(raw).trials


def _shown(raw: Mapping[str, Any]) -> Shown:
    value, low, high = raw["value"], raw["low"], raw["high"]
    return shown(Rate(value, low, high, float(raw["confidence"]), float(raw["n"]), str(raw.get("reason", ""))))


def _health(health: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, words, decimals in (
        ("alignment", "alignment (lower is better)", 3),
        ("uniformity", "uniformity (lower is better)", 3),
        ("angular_fisher_score", "angular Fisher score (lower is better)", 3),
        ("effective_rank", "effective rank", 1),
    ):
        if health.get(key) is not None:
            yield words, f"{health[key]:.{decimals}f}".replace("-", "−")


def _groups(groups: Mapping[str, Any]) -> Iterator[str]:
    yield plain(f"By group ({groups['title']}), all at the threshold {groups['threshold']:.4f}:")
    within = [groups["fmr"][at][at] for at in range(len(groups["names"]))]
    yield table(
        ("group", "people", "FNMR", "FMR within the group"),
        [
            (name, f"{people:,}", value_words(missed), value_words(false))
            for name, people, missed, false in zip(
                groups["names"], groups["people"], groups["fnmr"], within, strict=True
            )
        ],
    )


def _sizes(sized: list[Mapping[str, Any]]) -> Iterator[str]:
    yield "Galleries of other sizes, the threshold chosen again for each:"
    yield table(
        ("people enrolled", "how", "FPIR aimed at", "FPIR", "FNIR"),
        [
            (
                f"{each['gallery_people']:,}",
                each["kind"],
                f"{percent(each['target'])} %",
                value_words(each["fpir"]),
                value_words(each["fnir"]),
            )
            for each in sized
        ],
    )


def _attempts(count: int) -> str:
    return "1 attempt" if count == 1 else f"{count:,} attempts"


def _trial(trial: Mapping[str, Any]) -> str:
    return (
        f"Tried as a gallery of {trial['gallery_people']:,} people on people who took part in nothing before: "
        f"{value_words(trial['named_correctly'])} of {trial['known_searches']:,} searches by enrolled people were "
        f"given the right name, and {value_words(trial['realised_fpir'])} of {trial['stranger_searches']:,} "
        f"searches by strangers any name (promised: {plain_percent(trial['stated_fpir'])})."
    )
