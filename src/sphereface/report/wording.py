"""Figures in words: percentages with sensible digits, intervals, counts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from sphereface.evaluation.results import Rate

NBSP = "\u00a0"


def percent(share: float, digits: int = 2) -> str:
    """Return a share in percent without the sign, with as many digits as mean something.

    Near 0 and near 1 the distance to the end keeps ``digits`` figures, so 99.97 never becomes 100.

    >>> [percent(share) for share in (0.0842, 0.5, 0.99973, 0.00012, 0.0, 1.0, 0.12345)]
    ['8.4', '50', '99.973', '0.012', '0', '100', '12']
    """
    scaled = share * 100
    end = min(abs(scaled), abs(100 - scaled))
    if end == 0 or not math.isfinite(scaled):
        return f"{scaled:g}"
    decimals = min(max(0, digits - 1 - math.floor(math.log10(end))), 6)
    return f"{scaled:.{decimals}f}"


def plain_percent(share: float) -> str:
    """Return a share that somebody chose, as it was chosen, with the sign.

    >>> [plain_percent(share).replace(NBSP, " ") for share in (0.05, 0.001, 1e-06)]
    ['5 %', '0.1 %', '0.0001 %']
    """
    text = f"{share * 100:.8f}".rstrip("0").rstrip(".")
    return f"{text}{NBSP}%"


def percent_range(rate: Rate) -> str:
    """Return an interval in percent with common decimals: ``7.1 to 9.9``; empty where there is none.

    >>> percent_range(Rate(0.0842, 0.0712, 0.0991, 0.95, 500))
    '7.1 to 9.9'
    """
    if rate.low is None or rate.high is None:
        return ""
    decimals = 0 if rate.value is None else len(percent(rate.value).partition(".")[2])
    width = rate.high - rate.low
    if width > 0:
        decimals = max(decimals, min(6, max(0, math.ceil(-math.log10(width * 100)))))
    return f"{rate.low * 100:.{decimals}f} to {rate.high * 100:.{decimals}f}"


def one_in(share: float, what: str = "false alarm", among: str = "search") -> str:
    """Return a share of searches, or of something else, as a person would say it.

    >>> [one_in(share) for share in (0.01, 0.001, 0.05, 0.003)]
    ['1 false alarm in 100 searches', '1 false alarm in 1,000 searches', '1 false alarm in 20 searches', \
'3 false alarms in 1,000 searches']
    >>> one_in(1e-4, "false match", "pair")
    '1 false match in 10,000 pairs'
    """
    for base in (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000):
        count = share * base
        if abs(count - round(count)) < 1e-6 and round(count) >= 1:
            count = round(count)
            if base % count == 0:
                count, base = 1, base // count
            return f"{counted(count, what)} in {counted(base, among)}"
    return f"a {what} in {share * 100:.3g}{NBSP}% of {_plural(among)}"


def counted(number: int, what: str) -> str:
    """Return a number and its thing, in the plural where there are several.

    >>> counted(1, "search"), counted(1200, "search"), counted(2, "person")
    ('1 search', '1,200 searches', '2 people')
    """
    return f"{number:,} {what if number == 1 else _plural(what)}"


def _plural(what: str) -> str:
    if what == "person":
        return "people"
    if what.endswith("y") and not what.endswith(("ay", "ey")):
        return f"{what[:-1]}ies"
    return f"{what}es" if what.endswith(("ch", "sh", "s")) else f"{what}s"


def in_percent(rate: Rate) -> str:
    """Return a rate with its interval, as a sentence has it; it must have a value.

    >>> in_percent(Rate(0.0842, 0.0712, 0.0991, 0.95, 500)).replace(NBSP, " ")
    '8.4 % (7.1 to 9.9)'
    """
    interval = percent_range(rate)
    return f"{percent(rate.value or 0.0)}{NBSP}%{f' ({interval})' if interval else ''}"


def chosen_target(rates: Mapping[float, Rate], usual: float) -> float | None:
    """Return the target to speak of first: the usual one where the data carry it, else the strictest they carry.

    >>> chosen_target({0.1: Rate(0.1, 0, 1, 0.95, 9), 0.01: Rate(None, None, None, 0.95, 0)}, usual=0.01)
    0.1
    """
    supported = [target for target, rate in rates.items() if rate.value is not None]
    return usual if usual in supported else min(supported, default=None)


def flat_settings(settings: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Return nested settings as (dotted name, text) rows in their order.

    >>> flat_settings({"recipe": {"steps": 10, "milestones": [0.5, 0.9]}, "seed": None})
    [('recipe.steps', '10'), ('recipe.milestones', '0.5, 0.9'), ('seed', 'none')]
    """
    rows: list[tuple[str, str]] = []
    for key, value in settings.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            rows.extend(flat_settings(value, f"{name}."))
        elif isinstance(value, list | tuple):
            rows.append((name, ", ".join(_plain(item) for item in value)))
        else:
            rows.append((name, _plain(value)))
    return rows


def _plain(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return repr(value)
    return str(value)
