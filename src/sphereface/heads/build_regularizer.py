"""From a name, a weight and settings to a regularizer: the table of all, and where their defaults meet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, final

import torch
from torch import Tensor, nn

from sphereface.errors import ConfigurationError, nearest
from sphereface.heads.batch import wide_batch
from sphereface.heads.checks import check_number, check_setting, check_sizes
from sphereface.heads.pairs import PairLoss, contrastive, triplet
from sphereface.heads.regularizers import CenterLoss, alignment, radial, uniformity
from sphereface.heads.row import Setting
from sphereface.sphere.geometry import length

Term = Callable[[Tensor, Tensor, Tensor | None], Tensor]  # (x (N, d), labels (N,), levels (N,)) -> scalar


@dataclass(frozen=True)
class Entry:
    """One regularizer.

    Attributes:
        title: Its name as people write it.
        source: Where formula and constants come from, and what of it is unconfirmed.
        formula: The term without its weight, as LaTeX.
        weight: Used unless another is given.
        make: Makes the weighted term: called with ``num_classes``, ``embedding_dim``, ``weight`` and settings.
        settings: Its own numbers by name.
        needs_levels: Whether it must know how degraded each picture is.
    """

    title: str
    source: str
    formula: str
    weight: float
    make: Callable[..., Term]
    settings: Mapping[str, Setting] = field(default_factory=dict)
    needs_levels: bool = False


@final
class Regularizer(nn.Module):
    """A term to add to a head's loss; built by ``build_regularizer``.

    Always computed in float32 or wider, whatever autocast says.

    Attributes:
        name: Its key in ``REGULARIZERS``.
        weight: What the term is multiplied by.
        term: The weighted term; a module where there are parameters, else a function.
    """

    def __init__(self, name: str, weight: float, term: Term, num_classes: int, embedding_dim: int) -> None:
        super().__init__()
        self.name, self.weight, self.term = name, weight, term
        self.num_classes, self.embedding_dim = num_classes, embedding_dim

    def forward(self, embeddings: Tensor, labels: Tensor, levels: Tensor | None = None) -> Tensor:
        """Compute the weighted term of a batch, a scalar.

        Args:
            embeddings: Raw embeddings (N, d), any length but zero, not normalised.
            labels: Class of each, (N,), int64 in [0, C).
            levels: How degraded each picture is, (N,), 0 (clean) to 1; only ``radial`` looks at it.

        Raises:
            ConfigurationError: If shapes, dtypes, labels or levels do not fit, levels are needed and missing,
                or an embedding is not finite or zero; the message says which.
        """
        with torch.autocast(embeddings.device.type, enabled=False):
            x, _ = wide_batch(embeddings, labels, self.num_classes, self.embedding_dim, *self.parameters())
            if REGULARIZERS[self.name].needs_levels:
                _check_levels(self.name, levels, len(labels))
            return self.term(x, labels, levels)


def build_regularizer(
    name: str, *, num_classes: int, embedding_dim: int, weight: float | None = None, **settings: Any
) -> Regularizer:
    """Build a regularizer by name.

    Args:
        name: A key of ``REGULARIZERS``.
        num_classes: Number C of identities, at least 2.
        embedding_dim: Width d of the embeddings.
        weight: What the term is multiplied by, above 0; None takes the table's.
        **settings: The regularizer's own numbers; each has a default, so none is needed.

    Returns:
        A module called with (embeddings (N, d), labels (N,), levels (N,) or None) that returns a scalar.

    Raises:
        ConfigurationError: For an unknown name or setting or a value out of range.
        MissingExtraError: For ``contrastive`` and ``triplet`` without the extra ``pairs``.

    >>> term = build_regularizer("uniformity", num_classes=10, embedding_dim=2, weight=0.5)
    >>> float(term(torch.tensor([[1.0, 0.0], [-3.0, 0.0]]), torch.tensor([4, 7])))
    -4.0
    """
    if name not in REGULARIZERS:
        raise ConfigurationError(
            f"unknown regularizer '{name}'.{nearest(name, REGULARIZERS)} Known: {', '.join(REGULARIZERS)}"
        )
    entry = REGULARIZERS[name]
    for key in settings:
        if key not in entry.settings:
            raise ConfigurationError(
                f"regularizer '{name}' has no setting '{key}'.{nearest(key, entry.settings)} "
                f"Known: {', '.join(entry.settings)}"
            )
    check_sizes(num_classes, embedding_dim)
    weight = entry.weight if weight is None else weight
    check_number("weight", weight, 0.0, 1e6, above=True)
    values = {key: settings.get(key, setting.default) for key, setting in entry.settings.items()}
    for key, setting in entry.settings.items():
        check_setting(key, values[key], setting)
    term = entry.make(num_classes=num_classes, embedding_dim=embedding_dim, weight=weight, **values)
    return Regularizer(name, weight, term, num_classes, embedding_dim)


def _contrastive(*, weight: float, margin: float, **_: Any) -> Term:
    return _weighted_pairs(weight, contrastive(margin))


def _triplet(*, weight: float, margin: float, **_: Any) -> Term:
    return _weighted_pairs(weight, triplet(margin))


def _weighted_pairs(weight: float, loss: PairLoss) -> Term:
    return lambda x, labels, _: weight * loss(x, labels)


def _alignment(*, weight: float, alpha: float, **_: Any) -> Term:
    return lambda x, labels, _: weight * alignment(x, labels, alpha)


def _uniformity(*, weight: float, t: float, **_: Any) -> Term:
    return lambda x, labels, _: weight * uniformity(x, t)


def _radial(*, weight: float, margin: float, gap: float, **_: Any) -> Term:
    def term(x: Tensor, labels: Tensor, levels: Tensor | None) -> Tensor:
        assert levels is not None  # checked before the term is called
        return weight * radial(length(x), levels.to(x), margin, gap)

    return term


def _check_levels(name: str, levels: Tensor | None, count: int) -> None:
    if levels is None:
        raise ConfigurationError(
            f"the regularizer '{name}' needs the degradation level of every picture, and none were given"
        )
    if levels.shape != (count,) or not levels.is_floating_point():
        raise ConfigurationError(
            f"levels must be floating point of shape ({count},), one per embedding, "
            f"not {levels.dtype} of shape {tuple(levels.shape)}"
        )
    wrong = ~((levels >= 0.0) & (levels <= 1.0))
    if bool(wrong.any()):
        row = int(wrong.nonzero()[0, 0])
        raise ConfigurationError(f"levels must lie in [0, 1], but number {row} is {float(levels[row]):g}")


_WANG = "Wang and Isola 2020, https://arxiv.org/abs/2005.10242"

REGULARIZERS: dict[str, Entry] = {
    "center": Entry(
        title="Center loss",
        source=(
            "Wen et al. 2016, https://ydwen.github.io/papers/WenECCV16.pdf, eqs. 2-4; weight and mean over the "
            "batch as in the authors' solver and layer"
        ),
        formula=r"\frac{1}{2N}\sum_i\lVert x_i-c_{y_i}\rVert^2",
        weight=0.008,
        make=CenterLoss,
        settings={"rate": Setting(1.0, 0.0, 100.0, "how fast the centres follow; 0 keeps them where they are")},
    ),
    "contrastive": Entry(
        title="Contrastive loss",
        source="Hadsell et al. 2006 in cosine form, by pytorch-metric-learning; weight unmeasured",
        formula=(
            r"\operatorname{mean}_{y_i=y_j}(1-\cos\theta_{ij})"
            r"+\operatorname{mean}_{y_i\ne y_j}\max(0,\cos\theta_{ij}-m)"
        ),
        weight=1.0,
        make=_contrastive,
        settings={"margin": Setting(0.5, -1.0, 1.0, "m, cosine up to which impostors are left alone")},
    ),
    "triplet": Entry(
        title="Triplet loss, semi-hard",
        source=(
            "Schroff et al. 2015, https://arxiv.org/abs/1503.03832, halved: margin 0.1 in cosine is its 0.2 in "
            "squared distance; by pytorch-metric-learning; weight unmeasured"
        ),
        formula=r"\operatorname{mean}_{0<\cos\theta_{ap}-\cos\theta_{an}\le m}(\cos\theta_{an}-\cos\theta_{ap}+m)",
        weight=1.0,
        make=_triplet,
        settings={
            "margin": Setting(0.1, 0.0, 2.0, "m, cosine by which genuine pairs are to be ahead", above=True)
        },
    ),
    "alignment": Entry(
        title="Alignment",
        source=f"{_WANG}, averaged by person; weight unmeasured",
        formula=r"\operatorname{mean}_{\text{people}}\operatorname{mean}_{y_i=y_j}\lVert u_i-u_j\rVert^\alpha",
        weight=1.0,
        make=_alignment,
        settings={"alpha": Setting(2.0, 1.0, 8.0, "power of the distance")},
    ),
    "uniformity": Entry(
        title="Uniformity",
        source=f"{_WANG}; weight unmeasured",
        formula=r"\log\operatorname{mean}_{i<j}e^{-t\lVert u_i-u_j\rVert^2}",
        weight=1.0,
        make=_uniformity,
        settings={"t": Setting(2.0, 0.0, 100.0, "how local the repulsion is", above=True)},
    ),
    "radial": Entry(
        title="Radial order",
        source="ours, after PoLAR's split of extent and mode (paper not read); all numbers unmeasured",
        formula=(
            r"\operatorname{mean}_{l_j-l_i>g}"
            r"\max\left(0,\ m(l_j-l_i)-\log\frac{\lVert x_i\rVert}{\lVert x_j\rVert}\right)"
        ),
        weight=1.0,
        make=_radial,
        settings={
            "margin": Setting(0.5, 0.0, 10.0, "m, log-norm lost between clean and fully degraded", above=True),
            "gap": Setting(0.1, 0.0, 0.9, "g, differences of level up to this are not compared"),
        },
        needs_levels=True,
    ),
}
