"""Scale, margin and schedule from the number of classes, the images of each and the batch, with the reasons.

What a paper derives is called by its name. The rest are rules of thumb of ours, and say so: they carry published
settings to data of another size. They are where to start, not what is best.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

from sphereface.errors import ConfigurationError, nearest
from sphereface.sphere.scale import adacos_scale, cosface_scale, learnable_scale, loss_floor

Loss = Literal["normface", "cosface", "arcface", "sphereface", "a-softmax"]

_LEARNED = math.pi / 4.0  # the angle of an image that is learned, as AdaCos takes it
_WANTED = 0.9  # and the probability it should be able to have
_PUBLISHED: dict[str, float] = {
    "normface": 0.0,
    "cosface": 0.35,
    "arcface": 0.5,
    "sphereface": 1.5,
    "a-softmax": 4.0,
}
_ENOUGH_IMAGES = 20  # of a class, from which the published margin is taken in full
_BATCH, _RATE = 128, 0.1


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Where to start.

    Attributes:
        loss: Name of the head.
        scale: s, or None where the norm of the embedding is used.
        margin: m in the loss's own unit; None where there is none.
        margin_ramp: Share of the run over which the margin grows from nothing; None where lambda does that.
        lambda_min: Where A-Softmax's lambda stays; None for other losses.
        learning_rate: Of stochastic gradient descent with momentum 0.9, at its highest.
        warmup: Share of the run over which it grows from zero.
        clip_norm: Largest norm of the whole gradient.
        scale_bounds: Lower bounds on s by name.
        margin_bounds: Upper bounds on the loss's margin by name, where there are any.
        reasons: One sentence or two for each choice.
    """

    loss: Loss
    scale: float | None
    margin: float | None
    margin_ramp: float | None
    lambda_min: float | None
    learning_rate: float
    warmup: float
    clip_norm: float
    scale_bounds: dict[str, float]
    margin_bounds: dict[str, float]
    reasons: tuple[str, ...]

    def head_settings(self) -> dict[str, float]:
        """Return the settings of the head, as ``build_head`` and a recipe take them."""
        values = {
            "scale": self.scale,
            "margin": self.margin,
            "margin_ramp": self.margin_ramp,
            "lambda_min": self.lambda_min,
        }
        return {key: value for key, value in values.items() if value is not None}

    def to_toml(self) -> str:
        """Return the lines that belong in a recipe."""
        settings = ", ".join(f"{key} = {value!r}" for key, value in self.head_settings().items())
        return (
            f'[head]\nname = "{self.loss}"\nsettings = {{ {settings} }}\n\n'
            f"[optimiser]\nlearning_rate = {self.learning_rate!r}\nwarmup = {self.warmup!r}\n"
            f"clip_norm = {self.clip_norm!r}\n"
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__} | {"reasons": list(self.reasons)}


def suggest(
    num_classes: int,
    images_per_class: float,
    batch_size: int,
    *,
    loss: Loss = "cosface",
    embedding_dim: int = 512,
) -> Suggestion:
    """Suggest scale, margin and schedule for training from scratch.

    Args:
        num_classes: Number C of people, at least 2.
        images_per_class: Images of a typical person (the median), at least 1.
        batch_size: Images a step, at least 2.
        loss: ``normface``, ``cosface``, ``arcface``, ``sphereface`` or ``a-softmax``.
        embedding_dim: Width d of the embedding, at least 2.

    Raises:
        ConfigurationError: If a number is out of range or the loss is another.

    >>> found = suggest(10_572, 46, 512)
    >>> found.scale, found.margin, found.learning_rate
    (33.0, 0.35, 0.1)
    """
    _check(num_classes, images_per_class, batch_size, loss, embedding_dim)
    margin, bounds, why_margin = _margin(loss, num_classes, images_per_class, embedding_dim)
    scale, scale_bounds, why_scale = _scale(loss, num_classes, margin)
    ramp, why_ramp = _ramp(num_classes * images_per_class, images_per_class)
    rate, warmup, why_rate = _rate(batch_size, ramp)
    annealed = loss == "a-softmax"
    small = images_per_class < _ENOUGH_IMAGES
    why_lambda = (
        f"lambda falls from 1000 and stays at {10 if small else 5}: 5 is the released solver's. Its authors "
        "advise 5 or 10 for difficult data (L-Softmax README), and few images a class make data difficult (ours)."
    )
    no_margin = loss == "normface"
    return Suggestion(
        loss=loss,
        scale=scale,
        margin=None if no_margin else margin,
        margin_ramp=None if annealed or no_margin else ramp,
        lambda_min=(10.0 if small else 5.0) if annealed else None,
        learning_rate=rate,
        warmup=warmup,
        clip_norm=5.0,
        scale_bounds=scale_bounds,
        margin_bounds=bounds,
        reasons=(
            *why_scale,
            *why_margin,
            *([why_lambda] if annealed else [] if no_margin else [why_ramp]),
            *why_rate,
            *_warnings(num_classes, images_per_class, batch_size),
        ),
    )


