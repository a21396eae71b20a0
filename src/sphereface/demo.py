"""The demonstration: the whole journey on drawn people, from nothing to a gallery that says *unknown*."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from sphereface.data.swapping import traits_that_matter
from sphereface.data.synthetic import IDENTITY_DIMENSIONS
from sphereface.data.synthetic_folder import write_faces
from sphereface.journey import Result, journey
from sphereface.progress import SILENT, Progress
from sphereface.training.recipe import Recipe, parse_recipe

TEMPLATES = 3
_BLOCK = 10_000  # more people than any part has, whatever the size of the demonstration


@dataclass(frozen=True)
class DemoSize:
    """How much is drawn and learnt.

    Attributes:
        learners: People to learn from.
        shots: Pictures of each.
        judged: People to be judged on.
        judged_shots: Pictures of each.
        passers_by: Further people in the judgement with a single picture, who only ever search in vain.
        enrolled: People enrolled in the trial gallery, three pictures each, who then search with two more.
        strangers: People who search the trial gallery in vain, with one picture each.
        images: Images seen in training, repeats included.
    """

    learners: int = 600
    shots: int = 16
    judged: int = 200
    judged_shots: int = 8
    passers_by: int = 5_000
    enrolled: int = 100
    strangers: int = 1_000
    images: int = 38_400


FULL = DemoSize()
QUICK = DemoSize(60, 8, 40, 8, 200, 20, 100, 3_840)


def demo(folder: Path, size: DemoSize = FULL, *, seed: int = 1, progress: Progress = SILENT) -> Result:
    """Draw people, train, judge, report, and try a gallery on people who took part in nothing before.

    Args:
        folder: The run folder; drawings go to ``faces/`` in it, the trial gallery to ``gallery.db``.
        size: How much.
        seed: Of the drawings and of the training.
        progress: Who listens.

    Raises:
        SpherefaceError: If the folder cannot be used.
    """
    recipe = demo_recipe(folder, size, seed)  # first: nothing is drawn for a seed that cannot be
    draw_people(folder / "faces", size, seed, progress)
    about = (
        f"The people are drawn by the program; {traits_that_matter(seed)} of their {IDENTITY_DIMENSIONS} traits "
        "change the face plainly when swapped alone between two people."
    )
    notes = {"demo": asdict(size)}
    return journey(recipe, folder, about=about, notes=notes, progress=progress)


def draw_people(folder: Path, size: DemoSize, seed: int, progress: Progress = SILENT) -> None:
    """Draw everybody into four folders; each part has a block of numbers of its own, so nobody is in two."""
    parts = (
        ("learn", size.learners, size.shots),
        ("judge", size.judged, size.judged_shots),
        ("judge", size.passers_by, 1),
        ("enrol", size.enrolled, TEMPLATES + 2),
        ("strangers", size.strangers, 1),
    )
    for block, (part, people, images) in enumerate(parts):
        numbers = range(block * _BLOCK, block * _BLOCK + people)
        write_faces(folder / part, numbers, images, seed=seed, progress=progress)


def demo_recipe(folder: Path, size: DemoSize, seed: int) -> Recipe:
    """Return the demonstration's recipe: CosFace on an SFNet-4 with batch norm."""
    faces = folder.resolve() / "faces"
    return parse_recipe(
        {
            "title": "Drawn people: from faces to a gallery",
            "licence": "Apache-2.0, as the program that made it and everybody it learned from",
            "notes": ["Everybody it has seen was drawn by the program. It knows nothing of the faces of people."],
            "data": {
                "train": [faces / "learn"],
                "test": [faces / "judge"],
                "trial_known": faces / "enrol",
                "trial_strangers": faces / "strangers",
            },
            "backbone": {"name": "sfnet4", "settings": {"embedding_dim": 256, "batch_norm": True}},
            "head": {"name": "cosface", "settings": {"scale": 30.0, "margin": 0.35, "margin_ramp": 0.1}},
            "optimiser": {"clip_norm": 5.0},
            "training": {"images": size.images, "batch_size": 64, "seed": seed},
            "judgement": {"templates_per_person": TEMPLATES, "least_images": TEMPLATES + 1},
        }
    )
