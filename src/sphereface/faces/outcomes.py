"""What can become of a picture on its way to an aligned face: each ends in exactly one of these words."""

from __future__ import annotations

from typing import Final, Literal, get_args

DecodingOutcome = Literal["missing", "refused", "undecodable", "too-large"]
"""Why there are no pixels: the ``outcome`` of an :class:`~sphereface.errors.ImageError` of the decoder."""

ChoiceOutcome = Literal["ok", "no-face", "several-faces", "too-small"]
"""What the choice among the faces of a decoded picture came to."""

Outcome = Literal[ChoiceOutcome, "low-quality", "not-aligned", DecodingOutcome]
"""All of them; ``not-aligned`` is a picture that was said to be an aligned crop and cannot be one."""

OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)
