"""Dense pairs: supervised contrast between cells of feature maps, with gaze as the weight."""

from __future__ import annotations

import torch
from torch import nn

from .._errors import number
from .distributed import gather, gather_at, total, world_size
from .gaze_target import checked_maps, counted
from .losses import unit

__all__ = ["CellPairLoss"]


class CellPairLoss(nn.Module):
    """Pulls cells that were looked at together across images, and away from cells that were not.

    ``loss(embeddings, gaze_maps, valid)`` with embeddings (N, D, h, w) of the cells of feature maps, whose
    lengths are normalised inside, and gaze maps (N, 1, H, W) in [0, 1] under the same geometric view.
    ``valid`` (N,) bool marks the images that have gaze; default: all. The weight m of a cell is the map
    averaged to it, and 0 below ``min_gaze``. With the logits l_ij = z_i·z_j / temperature, and j over the
    cells of all *other* images that count, the loss is

        −Σ_ij m_i m_j log softmax(l_i)_j / Σ_ij m_i m_j.

    This is supervised contrastive learning (Khosla et al. 2020, L_out) on cells, whereas McGIP's positives
    are whole images: two cells that were looked at are a positive pair, weighted by the product of their
    gaze; cells without gaze are only negatives. Other cells of the same image are left out: they overlap.

    Images that do not count get a gradient of exactly 0. The loss is 0 if fewer than two images have cells
    that were looked at. Memory grows with (cells that were looked at) × (all cells).

    Parameters
    ----------
    temperature
        Divides similarities, above 0.
    min_gaze
        Cells with less gaze than this, 0 to 1, have the weight 0. Default 0.1: the tails of Gaussians
        reach every cell.
    gather_distributed
        Under ``torch.distributed``, compare a rank's cells with those of all ranks, so that the mean of the
        ranks' losses is the whole batch's. All ranks have to call it, with as many cells per image.

    Raises
    ------
    ValueError
        For other shapes, and for maps of counted images that are not finite or not in [0, 1].

    Examples
    --------
    >>> import torch
    >>> from gazesim.torch import CellPairLoss
    >>> gaze_maps = torch.zeros(2, 1, 4, 4)
    >>> gaze_maps[:, :, :2, :2] = 1
    >>> apart = torch.zeros(2, 2, 2, 2)
    >>> apart[:, 1], apart[:, 0, 0, 0], apart[:, 1, 0, 0] = 1.0, 1.0, 0.0
    >>> alike = torch.ones(2, 2, 2, 2)
    >>> loss = CellPairLoss(temperature=0.2)
    >>> round(float(loss(apart, gaze_maps)), 3), round(float(loss(alike, gaze_maps)), 3)
    (0.02, 1.386)
    """

    def __init__(
        self, temperature: float = 0.2, *, min_gaze: float = 0.1, gather_distributed: bool = False
    ) -> None:
        super().__init__()
        self.temperature = number("temperature", temperature, low=0.0, open_low=True)
        self.min_gaze = number("min_gaze", min_gaze, low=0.0, high=1.0)
        self.gather_distributed = gather_distributed

    def forward(
        self, embeddings: torch.Tensor, gaze_maps: torch.Tensor, valid: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Return the loss, a scalar."""
        valid = checked_maps("embeddings", embeddings, gaze_maps, valid, channels=None)
        with torch.autocast(embeddings.device.type, enabled=False):
            chosen, cells = counted(embeddings, gaze_maps, valid, upper=1.0)
            images, places = len(chosen), cells.shape[2] * cells.shape[3]
            rows = unit(chosen.permute(0, 2, 3, 1).reshape(images * places, chosen.shape[1]))
            weights = cells.flatten() * (cells.flatten() >= self.min_gaze)
            others, first, others_weights = rows, 0, weights
            if self.gather_distributed:
                (others, first), others_weights = gather_at(rows), gather(weights)
            owner = torch.arange(len(others) // places, device=rows.device).repeat_interleave(places)
            anchors = weights > 0
            logits = rows[anchors] @ others.T / self.temperature
            other = owner[first : first + len(rows)][anchors][:, None] != owner
            pairs = weights[anchors][:, None] * others_weights * other
            has_positive = pairs.sum(dim=1) > 0
            logits, pairs, other = logits[has_positive], pairs[has_positive], other[has_positive]
            norm = torch.logsumexp(logits.masked_fill(~other, -torch.inf), dim=1)
            top, bottom = (pairs.sum(dim=1) * norm).sum() - (pairs * logits).sum(), pairs.sum()
            if self.gather_distributed:
                top, bottom = top * world_size(), total(bottom)
            return top / torch.where(bottom > 0, bottom, 1.0)
