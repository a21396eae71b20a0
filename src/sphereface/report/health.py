"""The hypersphere's health as rows of a table."""

from __future__ import annotations

import math

from sphereface.evaluation.results import Health


def number(value: float, decimals: int = 3) -> str:
    """Return a figure with a real minus sign, or a dash where there is none.

    >>> number(-3.52), number(float("nan"))
    ('−3.520', '–')
    """
    return f"{value:.{decimals}f}".replace("-", "−") if math.isfinite(value) else "–"


def health_rows(health: Health) -> list[tuple[str, str, str]]:
    """Return (figure, value, meaning) rows; the share of people with its interval is printed beside them."""
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
        rows.append(
            (
                "concentration κ",
                number(health.concentration, 0),
                "of a person’s pictures, median; higher is tighter",
            )
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
    return rows


def _angle(name: str, radians: float, of_what: str) -> tuple[str, str, str]:
    if not math.isfinite(radians):
        return name, "–", of_what
    return name, f"{number(math.degrees(radians), 1)}°", f"{of_what}; {radians:.3f} rad"
