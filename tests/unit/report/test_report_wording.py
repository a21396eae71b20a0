from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sphereface.evaluation.results import Rate
from sphereface.report.content import ReportInput
from sphereface.report.key_figures import key_figures, shown
from sphereface.report.opening import headline, opening
from sphereface.report.wording import (
    NBSP,
    chosen_target,
    flat_settings,
    one_in,
    percent,
    percent_range,
    plain_percent,
)


@given(st.floats(1e-6, 1 - 1e-6))
def test_a_rate_that_is_not_perfect_is_never_printed_as_perfect(share: float) -> None:
    assert 0 < float(percent(share)) < 100
    assert float(percent(share)) / 100 == pytest.approx(share, rel=0.06, abs=1e-8)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_the_printed_interval_is_the_interval_to_its_last_digit(a: float, b: float, c: float) -> None:
    low, value, high = sorted((a, b, c))
    text = percent_range(Rate(value, low, high, 0.95, 10))
    first, _, second = text.partition(" to ")
    digit = 10 ** -len(first.partition(".")[2])
    assert abs(float(first) - low * 100) <= 0.51 * digit
    assert abs(float(second) - high * 100) <= 0.51 * digit


def test_an_interval_has_the_decimals_of_its_value() -> None:
    assert percent_range(Rate(0.0842, 0.0712, 0.0991, 0.95, 500)) == "7.1 to 9.9"
    assert percent_range(Rate(0.25, 0.193, 0.318, 0.95, 180)) == "19 to 32"
    assert percent_range(Rate(0.99, None, None, 0.95, 1)) == ""


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.01, "1 false alarm in 100 searches"),
        (0.05, "1 false alarm in 20 searches"),
        (0.003, "3 false alarms in 1,000 searches"),
        (1e-6, "1 false alarm in 1,000,000 searches"),
        (1.0, "1 false alarm in 1 search"),
    ],
)
def test_a_false_alarm_rate_in_words(share: float, words: str) -> None:
    assert one_in(share) == words


def test_a_target_is_printed_as_it_was_chosen() -> None:
    assert [plain_percent(share) for share in (0.1, 1e-4, 0.003)] == [
        f"{text}{NBSP}%" for text in ("10", "0.01", "0.3")
    ]


def test_the_headline_takes_one_percent_where_supported_else_the_strictest_that_is(
    report_input: ReportInput,
) -> None:
    search = report_input.evaluation.identification
    assert chosen_target(search.fnir_at_fpir, 0.01) == 0.05
    rates = {0.001: Rate(0.3, 0.2, 0.4, 0.95, 50), 0.01: Rate(0.0842, 0.0712, 0.0991, 0.95, 50)}
    strict = dataclasses.replace(search, fnir_at_fpir=rates)
    assert chosen_target(rates, 0.01) == 0.01
    evaluation = dataclasses.replace(report_input.evaluation, identifications=(strict,))
    assert headline(dataclasses.replace(report_input, evaluation=evaluation)) == (
        f"At 1 false alarm in 100 searches by strangers, with 50 people enrolled, 8.4{NBSP}% (7.1 to 9.9) "
        "of the searches by enrolled people go unrecognised."
    )


def test_the_headline_claims_nothing_that_the_data_cannot_carry(report_input: ReportInput) -> None:
    none = {0.01: Rate(None, None, None, 0.95, 3, "too few strangers")}
    search = dataclasses.replace(report_input.evaluation.identification, fnir_at_fpir=none)
    evaluation = dataclasses.replace(report_input.evaluation, identifications=(search,))
    ranked = headline(dataclasses.replace(report_input, evaluation=evaluation))
    assert ranked.endswith("put the right person first; nothing can be said of strangers.")
    evaluation = dataclasses.replace(evaluation, identifications=(dataclasses.replace(search, cmc=[]),))
    pairs_only = headline(dataclasses.replace(report_input, evaluation=evaluation))
    assert pairs_only.startswith("At 1 mistake in 1,000 pairs of two different people, ")
    nothing = dataclasses.replace(evaluation, verifications=())
    assert "supports no statement" in headline(dataclasses.replace(report_input, evaluation=nothing))
    card = key_figures(evaluation)[0]
    assert not card.rate.supported
    assert card.rate.note == "too few strangers"


def test_an_unsupported_rate_says_why_and_at_most_how_much() -> None:
    text = shown(Rate(None, None, 0.61, 0.95, 9, "not supported by this data: needs 1,000 searches, has 9"))
    assert text.value == ""
    assert text.note == f"needs 1,000 searches, has 9 (at most 61{NBSP}%, with 95{NBSP}% confidence)"


def test_of_several_lists_the_first_is_spoken_of(report_input: ReportInput) -> None:
    pairs = report_input.evaluation.verification
    first = dataclasses.replace(pairs, title="LFW View 2", accuracy=Rate(0.91, 0.90, 0.92, 0.95, 600))
    cards = key_figures(dataclasses.replace(report_input.evaluation, verifications=(first, pairs)))
    accuracy = [card for card in cards if card.name.startswith("Accuracy")]
    assert [card.rate.value for card in accuracy] == ["91.0"]
    assert "LFW View 2" in accuracy[0].explanation


def test_what_is_missing_is_said_on_top(models_input: ReportInput) -> None:
    words = opening(models_input)
    assert any(
        text.startswith("Looked for among 1,000,000 strangers, the right person comes first") for text in words
    )
    assert any(text.startswith("Out of 3 kinds of expression") for text in words)
    about = next(text for text in words if text.startswith("All this is about narrow"))
    assert "wide & 50 % worse and wider are judged under the same protocol below" in about
    assert about.endswith(", and 1 of 1 measured difference cannot be put down to chance.")
    assert words[-2].startswith("4 of the 17 error rates asked for cannot be stated")
    assert words[-1] == "2 of the protocol's pictures or templates are not at hand and count as failures."


def test_settings_keep_their_exact_numbers() -> None:
    assert flat_settings({"a": {"b": 0.1 + 0.2, "c": True}, "d": []}) == [
        ("a.b", "0.30000000000000004"),
        ("a.c", "yes"),
        ("d", ""),
    ]
