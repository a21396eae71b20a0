"""A small share is not written as none."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sphereface.evaluation.evaluation import _told
from sphereface.evaluation.operating_point import MeasuredRate, _range
from sphereface.evaluation.results import Rate
from sphereface.percentages import fixed_percent, percent_with_interval

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


@given(SHARES, SHARES, SHARES)
def test_a_share_and_its_interval_are_written_alike_everywhere(share: float, low: float, high: float) -> None:
    low, share, high = sorted((low, share, high))
    text = percent_with_interval(share, low, high)
    assert _told(Rate(share, low, high, 0.95, 100.0)) == text
    measured = MeasuredRate(value=share, low=low, high=high, confidence=0.95, n=100.0)
    assert _range(measured, 2, "trials") == f"{text} of trials"
