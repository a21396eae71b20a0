"""The hardest errors: pictures where they were handed in, names of the pictures where not, links where given."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sphereface.evaluation.results import ScoredPair
from sphereface.report.content import ReportInput

MOST = 8


@dataclass(frozen=True, slots=True)
class Side:
    """One picture of a pair: its address inside the page, its person, its own name and where it lies."""

    picture: str
    person: str
    name: str
    link: str


@dataclass(frozen=True, slots=True)
class HardPair:
    """Two pictures and what they scored."""

    first: Side
    second: Side
    score: str
    angle: str

    @property
    def pictured(self) -> bool:
        """Whether both pictures can be shown."""
        return bool(self.first.picture and self.second.picture)


@dataclass(frozen=True, slots=True)
class HardPairs:
    """The worst pairs of one list: different people who look alike, one person who does not."""

    title: str
    alike: list[HardPair]
    unlike: list[HardPair]


def hardest(report: ReportInput, addresses: Mapping[int, str]) -> list[HardPairs]:
    """Return the worst pairs of each list that has any to show.

    Args:
        report: The report.
        addresses: Picture of an image index, as an address inside the page.
    """
    found = [
        HardPairs(
            pairs.title,
            list(_some(report, pairs.hardest_impostor, addresses)),
            list(_some(report, pairs.hardest_genuine, addresses)),
        )
        for pairs in report.evaluation.verifications
    ]
    return [pairs for pairs in found if pairs.alike or pairs.unlike]


def of_sphere(report: ReportInput, addresses: Mapping[int, str]) -> HardPairs:
    """Return who stands in the way of the ideal criterion: people nearest to each other, people spread widest."""
    health = report.evaluation.health
    nearest, widest = (health.nearest, health.widest) if health else ([], [])
    return HardPairs("", list(_some(report, nearest, addresses)), list(_some(report, widest, addresses)))


def _some(report: ReportInput, pairs: Iterable[ScoredPair], addresses: Mapping[int, str]) -> Iterator[HardPair]:
    """Yield the first pairs both of whose pictures can be shown or named."""
    left = MOST
    for pair in pairs:
        both = [(at in addresses, at in report.row_names) for at in (pair.first, pair.second)]
        if left and all(any(known) for known in both):
            left -= 1
            angle = math.degrees(math.acos(min(1.0, max(-1.0, pair.score))))
            first, second = (_side(report, at, addresses) for at in (pair.first, pair.second))
            yield HardPair(first, second, f"{pair.score:.3f}".replace("-", "−"), f"{angle:.0f}°")


def _side(report: ReportInput, at: int, addresses: Mapping[int, str]) -> Side:
    tables = (addresses, report.names, report.row_names, report.links)
    return Side(*(table.get(at, "") for table in tables))