def _check(classes: int, images: float, batch: int, loss: str, dimensions: int) -> None:
    for name, value, least in (
        ("num_classes", classes, 2),
        ("batch_size", batch, 2),
        ("embedding_dim", dimensions, 2),
    ):
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= 10**9:
            raise ConfigurationError(f"{name} must be a whole number from {least} to 1,000,000,000, not {value!r}")
    if not isinstance(images, int | float) or not 1.0 <= images <= 1e9:
        raise ConfigurationError(f"images_per_class must be a number from 1 to 1,000,000,000, not {images!r}")
    if loss not in get_args(Loss):
        known = get_args(Loss)
        raise ConfigurationError(f"no suggestion for '{loss}'.{nearest(loss, known)} Known: {', '.join(known)}")


def _margin(loss: Loss, classes: int, images: float, dimensions: int) -> tuple[float, dict[str, float], list[str]]:
    """Return the margin, upper bounds on it, and why."""
    if loss == "normface":
        return 0.0, {}, ["NormFace has no margin."]
    neutral = 0.0 if loss in ("cosface", "arcface") else 1.0
    published = _PUBLISHED[loss]
    share = min(1.0, 0.5 + 0.5 * math.log(images) / math.log(_ENOUGH_IMAGES))
    margin = neutral + share * (published - neutral)
    if loss == "a-softmax":
        margin = float(max(2, round(margin)))
    elif share < 1.0:
        margin = round(margin, 2)
    why = [f"m = {margin:g}: the published {published:g}"]
    if share < 1.0:
        why[0] += (
            f", reduced because {images:g} images a class place its prototype badly, and the margin then draws "
            "images to where it should not be (rule of thumb of ours: half of it at one image, in full from "
            f"{_ENOUGH_IMAGES} on)"
        )
    why[0] += "."
    bounds = _margin_bounds(loss, classes, dimensions)
    for name, bound in bounds.items():
        if margin > bound:
            margin = math.floor(100.0 * bound) / 100.0
            why.append(
                f"Lowered to {margin:g}: {name}, {bound:.3g}, is the most that all classes can have at once."
            )
    if loss == "cosface" and dimensions > 2:
        why.append(
            "CosFace's bound m <= 1 - cos(2 pi / C) holds for embeddings in two dimensions only and says nothing "
            f"about {dimensions}."
        )
    if loss == "a-softmax" and margin == published:
        why.append(
            "That is more than the paper's bounds, 2 + sqrt(3) and 3, but lambda leaves little of it in force "
            "(sphereface margins effective)."
        )
    return margin, bounds, why


def _margin_bounds(loss: Loss, classes: int, dimensions: int) -> dict[str, float]:
    """Return the margins that the prototypes themselves could just bear, spread as evenly as they can be."""
    if loss not in ("cosface", "arcface"):
        return {}
    if dimensions == 2:
        spacing = 2.0 * math.pi / classes
        if loss == "cosface":
            return {"1 - cos(2 pi / C) (CosFace, d = 2)": 1.0 - math.cos(spacing)}
        return {"2 pi / C (ours, d = 2)": min(spacing, math.pi / 2.0)}
    if classes <= dimensions + 1:
        if loss == "cosface":
            return {"C / (C - 1) (CosFace, C <= d + 1)": classes / (classes - 1)}
        return {"arccos(-1 / (C - 1)) (ours, C <= d + 1)": math.acos(-1.0 / (classes - 1))}
    return {}


