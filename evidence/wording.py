"""Numbers and verdicts in words."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

from evidence.comparing import Comparison, Verdict
from sphereface.evaluation.repeated import Repeated

NAMES = {
    "normface": "NormFace",
    "a-softmax": "A-Softmax",
    "sphereface": "SphereFace",
    "sphereface-r-v1": "SphereFace-R v1",
    "sphereface-r-v2": "SphereFace-R v2",
    "cosface": "CosFace",
    "arcface": "ArcFace",
    "sphereface2-c": "SphereFace2-C",
    "a-softmax-unannealed": "A-Softmax (no lambda)",
    "a-softmax-annealed": "A-Softmax (lambda)",
    "a-softmax-no-margin": "A-Softmax (no margin)",
    "fixed-norm-m4": "fixed norm (m = 4)",
    "v1-full": "v1 (full)",
    "v1-detached": "v1 (detached)",
    "v2-full": "v2 (full)",
    "v2-detached": "v2 (detached)",
    "normface-s15": "NormFace (s = 15)",
    "normface-s30": "NormFace (s = 30)",
    "nfn": "free norm (NFN)",
    "hfn": "fixed norm (HFN)",
    "sfn": "soft norm (SFN)",
    "magface": "MagFace",
    "adaface": "AdaFace",
    "hfn-degraded": "HFN (degraded in training)",
    "hfn-radial": "HFN (degraded in training, `radial`)",
}
SETTINGS = {
    "scale": "s = {:g}",
    "margin": "m = {:g}",
    "lambda_min": "lambda down to {:g}",
    "gradient": "{} gradient",
    "prototypes": "{} prototypes",
}
_WIDTH, _NBSP = 120, "\u00a0"


def number(value: float | None, decimals: int = 2, *, sign: bool = False) -> str:
    """Return a number with a real minus sign; a dash for none. No machine's last bit decides how it is rounded.

    >>> number(-0.125), number(-0.0001), number(0.1, sign=True), number(None)
    ('−0.12', '0.00', '+0.10', '–')
    """
    if value is None:
        return "–"
    text = f"{round(value, 9):.{decimals}f}"
    if not text.strip("-0."):
        return text.lstrip("-")
    return text.replace("-", "−") if text.startswith("-") or not sign else f"+{text}"


def share(value: float | None, decimals: int = 1) -> str:
    """Return a share in percent.

    >>> share(0.7189)
    '71.9 %'
    """
    return "–" if value is None else f"{number(100.0 * value, decimals)} %"


def mean_words(mean: Repeated) -> str:
    """Return the mean of a rate with its interval, which ends where rates do.

    >>> mean_words(Repeated(0.9, 0.75, 1.05, 0.95, 0, 0))
    '90.0 % (75.0 to 100.0)'
    """
    low, high = (number(100.0 * min(max(end, 0.0), 1.0), 1) for end in (mean.low, mean.high))
    return f"{share(mean.value)} ({low} to {high})"


def difference_words(difference: Repeated) -> str:
    """Return a difference of rates in points with its interval.

    >>> difference_words(Repeated(-0.051, -0.072, -0.03, 0.95, 0, 0))
    '−5.1 (−7.2 to −3.0)'
    """
    value, low, high = (number(100.0 * end, 1) for end in (difference.value, difference.low, difference.high))
    return f"{value} ({low} to {high})"


def name_of(row: str) -> str:
    """Return what a row is called.

    >>> name_of("sphereface-r-v1"), name_of("sphereface-r-v1-full-projected"), name_of("whole-m2-sfnet4")
    ('SphereFace-R v1', 'SphereFace-R v1, full, projected', 'm = 2, whole, SFNet-4')
    >>> name_of("normface-s15-2400steps")
    'NormFace (s = 15) after 2,400 steps'
    """
    if row in NAMES:
        return NAMES[row]
    if row.endswith("steps"):
        loss, _, steps = row.removesuffix("steps").rpartition("-")
        return f"{name_of(loss)} after {int(steps):,} steps"
    head, *modes = row.rsplit("-", 2)
    if head in NAMES:
        return ", ".join([NAMES[head], *modes])
    if head in {"annealed", "whole"}:
        margin, network = modes
        return f"m = {margin[1:]}, {'whole' if head == 'whole' else 'lambda'}, {network_of(network)}"
    return row


def network_of(name: str) -> str:
    """Return a network as papers spell it.

    >>> network_of("sfnet10")
    'SFNet-10'
    """
    return name.replace("sfnet", "SFNet-")


def settings_words(settings: Any) -> str:
    """Return settings of a loss in words.

    >>> settings_words({"scale": 30.0, "margin": 1.5, "margin_ramp": 0.2, "gradient": "full"})
    's = 30, m = 1.5, full gradient'
    """
    return ", ".join(words.format(settings[key]) for key, words in SETTINGS.items() if key in settings)


def loss_words(head: str, settings: Any) -> str:
    """Return a loss with its settings as one name; of gradient and norm what is not usual, of prototypes nothing.

    >>> loss_words("arcface", {"scale": 15.0, "margin": 0.5, "gradient": "detached", "prototypes": "projected"})
    'ArcFace (s = 15, m = 0.5, detached)'
    """
    numbers = {key: value for key, value in settings.items() if key not in ("gradient", "prototypes")}
    detached = ["detached"] if settings.get("gradient") == "detached" else []
    norm = [f"{settings['radius'].upper()}"] if "radius" in settings else []
    words = [word for word in (settings_words(numbers), *detached, *norm) if word]
    return f"{name_of(head)} ({', '.join(words)})" if words else name_of(head)


def listed(items: Sequence[str]) -> str:
    """Return items as a sentence lists them.

    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def counted_words(count: int) -> str:
    """Return a number of things as a sentence has it.

    >>> counted_words(6), counted_words(23)
    ('six', '23')
    """
    words = (
        "no",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
    )
    return words[count] if count < len(words) else str(count)


