"""What a loss is: a row of the table, and what passes between it and the head that runs it.

Most rows are two pure functions, psi for the own class and eta for the others (:class:`Row.psi`,
:class:`Row.eta`). A row whose margin depends on the sample, or that remembers something from batch to batch,
gives a module instead (:attr:`Row.rule`), which turns a :class:`Sample` into :class:`Terms`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor, nn

Link = Literal["softmax", "logistic", "pairs"]
Gradient = Literal["full", "detached", "normalised"]
Law = Literal["ordered", "monotone", "strict", "neutral"]

Psi = Callable[..., Tensor]  # (theta (N,), *settings) -> (N,)
Eta = Callable[..., Tensor]  # (cosine (N, C), *settings) -> (N, C)

MOST_SHOWN = 2_048
"""Above so many classes a loss sees the prototypes of the batch's classes: pairs grow with the square."""


@dataclass(frozen=True)
class Setting:
    """A number that a loss takes.

    Attributes:
        default: The published value.
        low: Smallest accepted value.
        high: Largest accepted value.
        words: What it is, in a few words.
        whole: Whether it must be a whole number.
        above: Whether ``low`` itself is refused.
    """

    default: float
    low: float
    high: float
    words: str = "margin"
    whole: bool = False
    above: bool = False


@dataclass(frozen=True)
class Sample:
    """What a loss may look at: the batch seen from the prototypes.

    Attributes:
        theta: Angle to the own prototype, (N,).
        norm: Length of the raw embedding, (N,).
        labels: Own class, (N,).
        directions: Gives prototypes at length 1, one a row: all of them where there are at most ``MOST_SHOWN``
            classes, else those of the batch's classes.
        others_at: Gives log sum exp(s cos) over all classes but the own one, (N,), at a scale s.
        values: The row's settings in their order, as the schedules have them now.
        training: Whether what a loss remembers may change.
    """

    theta: Tensor
    norm: Tensor
    labels: Tensor
    directions: Callable[[], Tensor]
    others_at: Callable[[Tensor], Tensor]
    values: tuple[float, ...]
    training: bool


@dataclass(frozen=True)
class Terms:
    """What a loss makes of a sample.

    Attributes:
        own: psi at the own angle, (N,).
        others: eta as a function of cosines (N, any number of classes); None is the cosine itself. It may be asked
            again in the backward pass, after other batches: what it depends on beside the cosine must be a copy.
        radius: rho in place of the head's own, (N,).
        penalty: Added to the loss, a scalar.
    """

    own: Tensor
    others: Callable[[Tensor], Tensor] | None = None
    radius: Tensor | None = None
    penalty: Tensor | None = None


@dataclass(frozen=True)
class Row:
    """One published loss.

    Attributes:
        title: Its name as people write it.
        year: Of publication.
        source: Where formula and constants come from, and what of it is unconfirmed.
        formula: psi and eta as LaTeX.
        scale: Published s; None where the norm of the embedding is used.
        settings: Its own numbers by name, in the order psi, eta or the rule take them.
        psi: Own-class function of the angle (radians) and the settings.
        eta: Other-class function of the cosine and the settings; None means the cosine itself.
        rule: Makes a module for rows that are more than two functions: called with ``num_classes`` and the
            chosen ``form``; its ``forward`` maps a Sample to Terms.
        neutral: Values at which there is no margin: where a ramp or steps start.
        forms: Other psi to choose by the setting ``fallback``, by name (``easy``); ``hard`` is ``psi``.
        form: The one used unless asked otherwise.
        link: ``softmax`` (cross-entropy), ``logistic`` (one against all) or ``pairs`` (no prototypes).
        laws: What psi and eta obey over the half turn, for every accepted setting. ``ordered``: psi <= eta.
            ``monotone``: psi never rises. ``strict``: its slope is below 0 almost everywhere. ``neutral``: at
            the neutral values loss and gradients are those of the normalised softmax.
        complaint: Says in words why the settings do not fit each other, or nothing; None if any do.
        kinks: Angles in units of pi at which psi or its slope may jump, as a function of the settings.
        annealed: Whether lambda mixes the target with the plain cosine: its four defaults (base, gamma,
            power, lowest), or None.
        own_scale: Whether the rule sets the scale itself.
        unit_prototypes: Whether prototypes are taken at length 1.
        centres: Prototypes of each class where the loss has several; None for one.
        stepwise: Whether the authors raise the margin in steps when the norm is free (``nfn``, ``sfn``).
        gradient: The mode the authors train in, used unless asked otherwise; see ``MarginHead``.
        normalised: Whether the authors' normalised gradient can be asked for.
        logistic: Constants of a one-against-all loss.
        loss_weight: What the loss is multiplied by unless asked otherwise; None for the plain loss.
    """

    title: str
    year: int
    source: str
    formula: tuple[str, str]
    scale: float | None
    settings: Mapping[str, Setting] = field(default_factory=dict)
    psi: Psi | None = None
    eta: Eta | None = None
    rule: Callable[..., nn.Module] | None = None
    neutral: Mapping[str, float] = field(default_factory=dict)
    forms: Mapping[str, Psi] = field(default_factory=dict)
    form: str = "hard"
    link: Link = "softmax"
    laws: frozenset[Law] = frozenset()
    complaint: Callable[..., str] | None = None
    kinks: Callable[..., tuple[float, ...]] | None = None
    annealed: tuple[float, float, float, float] | None = None
    own_scale: bool = False
    unit_prototypes: bool = True
    centres: int | None = None
    stepwise: bool = False
    gradient: Gradient = "full"
    normalised: bool = False
    logistic: Logistic | None = None
    loss_weight: float | None = None

    @property
    def form_names(self) -> tuple[str, ...]:
        """The accepted values of ``fallback``, the default first."""
        return (self.form, *(name for name in ("hard", *self.forms) if name != self.form))

    def make_rule(self, num_classes: int, form: str) -> nn.Module:
        """Return a module that maps a Sample to Terms, with psi in this form."""
        if self.rule is not None:
            return self.rule(num_classes=num_classes, form=form)
        assert self.psi is not None  # a row has either functions or a rule
        return Plain(self.forms.get(form, self.psi), self.eta)


@dataclass(frozen=True)
class Logistic:
    """Constants of a one-against-all loss: weight_own softplus(-z_y) + weight_others sum softplus(z_j).

    Attributes:
        own: Weight of the own class, of (settings).
        others: Weight of every other class.
        bias: First value of the one bias b in z = s f + b, of (C, s, settings).
    """

    own: Callable[..., float]
    others: Callable[..., float]
    bias: Callable[..., float]


class Plain(nn.Module):
    """The rule of rows that are two pure functions."""

    def __init__(self, psi: Psi, eta: Eta | None) -> None:
        super().__init__()
        self.psi, self.eta = psi, eta

    def forward(self, sample: Sample) -> Terms:
        """Apply psi and eta with the settings in force."""
        values, eta = sample.values, self.eta
        others = None if eta is None else lambda cosine: eta(cosine, *values)
        return Terms(self.psi(sample.theta, *values), others)


ALL_LAWS: frozenset[Law] = frozenset({"ordered", "monotone", "strict", "neutral"})
