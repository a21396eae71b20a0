"""What a loop of one's own expects of every head, whatever its loss."""

from __future__ import annotations

import pickle
import warnings
from typing import Any

import numpy as np
import pytest
import torch

from sphereface.errors import ConfigurationError
from sphereface.heads import HEADS, Row, Setting, build_head, register_head

SIZES = {"num_classes": 7, "embedding_dim": 5}
CENTRED = [name for name in HEADS if HEADS[name].link != "pairs"]


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(12, 5, generator=generator), torch.arange(12) % 7


def one_step(head: torch.nn.Module) -> None:
    optimiser = torch.optim.SGD(head.parameters(), lr=0.01)
    head(*batch()).loss.backward()
    optimiser.step()
    optimiser.zero_grad()


@pytest.mark.parametrize("name", HEADS)
def test_a_head_can_be_pickled_and_is_the_same_again(name: str) -> None:
    head = build_head(name, **SIZES)
    again = pickle.loads(pickle.dumps(head))
    losses = []
    for each in (head, again):
        torch.manual_seed(0)  # ElasticFace draws
        each.advance(0.5)
        losses.append(each(*batch()).loss)
    assert torch.equal(*losses)


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("arcface", {"margin_ramp": 0.5}, "without the margin's schedule: call"),
        ("a-softmax", {}, "without lambda: call"),
        ("cosface", {"prototypes": "projected"}, "without the projection of the prototypes: call"),
        ("sphereface-r-v1", {"radius": "nfn"}, "without the margin's schedule: call"),
    ],
)
def test_a_loop_that_forgets_the_schedule_is_told_once(name: str, settings: Any, said: str) -> None:
    head, remembers = (build_head(name, **SIZES, **settings) for _ in range(2))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):
            head(*batch())  # no loop: nothing is stepped in between
        for _ in range(3):
            remembers.advance(0.0)
            one_step(remembers)
    one_step(head)
    with pytest.warns(UserWarning, match=said) as caught:
        one_step(head)
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        one_step(head)


@pytest.mark.parametrize("name", ["cosface", "arcface", "softmax", "subcenter-arcface", "simple"])
def test_a_head_without_a_schedule_reminds_nobody(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        head = build_head(name, **SIZES)
        for _ in range(3):
            one_step(head)


@pytest.mark.parametrize("name", HEADS)
def test_cosines_are_those_to_the_prototypes(name: str) -> None:
    head, (x, labels) = build_head(name, **SIZES), batch()
    head.advance(0.5)
    head(x, labels)  # fills a bank
    centres = np.asarray(head.prototypes.detach().double()).reshape(7, -1, 5)
    rows = np.asarray(x.double())
    lengths = np.linalg.norm(centres, axis=2)
    expected = (np.einsum("nd,ckd->nck", rows, centres) / np.where(lengths > 0, lengths, 1.0)).max(axis=2)
    expected /= np.linalg.norm(rows, axis=1)[:, None]
    found = head.cosines(x.requires_grad_())
    np.testing.assert_allclose(found.detach(), expected, atol=1e-6)
    found.sum().backward()
    assert x.grad is not None
    with pytest.raises(ConfigurationError, match="number 0 of 1 is the zero vector"):
        head.cosines(torch.zeros(1, 5))
    with pytest.raises(ConfigurationError, match=r"shape \(N, 5\)"):
        head.cosines(torch.ones(2, 4))


@pytest.mark.parametrize("name", CENTRED)
def test_the_own_angle_is_that_of_the_cosines(name: str) -> None:
    head, (x, labels) = build_head(name, **SIZES), batch()
    head.advance(1.0)
    own = head.cosines(x).gather(1, labels[:, None])[:, 0]
    torch.testing.assert_close(own.detach(), head(x, labels).target_cosine, atol=1e-5, rtol=0.0)


def test_a_loss_over_pairs_says_why_it_has_no_logits() -> None:
    head, (x, labels) = build_head("simple", **SIZES), batch()
    result = head(x, labels)
    assert torch.equal(build_head("simple", **SIZES).losses(x, labels).detach(), result.per_sample)
    with pytest.raises(ConfigurationError, match="SimPLE compares pairs of embeddings and has no logits"):
        head.logits(x, labels)


def test_numbers_of_numpy_are_numbers() -> None:
    labels = np.arange(12) % 7
    head = build_head(
        "subcenter-arcface",
        num_classes=labels.max() + 1,
        embedding_dim=np.int32(5),
        margin=np.float32(0.25),
        scale=np.float64(16.0),
        centres=np.int64(2),
        margin_ramp=np.float32(0.5),
    )
    assert head.prototypes.shape == (7, 2, 5)
    head.advance(np.float32(1.0))
    assert head.schedule_state() == {"margin": 0.25}
    for wrong in (np.True_, np.float32("nan"), "0.5"):
        with pytest.raises(ConfigurationError, match="margin must be a number"):
            build_head("arcface", **SIZES, margin=wrong)
    with pytest.raises(ConfigurationError, match="num_classes must be a whole number of 2 or more"):
        build_head("arcface", num_classes=7.0, embedding_dim=5)


def test_arrays_are_told_from_tensors() -> None:
    head, (x, labels) = build_head("arcface", **SIZES), batch()
    with pytest.raises(ConfigurationError, match="labels must be a torch tensor, not ndarray"):
        head(x, labels.numpy())
    with pytest.raises(ConfigurationError, match="embeddings must be a torch tensor, not ndarray"):
        head(x.numpy(), labels)
    with pytest.raises(ConfigurationError, match="embeddings must be a torch tensor, not ndarray"):
        head.cosines(x.numpy())


@pytest.mark.parametrize(("symbol", "setting"), [("s", "scale"), ("m", "margin")])
def test_the_symbol_of_a_formula_is_no_setting_but_known(symbol: str, setting: str) -> None:
    with pytest.raises(ConfigurationError, match=f"no setting '{symbol}'. Did you mean '{setting}'?"):
        build_head("arcface", **SIZES, **{symbol: 0.5})


def test_printed_a_head_tells_what_it_is() -> None:
    head = build_head("cosface", **SIZES, margin=0.3, scale=16.0)
    assert "CosFace, classes=7, embedding_dim=5, radius=hfn, scale=16.0, margin=0.3, gradient=full" in repr(head)
    assert "SimPLE, classes=7, embedding_dim=5, bank=" in repr(build_head("simple", **SIZES))


def mine(theta: torch.Tensor, m: float) -> torch.Tensor:
    return torch.cos(theta) - m


def test_a_loss_of_ones_own_is_a_row_like_the_others() -> None:
    margin = {"margin": Setting(0.35, 0.0, 1.0)}
    row = Row("Mine", 2026, "nowhere", ("", ""), 30.0, margin, mine, neutral={"margin": 0.0})
    register_head("mine", row)
    try:
        torch.manual_seed(0)
        head = build_head("mine", **SIZES)
        torch.manual_seed(0)
        twin = build_head("cosface", **SIZES, scale=30.0)
        assert torch.equal(head(*batch()).loss, twin(*batch()).loss)
        with pytest.raises(ConfigurationError, match="Did you mean 'margin'"):
            build_head("mine", **SIZES, margn=0.1)
        with pytest.raises(ConfigurationError, match="not taken, not 'mine'"):
            register_head("mine", row)
    finally:
        del HEADS["mine"]
    with pytest.raises(ConfigurationError, match="needs psi or a rule, and not both"):
        register_head("nothing", Row("Nothing", 2026, "nowhere", ("", ""), 30.0))
    assert "nothing" not in HEADS
