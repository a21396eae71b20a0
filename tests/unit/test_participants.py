"""Nobody has two parts in a run, and what cannot work is refused before anything is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sphereface.errors import DataError, NotEnoughDataError, SpherefaceError
from sphereface.evaluation.units import locate_units
from sphereface.participants import gather
from sphereface.progress import Silent
from sphereface.training.recipe import Recipe, parse_recipe


class Heard(Silent):
    """Keeps what was said."""

    def __init__(self) -> None:
        self.words: list[str] = []

    def say(self, text: str) -> None:
        self.words.append(text)


def tree(root: Path, people: dict[str, str]) -> Path:
    for person, letters in people.items():
        (root / person).mkdir(parents=True, exist_ok=True)
        for number, letter in enumerate(letters):
            (root / person / f"{person}_{number + 1:04d}.jpg").write_text(letter)
    return root


@pytest.fixture
def parts(tmp_path: Path) -> dict[str, Path]:
    """Four folders of people; every letter is a picture of its own."""
    return {
        "train": tree(tmp_path / "train", {"Ann": "ab", "Ben": "cd"}),
        "test": tree(tmp_path / "test", {"Cem": "ef", "Dan": "gh", "Eva": "ij"}),
        "known": tree(tmp_path / "known", {"Fay": "kl", "Gil": "mn"}),
        "strangers": tree(tmp_path / "strangers", {"Hal": "o", "Ida": "p"}),
    }


def recipe(parts: dict[str, Path], trial: bool = True, **data: Any) -> Recipe:
    people: dict[str, Any] = {"train": [parts["train"]], "test": [parts["test"]], **data}
    if trial:
        people |= {"trial_known": parts["known"], "trial_strangers": parts["strangers"]}
    return parse_recipe({"data": people})


def test_everybody_has_one_part(parts: dict[str, Path]) -> None:
    people = gather(recipe(parts))
    assert people.known is not None
    assert people.strangers is not None
    names = [each.identities for each in (people.learners, people.judged, people.known, people.strangers)]
    assert names == [("Ann", "Ben"), ("Cem", "Dan", "Eva"), ("Fay", "Gil"), ("Hal", "Ida")]
    assert people.left_out == ()


def test_who_is_learned_from_is_not_judged_on(parts: dict[str, Path]) -> None:
    tree(parts["test"], {"ann": "xy", "Zoe": "za"})  # Ann by name, Zoe by a picture of hers
    heard = Heard()
    people = gather(recipe(parts), heard)
    assert people.judged.identities == ("Cem", "Dan", "Eva")
    assert people.left_out == ("Zoe", "ann")
    assert any("left out of the judgement" in words and "Zoe, ann" in words for words in heard.words)


def test_a_split_by_person_is_not_crossed_by_a_picture_in_two_folders(tmp_path: Path) -> None:
    people = {f"p{number}": f"{number}a{number}b" for number in range(40)}
    folder = tree(tmp_path / "people", {})
    for name, letters in people.items():
        tree(folder, {name: letters[1] + letters[3]})
        for number, letter in enumerate(("1", "2")):
            (folder / name / f"{name}_{number + 1:04d}.jpg").write_text(name + letter)
    plain = gather(parse_recipe({"data": {"train": [folder], "test_fraction": 0.5}}))
    learner, judged = plain.learners.identities[0], plain.judged.identities[0]
    (folder / learner / "shared.jpg").write_text("the same")
    (folder / judged / "shared.jpg").write_text("the same")
    crossed = gather(parse_recipe({"data": {"train": [folder], "test_fraction": 0.5}}))
    assert crossed.left_out == (judged,)
    assert crossed.judged.identities == tuple(name for name in plain.judged.identities if name != judged)


def test_the_trial_takes_nobody_who_took_part_before(parts: dict[str, Path]) -> None:
    tree(parts["known"], {"Ann": "xy", "Cem": "zw"})
    tree(parts["strangers"], {"Fay": "q", "Jo": "n"})  # Jo's picture is Gil's
    heard = Heard()
    people = gather(recipe(parts), heard)
    assert people.known is not None
    assert people.strangers is not None
    assert people.known.identities == ("Fay", "Gil")
    assert people.strangers.identities == ("Hal", "Ida")
    assert any("Ann, Cem, Fay, Jo" in words for words in heard.words)


@pytest.mark.parametrize(
    ("spoil", "error", "words"),
    [
        (lambda parts: tree(parts["known"], {"Kim": "r"}), DataError, "'Kim' has no more than that"),
        (lambda parts: (parts["test"] / "pairs.txt").write_text("1\nCem 1 2\nCem 1 Dan 9\n"), None, ""),
        (lambda parts: (parts["test"] / "pairs.txt").write_text("1\nCem 1\n"), DataError, "lines follow"),
    ],
    ids=["too few pictures", "a listed picture that is missing is counted", "a broken list"],
)
def test_what_cannot_work_is_refused_at_once(
    parts: dict[str, Path], spoil: Any, error: type[SpherefaceError] | None, words: str
) -> None:
    spoil(parts)
    listed = parts["test"] / "pairs.txt"
    wanted = recipe(parts, **({"pairs": listed} if listed.exists() else {}))
    if error is None:
        found = gather(wanted)
        assert found.pairs is not None
        assert len(locate_units(found.pairs.units, found.judged.names).missing) == 1
    else:
        with pytest.raises(error, match=words):
            gather(wanted)


def test_people_with_one_picture_each_cannot_be_judged_on(tmp_path: Path, parts: dict[str, Path]) -> None:
    parts["test"] = tree(tmp_path / "single", {"Cem": "e", "Dan": "f"})
    with pytest.raises(NotEnoughDataError, match="nobody to be judged on has two images"):
        gather(recipe(parts))