def points_words(comparison: Comparison) -> str:
    """Return a difference as a sentence has it.

    >>> points_words(Comparison("a", "b", Repeated(-0.051, -0.072, -0.03, 0.95, 0, 0), Verdict.DIFFERENCE))
    '−5.1 points (−7.2 to −3.0)'
    """
    return difference_words(comparison.difference).replace(" (", " points (", 1)


def verdict_words(comparison: Comparison) -> str:
    """Return a difference and the plan's word for it.

    >>> verdict_words(Comparison("a", "b", Repeated(0.01, -0.01, 0.03, 0.95, 0, 0), Verdict.OPEN))
    '1.0 points (−1.0 to 3.0), undecided'
    """
    return f"{points_words(comparison)}, {word_of(comparison)}"


def word_of(comparison: Comparison) -> str:
    """Return the word for the outcome of a comparison.

    >>> word_of(Comparison("a", "b", Repeated(0.01, 0.005, 0.015, 0.95, 0, 0), Verdict.DIFFERENCE, points=0.02))
    'a small difference'
    """
    return "a small difference" if comparison.small else comparison.verdict.value


def together_words(named: Sequence[tuple[str, Comparison]], count: int, nothing: str = "none differs") -> str:
    """Return the sentence on which differences survive where all intervals are to hold together.

    >>> down = Comparison("a", "b", Repeated(-0.05, -0.07, -0.03, 0.95, 0, 0), Verdict.DIFFERENCE, True)
    >>> together_words([("A", down)], 6)
    'Where the six intervals are to hold together, A still differs.'
    """
    surviving = [name for name, one in named if one.survives and one.verdict is Verdict.DIFFERENCE]
    still = f"{listed(surviving)} still differ{'s' * (len(surviving) == 1)}" if surviving else nothing
    return f"Where the {counted_words(count)} intervals are to hold together, {still}."


def sorted_clauses(
    comparisons: Sequence[tuple[str, Comparison]],
    less: str,
    more: str,
    same: str,
    undecided: str,
    nothing: str = "none",
    points: bool = True,
    ceiling: str = "near the ceiling:",
    untested: str = "not tested:",
) -> list[str]:
    """Return clauses that sort comparisons by their outcome.

    Args:
        comparisons: Each with how it is called.
        less: Beginning of the clause about those below 0; then come their names, with the difference.
        more: The same for those above 0.
        same: The same for no difference.
        undecided: The same for those that are undecided.
        nothing: What stands for their names where nothing is below 0.
        points: Whether differences have their number of points beside them.
        ceiling: Beginning of the clause about those that have no room to differ.
        untested: Beginning of the clause about those of which a run failed.

    >>> down = Comparison("a", "b", Repeated(-0.05, -0.07, -0.03, 0.95, 0, 0), Verdict.DIFFERENCE)
    >>> sorted_clauses([("A", down)], "Lower:", "Higher:", "No difference:", "Undecided:")
    ['Lower: A (−5.0 points)']
    """
    kinds: dict[str, list[str]] = {less: [], more: [], same: [], ceiling: [], undecided: [], untested: []}
    neutral = {
        Verdict.SAME: same,
        Verdict.CEILING: ceiling,
        Verdict.OPEN: undecided,
        Verdict.UNTESTED: untested,
    }
    for name, comparison in comparisons:
        value = comparison.difference.value
        kind = neutral.get(comparison.verdict, less if value < 0 else more)
        how_far = f" ({number(100.0 * value, 1, sign=True)} points)" if points and kind in {less, more} else ""
        kinds[kind].append(name + how_far)
    # The papers say "lower": that nothing is lower is worth a word, that nothing is higher is not.
    return [
        f"{kind} {listed(names) if names else nothing}" for kind, names in kinds.items() if names or kind == less
    ]


def paragraph(text: str) -> str:
    """Break a text into lines, no number off its sign."""
    whole = text.replace(" = ", f"{_NBSP}={_NBSP}").replace(" %", f"{_NBSP}%")
    lines = textwrap.fill(whole, _WIDTH, break_long_words=False, break_on_hyphens=False)
    return lines.replace(_NBSP, " ")
