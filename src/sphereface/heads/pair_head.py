"""PairHead: a loss over pairs of embeddings, with the last ones of earlier batches kept to compare with."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sphereface.errors import ConfigurationError
from sphereface.heads.batch import wide_batch, without_autocast
from sphereface.heads.checks import check_number, check_weights
from sphereface.heads.prototypes import cosines
from sphereface.heads.row import Row
from sphereface.heads.seen import HeadResult
from sphereface.heads.softplus import softplus
from sphereface.sphere.geometry import angle, length, unit

_NOBODY = -1


class PairHead(nn.Module):
    """SimPLE: binary cross-entropy over all pairs of the batch with itself and with the bank.

    The score of a pair is x.y - b_theta |x| |y|. With bias b and sharpness r, genuine pairs give
    softplus(-(score - m + b) / r), impostor pairs softplus((score + m + b) r); the loss is
    alpha mean(genuine) + (1 - alpha) mean(impostor). A kind of pair that the batch does not have counts 0.

    Attributes:
        bias: b, ().
        bank: Earlier embeddings, (B, d), with ``bank_labels`` (B,), -1 where nothing is kept yet. Both are in
            the state that is saved.
    """

    bank: Tensor
    bank_labels: Tensor
    place: Tensor

    def __init__(
        self,
        row: Row,
        *,
        num_classes: int,
        embedding_dim: int,
        values: tuple[float, ...],
        loss_weight: float | None,
    ) -> None:
        super().__init__()
        self.row, self.num_classes, self.loss_weight = row, num_classes, loss_weight
        self.b_theta, self.balance, self.sharpness, self.margin, first_bias, size = values
        self.bias = nn.Parameter(torch.tensor(float(first_bias)))
        self.register_buffer("bank", torch.zeros(int(size), embedding_dim))
        self.register_buffer("bank_labels", torch.full((int(size),), _NOBODY))
        self.register_buffer("place", torch.zeros((), dtype=torch.int64))

    @property
    def prototypes(self) -> Tensor:
        """Mean direction of every class in the bank, (C, d); zero for those who are not in it."""
        kept = self.bank_labels >= 0
        sums = torch.zeros(self.num_classes, self.bank.shape[1], dtype=self.bank.dtype, device=self.bank.device)
        sums.index_add_(0, self.bank_labels[kept], unit(self.bank[kept]))
        directions: Tensor = unit(sums)
        return directions

    def forward(self, embeddings: Tensor, labels: Tensor, weights: Tensor | None = None) -> HeadResult:
        """Compute the loss of a batch, then put it into the bank.

        Args:
            embeddings: Raw embeddings (N, d), any length but zero.
            labels: Class of each, (N,), int64 in [0, C).
            weights: What each sample's share of the loss is multiplied by, (N,), not negative; None is 1.

        Raises:
            ConfigurationError: As ``MarginHead.forward``.
        """
        with without_autocast(embeddings):
            x, _ = wide_batch(embeddings, labels, self.num_classes, self.bank.shape[1], self.bank)
            check_weights(weights, len(x))
            theta: Tensor = angle(x.detach(), self._own_means(labels).to(x))
            per_sample = self._per_sample(x, labels)
        self._keep(x.detach(), labels)
        loss = (per_sample if weights is None else per_sample * weights.to(per_sample)).sum()
        if self.loss_weight is not None:
            loss = loss * self.loss_weight
        return HeadResult(loss, per_sample.detach() * len(x), theta)

    def losses(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Return N times each sample's share of the loss, (N,), to be differentiated; the bank stays as it is.

        Arguments and errors are those of ``forward``; ``loss_weight`` is not in it.
        """
        with without_autocast(embeddings):
            x, _ = wide_batch(embeddings, labels, self.num_classes, self.bank.shape[1], self.bank)
            return self._per_sample(x, labels) * len(x)

    def cosines(self, embeddings: Tensor) -> Tensor:
        """Return the cosine of every embedding to the mean of every class in the bank, (N, C), 0 without one.

        Args:
            embeddings: Raw embeddings (N, d), any length but zero.

        Raises:
            ConfigurationError: If the shape does not fit, or an embedding is not finite or zero.
        """
        return cosines(embeddings, self.prototypes)

    def logits(self, embeddings: Tensor, labels: Tensor, *, differentiable: bool = False) -> Tensor:
        """Refuse: a loss over pairs has no logit for each class.

        Raises:
            ConfigurationError: Always.
        """
        raise ConfigurationError(
            f"{self.row.title} compares pairs of embeddings and has no logits: head.cosines(embeddings) compares "
            "them with the classes in its bank"
        )

    @torch.no_grad()
    def _own_means(self, labels: Tensor) -> Tensor:
        """Return the mean direction of each sample's class in the bank, (N, d)."""
        kept = self.bank_labels >= 0
        same = (labels[:, None] == self.bank_labels[kept][None, :]).to(self.bank.dtype)
        means: Tensor = same @ unit(self.bank[kept])
        return means

    def chance_loss(self) -> None:
        """Return None: what pure chance gives depends on the lengths of the embeddings."""

    @torch.no_grad()
    def advance(self, progress: float) -> None:
        """Check the progress; this loss has no schedule.

        Raises:
            ConfigurationError: If ``progress`` is not in [0, 1].
        """
        check_number("progress", progress, 0.0, 1.0)

    def schedule_state(self) -> dict[str, float]:
        """Return the bias, for the journal."""
        return {"bias": float(self.bias.detach())}

    def extra_repr(self) -> str:
        """Return name and sizes, for ``print``."""
        bank, width = self.bank.shape
        return f"{self.row.title}, classes={self.num_classes}, embedding_dim={width}, bank={bank}"

    def _per_sample(self, x: Tensor, labels: Tensor) -> Tensor:
        """Return each sample's share of the loss, (N,)."""
        kept = self.bank_labels >= 0
        keys = torch.cat([x.detach(), self.bank[kept].to(x)])
        key_labels = torch.cat([labels, self.bank_labels[kept]])
        scores = x @ keys.T - self.b_theta * length(x)[:, None] * length(keys)[None, :] + self.bias.to(x)
        same = labels[:, None] == key_labels[None, :]
        itself = torch.zeros_like(same)
        itself[:, : len(x)].fill_diagonal_(True)
        genuine, impostor = same & ~itself, ~same
        at_genuine = softplus(-(scores - self.margin) / self.sharpness) * genuine
        at_impostor = softplus((scores + self.margin) * self.sharpness) * impostor
        return self.balance * at_genuine.sum(dim=1) / genuine.sum().clamp(min=1) + (
            1.0 - self.balance
        ) * at_impostor.sum(dim=1) / impostor.sum().clamp(min=1)

    @torch.no_grad()
    def _keep(self, x: Tensor, labels: Tensor) -> None:
        size = len(self.bank)
        if not self.training or size == 0:
            return
        x, labels = x[-size:], labels[-size:]
        places = (self.place + torch.arange(len(x), device=x.device)) % size
        self.bank[places] = x.to(self.bank.dtype)
        self.bank_labels[places] = labels
        self.place.copy_((self.place + len(x)) % size)
