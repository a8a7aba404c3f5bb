"""Contrastive losses with weighted pairs: sum(W * loss of a pair) / sum(W) (McGIP, equation 4).

With W the identity, or without W, each is the loss of the plain framework. The losses do not depend on gaze
itself. Sums are in float32 or better, also under autocast.

The parameter ``reduction`` decides how much rows with more positives weigh:

- ``"pairs"`` (default, McGIP's equation 4): the weighted mean over all pairs of the batch. A row with
  three positives weighs three times as much as a row with one.
- ``"rows"`` (as supervised contrastive learning has it, Khosla et al. 2020): first the weighted mean of
  each row, then the mean over the rows that have a weight above 0. Every such row weighs the same.

Both are equal if every row has the same sum of weights, as without W.

Embeddings that are not finite give a loss that is not finite. W has to be a tensor of finite weights of at
least 0, at least one of them above 0; anything else raises an error.

``gather_distributed=True`` compares a rank's rows with the rows of all ranks: W is then (N, all), as
``mask(ids, gather_ids(ids))`` gives it. The mean over ranks of losses and gradients, which is what
DistributedDataParallel forms, is that of the whole batch on one device.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from .._errors import choice, describe, number
from ..pair_rules import POSITIVES, REDUCTIONS
from .distributed import gather, gather_at, total, world_size

__all__ = ["CosinePairLoss", "InfoNCEPairLoss", "NTXentPairLoss"]


class CosinePairLoss(nn.Module):
    """Negative cosine of predictions and projections (BYOL, SimSiam), one direction.

    ``loss(p, z, weights=W)`` with p (N, D) the predictions of one view, z (N, D) the projections of
    the other, from which no gradient flows, and W (N, N). Symmetric training averages two calls.
    With the cosines c = p·z of unit rows, the loss is −Σ_ij W_ij c_ij / Σ_ij W_ij (``"pairs"``), or the
    mean over rows of −Σ_j W_ij c_ij / Σ_j W_ij (``"rows"``).

    Parameters
    ----------
    reduction
        How rows with more positives weigh: ``"pairs"``, more; ``"rows"``, as much as any other.
    gather_distributed
        Under ``torch.distributed``, compare this rank's rows with those of all ranks; W is then
        (N, all), as ``mask(ids, gather_ids(ids))`` gives it. Default: this rank's alone.

    Examples
    --------
    >>> import torch
    >>> from gazesim.torch import CosinePairLoss
    >>> p, z = torch.eye(2), torch.eye(2)
    >>> float(CosinePairLoss()(p, z)), float(CosinePairLoss()(p, z, weights=torch.ones(2, 2)))
    (-1.0, -0.5)
    """

    def __init__(self, *, reduction: str = "pairs", gather_distributed: bool = False) -> None:
        super().__init__()
        self.reduction = choice("reduction", reduction, REDUCTIONS)
        self.gather_distributed = gather_distributed

    def forward(self, p: torch.Tensor, z: torch.Tensor, weights: torch.Tensor | None = None) -> torch.Tensor:
        """Return the loss, a scalar."""
        _same_shape("p", p, "z", z)
        with _without_autocast(p):
            p, z = unit(p), unit(z.detach())
            if weights is None:
                own = p.new_ones(len(p))
                return self._reduced(-(p * z).sum(dim=1), own)
            z = gather(z) if self.gather_distributed else z
            weights = _weights(weights, p, len(z))
            return self._reduced(-(p * (weights @ z)).sum(dim=1), weights.sum(dim=1))

    def _reduced(self, loss: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return _reduced(loss, weight, self.reduction, self.gather_distributed)


class InfoNCEPairLoss(nn.Module):
    """InfoNCE over a queue (MoCo), with keys of similar gaze as additional positives.

    ``loss(q, k, queue=Q, weights=W)`` with q (N, D) the queries, k (N, D) the keys of the same
    images, Q (K, D) the queue and W (N, K) over the queue; lengths are normalised inside. With the
    logits l = [q·k, q·Q] / temperature and the labels Y = [1, W] of a row:

    - ``positives="outside"`` (default, McGIP): −Σ_ij Y_ij log softmax(l_i)_j / Σ_ij Y_ij with
      ``reduction="pairs"``, and the mean over rows of −Σ_j Y_ij log softmax(l_i)_j / Σ_j Y_ij with
      ``"rows"``. The sum over positives is outside of the logarithm (L_out of Khosla et al. 2020): every
      positive is pulled, and the positives of a row compete with each other in the softmax.
    - ``positives="inside"``: the mean over rows of −log Σ_j Y_ij softmax(l_i)_j (L_in of Khosla et al.,
      without the constant ``1/|P|``; MIL-NCE of Miech et al. 2020). One positive that is near is enough.
      Every row has one term, so ``reduction`` makes no difference.

    Parameters
    ----------
    temperature
        Divides similarities, above 0; 0.2 in MoCo v2.
    positives
        Whether the sum over the positives of a row is ``"outside"`` of the logarithm or ``"inside"``.
    reduction
        How rows with more positives weigh: ``"pairs"``, more; ``"rows"``, as much as any other.
    gather_distributed
        Under ``torch.distributed``, divide by the mean Σ labels of all ranks in place of this rank's, so
        that the mean of the ranks' losses is the whole batch's. W stays (N, K): a :class:`GazeQueue` holds
        the keys of all ranks.

    Examples
    --------
    >>> import torch
    >>> from gazesim.torch import InfoNCEPairLoss
    >>> q = k = torch.eye(2)
    >>> round(float(InfoNCEPairLoss(1.0)(q, k, queue=-k)), 4) == round(float(torch.log(1 + torch.exp(
    ...     torch.tensor([-1.0, -2.0])).sum())), 4)
    True
    """

    def __init__(
        self,
        temperature: float = 0.2,
        *,
        positives: str = "outside",
        reduction: str = "pairs",
        gather_distributed: bool = False,
    ) -> None:
        super().__init__()
        self.temperature = number("temperature", temperature, low=0.0, open_low=True)
        self.positives = choice("positives", positives, POSITIVES)
        self.reduction = choice("reduction", reduction, REDUCTIONS)
        self.gather_distributed = gather_distributed

    def forward(
        self,
        q: torch.Tensor,
        k: torch.Tensor,
        *,
        queue: torch.Tensor,
        weights: torch.Tensor | None = None,
        ignore: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Return the loss, a scalar.

        ``ignore`` (N, K) bool, such as :meth:`GazeQueue.own_keys`, marks keys of the queue that are
        neither positives nor negatives of a row: they are left out of its softmax.
        """
        _same_shape("q", q, "k", k)
        if queue.ndim != 2 or queue.shape[1] != q.shape[1]:
            raise ValueError(f"queue has shape {tuple(queue.shape)}; expected (K, {q.shape[1]})")
        with _without_autocast(q):
            q, k, queue = unit(q), unit(k), unit(queue.to(q.device))
            own = (q * k).sum(dim=1) / self.temperature
            others = q @ queue.T.to(q.dtype) / self.temperature
            if weights is not None:
                weights = _weights(weights, q, len(queue))
            left = others
            if ignore is not None:
                ignore = _mask(ignore, q, len(queue))
                # Added, not filled in: a key that is not finite then still shows in the loss.
                left = others + torch.zeros_like(others).masked_fill(ignore, -torch.inf)
                weights = None if weights is None else weights.masked_fill(ignore, 0.0)
            norm = torch.logsumexp(torch.cat([own[:, None], left], dim=1), dim=1)
            labels = torch.ones_like(own)
            if weights is None:
                loss = norm - own
            elif self.positives == "inside":
                pulled = torch.cat([own[:, None], others + weights.log()], dim=1)
                loss = norm - torch.logsumexp(pulled, dim=1)
            else:
                loss = norm - own + weights.sum(dim=1) * norm - (weights * others).sum(dim=1)
                labels = labels + weights.sum(dim=1)
            return _reduced(loss, labels, self.reduction, self.gather_distributed)


