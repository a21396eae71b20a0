"""The hypersphere's health as rows of a table."""

from __future__ import annotations

import math

from sphereface.evaluation.results import Health, Rate


def number(value: float, decimals: int = 3) -> str:
    """Return a figure with a real minus sign, or a dash where there is none.

    >>> number(-3.52), number(float("nan"))
    ('−3.520', '–')
    """
    return f"{value:.{decimals}f}".replace("-", "−") if math.isfinite(value) else "–"


def plain_rate(rate: Rate, decimals: int = 2) -> str:
    """Return a figure that is no share (a correlation, bits) with its interval, or why there is none.

    >>> plain_rate(Rate(0.314, 0.25, 0.4, 0.95, 50))
    '0.31 (0.25 to 0.40)'
    """
    if rate.value is None:
        return rate.reason or "–"
    if rate.low is None or rate.high is None:
        return number(rate.value, decimals)
    return f"{number(rate.value, decimals)} ({number(rate.low, decimals)} to {number(rate.high, decimals)})"


def health_rows(health: Health) -> list[tuple[str, str, str]]:
    """Return (figure, value, meaning) rows; shares with their intervals are in :func:`health_rates`."""
    rows = [
        ("alignment", number(health.alignment), "mean squared distance within a person; 0 is best"),
        ("uniformity", number(health.uniformity), "how evenly the sphere is used; 0 is one point, −4 is even"),
        (
            "angular Fisher score",
            number(health.angular_fisher_score),
            "scatter within people over scatter between people; lower is better",
        ),
        _angle("largest angle within a person", health.largest_intra_angle, "two pictures of one person"),
        _angle("smallest angle between people", health.smallest_inter_angle, "pictures of two people"),
        (
            "ideal criterion",
            "met" if health.ideal_criterion_met else "not met",
            "the largest angle within is below the smallest between",
        ),
    ]
    if math.isfinite(health.concentration):
        meaning = "of a person’s pictures, median; higher is tighter"
        rows.append(("concentration κ", number(health.concentration, 0), meaning))
    if math.isfinite(health.effective_rank):
        rows.append(
            ("effective rank", number(health.effective_rank, 1), "dimensions that the pictures really use")
        )
    if health.energy:
        exponents = sorted(health.energy)
        rows.append(
            (
                f"energy, s = {', '.join(str(exponent) for exponent in exponents)}",
                ", ".join(number(health.energy[exponent], 2) for exponent in exponents),
                "between people’s mean directions, for each s; lower is more evenly spread",
            )
        )
    if health.norm_quality is not None:
        meaning = (
            "rank correlation of the embedding’s length with the picture’s quality; 0 is none, 1 the same order"
        )
        rows.append(("norm and quality", plain_rate(health.norm_quality), meaning))
    return rows


def health_rates(health: Health) -> list[tuple[str, Rate, str]]:
    """Return (figure, rate, meaning) of the shares of people who meet the ideal criterion."""
    drawn = f"against {health.ideal_people - 1:,} others, {health.ideal_images} pictures each"
    rows = [("people who meet it one by one", health.ideal_criterion_rate, drawn if health.ideal_people else "")]
    if health.person_criterion is not None:
        meaning = "against everybody, all pictures measured; falls with their number"
        rows.append(("the same against everybody", health.person_criterion, meaning))
    return rows


def _angle(name: str, radians: float, of_what: str) -> tuple[str, str, str]:
    if not math.isfinite(radians):
        return name, "–", of_what
    return name, f"{number(math.degrees(radians), 1)}°", f"{of_what}; {radians:.3f} rad"
