"""The files of the synthetic twins: each protocol's lists, small and invented, laid out as the real ones are."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from scipy.io import savemat

from sphereface.evaluation.protocols.ck_plus import EXPRESSIONS

FOLDS = 10

Picture = tuple[str, str]  # name, person


def _person(number: int) -> str:
    return f"Person_{number:02d}"


def _picture(number: int, image: int) -> str:
    return f"{_person(number)}/{_person(number)}_{image:04d}.jpg"


def _pictures(people: int, each: int = 4) -> list[Picture]:
    return [(_picture(number, image), _person(number)) for number in range(people) for image in range(1, each + 1)]


def _lines(path: Path, lines: Iterable[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _folds(people: int) -> list[list[int]]:
    """Return ten folds of people, nobody in two."""
    return [list(range(fold, people, FOLDS)) for fold in range(FOLDS)]


def _lfw_view1(folder: Path, people: int) -> list[Picture]:
    same = [f"{_person(a)}\t1\t2" for a in range(people)]
    other = [f"{_person(a)}\t1\t{_person((a + 1) % people)}\t3" for a in range(people)]
    _lines(folder / "pairsDevTest.txt", [str(people), *same, *other])
    return _pictures(people)


def _lfw_lines(people: int) -> list[str]:
    """Return in each fold a genuine pair and an impostor pair of each person there."""
    lines = []
    for own in _folds(people):
        lines += [f"{_person(a)}\t1\t2" for a in own]
        lines += [f"{_person(a)}\t3\t{_person(b)}\t4" for a, b in zip(own, own[1:] + own[:1], strict=True)]
    return lines


def _lfw_view2(folder: Path, people: int) -> list[Picture]:
    _lines(folder / "pairs.txt", [f"{FOLDS}\t{people // FOLDS}", *_lfw_lines(people)])
    return _pictures(people)


def _lfw_open(folder: Path, people: int) -> list[Picture]:
    counts = (1, 2, 3, 6)
    return [(_picture(a, image), _person(a)) for a in range(people) for image in range(1, counts[a % 4] + 1)]


def _cells(values: Sequence[object]) -> np.ndarray:
    """Return a MATLAB cell column."""
    cells = np.empty((len(values), 1), dtype=object)
    for at, value in enumerate(values):
        cells[at, 0] = value
    return cells


def _blufr(folder: Path, people: int) -> list[Picture]:
    pictures = _pictures(people, 3)
    galleries, probes = [], []
    for trial in range(FOLDS):
        enrolled = [3 * ((trial + a) % people) + 1 for a in range(people // 2)]
        galleries.append(np.array(enrolled, dtype=np.uint16)[:, None])
        probes.append(np.array(sorted(set(range(1, 3 * people + 1)) - set(enrolled)), dtype=np.uint16)[:, None])
    savemat(
        folder / "blufr_lfw_config.mat",
        {
            "imageList": _cells([name.rpartition("/")[2] for name, _ in pictures]),
            "labels": np.array([[at // 3 + 1] for at in range(len(pictures))]),
            "galIndex": _cells(galleries),
            "probIndex": _cells(probes),
        },
    )
    return pictures


def _ytf(folder: Path, people: int) -> list[Picture]:
    lines = ["split number, pair number, first name, second name, is same"]
    for fold, own in enumerate(_folds(people), 1):
        pairs = [(a, a, 1) for a in own] + [(a, b, 0) for a, b in zip(own, own[1:] + own[:1], strict=True)]
        lines += [
            f"{fold}, {at}, {_person(a)}/0, {_person(b)}/1, {label}" for at, (a, b, label) in enumerate(pairs, 1)
        ]
    _lines(folder / "splits.txt", lines)
    return [
        (f"{_person(a)}/{video}/{video}.{frame}.jpg", _person(a))
        for a in range(people)
        for video in range(2)
        for frame in range(3)
    ]


def _megaface(folder: Path, people: int) -> list[Picture]:
    probes = [(f"{_person(a)}/{_person(a)}_{at}.png", _person(a)) for a in range(people) for at in (11, 12, 13)]
    crowd = [(f"514/{a:08d}@N00/{a}_{at}.jpg", f"{a:08d}@N00") for a in range(2 * people) for at in range(2)]
    lists = {"facescrub_features_list.json": probes, f"megaface_features_list.json_{len(crowd)}_1": crowd}
    for file, pictures in lists.items():
        content = {"path": [name for name, _ in pictures], "id": [person for _, person in pictures]}
        (folder / file).write_text(json.dumps(content), encoding="utf-8")
    _lines(folder / "facescrub_noises.txt", ["# noise", f"{_person(0)}_12.jpg"])
    _lines(folder / "megaface_noises.txt", ["17\t514/00000003@N00/3_1.jpg"])
    return probes + crowd


def _trillion_pairs(folder: Path, people: int) -> list[Picture]:
    probes = [(f"celebrities/{a}_{at}.jpg", f"id{a}") for a in range(people) for at in range(2)]
    crowd = [(f"flickr/{at}.jpg", "") for at in range(3 * people)]
    _lines(folder / "probes.txt", [f"{name} {person}" for name, person in probes])
    _lines(folder / "distractors.txt", [name for name, _ in crowd])
    return probes + crowd


def _cfp(folder: Path, people: int) -> list[Picture]:
    root = folder / "Protocol"
    pictures: list[Picture] = []
    for letter, kind, each in (("F", "frontal", 3), ("P", "profile", 2)):
        own = [
            (f"{a + 1:03d}/{kind}/{at:02d}.jpg", f"{a + 1:03d}")
            for a in range(people)
            for at in range(1, each + 1)
        ]
        _lines(
            root / f"Pair_list_{letter}.txt",
            [f"{at} ../Data/Images/{name}" for at, (name, _) in enumerate(own, 1)],
        )
        pictures += own
    for kind, each in (("FF", 3), ("FP", 2)):
        for fold, own_people in enumerate(_folds(people), 1):
            place = root / "Split" / kind / f"{fold:02d}"
            _lines(place / "same.txt", [f"{3 * a + 1},{each * a + 2}" for a in own_people])
            others = own_people[1:] + own_people[:1]
            diff = [f"{3 * a + 1},{each * b + 1}" for a, b in zip(own_people, others, strict=True)]
            _lines(place / "diff.txt", diff)
    return pictures


def _agedb(folder: Path, people: int) -> list[Picture]:
    def name(a: int, age: int) -> str:
        return f"Person{a:02d}_{a}_x_{age}_f"

    splits = np.empty((FOLDS, 1), dtype=object)
    for fold, own in enumerate(_folds(people)):
        ends = [(a, a, 1) for a in own] + [(a, b, -1) for a, b in zip(own, own[1:] + own[:1], strict=True)]
        cells = np.empty((2, len(ends)), dtype=object)
        for at, (a, b, _) in enumerate(ends):
            cells[0, at] = {"name": name(a, 20), "age": 20}
            cells[1, at] = {"name": name(b, 50), "age": 50}
        splits[fold, 0] = {"pairs": cells, "labels": np.array([[label for _, _, label in ends]])}
    savemat(folder / "04_FINAL_protocol_30_years.mat", {"splits": splits})
    return [(f"{name(a, age)}.jpg", f"Person{a:02d}") for a in range(people) for age in (20, 50)]


def _cross(file: str) -> Callable[[Path, int], list[Picture]]:
    def write(folder: Path, people: int) -> list[Picture]:
        def flat(a: int, image: int) -> str:
            return f"{_person(a)}_{image:04d}.jpg"

        lines = []
        for fold, own in enumerate(_folds(people), 1):
            label = fold if file == "pairs_CALFW.txt" else 1
            lines += [f"{flat(a, image)} {label}" for a in own for image in (1, 2)]
        for own in _folds(people):
            for a, b in zip(own, own[1:] + own[:1], strict=True):
                lines += [f"{flat(a, 1)} 0", f"{flat(b, 2)} 0"]
        _lines(folder / file, lines)
        return [(flat(a, image), _person(a)) for a in range(people) for image in (1, 2)]

    return write


def _ijb(name: str, galleries: tuple[str, str]) -> Callable[[Path, int], list[Picture]]:
    def write(folder: Path, people: int) -> list[Picture]:
        """Three templates a person: one enrolled, of a photograph and two frames, and two probes of two frames."""
        meta = folder / "meta"
        pictures: list[Picture] = []
        members: list[str] = []
        templates: dict[tuple[int, int], int] = {}
        for a in range(people):
            for part, media in enumerate(((0, 1, 1), (2, 2), (3, 3))):
                number = templates[a, part] = 10 * a + part + 1
                for medium in media:
                    image = f"{len(pictures) + 1}.jpg"
                    pictures.append((image, str(a + 100)))
                    members.append(f"{image} {number} {100 * a + medium}")
        _lines(meta / f"{name}_face_tid_mid.txt", members)
        half = people // 2
        for gallery, own in zip(galleries, (range(half), range(half, people)), strict=True):
            _templates_csv(meta / f"{name}_1N_gallery_{gallery}.csv", [(templates[a, 0], a + 100) for a in own])
        both = [(templates[a, part], a + 100) for a in range(people) for part in (1, 2)]
        _templates_csv(meta / f"{name}_1N_probe_mixed.csv", [*both, *both[:3]])
        pairs = [f"{templates[a, 0]} {templates[a, part]} 1" for a in range(people) for part in (1, 2)]
        pairs += [
            f"{templates[a, 0]} {templates[(a + step) % people, 1]} 0" for a in range(people) for step in (1, 2)
        ]
        _lines(meta / f"{name}_template_pair_label.txt", pairs)
        return pictures

    return write


def _templates_csv(path: Path, rows: Sequence[tuple[int, int]]) -> None:
    _lines(
        path, ["TEMPLATE_ID,SUBJECT_ID,FILENAME", *(f"{template},{person},img/1.jpg" for template, person in rows)]
    )


def _tinyface(folder: Path, people: int) -> list[Picture]:
    pictures: list[Picture] = []
    for kind, place, images in (("gallery_match", "Gallery_Match", (1, 2)), ("probe", "Probe", (3, 4, 5))):
        own = [(f"{a}_{image}.jpg", a) for a in range(1, people + 1) for image in images]
        key = kind.partition("_")[0]
        content = {f"{key}_set": _cells([name for name, _ in own]), f"{key}_ids": np.array([[a] for _, a in own])}
        savemat(folder / f"{kind}_img_ID_pairs.mat", content)
        pictures += [(f"{place}/{name}", f"{a}") for name, a in own]
    (folder / "Gallery_Distractor").mkdir()
    for at in range(3 * people):
        (folder / "Gallery_Distractor" / f"{at}.jpg").touch()
        pictures.append((f"Gallery_Distractor/{at}.jpg", ""))
    return pictures


def _rfw(folder: Path, people: int) -> list[Picture]:
    pictures = []
    for group in ("African", "Asian", "Caucasian", "Indian"):
        _lines(
            folder / "txts" / group / f"{group}_pairs.txt",
            [line.replace("Person", f"m.{group}") for line in _lfw_lines(people)],
        )
        pictures += [
            (name.replace("Person", f"m.{group}"), f"m.{group}{person[6:]}") for name, person in _pictures(people)
        ]
    return pictures


def _ck_plus(folder: Path, people: int) -> list[Picture]:
    pictures = []
    for a in range(people):
        for sequence, frame in enumerate((9, 11, 13, 15), 1):
            stem = f"S{a:03d}/{sequence:03d}/S{a:03d}_{sequence:03d}_{frame:08d}"
            _lines(folder / "Emotion" / f"{stem}_emotion.txt", [f"   {frame % len(EXPRESSIONS):.7e}"])
            pictures.append((f"{stem}.png", f"S{a:03d}"))
    return pictures


def _folder(folder: Path, people: int) -> list[Picture]:
    """Half the people are known, with three pictures; of the others each second one has a name."""
    half = people // 2
    pictures = _pictures(half, 3)
    for a in range(half, people):
        named = a % 2 == 0
        pictures += [
            (f"unknown/{_person(a)}/{image}.jpg", _person(a)) if named else (f"unknown/{a}_{image}.jpg", "")
            for image in (1, 2)
        ]
    return pictures


def _pairs(folder: Path, people: int) -> list[Picture]:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["image_a", "image_b", "same", "fold"])
    for fold, own in enumerate(_folds(people)):
        for a, b in zip(own, own[1:] + own[:1], strict=True):
            writer.writerow([_picture(a, 1), _picture(a, 2), 1, fold])
            writer.writerow([_picture(a, 1), _picture(b, 2), 0, fold])
    (folder / "pairs.csv").write_text(text.getvalue(), encoding="utf-8")
    return _pictures(people, 2)


WRITERS: dict[str, Callable[[Path, int], list[Picture]]] = {
    "lfw-view1": _lfw_view1,
    "lfw-view2": _lfw_view2,
    "lfw-o1": _lfw_open,
    "lfw-o2": _lfw_open,
    "lfw-o3": _lfw_open,
    "blufr": _blufr,
    "ytf": _ytf,
    "megaface": _megaface,
    "trillion-pairs": _trillion_pairs,
    "cfp-fp": _cfp,
    "cfp-ff": _cfp,
    "agedb-30": _agedb,
    "calfw": _cross("pairs_CALFW.txt"),
    "cplfw": _cross("pairs_CPLFW.txt"),
    "ijbb": _ijb("ijbb", ("S1", "S2")),
    "ijbc": _ijb("ijbc", ("G1", "G2")),
    "tinyface": _tinyface,
    "rfw": _rfw,
    "ck-plus": _ck_plus,
    "folder": _folder,
    "pairs": _pairs,
}
"""Writes a protocol's files for so many people and returns its pictures."""

FILES: dict[str, str | None] = {
    "lfw-view1": "pairsDevTest.txt",
    "lfw-view2": "pairs.txt",
    "lfw-o1": None,
    "lfw-o2": None,
    "lfw-o3": None,
    "blufr": "blufr_lfw_config.mat",
    "ytf": "splits.txt",
    "megaface": ".",
    "trillion-pairs": ".",
    "cfp-fp": "Protocol",
    "cfp-ff": "Protocol",
    "agedb-30": "04_FINAL_protocol_30_years.mat",
    "calfw": "pairs_CALFW.txt",
    "cplfw": "pairs_CPLFW.txt",
    "ijbb": "meta",
    "ijbc": "meta",
    "tinyface": ".",
    "rfw": "txts",
    "ck-plus": "Emotion",
    "folder": None,
    "pairs": "pairs.csv",
}
"""What in the folder a reader is told, None where it reads no files."""
