"""How an embedding is judged: every setting that changes a figure, checked once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from sphereface.errors import ConfigurationError
from sphereface.evaluation.choices import Rule, Weighting
from sphereface.evaluation.verification import check_settings

FMR_TARGETS = (1e-2, 1e-3, 1e-4)
FPIR_TARGETS = (0.01, 0.1)


@dataclass(frozen=True, slots=True)
class Settings:
    """How an embedding is judged.

    Attributes:
        images_per_identity: At most so many images of a person in all pairs and drawn searches; None for all.
        fmr_targets: False match rates at which FNMR is measured.
        fpir_targets: False positive identification rates at which FNIR is measured.
        enrolled_fraction: Share of people enrolled in the drawn search.
        templates_per_person: Images enrolled of each of them.
        least_images: Only people with so many images are drawn for enrolment; the others are strangers.
        threshold_rule: How the folds of the accuracy choose their threshold.
        weighting: How the pictures of a template count in it.
        confidence: Of all intervals, two-sided.
        resamples: Resamples of people behind the intervals of figures whose threshold was estimated.
        seed: Of every draw.
    """

    images_per_identity: int | None = 10
    fmr_targets: Sequence[float] = FMR_TARGETS
    fpir_targets: Sequence[float] = FPIR_TARGETS
    enrolled_fraction: float = 0.5
    templates_per_person: int = 1
    least_images: int = 1
    threshold_rule: Rule = "middle"
    weighting: Weighting = "equal"
    confidence: float = 0.95
    resamples: int = 400
    seed: int = 0

    def __post_init__(self) -> None:
        """Check what can be checked without the data.

        Raises:
            ConfigurationError: If a setting is out of range.
        """
        for name in ("fmr_targets", "fpir_targets"):
            if not isinstance(getattr(self, name), Sequence) or isinstance(getattr(self, name), str):
                raise ConfigurationError(
                    f"{name} must be a list of rates such as [0.01], not {getattr(self, name)!r}"
                )
        if self.seed < 0:
            raise ConfigurationError(f"seed must be 0 or more, not {self.seed}")
        check_settings((*self.fmr_targets, *self.fpir_targets), self.confidence, self.resamples)

    def to_json(self) -> dict[str, Any]:
        """Return every setting by name, as lists, numbers and texts."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}


DEFAULT: Final = Settings()
