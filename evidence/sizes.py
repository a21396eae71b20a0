"""What the runs of question 4 answer: does error fall with m and depth? Question 5: who meets the criterion?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from evidence import counted as count
from evidence.answers import Compared, Judged, easier_rates, headlines, judged_rows, mean_of
from evidence.comparing import Comparison, Pool
from evidence.endings import Ending, endings
from evidence.study import Study
from evidence.summary import Summary
from sphereface.evaluation.repeated import Repeated

MARGINS = (1, 2, 3, 4)
DEPTHS = (4, 10, 20)


@dataclass(frozen=True)
class SizesAnswer:
    """Question 4: the means of each series, and its steps up by headline and by FNMR at FMR 1 %.

    ``people`` is the number of people learned from.
    """

    rows: tuple[Judged, ...]
    series: Mapping[str, tuple[tuple[int, Repeated], ...]]
    steps: Mapping[str, tuple[Compared, ...]]
    restless: str
    people: int


def sizes(study: Study) -> SizesAnswer | None:
    """Return what question 4 found."""
    ready = study.ready("sizes")
    if ready is None:
        return None
    rows, counted = ready
    headline, easier = headlines(rows, counted), easier_rates(rows, counted)
    series, steps = {}, {}
    together = sum(len(names) - 1 for names in SERIES.values())
    for name, names in SERIES.items():
        series[name] = tuple((size, headline.mean(row)) for size, row in names.items())
        steps[name] = tuple(
            (headline.compare(after, before, together), easier.compare(after, before, together))
            for before, after in pairwise(names.values())
        )
    judged = tuple(judged_rows(rows, counted).values())
    return SizesAnswer(judged, series, steps, headline.restless, study.learners)


SERIES: dict[str, dict[int, str]] = {
    "annealed": {m: f"annealed-m{m}-sfnet4" for m in MARGINS},
    "whole": {m: f"whole-m{m}-sfnet4" for m in MARGINS},
    "depth": {depth: f"annealed-m4-sfnet{depth}" for depth in DEPTHS},
}


@dataclass(frozen=True)
class CriterionAnswer:
    """Question 5: the share that meets it by (series, who) and m, and what m = 4 adds to m = 1.

    ``endings`` says how the runs of each row ended. ``angles`` holds, by (series, who) and m, medians over people
    of the widest angle within a person and of the narrowest to anybody else, in radians, means over seeds; None
    where no run reached its end.
    """

    share: Mapping[tuple[str, str], tuple[tuple[int, Repeated], ...]]
    rise: Mapping[tuple[str, str], Comparison]
    endings: tuple[Ending, ...]
    angles: Mapping[tuple[str, str], tuple[tuple[float | None, float | None], ...]]


def criterion(study: Study) -> CriterionAnswer | None:
    """Return what the runs of question 4 say of question 5."""
    ready = study.ready("sizes")
    if ready is None:
        return None
    rows, counted = ready
    share, rise, angles = {}, {}, {}
    for series in ("annealed", "whole"):
        names = SERIES[series]
        for who, figure in (
            ("strangers", partial(count.ideal, counted=counted)),
            ("learned from", partial(count.ideal_of_learners, people=study.learners)),
        ):
            pool = Pool.of(rows, figure)
            share[series, who] = tuple((m, pool.mean(row)) for m, row in names.items())
            rise[series, who] = pool.compare(names[MARGINS[-1]], names[MARGINS[0]])
            angles[series, who] = tuple(_angles(rows[row], who) for row in names.values())
    used = [row for series in ("annealed", "whole") for row in SERIES[series].values()]
    return CriterionAnswer(share, rise, endings({row: rows[row] for row in used}), angles)


def _angles(made: Sequence[Summary], who: str) -> tuple[float | None, float | None]:
    found = [run["ideal"] if who == "strangers" else run["learned"]["ideal"] for run in made if not run["stopped"]]
    return mean_of([each["median_own"] for each in found]), mean_of([each["median_other"] for each in found])
