"""Enrol two people and name a third picture, or call it unknown.

    python examples/gallery_from_python.py runs/demo

Uses the drawn people that ``make demo`` left in the run folder.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from sphereface import load_embedder, open_gallery
from sphereface.checkpoint import load_card
from sphereface.embedder import embed_files

run = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/demo")
people = sorted((run / "faces" / "enrol").iterdir())
embedder, card = load_embedder(run), load_card(run)
point = card.point("fpir")
if point is None:  # nobody is identified without a measured threshold
    raise SystemExit("this model has no operating point: run sphereface evaluate --store with more people")

with (
    tempfile.TemporaryDirectory() as folder,
    open_gallery(
        Path(folder) / "people.db", fingerprint=embedder.fingerprint, dimension=embedder.dimension
    ) as gallery,
):
    for home in [home for home in people if home.is_dir()][:2]:
        faces = embed_files(embedder, sorted(home.glob("*.jpg"))[:3])
        gallery.enroll(home.name, [face.embedding for face in faces])
    for home in [home for home in people if home.is_dir()][:3]:
        probe = embed_files(embedder, sorted(home.glob("*.jpg"))[3:4])[0]
        answer = gallery.identify(probe.embedding, point)[0]
        print(f"{home.name} is taken for {answer.name or 'unknown'} (score {answer.score:.3f})")
print(point.describe())