def _scale(loss: Loss, classes: int, margin: float) -> tuple[float | None, dict[str, float], list[str]]:
    """Return s, its lower bounds by name, and why."""
    bounds = {
        f"CosFace, P = {_WANTED:g}": cosface_scale(classes, _WANTED),
        "AdaCos, fixed": adacos_scale(classes),
    }
    if loss == "a-softmax":
        return None, bounds, ["No scale: A-Softmax uses the norm of the embedding, which grows as it is needed."]
    target = {
        "normface": math.cos(_LEARNED),
        "cosface": math.cos(_LEARNED) - margin,
        "arcface": math.cos(_LEARNED + margin),
        "sphereface": math.cos(margin * _LEARNED),
    }[loss]
    published, adacos = bounds.values()
    bounds[f"with the margin, P = {_WANTED:g} at 45° (ours)"] = learnable_scale(classes, target, _WANTED)
    scale = float(math.ceil(max(bounds.values())))
    why = [
        f"s = {scale:g}: with it an image at 45° from its prototype, the other {classes - 1:,} at 90°, can have "
        f"the probability {_WANTED:g} although the margin counts against it. A rule of thumb of ours after "
        "AdaCos, whose fixed scale is the same without margin and for 1/2. Published are 30 (8,631 people) and 64 "
        "(85,742 people).",
        f"CosFace's lower bound is {published:.1f}, AdaCos's fixed scale {adacos:.1f}; with s = {scale:g} "
        f"NormFace's bound lets the loss of a perfect image fall to {loss_floor(classes, scale):.1g}.",
    ]
    return scale, bounds, why


def _ramp(images: float, images_per_class: float) -> tuple[float, str]:
    """Return the share of the run over which the margin grows, and why."""
    few, many = math.log(2e4), math.log(1e6)
    position = min(max((math.log(max(images, 1.0)) - few) / (many - few), 0.0), 1.0)
    ramp = 0.2 - 0.14 * position
    if images_per_class < _ENOUGH_IMAGES / 2:
        ramp += 0.1
    ramp = round(ramp, 2)
    return ramp, (
        f"The margin grows over {100 * ramp:g} % of the run. A-Softmax's lambda arrives after 6 % of its 28,000 "
        "steps; small data make short runs, of which the prototypes' first turn takes a larger share (rule of "
        "thumb of ours: 6 % from a million images on, 20 % up to 20,000, and 10 % more below "
        f"{_ENOUGH_IMAGES // 2} images a class)."
    )


def _rate(batch: int, ramp: float) -> tuple[float, float, list[str]]:
    """Return learning rate, warm-up and why."""
    rate = float(f"{_RATE * min(1.0, batch / _BATCH):.2g}")
    warmup = round(min(0.05, ramp / 2.0), 2)
    why = f"Learning rate {rate:g}: SphereFace's own"
    if batch < _BATCH:
        why = (
            f"Learning rate {rate:g}: SphereFace's {_RATE:g}, lowered with the batch from {_BATCH} images down "
            "(linear scaling, Goyal et al. 2017, https://arxiv.org/abs/1706.02677)"
        )
    return (
        rate,
        warmup,
        [
            f"{why}. It warms up over {100 * warmup:g} % of the run, because the first gradients of all images "
            "point the same way (ours).",
            "Gradients are clipped at norm 5, which helped most in our own trials (docs/results/log.md).",
        ],
    )


def _warnings(classes: int, images: float, batch: int) -> list[str]:
    """Return what no setting can mend."""
    said = []
    if images < 2:
        said.append("One image a class shows nothing of what changes within a person: augmentation has to.")
    if batch < 32:
        said.append(f"Batch norm's statistics over {batch} images are noisy: take 32 or more if memory allows.")
    if classes < 100:
        said.append(
            f"{classes} people are few to learn faces from: expect little on people the network has not seen, and "
            "start from a trained network if there is one."
        )
    if classes > 1_000_000:
        gib = classes * 512 * 4 * 3 / 2**30
        said.append(f"Prototypes of {classes:,} people, 512 wide, with gradient and momentum take {gib:.0f} GiB.")
    return said
