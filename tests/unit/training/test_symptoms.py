"""A loss that does not move is explained in words, once, and one that falls is not."""

from __future__ import annotations

import math

import pytest
import torch

from sphereface.heads import MarginHead, build_head
from sphereface.heads.table import HEADS
from sphereface.training.symptoms import Watch, symptom


@pytest.mark.parametrize("name", [name for name, row in HEADS.items() if row.link != "pairs"])
@pytest.mark.parametrize("settings", [{}, {"loss_weight": 7.0}])
def test_the_chance_loss_is_that_of_embeddings_beside_all_prototypes(
    name: str, settings: dict[str, float]
) -> None:
    """Measured: prototypes in a plane, embeddings nearly at right angles to it, of vanishing norm under nfn."""
    torch.manual_seed(1)
    head = build_head(name, num_classes=7, embedding_dim=3, **settings).eval()
    assert isinstance(head, MarginHead)
    with torch.no_grad():
        head.prototypes[..., 2] = 0.0
        x = torch.cat([1e-3 * torch.randn(4000, 2), torch.ones(4000, 1)], dim=1)
        x *= 1e-6 if head.kind == "nfn" else head.scale
        lonely = head(x, torch.arange(4000) % 7).per_sample.mean().item()
    assert head.chance_loss() == pytest.approx(lonely, rel=0.04)  # an easy margin is on or off by chance


def test_without_a_margin_chance_is_ln_c() -> None:
    head = build_head("normface", num_classes=10_575, embedding_dim=4)
    assert isinstance(head, MarginHead)
    assert head.chance_loss() == pytest.approx(math.log(10_575))


@pytest.mark.parametrize(
    ("losses", "chance", "words"),
    [
        ([9.26, 9.27, 9.25, 9.27, 9.26], math.log(10_575), "pure chance gives .9.27."),
        ([87.3365] * 5, 9.27, r"-ln\(1.2e-38\).*Lower the scale"),
        ([69.0776] * 5, 9.27, r"-ln\(1e-30\).*labels are whole numbers"),
    ],
)
def test_each_level_has_its_explanation(losses: list[float], chance: float, words: str) -> None:
    import re

    assert re.search(words, symptom(losses, [chance] * 5))


@pytest.mark.parametrize(
    "losses",
    [[9.27, 9.2, 9.0, 8.8, 8.5], [4.0, 4.1, 3.9, 4.0, 4.1], [9.27] * 4, [9.27, 9.27, math.nan, 9.27, 9.27]],
)
def test_a_loss_that_falls_or_stands_elsewhere_is_left_alone(losses: list[float]) -> None:
    assert symptom(losses, [math.log(10_575)] * len(losses)) == ""


def test_a_loss_that_follows_a_growing_margin_is_still_chance() -> None:
    chances = [5.8, 7.0, 8.2, 9.4, 10.6]
    assert "pure chance" in symptom([level + 0.01 for level in chances], chances)


def test_the_watch_speaks_once() -> None:
    head = build_head("normface", num_classes=50, embedding_dim=3, scale=1e-3)  # every class equally likely
    watch = Watch()
    result = head(torch.randn(8, 3), torch.arange(8))
    remarks = [watch(result, head) for _ in range(12)]
    assert [bool(remark) for remark in remarks] == [False] * 4 + [True] + [False] * 7
