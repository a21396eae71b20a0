"""The table of losses as a page shows it: made from the rows, so that it cannot say anything else."""

from __future__ import annotations

import re

from sphereface.heads.row import Row
from sphereface.heads.table import ROWS

_ADDRESS = re.compile(r"https://[^\s,;)]+")
_TEST_FILES = {
    "sphereface2-c": "sphereface2",
    "sphereface2-a": "sphereface2",
    "sphereface2-m": "sphereface2",
    "elasticface-plus": "elasticface",
}


def loss_table() -> str:
    """Return a Markdown table of every loss: name and paper, picture, psi over eta, rho, defaults."""
    lines = [
        "| loss | | $\\psi(\\theta)$, own class; $\\eta(\\theta)$, others | $\\rho$ | defaults |",
        "|---|---|---|---|---|",
    ]
    for name, row in ROWS.items():
        drawn = "" if row.link == "pairs" else f"![psi and eta of {row.title}](pictures/losses/{name}.svg)"
        formulas = "<br>".join(f"${formula}$" for formula in dict.fromkeys(row.formula))
        lines.append(f"| `{name}`<br>{_paper(row)} | {drawn} | {formulas} | {_radius(row)} | {_constants(row)} |")
    return "\n".join(lines)


def loss_notes() -> str:
    """Return a definition list: what each loss takes, what it obeys, where it comes from, and its test."""
    return "\n\n".join(f"`{name}`\n:   {_note(name, row)}" for name, row in ROWS.items())


def equation_test(name: str) -> str:
    """Return the path of the test that holds a row to its equation.

    >>> equation_test("sphereface-r-v1")
    'tests/unit/heads/test_sphereface_r_v1.py'
    """
    return f"tests/unit/heads/test_{_TEST_FILES.get(name, name).replace('-', '_')}.py"


def _paper(row: Row) -> str:
    found = _ADDRESS.search(row.source)
    title = f"{row.title}, {row.year}"
    return f"[{title}]({found.group().rstrip('.')})" if found else title


def _radius(row: Row) -> str:
    if row.link == "pairs":
        return "pairs"
    if row.own_scale:
        return "sets itself"
    return r"$\lVert x\rVert$" if row.scale is None else f"$s={row.scale:g}$"


def _constants(row: Row) -> str:
    parts = [f"{key} {setting.default:g}" for key, setting in row.settings.items()]
    if row.annealed is not None:
        parts.append(f"lambda {row.annealed[0]:g} to {row.annealed[3]:g}")
    if row.centres is not None:
        parts.append(f"centres {row.centres}")
    return "<br>".join(parts)


def _note(name: str, row: Row) -> str:
    sentences = [f"{row.source}."]
    ranges = [
        f"`{key}` {setting.words} ({'above ' if setting.above else ''}{setting.low:g} to {setting.high:g})"
        for key, setting in row.settings.items()
    ]
    if ranges:
        sentences.append(f"{'; '.join(ranges)}.")
    if row.forms:
        sentences.append(f"`fallback`: {', '.join(f'`{form}`' for form in row.form_names)}, the first by default.")
    if row.laws:
        sentences.append(f"Obeys: {', '.join(sorted(row.laws))}.")
    sentences.append(f"Test: `{equation_test(name)}`.")
    return " ".join(sentences)
