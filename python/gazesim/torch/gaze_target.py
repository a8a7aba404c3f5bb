"""A loss for predicting where people looked: logits per cell against gaze maps."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from .._errors import choice, describe
from ..pair_rules import GAZE_LOSSES
from .distributed import total, world_size

__all__ = ["GazeTargetLoss"]


class GazeTargetLoss(nn.Module):
    """Compares a network's gaze logits with gaze maps, averaged to the cells of the logits.

    ``loss(logits, gaze_maps, valid)`` with the logits l (N, 1, h, w) of a 1x1 convolution on feature maps
    and gaze maps (N, 1, H, W) under the same geometric view as the images. ``valid`` (N,) bool marks the
    images that have gaze; default: all. The loss is the mean over images that count. Images that do not
    count get a gradient of exactly 0, whatever their maps hold. Without any image that counts it is 0.

    With t the map averaged to cells, p = t / Σt and K = h·w cells, an image costs

    - ``"bce"`` (default): the mean over cells of binary cross-entropy of sigmoid(l) and t;
    - ``"kl"``: Σ p (log p − log softmax(l)), the divergence of the prediction from the gaze density;
    - ``"mse"``: the mean over cells of (sigmoid(l) − t)²;
    - ``"nss"``: −Σ p (l − mean l) / std l, the negative normalised scanpath saliency of the logits (Peters
      et al. 2005) with gaze density for fixations. std has the divisor K.

    For ``"bce"`` and ``"mse"`` maps have to be in [0, 1], such as a map divided by its maximum over the
    whole image: a view without gaze then says that nobody looked there. ``"kl"`` and ``"nss"`` have no value
    for a view without gaze, which does not count.

    Parameters
    ----------
    kind
        "bce", "kl", "mse" or "nss".
    gather_distributed
        Under ``torch.distributed``, divide by the mean number of counted images over ranks, so that the mean
        of the ranks' losses is the whole batch's. All ranks have to call it.

    Raises
    ------
    ValueError
        For other shapes, and for maps of counted images that are negative, not finite, or above 1 where
        that matters.

    Examples
    --------
    >>> import torch
    >>> from gazesim.torch import GazeTargetLoss
    >>> logits = torch.zeros(2, 1, 2, 2, requires_grad=True)
    >>> gaze_maps = torch.zeros(2, 1, 8, 8)
    >>> gaze_maps[0, 0, :4, :4] = 1
    >>> loss = GazeTargetLoss("bce")(logits, gaze_maps, valid=torch.tensor([True, False]))
    >>> loss.backward()
    >>> round(float(loss.detach()), 4), logits.grad[0, 0].tolist(), float(logits.grad[1].abs().max())
    (0.6931, [[-0.125, 0.125], [0.125, 0.125]], 0.0)
    """

    def __init__(self, kind: str = "bce", *, gather_distributed: bool = False) -> None:
        super().__init__()
        self.kind = choice("kind", kind, GAZE_LOSSES)
        self.gather_distributed = gather_distributed

    def forward(
        self, logits: torch.Tensor, gaze_maps: torch.Tensor, valid: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Return the loss, a scalar."""
        valid = checked_maps("logits", logits, gaze_maps, valid, channels=1)
        with torch.autocast(logits.device.type, enabled=False):
            logits, cells = counted(logits, gaze_maps, valid, upper=1.0 if self._is_bounded else None)
            if not self._is_bounded:
                has_gaze = cells.sum(dim=(1, 2, 3)) > 0
                logits, cells = logits[has_gaze], cells[has_gaze]
            # An empty sum, with its graph: so every rank has a gradient for every weight.
            top = self._per_image(logits.flatten(1), cells.flatten(1)).sum()
            count = top.new_tensor(float(len(logits)))
            if self.gather_distributed:
                top, count = top * world_size(), total(count)
            return top / count.clamp_min(1.0)

    @property
    def _is_bounded(self) -> bool:
        return self.kind in ("bce", "mse")

    def _per_image(self, logits: torch.Tensor, cells: torch.Tensor) -> torch.Tensor:
        """Return the cost (n,) of logits (n, K) for maps averaged to cells (n, K)."""
        if self.kind == "bce":
            return F.binary_cross_entropy_with_logits(logits, cells, reduction="none").mean(dim=1)
        if self.kind == "mse":
            return (logits.sigmoid() - cells).square().mean(dim=1)
        density = cells / cells.sum(dim=1, keepdim=True)
        if self.kind == "kl":
            return (torch.xlogy(density, density) - density * logits.log_softmax(dim=1)).sum(dim=1)
        centred = logits - logits.mean(dim=1, keepdim=True)
        # The square root has no gradient at 0; equal logits score 0.
        variance = centred.square().mean(dim=1, keepdim=True)
        return -(density * centred / (variance + torch.finfo(variance.dtype).eps).sqrt()).sum(dim=1)


