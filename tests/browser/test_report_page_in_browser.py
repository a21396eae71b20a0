"""The page in a real browser: nothing fetched, nothing run, nothing cut off."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from playwright import sync_api

from sphereface.report import ReportInput, write_report

pytestmark = pytest.mark.browser

SWITCHES = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


OUTSIDE = """[...document.querySelectorAll('svg')].flatMap(s => {
    const frame = s.getBoundingClientRect();
    return [...s.querySelectorAll('text')].filter(t => {
        const box = t.getBoundingClientRect();
        return box.left < frame.left - 1 || box.right > frame.right + 1
            || box.top < frame.top - 1 || box.bottom > frame.bottom + 1;
    }).map(t => t.textContent);
})"""


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[object]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=SWITCHES)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory, example: ModuleType) -> Path:
    """Return the page of three models with everything that can be looked into."""
    return write_report(tmp_path_factory.mktemp("laboratory"), example.example_models())


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, report_input: ReportInput) -> Path:
    return write_report(tmp_path_factory.mktemp("report"), report_input)


class Visit:
    """A page opened from disk with everything else blocked and counted."""

    def __init__(self, browser: object, report: Path, width: int, scheme: str) -> None:
        self.asked: list[str] = []
        self.errors: list[str] = []
        self.page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[attr-defined]
        self.page.on("console", lambda message: self.errors.append(message.text))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.errors.append(dialog.message), dialog.dismiss()))

        def guard(route: object) -> None:
            address = route.request.url  # type: ignore[attr-defined]
            if address == report.as_uri() or address.startswith("data:"):
                route.continue_()  # type: ignore[attr-defined]
            else:
                self.asked.append(address)
                route.abort()  # type: ignore[attr-defined]

        self.page.route("**/*", guard)
        self.page.goto(report.as_uri())


@pytest.fixture(
    params=[(1280, "light"), (390, "light"), (1280, "dark")], ids=["wide", "narrow", "dark"], scope="module"
)
def visit(request: pytest.FixtureRequest, browser: object, report: Path) -> Iterator[Visit]:
    visit = Visit(browser, report, *request.param)
    yield visit
    visit.page.close()


def test_asks_for_nothing_and_complains_about_nothing(visit: Visit) -> None:
    visit.page.wait_for_load_state("networkidle")
    assert visit.asked == []
    assert visit.errors == []


def test_every_picture_is_there(visit: Visit) -> None:
    sizes = visit.page.evaluate(
        "[...document.images].map(i => [i.naturalWidth, i.naturalHeight, i.width, i.height])"
    )
    assert len(sizes) > 40
    assert all(min(size) > 0 for size in sizes)
    faces = [size for size in sizes if size[0] == 112]
    assert len(faces) > 40
    assert all(abs(width - height) <= 1 for _, _, width, height in faces)
    drawings = visit.page.evaluate(
        "[...document.querySelectorAll('svg')].map(s => s.getBoundingClientRect().width)"
    )
    assert len(drawings) == 10
    assert min(drawings) > 250


def test_nothing_is_wider_than_the_window(visit: Visit) -> None:
    assert visit.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    outside = visit.page.evaluate(
        """[...document.querySelectorAll('main *, header *')].filter(e => {
            if (e.closest('svg') || e.closest('.scroll')) return false;
            const box = e.getBoundingClientRect();
            return box.width > 0 && (box.right > window.innerWidth + 1 || box.left < -1);
        }).map(e => e.outerHTML.slice(0, 80))"""
    )
    assert outside == []


def test_words_of_a_figure_lie_inside_it(visit: Visit) -> None:
    assert visit.page.evaluate(OUTSIDE) == []


def test_every_section_has_a_heading(visit: Visit) -> None:
    headings = visit.page.evaluate(
        "[...document.querySelectorAll('section')].map(s => s.querySelector('h2')?.textContent.trim() ?? '')"
    )
    assert len(headings) == 10 + 1
    assert all(headings)
    assert visit.page.locator("h1").count() == 1


def test_hostile_names_are_seen_as_text(visit: Visit, example: ModuleType, report_input: ReportInput) -> None:
    assert visit.page.title() == report_input.title
    assert visit.page.locator("script").count() == 0
    assert visit.page.get_by_text(example.HOSTILE).count() > 2


def test_figures_follow_the_page_into_the_dark(browser: object, report: Path) -> None:
    colours = {}
    for scheme in ("light", "dark"):
        visit = Visit(browser, report, 1280, scheme)
        colours[scheme] = visit.page.evaluate(
            """[getComputedStyle(document.body).backgroundColor,
                getComputedStyle(document.querySelector('#verification svg text')).fill]"""
        )
        visit.page.close()
    brightness = {
        scheme: [sum(int(part) for part in text.split("(")[1].rstrip(")").split(",")[:3]) for text in pair]
        for scheme, pair in colours.items()
    }
    paper, ink = brightness["light"]
    assert paper > ink + 250
    paper, ink = brightness["dark"]
    assert ink > paper + 250


def test_settings_open_with_a_click(browser: object, report: Path) -> None:
    visit = Visit(browser, report, 1280, "light")
    row = visit.page.get_by_text("recipe.backbone")
    assert not row.is_visible()
    visit.page.get_by_text("Every setting").click()
    assert row.is_visible()
    visit.page.close()


@pytest.mark.parametrize("width", [1280, 480])
def test_the_laboratory_fits_its_window(browser: object, laboratory: Path, width: int) -> None:
    visit = Visit(browser, laboratory, width, "light")
    assert visit.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert (visit.asked, visit.errors) == ([], [])
    widths = visit.page.evaluate("[...document.querySelectorAll('svg')].map(s => s.getBoundingClientRect().width)")
    assert len(widths) == 2 * 3 + 2 * 3 + 1 + 5
    assert min(widths) > 250
    cut = visit.page.evaluate(OUTSIDE)
    assert cut == []
    visit.page.close()


def test_paper_is_white_and_nothing_is_cut_off_it(browser: object, laboratory: Path) -> None:
    """A4 at 96 dots an inch with usual margins is 718 wide; who reads in the dark prints in the light."""
    visit = Visit(browser, laboratory, 718, "dark")
    visit.page.emulate_media(media="print", color_scheme="dark")
    assert visit.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not visit.page.locator("nav").is_visible()
    wide = visit.page.evaluate(
        """[...document.querySelectorAll('main table, main figure')].filter(e => e.offsetParent &&
            e.getBoundingClientRect().right > window.innerWidth + 1).map(e => e.textContent.slice(0, 60))"""
    )
    assert wide == []
    kept = visit.page.evaluate(
        """['figure', 'table.compact', '.card', 'tr'].map(
            name => getComputedStyle(document.querySelector(`main ${name}`)).breakInside)"""
    )
    assert kept == ["avoid"] * 4
    visit.page.close()


def test_the_links_on_top_lead_to_every_section(browser: object, laboratory: Path) -> None:
    visit = Visit(browser, laboratory, 1280, "light")
    links = visit.page.evaluate(
        "[...document.querySelectorAll('nav a')].map(a => a.getAttribute('href').slice(1))"
    )
    sections = visit.page.evaluate("[...document.querySelectorAll('main section')].map(s => s.id)")
    assert links == sections
    visit.page.close()
