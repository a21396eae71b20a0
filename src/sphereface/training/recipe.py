"""The recipe: every setting of a run as one frozen value, read from TOML.

An unknown key is an error that names the nearest known one. The number of classes is never a setting: it
comes from the data. Schedules are shares of the run, so that a shorter run follows the same curve.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from sphereface.checkpoint import LICENCE
from sphereface.embedder.judgement import Judgement
from sphereface.errors import ConfigurationError
from sphereface.faces.contract import InputContract
from sphereface.training.explaining import explain
from sphereface.training.overrides import apply_overrides

Folders = Annotated[tuple[Path, ...], BeforeValidator(lambda given: [given] if isinstance(given, str) else given)]
"""One folder, or a list of them."""

Input = Annotated[
    InputContract, BeforeValidator(lambda given: {"size": "112x96", **given} if isinstance(given, dict) else given)
]
"""A contract of the smaller size unless one is given: what is said of the colours alone does not change it."""

_SINGLE = ("without", "pairs", "trial_known", "trial_strangers")
_OWN = {
    "head.name": ("cosface", ("settings",)),
    "optimiser.name": ("sgd", ("learning_rate", "momentum", "beta2", "weight_decay")),
}
"""What is named, what it is where nothing is said, and the settings beside it that are only this one's."""
_PATHS = ("backbone.start", *(f"data.{key}" for key in ("train", "test", *_SINGLE)))