def checked_maps(
    name: str,
    outputs: torch.Tensor,
    gaze_maps: torch.Tensor,
    valid: torch.Tensor | None,
    channels: int | None,
) -> torch.Tensor:
    """Return ``valid`` (N,), after checking outputs (N, C, h, w) and maps (N, 1, H, W)."""
    for what, value in ((name, outputs), ("gaze_maps", gaze_maps)):
        if not isinstance(value, torch.Tensor):
            raise TypeError(f"{what} is {describe(value)}; expected a tensor of four dimensions")
    expected = f"(N, {'D' if channels is None else channels}, h, w)"
    if outputs.ndim != 4 or channels not in (None, outputs.shape[1]):
        raise ValueError(f"{name} has shape {tuple(outputs.shape)}; expected {expected}")
    if gaze_maps.ndim != 4 or gaze_maps.shape[:2] != (len(outputs), 1):
        raise ValueError(
            f"gaze_maps has shape {tuple(gaze_maps.shape)}; expected ({len(outputs)}, 1, H, W), one map for "
            f"each of {len(outputs)} images"
        )
    if any(
        have < need or need < 1 for have, need in zip(gaze_maps.shape[2:], outputs.shape[2:], strict=True)
    ):
        raise ValueError(
            f"gaze_maps has shape {tuple(gaze_maps.shape)} and {name} {tuple(outputs.shape)}; expected maps "
            "of at least as many rows and columns, which are averaged to cells"
        )
    if valid is None:
        return torch.ones(len(outputs), dtype=torch.bool, device=outputs.device)
    if not isinstance(valid, torch.Tensor) or valid.shape != (len(outputs),) or valid.dtype != torch.bool:
        kind = f", {valid.dtype}" if isinstance(valid, torch.Tensor) else ""
        raise ValueError(
            f"valid is {describe(valid)}{kind}; expected a bool tensor of shape ({len(outputs)},)"
        )
    return valid.to(outputs.device)


def counted(
    outputs: torch.Tensor, gaze_maps: torch.Tensor, valid: torch.Tensor, *, upper: float | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the outputs of valid images, in float32 or better, and their maps averaged to cells."""
    chosen, maps = outputs[valid], gaze_maps.to(outputs.device)[valid]
    chosen = chosen if chosen.dtype == torch.float64 else chosen.float()
    bad = ~maps.isfinite() | (maps < 0) | (maps > (torch.inf if upper is None else upper + 1e-4))
    if bad.any():
        at, _, row, column = bad.nonzero()[0].tolist()
        sample = int(valid.nonzero()[at])
        bound = "of at least 0" if upper is None else "from 0 to 1: divide a map by its maximum"
        raise ValueError(
            f"gaze_maps: sample {sample}, row {row}, column {column} is {float(maps[at, 0, row, column]):g}; "
            f"expected a finite number {bound}"
        )
    maps = maps.to(chosen.dtype)
    cells = F.adaptive_avg_pool2d(maps, (chosen.shape[2], chosen.shape[3]))
    return chosen, cells if upper is None else cells.clamp_max(upper)
