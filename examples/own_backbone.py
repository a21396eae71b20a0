"""A network of your own: trained by a recipe, judged, and loaded again by its name.

    python examples/own_backbone.py runs/demo runs/own

Learns a little from the drawn people that ``make demo`` left in the first folder; the second is the new run.
"""

from __future__ import annotations

import sys
from pathlib import Path

from torch import Tensor, nn

from sphereface import load_embedder
from sphereface.backbones import register_backbone
from sphereface.embedder import embed_files
from sphereface.journey import journey
from sphereface.training.recipe import parse_recipe


class Patches(nn.Module):
    """Every patch of 16x16 pixels to 64 numbers, all of them to an embedding."""

    def __init__(self, embedding_dim: int, size: str, width: int) -> None:
        super().__init__()
        height, breadth = map(int, size.split("x"))
        patches = (height // 16) * (breadth // 16)
        self.patches = nn.Sequential(nn.Conv2d(3, width, 16, stride=16), nn.BatchNorm2d(width), nn.PReLU(width))
        self.embedding = nn.Sequential(nn.Linear(width * patches, embedding_dim), nn.BatchNorm1d(embedding_dim))

    def forward(self, images: Tensor) -> Tensor:
        """Map (N, 3, H, W) to raw embeddings (N, d)."""
        out: Tensor = self.embedding(self.patches(images).flatten(1))
        return out


register_backbone("patches", lambda embedding_dim, size, width=64: Patches(embedding_dim, size, width))

faces = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/demo").absolute() / "faces"
folder = Path(sys.argv[2] if len(sys.argv) > 2 else "runs/own")
recipe = parse_recipe(
    {
        "title": "A network of my own",
        "data": {"train": [faces / "learn"], "test": [faces / "judge"]},
        "backbone": {"name": "patches", "settings": {"embedding_dim": 128, "width": 32}},
        "head": {"name": "cosface", "settings": {"scale": 30.0, "margin": 0.2}},
        "training": {"images": 6_400, "batch_size": 64},
    }
)
result = journey(recipe, folder)
eer = result.audit.evaluation.verification.eer
print(f"EER {eer.value:.3f} ({eer.low:.3f} to {eer.high:.3f})")

embedder = load_embedder(folder)  # where 'patches' is registered; the folder holds no code
pictures = sorted((faces / "judge").glob("*/*.jpg"))[:2]
print([face.embedding.shape for face in embed_files(embedder, pictures)])
