"""The tables of losses and regularizers as a page shows them: made from the code, so they say nothing else."""

from __future__ import annotations

import re

from sphereface.heads.build_regularizer import REGULARIZERS
from sphereface.heads.row import Row, Setting
from sphereface.heads.table import HEADS

_ADDRESS = re.compile(r"https://[^\s,;)]*[^\s,;).]")
_ADDRESS_WITH_COMMA = re.compile(rf",? {_ADDRESS.pattern}")
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
    for name, row in HEADS.items():
        drawn = "" if row.link == "pairs" else f"![psi and eta of {row.title}](pictures/losses/{name}.svg)"
        cells = (
            f"`{name}`<br>{_titled(f'{row.title}, {row.year}', row.source)}",
            drawn,
            "<br>".join(f"${formula}$" for formula in dict.fromkeys(row.formula)),
            _radius(row),
            _constants(row),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def loss_notes() -> str:
    """Return a definition list: what each loss takes, what it obeys, where it comes from, and its test."""
    return "\n\n".join(f"`{name}`\n:   {_note(name, row)}" for name, row in HEADS.items())


def regularizer_table() -> str:
    """Return a Markdown table of every regularizer: name and paper, term, weight, settings, source."""
    lines = [
        "| regularizer | term, before its weight | weight | settings | source |",
        "|---|---|---|---|---|",
    ]
    for name, entry in REGULARIZERS.items():
        cells = (
            f"`{name}`<br>{_titled(entry.title, entry.source)}",
            f"${entry.formula}$",
            f"{entry.weight:g}",
            "<br>".join(
                f"`{key}` {setting.default:g}: {_words(setting)}" for key, setting in entry.settings.items()
            ),
            _ADDRESS_WITH_COMMA.sub("", entry.source),  # the title leads there
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def equation_test(name: str) -> str:
    """Return the path of the test that holds a row to its equation.

    >>> equation_test("sphereface-r-v1")
    'tests/unit/heads/test_sphereface_r_v1.py'
    """
    return f"tests/unit/heads/test_{_TEST_FILES.get(name, name).replace('-', '_')}.py"


def _titled(title: str, source: str) -> str:
    """Return a title that leads to the first address of its source, if there is one."""
    found = _ADDRESS.search(source)
    return f"[{title}]({found.group()})" if found else title


def _linked(source: str) -> str:
    """Return a source whose addresses can be followed."""
    return _ADDRESS.sub(lambda found: f"<{found.group()}>", source)


def _words(setting: Setting) -> str:
    """Say what a number is, and from where to where it may go."""
    return f"{setting.words} ({'above ' if setting.above else ''}{setting.low:g} to {setting.high:g})"


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
    sentences = [f"{_linked(row.source)}."]
    ranges = [f"`{key}` {_words(setting)}" for key, setting in row.settings.items()]
    if ranges:
        sentences.append(f"{'; '.join(ranges)}.")
    if row.forms:
        sentences.append(f"`fallback`: {', '.join(f'`{form}`' for form in row.form_names)}, the first by default.")
    if row.link != "pairs":
        sentences.append(f"Gradient by default: {row.gradient}.")
    if row.laws:
        sentences.append(f"Obeys: {', '.join(sorted(row.laws))}.")
    test = equation_test(name)
    sentences.append(f"Test: [{test.rpartition('/')[2]}](../{test}).")
    return " ".join(sentences)
