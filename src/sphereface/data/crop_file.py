"""An aligned face as a file, and what is written down of it."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from typing import Any, Final

from sphereface.faces.opencv import cv2
from sphereface.faces.reading import AlignedFace

CROP_SUFFIX: Final = ".png"  # without loss: a crop gives the same embedding as the picture it was made from


def crop_file(face: AlignedFace, name: str) -> tuple[bytes, dict[str, Any]]:
    """Return the content of a face's file, and as plain values where the face was found and how good it is.

    Args:
        face: To be written.
        name: Of the file, as it is to be written down.
    """
    content = cv2.imencode(CROP_SUFFIX, face.crop[..., ::-1])[1].tobytes()
    facts: dict[str, Any] = {}
    if (found := face.detection) is not None:
        facts["box"] = [round(value, 2) for value in (found.x, found.y, found.width, found.height)]
        facts["score"] = round(found.score, 4)
        facts["landmarks"] = found.landmarks.round(2).tolist()
    if face.quality is not None:
        facts["quality"] = {key: round(value, 4) for key, value in asdict(face.quality).items()}
    facts |= {"crop": name, "crop_bytes": len(content), "crop_sha256": hashlib.sha256(content).hexdigest()}
    return content, facts