class Section(BaseModel):
    """A part of a recipe: frozen, and strict about its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Data(Section):
    """What to learn from and what to be judged on.

    Attributes:
        train: Folders of folders (person / images), one or several. Relative paths start at the recipe's folder.
        without: A list of people of ``train`` who are not learned from, such as those who are in ``test`` too.
        test: The same, for people to be judged on. Without it, a share of ``train`` is held out by person.
        test_fraction: That share.
        pairs: An LFW-style pair list over ``test`` (View 1 or View 2), if there is one.
        split_seed: Which people are held out.
        trial_known: People to enrol in a trial gallery after the judgement, by their first pictures.
        trial_strangers: People to search it in vain. Both or none; nobody of them in ``train`` or ``test``.
    """

    train: Folders = Field(min_length=1)
    without: Path | None = None
    test: Folders = ()
    test_fraction: float = Field(0.2, gt=0.0, lt=1.0)
    pairs: Path | None = None
    split_seed: int = Field(0, ge=0, lt=2**63)
    trial_known: Path | None = None
    trial_strangers: Path | None = None


def _usual_settings(backbone: str) -> dict[str, Any]:
    return {"embedding_dim": 512, "batch_norm": True} if backbone.startswith("sfnet") else {}


class Backbone(Section):
    """Which network.

    Attributes:
        name: ``sfnet4``, ``sfnet10``, ``sfnet20``, ``sfnet36``, ``sfnet64``, or a network of your own.
        settings: Passed to it: ``embedding_dim``, ``batch_norm``. Of a network of your own, without any: its own.
        start: Folder of a model whose weights it starts from (fine-tuning); None starts from random ones.
    """

    name: str = "sfnet20"
    settings: dict[str, Any] = Field(default_factory=lambda values: _usual_settings(values["name"]))
    start: Path | None = None


class Head(Section):
    """Which loss.

    Attributes:
        name: One of the table of losses.
        settings: Passed to it: ``scale``, ``margin``, ``gradient``... Without any it takes the published ones.
    """

    name: str = "cosface"
    settings: dict[str, Any] = Field(default_factory=dict)


# Learning rate and weight decay; those of AdamW are from the ViT configurations of InsightFace's arcface_torch.
_USUAL_RATES = {"sgd": (0.1, 5e-4), "adamw": (1e-3, 0.1)}


class Optimiser(Section):
    """What moves the weights, and its learning-rate schedule.

    Attributes:
        name: ``sgd``, with momentum, as the papers on margins do; or ``adamw``, as is usual for transformers.
        learning_rate: At its highest; of ``adamw`` 0.001 unless given.
        momentum: Of the velocity; of ``adamw`` the first beta.
        beta2: The second beta of ``adamw``.
        weight_decay: On every weight and prototype; biases, PReLU slopes and batch norms have none. Of ``adamw``
            it is decoupled from the gradient, and 0.1 unless given.
        schedule: ``cosine`` to zero, or ``steps``: divided by ``factor`` at each of ``milestones``.
        milestones: Shares of the run. SphereFace: 16,000, 24,000 and 28,000 of 28,000 steps.
        factor: What the rate is divided by.
        warmup: Share of the run over which the rate grows from zero.
        clip_norm: Largest norm of the gradient of backbone and head; None leaves it alone.
    """

    name: Literal["sgd", "adamw"] = "sgd"
    learning_rate: float = Field(default_factory=lambda values: _USUAL_RATES[values["name"]][0], gt=0.0)
    momentum: float = Field(0.9, ge=0.0, lt=1.0)
    beta2: float = Field(0.999, ge=0.0, lt=1.0)
    weight_decay: float = Field(default_factory=lambda values: _USUAL_RATES[values["name"]][1], ge=0.0)
    schedule: Literal["cosine", "steps"] = "cosine"
    milestones: tuple[float, ...] = (16 / 28, 24 / 28)
    factor: float = Field(10.0, gt=1.0)
    warmup: float = Field(0.0, ge=0.0, lt=1.0)
    clip_norm: float | None = Field(None, gt=0.0)


class Training(Section):
    """How long and how.

    Attributes:
        images: Images seen in the whole run, repeats included; steps = images // batch_size.
        batch_size: Images a step.
        seed: Of initial weights, order and augmentation.
        precision: ``bfloat16`` (autocast), ``float32``, or ``auto``: bfloat16 where the processor has it.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``...
        threads: Threads of a processor; None leaves torch's choice.
        workers: Threads that decode pictures; None takes 2 beside a network on the processor, and one a core (16
            at most) beside one on a CUDA device.
        checkpoint_every: Steps between checkpoints.
        journal_every: Steps between lines of the journal.
        tensorboard: Also write TensorBoard events (needs the extra ``tensorboard``).
    """

    images: int = Field(90_000, ge=1, le=10**13)
    batch_size: int = Field(128, ge=2, le=2**20)
    seed: int = Field(1, ge=0, lt=2**63)
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    device: str = "auto"
    threads: int | None = Field(None, ge=1, le=4096)
    workers: int | None = Field(None, ge=0, le=256)
    checkpoint_every: int = Field(100, ge=1)
    journal_every: int = Field(10, ge=1)
    tensorboard: bool = False

    @property
    def steps(self) -> int:
        """Optimiser steps of the whole run, at least 1."""
        return max(1, self.images // self.batch_size)


class Regularizer(Section):
    """A term added to the loss.

    Attributes:
        name: One of the table of regularizers.
        weight: What it is multiplied by; None takes its own.
        settings: Passed to it.
    """

    name: str
    weight: float | None = Field(None, gt=0.0)
    settings: dict[str, Any] = Field(default_factory=dict)


class Augmentation(Section):
    """What is done to a training image: mirrored half of the time, as SphereFace does; the rest is off.

    Attributes:
        mirror: Mirror half of the images.
        shift: Move by up to so many pixels.
        colour: Change brightness, contrast and saturation by up to this share.
        erase: Share of the images of which a rectangle is painted over.
        degrade: Share of the images that are blurred, shrunk or covered at a known level (for ``radial``).
    """

    mirror: bool = True
    shift: int = Field(0, ge=0, le=16)
    colour: float = Field(0.0, ge=0.0, le=1.0)
    erase: float = Field(0.0, ge=0.0, le=1.0)
    degrade: float = Field(0.0, ge=0.0, le=1.0)


class Recipe(Section):
    """A whole run.

    Attributes:
        title: Of its report and of the model's card.
        licence: Who may do what with the weights, for the card.
        notes: What the reader of the card must know and no measurement says: what consent the people gave, how the
            settings were chosen, where the model must not be used.
    """

    title: str = "a run"
    licence: str = LICENCE
    notes: tuple[str, ...] = ()
    data: Data
    input: Input = InputContract(size="112x96")
    backbone: Backbone = Backbone()
    head: Head = Head()
    regularizers: tuple[Regularizer, ...] = ()
    optimiser: Optimiser = Optimiser()
    training: Training = Training()
    augmentation: Augmentation = Augmentation()
    judgement: Judgement = Judgement()

    @property
    def embedding_dimension(self) -> int:
        """Width d of the embedding, as the backbone is built with it."""
        width: int = self.backbone.settings.get("embedding_dim", 512)
        return width

    @property
    def backbone_settings(self) -> dict[str, Any]:
        """What the backbone is built with: its settings, the size of the input and the width of the embedding."""
        asked = {"size": self.input.size, "embedding_dim": self.embedding_dimension}
        return asked | self.backbone.settings

    @model_validator(mode="after")
    def _size_belongs_to_the_input(self) -> Recipe:
        if "size" in self.backbone.settings:
            raise ValueError("backbone.settings.size is taken from input.size: set that one")
        for key in {"name", "num_classes", "embedding_dim"} & {*self.head.settings}:
            raise ValueError(f"head.settings.{key} is not a setting: it comes from the data and the backbone")
        if "name" in self.backbone.settings:
            raise ValueError("backbone.settings.name is not a setting: set backbone.name")
        for term in self.regularizers:
            for key in {"name", "weight", "num_classes", "embedding_dim"} & {*term.settings}:
                raise ValueError(f"regularizers.settings.{key} is not a setting of '{term.name}'")
            if term.name == "radial" and not self.augmentation.degrade:
                raise ValueError(
                    "the regularizer 'radial' needs pictures of known quality: set augmentation.degrade"
                )
        if (self.data.trial_known is None) != (self.data.trial_strangers is None):
            raise ValueError("data.trial_known and data.trial_strangers belong together: set both or none")
        return self


def read_recipe(path: Path, overrides: tuple[str, ...] = ()) -> Recipe:
    """Read a recipe and apply ``key=value`` overrides such as ``head.settings.margin=0.4``.

    Values of overrides are TOML; what is not TOML is taken as text. A path in one starts where the program runs;
    another ``head.name`` or ``optimiser.name`` takes its own usual settings, not those that the recipe gave.

    Raises:
        ConfigurationError: If the file is missing or not TOML, or a key or value does not fit.
    """
    path = Path(path)
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigurationError(f"no recipe at {path}; recipes are TOML files such as recipes/*.toml") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot read the recipe {path}: {error}") from None
    except (tomllib.TOMLDecodeError, ValueError, RecursionError) as error:  # too long a number, too deep a list
        raise ConfigurationError(f"the recipe {path} is not valid TOML: {error}") from None
    apply_overrides(values, overrides, _PATHS, _OWN)
    return parse_recipe(values, folder=path.parent)


def parse_recipe(values: dict[str, Any], folder: Path = Path()) -> Recipe:
    """Check a recipe given as nested dicts; relative paths start at ``folder``.

    Raises:
        ConfigurationError: In one sentence, naming the key, the nearest known one or the accepted values.
    """
    try:
        recipe = Recipe.model_validate(values)
    except ValidationError as error:
        raise ConfigurationError(explain(error, Recipe)) from None
    data = recipe.data
    anchored = data.model_copy(
        update={
            "train": tuple(_anchor(path, folder) for path in data.train),
            "test": tuple(_anchor(path, folder) for path in data.test),
            **{key: _anchor(path, folder) for key in _SINGLE if (path := getattr(data, key)) is not None},
        }
    )
    start = recipe.backbone.start
    backbone = recipe.backbone.model_copy(update={"start": None if start is None else _anchor(start, folder)})
    return recipe.model_copy(update={"data": anchored, "backbone": backbone})


def settings_in_words(settings: Mapping[str, object]) -> str:
    """Return settings as a person reads them: ``embedding_dim = 512, batch_norm = True``."""
    return ", ".join(f"{key} = {value}" for key, value in settings.items())


def _anchor(path: Path, folder: Path) -> Path:
    # Absolute, so that the model card finds its people from any folder.
    return (folder / path.expanduser()).absolute()