class NTXentPairLoss(nn.Module):
    """NT-Xent (SimCLR), with both views of images with similar gaze as additional positives.

    ``loss(z0, z1, weights=W)`` with z0 and z1 (N, D) the projections of the two views and W (N, N).
    Each of the 2N views is compared with the 2N − 1 others; W holds for all four combinations of
    views, an embedding with itself excepted. With V the weights of the 2N rows, the loss is
    −Σ_ij V_ij log softmax(l_i)_j / Σ_ij V_ij (``"pairs"``), or the mean over rows of
    −Σ_j V_ij log softmax(l_i)_j / Σ_j V_ij (``"rows"``: L_out of Khosla et al. 2020).

    Parameters
    ----------
    temperature
        Divides similarities, above 0.
    reduction
        How rows with more positives weigh: ``"pairs"``, more; ``"rows"``, as much as any other.
    gather_distributed
        Under ``torch.distributed``, compare this rank's views with those of all ranks; W is then
        (N, all), as ``mask(ids, gather_ids(ids))`` gives it. Default: this rank's alone.

    Examples
    --------
    >>> import torch
    >>> from gazesim.torch import NTXentPairLoss
    >>> z = torch.eye(2)
    >>> round(float(NTXentPairLoss(1.0)(z, z)), 4)
    0.5514
    """

    def __init__(
        self, temperature: float = 0.5, *, reduction: str = "pairs", gather_distributed: bool = False
    ) -> None:
        super().__init__()
        self.temperature = number("temperature", temperature, low=0.0, open_low=True)
        self.reduction = choice("reduction", reduction, REDUCTIONS)
        self.gather_distributed = gather_distributed

    def forward(
        self, z0: torch.Tensor, z1: torch.Tensor, weights: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Return the loss, a scalar."""
        _same_shape("z0", z0, "z1", z1)
        with _without_autocast(z0):
            z0, z1 = unit(z0), unit(z1)
            start, all0, all1 = 0, z0, z1
            if self.gather_distributed:
                (all0, start), all1 = gather_at(z0), gather(z1)
            rows, count = len(z0), len(all0)
            own = torch.arange(rows, device=z0.device) + start
            if weights is None:
                weights = F.one_hot(own, max(count, 1))[:, :count]
            weights = _weights(weights, z0, count).repeat(2, 2)
            logits = torch.cat([z0, z1]) @ torch.cat([all0, all1]).T / self.temperature
            itself = torch.zeros_like(logits, dtype=torch.bool)
            itself[torch.arange(2 * rows, device=z0.device), torch.cat([own, own + count])] = True
            weights = weights.masked_fill(itself, 0.0)
            norm = torch.logsumexp(logits.masked_fill(itself, -torch.inf), dim=1)
            labels = weights.sum(dim=1)
            loss = labels * norm - (weights * logits).sum(dim=1)
            return _reduced(loss, labels, self.reduction, self.gather_distributed)


def _reduced(loss: torch.Tensor, weight: torch.Tensor, reduction: str, distributed: bool) -> torch.Tensor:
    """Return the mean of row losses (N,), given their weights (N,); ``distributed``: over all ranks.

    A row's loss is the weighted sum over its pairs.
    """
    if reduction == "rows":
        has_weight = weight > 0
        # A row without weights has no mean, but numbers in it that are not finite still show in the loss.
        loss, weight = loss / torch.where(has_weight, weight, 1.0), has_weight.to(weight.dtype)
    top, bottom = loss.sum(), weight.sum()
    rows = bottom.new_tensor(float(len(loss)))
    if distributed:
        top, bottom, rows = top * world_size(), total(bottom), total(rows)
    if rows > 0 and bottom == 0:
        raise ValueError("weights is 0 for all pairs; expected at least one positive weight in the batch")
    return top / bottom.clamp_min(torch.finfo(bottom.dtype).tiny)


def unit(rows: torch.Tensor) -> torch.Tensor:
    """Return the rows with length 1, in float32 or better.

    Rows of zeros stay zero, without gradient. A row that is not finite, or has no finite length, becomes NaN.
    """
    rows = rows.float() if rows.dtype in (torch.float16, torch.bfloat16) else rows
    length = torch.linalg.vector_norm(rows.detach(), dim=1, keepdim=True)
    if rows.requires_grad:
        rows = torch.where(length <= 1e-8, 0.0, rows)
    return F.normalize(torch.where(length.isinf(), torch.nan, rows), dim=1)


def _weights(weights: torch.Tensor, like: torch.Tensor, columns: int) -> torch.Tensor:
    """Return the weights in the type and on the device of the embeddings, after checking them."""
    _refuse_other_shape("weights", weights, like, columns)
    if weights.dtype != torch.bool:
        wrong = ~(weights >= 0) | weights.isinf()
        if wrong.any():
            row, column = wrong.nonzero()[0].tolist()
            raise ValueError(
                f"weights: [{row}, {column}] is {float(weights[row, column]):g}; expected a finite weight of "
                "at least 0"
            )
    return weights.to(like.device, like.dtype)


def _mask(ignore: torch.Tensor, like: torch.Tensor, columns: int) -> torch.Tensor:
    _refuse_other_shape("ignore", ignore, like, columns)
    if ignore.dtype != torch.bool:
        raise TypeError(f"ignore has dtype {ignore.dtype}; expected torch.bool")
    return ignore.to(like.device)


def _refuse_other_shape(name: str, given: torch.Tensor, like: torch.Tensor, columns: int) -> None:
    expected = (len(like), columns)
    if not isinstance(given, torch.Tensor):
        raise TypeError(f"{name} is {describe(given)}; expected a torch tensor of shape {expected}")
    if given.shape != expected:
        raise ValueError(f"{name} has shape {tuple(given.shape)}; expected {expected}")
    if given.is_complex():
        raise TypeError(f"{name} has dtype {given.dtype}; expected real numbers")


def _same_shape(first: str, a: torch.Tensor, second: str, b: torch.Tensor) -> None:
    for name, part in ((first, a), (second, b)):
        if not isinstance(part, torch.Tensor):
            raise TypeError(f"{name} is {describe(part)}; expected a tensor (N, D)")
    if a.ndim != 2 or a.shape != b.shape:
        shapes = f"{first} has shape {tuple(a.shape)}, {second} {tuple(b.shape)}"
        raise ValueError(f"{shapes}; expected (N, D) for both")


def _without_autocast(tensor: torch.Tensor) -> torch.autocast:
    return torch.autocast(tensor.device.type, enabled=False)
