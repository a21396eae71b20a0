from __future__ import annotations

import contextlib
import dataclasses
import io
import re
from html.parser import HTMLParser
from types import ModuleType

import numpy as np
import pytest

from sphereface.cli.summary import print_evaluation, print_report
from sphereface.errors import DataError
from sphereface.evaluation.evaluation import Evaluation
from sphereface.evaluation.paired import Difference
from sphereface.evaluation.results import ErrorCurve, Rate, ScoredPair
from sphereface.report.content import ModelDifferences, ReportInput
from sphereface.report.key_figures import key_figures, shown
from sphereface.report.opening import headline
from sphereface.report.page import report_page

VOID = {"meta", "link", "img", "br", "use", "path", "image", "rect"}


class Outline(HTMLParser):
    """What a page is made of: elements, their attributes, and whether each is closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def page(report_input: ReportInput) -> str:
    return report_page(report_input)


@pytest.fixture(scope="module")
def outline(page: str) -> Outline:
    return Outline(page)


def test_every_element_is_closed_and_every_link_lands(outline: Outline) -> None:
    assert outline.open == []
    ids = [attributes["id"] for _, attributes in outline.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for attributes in outline.all("a"):
        assert str(attributes["href"]).removeprefix("#") in ids
    for attributes in outline.all("section"):
        assert attributes["aria-labelledby"] in ids


def test_nothing_runs_and_nothing_is_fetched(page: str, outline: Outline) -> None:
    assert outline.all("script") == []
    assert not any(name.startswith("on") for _, attributes in outline.elements for name in attributes)
    for _, attributes in outline.elements:
        for name in ("src", "href", "xlink:href"):
            assert str(attributes.get(name, "#")).startswith(("#", "data:"))
    assert "@import" not in page
    assert not re.search(r"url\((?!#)", page)
    policies = [a["content"] for a in outline.all("meta") if a.get("http-equiv") == "Content-Security-Policy"]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"]


def test_hostile_names_titles_and_settings_are_text(example: ModuleType, light_input: ReportInput) -> None:
    evil = example.HOSTILE
    first = light_input.evaluation.verification.hardest_impostor[0].first
    hostile = dataclasses.replace(
        light_input, title=evil, data=evil, settings={evil: {"x": evil}}, shortcuts=[
            dataclasses.replace(light_input.shortcuts[0], name=evil, explanation=evil)
        ],
    )  # fmt: skip
    quoted = '" onerror="x'
    page = report_page(
        dataclasses.replace(hostile, names=dict.fromkeys(light_input.names, quoted) | {first: evil})
    )
    assert "<script" not in page
    outline = Outline(page)
    assert outline.text.count(evil) >= 7
    assert not any("onerror" in attributes for _, attributes in outline.elements)
    assert {attributes["alt"] for attributes in outline.all("img")} == {evil, quoted}


def test_what_the_data_cannot_carry_is_said(outline: Outline) -> None:
    text = " ".join(outline.text.split())
    assert text.count("not supported by this data") >= 2
    assert "only 3.2 false alarms are expected" in text
    assert "30 false matches would be expected" in text


def test_pictures_have_words_and_tables_captions(outline: Outline) -> None:
    images = outline.all("img")
    assert len(images) > 40
    assert all(attributes["alt"] for attributes in images)
    assert len(outline.all("caption")) == len(outline.all("table"))
    svgs = outline.all("svg")
    assert len(svgs) == 6 + 4  # six curves, four training panels
    assert all(attributes["role"] == "img" for attributes in svgs)


def test_a_report_of_an_evaluation_alone(report_input: ReportInput) -> None:
    bare = ReportInput(title="bare", evaluation=report_input.evaluation, data="")
    outline = Outline(report_page(bare))
    sections = [attributes["id"] for attributes in outline.all("section")]
    assert sections == [
        "key-figures",
        "data",
        "verification",
        "identification",
        "hypersphere",
        "repeat",
        "definitions",
    ]
    links = [str(attributes["href"]).removeprefix("#") for attributes in outline.all("a")]
    assert links == sections
    assert outline.all("img") == []


def test_an_evaluation_without_most_figures(light_input: ReportInput) -> None:
    """One picture a person: no genuine pairs, no health. The page says so and stands."""
    none = Rate(None, None, None, 0.95, 0, "nobody has two pictures")
    nan = float("nan")
    evaluation = light_input.evaluation
    assert evaluation.health is not None
    health = dataclasses.replace(
        evaluation.health, alignment=nan, angular_fisher_score=nan, largest_intra_angle=nan,
        ideal_criterion_rate=none, energy={0: -0.3, 2: 0.5}, concentration=nan,
    )  # fmt: skip
    verification = dataclasses.replace(
        evaluation.verification, eer=none, auc=none, accuracy=none, fnmr_at_fmr={}, threshold_at_fmr={},
        hardest_genuine=[], genuine_pairs=0,
    )  # fmt: skip
    poor = dataclasses.replace(evaluation, health=health, verifications=(verification,))
    text = " ".join(Outline(report_page(dataclasses.replace(light_input, evaluation=poor))).text.split())
    assert "nobody has two pictures" in text
    assert "nan" not in text.lower().split()
    assert "energy, s = 0, 2" in text


@pytest.fixture(scope="module")
def models_page(models_input: ReportInput) -> str:
    return report_page(models_input)


def test_every_list_gallery_crowd_and_probe_has_its_place(models_page: str) -> None:
    outline = Outline(models_page)
    text = " ".join(outline.text.split())
    assert outline.open == []
    sections = [attributes["id"] for attributes in outline.all("section")]
    assert sections == [
        "key-figures", "models", "data", "verification", "identification", "crowd", "classes", "average",
        "gallery-size",
        "groups", "lookalikes", "clusters", "calibration", "morphing", "absent", "hypersphere", "confused",
        "repeat", "definitions",
    ]  # fmt: skip
    assert len(outline.all("svg")) == 2 * 3 + 2 * 3 + 1 + 5
    for words in (
        "The list of frontal and profile", "Second gallery", "Probes in a crowd", "Expression",
        "3 pairs could not be scored: genuine ones are misses", "2 searches lack an embedding",
        "Protocol: An example of a protocol.", "A made-up protocol", "person-00001/9.png",
        "0.480 fixed", "0.335 estimated",
    ):  # fmt: skip
        assert words in text


def test_several_models_are_compared_figure_by_figure(models_page: str, models_input: ReportInput) -> None:
    outline = Outline(models_page)
    assert models_page.count("wide &amp; 50 % worse") >= 2 + 5  # in legends and in the head of each table
    eers = [shown(model.verification.eer) for model in models_input.models]
    assert "EER" + "".join(f"{eer.value}\u00a0% {eer.interval}" for eer in eers) in outline.text


def test_a_paired_difference_counts_only_if_its_interval_excludes_zero(pairs_input: ReportInput) -> None:
    found = [
        Difference("EER", 0.04, 0.082, -0.042, -0.06, -0.024, 0.0001, 0.95),
        Difference("accuracy", 0.968, 0.967, 0.001, -0.0046, 0.0066, 0.7, 0.95),
        Difference("FNMR at FMR 0.0001", None, None, None, None, None, None, 0.95, "needs 300,000 pairs"),
    ]
    told = ModelDifferences("all pairs", "narrow", "wider", found)
    outline = Outline(report_page(dataclasses.replace(pairs_input, differences=[told])))
    table = outline.text[outline.text.index("Paired differences") :]
    assert "EER4.0\u00a0%8.2\u00a0%−4.2−6.0 to −2.4< 0.001yes" in table
    assert "accuracy96.8\u00a0%96.7\u00a0%+0.1−0.5 to +0.70.70no" in table
    assert "needs 300,000 pairs" in table


def test_models_of_other_questions_are_refused(models_input: ReportInput, report_input: ReportInput) -> None:
    with pytest.raises(DataError, match="not judged on the same pairs"):
        dataclasses.replace(report_input, others=[models_input.evaluation])


def test_models_of_one_name_are_numbered(report_input: ReportInput) -> None:
    twice = dataclasses.replace(report_input, others=[report_input.evaluation])
    assert twice.labels == ("an example (1)", "an example (2)")


@pytest.mark.parametrize(
    ("kept", "sections"),
    [("verifications", ["verification"]), ("identifications", ["identification"]), ("crowds", ["crowd"]),
     ("classes", ["classes"]), ("", [])],
)  # fmt: skip
def test_one_kind_of_question_alone(kept: str, sections: list[str], models_input: ReportInput) -> None:
    """Pairs only, searches only, a crowd only, a probe only, nothing at all: every page stands and speaks."""
    kinds = {"verifications", "identifications", "crowds", "classes"} - {kept}
    alone = dataclasses.replace(models_input.evaluation, health=None, **dict.fromkeys(kinds, ()))
    report = dataclasses.replace(models_input, evaluation=alone, others=(), findings=None)
    outline = Outline(report_page(report))
    found = [str(attributes["id"]) for attributes in outline.all("section")]
    assert [
        name for name in found if name not in ("key-figures", "data", "confused", "repeat", "definitions")
    ] == (sections)
    said = headline(report)
    assert ("supports no statement" in said) == (not kept)
    assert (
        len(key_figures(alone))
        == {"verifications": 4, "identifications": 2, "crowds": 2, "classes": 1, "": 0}[kept]
    )
    assert write_words(alone)


def test_searches_without_strangers_claim_nothing_about_false_alarms(light_input: ReportInput) -> None:
    search = dataclasses.replace(
        light_input.evaluation.identification, non_mated_searches=0, non_mated_people=0, fnir_at_fpir={},
        threshold_at_fpir={}, non_mated_scores=np.array([]), curve=ErrorCurve(*[np.array([])] * 7),
    )  # fmt: skip
    evaluation = dataclasses.replace(light_input.evaluation, identifications=(search,))
    report = dataclasses.replace(light_input, evaluation=evaluation, operating_point=None)
    page = report_page(report)
    assert headline(report).replace("\u00a0", " ") == (
        "With 50 people enrolled, 89 % (84 to 93) of the searches by enrolled people put the right person first; "
        "nothing can be said of strangers."
    )
    assert "none by strangers, so that nothing is known of false alarms" in page
    assert 'id="figure-cmc-title"' in page
    assert 'id="figure-open-set-title"' not in page


def write_words(evaluation: Evaluation) -> str:
    """Return what the command line prints of an evaluation."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        print_evaluation(evaluation)
    return output.getvalue()


