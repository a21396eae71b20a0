"""A small share is not written as none."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sphereface.percentages import fixed_percent

SHARES = st.floats(1e-8, 1.0)


@given(SHARES, SHARES, SHARES, st.integers(0, 3))
def test_two_digits_of_every_figure_and_one_number_of_decimals(
    share: float, low: float, high: float, digits: int
) -> None:
    texts = fixed_percent((share, low, high), digits)
    assert (
        abs(float(texts[0]) - 100.0 * share) <= 0.05 * 100.0 * share + 0.5 * 10.0**-digits * (share > 1e-3) + 1e-8
    )
    assert float(texts[0]) > 0.0 or 100.0 * share < 1e-8
    assert len({len(text.partition(".")[2]) for text in texts}) == 1
    assert len(texts[0].partition(".")[2]) >= digits


def test_what_is_rounded_up_needs_no_further_digit() -> None:
    assert fixed_percent((0.000999, 0.00096, 0.00108)) == ("0.10", "0.10", "0.11")


def test_a_figure_of_nothing_shows_its_bound() -> None:
    assert fixed_percent((0.0, 0.0, 3.7e-6)) == ("0.00000", "0.00000", "0.00037")
