"""The Markdown table of bench_head.py."""

from __future__ import annotations

import statistics
from typing import Any

from head_peers import PEERS

Measured = dict[str, Any]
"""Of a job: peer, row, classes; seconds of each round, loss, extra and whole memory in bytes; or what it said."""


def median_ratio(these: list[float], those: list[float]) -> float:
    """Return the median of the rounds' ratios: what disturbs a round disturbs both."""
    return statistics.median(a / b for a, b in zip(these, those, strict=True))


def compare(group: list[Measured]) -> None:
    """Add to each of a group that ran interleaved its median and its ratios to the floor and to the fastest peer.

    Where the group is a row's own, the peer is our reference head.
    """
    timed = [each for each in group if each.get("seconds")]
    for each in timed:
        each["median"] = statistics.median(each["seconds"])
    floor = next((each for each in timed if each["peer"] == "floor-bfloat16"), None)
    others = [each for each in timed if PEERS[each["peer"]].kind == "peer"]
    if not others:
        others = [each for each in timed if each["peer"] == "sphereface-reference"]
    fastest = min(others, key=lambda each: float(each["median"]), default=None)
    for each in timed:
        each["to_floor"] = None if floor is None else median_ratio(each["seconds"], floor["seconds"])
        each["to_peer"] = None if fastest is None else median_ratio(each["seconds"], fastest["seconds"])
        each["fastest_peer"] = None if fastest is None else fastest["peer"]


def table(measured: list[Measured], rows: bool) -> str:
    """Return the table, a section for each number of classes."""
    other = "reference" if rows else "fastest peer"
    lines = []
    for classes in dict.fromkeys(each["classes"] for each in measured):
        lines += [
            f"## {classes:,} classes",
            "",
            f"| {'loss | ' if rows else ''}what | ms, median | of the bfloat16 floor | of the {other} | MB above "
            "weights and gradient | MB of the whole process | loss's value |",
            "|---" * (8 if rows else 7) + "|",
        ]
        chosen = [each for each in measured if each["classes"] == classes]
        lines += [_line(each, rows) for each in chosen]
        steps = [each for each in chosen if each.get("optimiser") is not None]
        lines += [
            "",
            *(
                f"One step of SGD with momentum beside `{e['peer']}`: {e['optimiser'] * 1e3:.1f} ms."
                for e in steps
            ),
            "",
        ]
    lines += _notes([each["peer"] for each in measured if "median" in each])
    return "\n".join(lines).rstrip()


def _notes(names: list[str]) -> list[str]:
    """Return a line for each peer whose margin is another one, and one about autocast."""
    known: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        if PEERS[name].note:
            known.setdefault(PEERS[name].note, []).append(f"`{name}`")
    lines = [f"- {', '.join(peers)}: {note}." for note, peers in known.items()]
    if any(name.endswith("-autocast") for name in names):
        lines.append("- Under autocast the peers' cosines are rounded to bfloat16, the own class's too.")
    return lines


def _line(each: Measured, rows: bool) -> str:
    cells = [f"`{each['row']}`"] if rows else []
    cells.append(f"`{each['peer']}`")
    if "median" not in each:
        return "| " + " | ".join([*cells, each["said"], "", "", "", "", ""]) + " |"
    extra, whole, loss = each["extra"], each["whole"], each["loss"]
    cells += [
        f"{each['median'] * 1e3:.1f}",
        _ratio(each["to_floor"]),
        _ratio(each["to_peer"]),
        "not measured" if extra is None else f"{extra / 1e6:.0f}",
        "not measured" if whole is None else f"{whole / 1e6:.0f}",
        "–" if loss is None else f"{loss:.4f}",
    ]
    return "| " + " | ".join(cells) + " |"


def _ratio(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
