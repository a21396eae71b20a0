"""How a model is judged: the settings of an audit, a section of every recipe."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from sphereface.evaluation.choices import Weighting
from sphereface.evaluation.settings import Settings


class Judgement(BaseModel):
    """How the trained network is judged.

    Attributes:
        images_per_identity: Cap in the all-against-all comparison, so that nobody owns the genuine pairs.
        enrolled_fraction: Share of the people who are enrolled in the open-set search.
        templates_per_person: Pictures enrolled of each.
        least_images: Only people with so many pictures are drawn for enrolment.
        target_fpir: False-positive identification rate of the operating point for searching a gallery.
        target_fmr: False match rate of the operating point for comparing two pictures.
        seed: Of the draws.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    images_per_identity: int = Field(10, ge=2)
    enrolled_fraction: float = Field(0.5, gt=0.0, lt=1.0)
    templates_per_person: int = Field(1, ge=1)
    least_images: int = Field(1, ge=1)
    target_fpir: float = Field(0.01, gt=0.0, lt=1.0)
    target_fmr: float = Field(0.001, gt=0.0, lt=1.0)
    seed: int = Field(0, ge=0, lt=2**63)

    def evaluation_settings(self, weighting: Weighting = "equal") -> Settings:
        """Return what of it an evaluation takes, and how templates are pooled in it."""
        return Settings(
            weighting=weighting,
            images_per_identity=self.images_per_identity,
            enrolled_fraction=self.enrolled_fraction,
            templates_per_person=self.templates_per_person,
            least_images=self.least_images,
            seed=self.seed,
        )
