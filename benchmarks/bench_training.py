"""How fast a step is: images a second of a whole training step, ours against the plain way, side by side.

    python benchmarks/bench_training.py [--backbone sfnet20] [--batch 64] [--rounds 5]

The plain way is float32 with channels first, as most code does it. Ours is what ``sphereface train`` does:
bfloat16 autocast where the processor has it, channels last. The rounds are interleaved, so both meet the same
machine; the ratio is the median over rounds.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from collections.abc import Callable

import torch

from sphereface.backbones import build_backbone
from sphereface.heads import build_head
from sphereface.training.precision import choose_precision

CLASSES = 330


def make_step(backbone: str, batch: int, precision: torch.dtype, channels_last: bool) -> Callable[[], None]:
    """Return a function that does one step on random images."""
    torch.manual_seed(0)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    network = build_backbone(backbone, batch_norm=True).to(memory_format=layout)
    head = build_head("cosface", num_classes=CLASSES, embedding_dim=512, scale=30.0)
    optimiser = torch.optim.SGD([*network.parameters(), *head.parameters()], lr=0.1, momentum=0.9)
    images = torch.randn(batch, 3, 112, 96).to(memory_format=layout)
    labels = torch.randint(0, CLASSES, (batch,))

    def step() -> None:
        with torch.autocast("cpu", dtype=precision, enabled=precision is torch.bfloat16):
            embeddings = network(images)
        loss = head(embeddings, labels).loss
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()

    return step


def seconds(step: Callable[[], None], repeats: int = 2) -> float:
    """Return the wall time of one step."""
    began = time.perf_counter()
    for _ in range(repeats):
        step()
    return (time.perf_counter() - began) / repeats


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backbones", nargs="+", default=["sfnet4", "sfnet20"])
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    precision = choose_precision("auto", torch.device("cpu"))
    print(
        f"torch {torch.__version__}, {torch.get_num_threads()} threads, {platform.machine()}, ours in {precision}"
    )
    print(f"{'backbone':10} {'plain float32':>16} {'ours':>16} {'ratio':>7}")
    for backbone in options.backbones:
        plain = make_step(backbone, options.batch, torch.float32, channels_last=False)
        ours = make_step(backbone, options.batch, precision, channels_last=True)
        for step in (plain, ours):
            step()
        rounds = [(seconds(plain), seconds(ours)) for _ in range(options.rounds)]
        slow, fast = (statistics.median(times) for times in zip(*rounds, strict=True))
        ratio = statistics.median(a / b for a, b in rounds)
        print(f"{backbone:10} {options.batch / slow:9.1f} img/s {options.batch / fast:9.1f} img/s {ratio:6.2f}x")


if __name__ == "__main__":
    main()