def test_the_printed_summary_has_every_list_and_what_is_missing(models_input: ReportInput) -> None:
    text = write_words(models_input.evaluation)
    for words in (
        "judged on 720 pictures of 90 people", "protocol: An example of a protocol", "2 of its pictures or",
        "the list of frontal and profile:", "second gallery:", "rank 1 among 1,000,000", "expression:",
        "95.10 % (93.07 to 96.56)", "only 3.2 false alarms are expected",
    ):  # fmt: skip
        assert words in text


def test_the_printed_report_has_every_model_and_what_they_differ_by(models_input: ReportInput) -> None:
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        print_report(models_input)
    text = output.getvalue()
    assert text.count("judged on 720 pictures") == 3
    for words in (
        "wide & 50 % worse:", "narrow less wider, all pairs, at most 8 images a person:",
        "EER                 -9.00 points  (-12.00 to -6.00)", "FNMR at FMR 0.0001  too few pairs",
        "From group to group, pairs of one person that are missed range from 5.0 % (4.0 to 6.0) in north",
    ):  # fmt: skip
        assert words in text


def test_without_pictures_the_hardest_errors_have_names_and_links(models_page: str) -> None:
    outline = Outline(models_page)
    assert outline.all("img") == []
    assert "pictures/person-00001/0.png" in [a["href"] for a in outline.all("a")]
    assert len(re.findall(r"person-\d{5}/\d\.png", outline.text)) >= 3 * 8 * 2


