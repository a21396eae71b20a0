"""How fast a step is: images a second of a whole training step, ours against the plain way, side by side.

    python benchmarks/bench_training.py [--backbones sfnet20] [--classes 330 10575 85742] [--batch 64] [--rounds 5]

The plain way is float32 with channels first and the whole matrix of logits, as most code does it. Ours is what
``sphereface train`` does: bfloat16 where the processor has it, channels last, the fused head; beside it the
same with the reference head. The rounds are interleaved, so all meet the same machine; ratios are medians over
rounds.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from collections.abc import Callable

import torch

from sphereface.backbones import build_backbone
from sphereface.device import choose_precision
from sphereface.heads import build_head

WAYS = {  # bfloat16 and channels last, implementation of the head
    "plain float32": (False, "reference"),
    "ours, reference head": (True, "reference"),
    "ours": (True, "fused"),
}


def make_step(backbone: str, classes: int, batch: int, fast: bool, implementation: str) -> Callable[[], None]:
    """Return a function that does one step on random images."""
    torch.manual_seed(0)
    precision = choose_precision("auto" if fast else "float32", torch.device("cpu"))
    layout = torch.channels_last if fast else torch.contiguous_format
    network = build_backbone(backbone, batch_norm=True).to(memory_format=layout)
    head = build_head("cosface", num_classes=classes, embedding_dim=512, scale=30.0, implementation=implementation)
    optimiser = torch.optim.SGD([*network.parameters(), *head.parameters()], lr=0.1, momentum=0.9)
    images = torch.randn(batch, 3, 112, 96).to(memory_format=layout)
    labels = torch.randint(0, classes, (batch,))

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
    parser.add_argument("--classes", nargs="+", type=int, default=[330])
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    precision = choose_precision("auto", torch.device("cpu"))
    print(
        f"torch {torch.__version__}, {torch.get_num_threads()} threads, {platform.machine()}, ours in {precision}"
    )
    print(f"{'backbone':10} {'classes':>8} {'way':22} {'images a second':>16} {'to plain':>9}")
    for backbone in options.backbones:
        for classes in options.classes:
            steps = [make_step(backbone, classes, options.batch, *way) for way in WAYS.values()]
            for step in steps:
                step()
            rounds = [[seconds(step) for step in steps] for _ in range(options.rounds)]
            for number, way in enumerate(WAYS):
                typical = statistics.median(times[number] for times in rounds)
                ratio = statistics.median(times[0] / times[number] for times in rounds)
                print(f"{backbone:10} {classes:8} {way:22} {options.batch / typical:16.1f} {ratio:8.2f}x")


if __name__ == "__main__":
    main()