def test_a_link_that_runs_is_refused(report_input: ReportInput) -> None:
    with pytest.raises(DataError, match="not to 'javascript:alert"):
        dataclasses.replace(report_input, links={0: "javascript:alert(1)"})


def test_a_confusion_table_has_every_count(models_page: str, models_input: ReportInput) -> None:
    counts = models_input.evaluation.classes[0].confusion
    table = models_page[models_page.index('<table class="confusion">') :]
    cells = re.findall(r'--share:([\d.]+)">(\d+)<', table[: table.index("</table>")])
    assert [int(count) for _, count in cells] == counts.ravel().tolist()
    assert float(cells[0][0]) == pytest.approx(40 / 45, abs=5e-4)


def test_people_far_from_the_ideal_criterion_are_shown(pairs_input: ReportInput) -> None:
    evaluation = pairs_input.evaluation
    assert evaluation.health is not None
    health = dataclasses.replace(
        evaluation.health, nearest=[ScoredPair(0, 9, 0.9)], widest=[ScoredPair(1, 2, -0.2)], effective_rank=31.4,
        person_criterion=Rate(0.4, 0.3, 0.5, 0.95, 80), norm_quality=Rate(0.31, -0.1, 0.4, 0.95, 80),
    )  # fmt: skip
    evaluation = dataclasses.replace(evaluation, health=health)
    text = Outline(report_page(dataclasses.replace(pairs_input, evaluation=evaluation, others=()))).text
    for words in (
        "People nearest to each other",
        "People spread widest",
        "31.4",
        "0.31 (−0.10 to 0.40)",
        "−0.200",
    ):
        assert words in text


def test_every_setting_is_on_the_page(report_input: ReportInput, outline: Outline) -> None:
    for words in ("recipe.backbone", "sfnet4", "sphereface demo --seed 0", "evaluation.confidence", "data.hash"):
        assert words in outline.text
